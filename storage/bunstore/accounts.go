package bunstore

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateAccount is described at [storage.Accounts].
func (s *Store) CreateAccount(ctx context.Context, a storage.Account) error {
	row, err := newAccountRow(a)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, a.CustomerID, &row)
}

// Account is described at [storage.Accounts].
func (s *Store) Account(ctx context.Context, customer storage.CustomerID) (storage.Account, error) {
	if err := checkText("customer", string(customer)); err != nil {
		return storage.Account{}, err
	}
	row := accountRow{CustomerID: customer}
	if err := s.read.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return storage.Account{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// UpdateAccount is described at [storage.Accounts].
func (s *Store) UpdateAccount(ctx context.Context, customer storage.CustomerID, change func(*storage.Account) error) (storage.Account, error) {
	if err := checkText("customer", string(customer)); err != nil {
		return storage.Account{}, err
	}
	row := accountRow{CustomerID: customer}
	err := s.update(ctx, &row, func() error {
		a := row.record()
		if err := change(&a); err != nil {
			return err
		}
		a.CustomerID = customer
		var err error
		row, err = newAccountRow(a)
		return err
	})
	if err != nil {
		return storage.Account{}, err
	}
	return row.record(), nil
}

// LeaseAccounts is described at [storage.Accounts].
func (s *Store) LeaseAccounts(ctx context.Context, lease string, now, until time.Time, limit int) ([]storage.Account, error) {
	if err := checkText("lease", lease); err != nil {
		return nil, err
	}
	var rows []accountRow
	err := s.inTx(ctx, func(tx *Store) error {
		q := tx.read.NewSelect().Model(&rows).Where("due_at <= ?", now.UnixMicro()).
			Where("leased_until IS NULL OR leased_until <= ?", now.UnixMicro()).Order("due_at", "customer_id")
		if err := tx.take(ctx, q, limit); err != nil || len(rows) == 0 {
			return err
		}
		taken := make([]storage.CustomerID, len(rows))
		for i := range rows {
			rows[i].Lease, rows[i].LeasedUntil = lease, micros(until)
			taken[i] = rows[i].CustomerID
		}
		_, err := tx.exec(ctx, tx.write.NewUpdate().Model((*accountRow)(nil)).
			Set("lease = ?", lease).Set("leased_until = ?", micros(until)).Where("customer_id IN ?", bun.Tuple(taken)))
		return err
	})
	if err != nil {
		return nil, err
	}
	return records(rows), nil
}

// take reads up to limit rows that q selects and keeps others from taking them
// until the end of the transaction.
func (s *Store) take(ctx context.Context, q *bun.SelectQuery, limit int) error {
	return wrap(ctx, s.lock(limited(q, limit), "UPDATE SKIP LOCKED").Scan(ctx))
}

// NameAccount is described at [storage.Accounts].
func (s *Store) NameAccount(ctx context.Context, customer storage.CustomerID, names ...string) error {
	if err := checkText("customer", string(customer)); err != nil {
		return err
	}
	names, err := usable(names)
	if err != nil {
		return err
	}
	if _, err := s.Account(ctx, customer); err != nil || len(names) == 0 {
		return err
	}
	slices.Sort(names) // two who note the same names wait for each other in the same order
	rows := make([]nameRow, len(names))
	for i, name := range names {
		rows[i] = nameRow{Name: name, CustomerID: customer}
	}
	_, err = s.exec(ctx, s.write.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("NULL"))
	return err
}

// AccountByName is described at [storage.Accounts].
func (s *Store) AccountByName(ctx context.Context, names ...string) (storage.CustomerID, error) {
	names, err := usable(names)
	if err != nil {
		return "", err
	}
	var rows []nameRow
	if err := s.read.NewSelect().Model(&rows).Where("name IN ?", bun.Tuple(names)).Scan(ctx); err != nil {
		return "", wrap(ctx, err)
	}
	owners := map[string]storage.CustomerID{}
	for _, r := range rows {
		owners[r.Name] = r.CustomerID
	}
	for _, name := range names {
		if owner, known := owners[name]; known {
			return owner, nil
		}
	}
	return "", storage.ErrNotFound
}

// usable returns the names that are not empty.
func usable(names []string) ([]string, error) {
	for _, name := range names {
		if err := checkText("name", name); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" }), nil
}

// Accounts is described at [storage.Accounts].
func (s *Store) Accounts(ctx context.Context, p storage.Page) ([]storage.Account, error) {
	return list[storage.Account, accountRow](ctx, s.read.NewSelect(), "customer_id", p)
}

// FailingAccounts is described at [storage.Accounts].
func (s *Store) FailingAccounts(ctx context.Context, limit int) ([]storage.Account, error) {
	var rows []accountRow
	err := limited(s.read.NewSelect(), limit).Model(&rows).Where("failures > 0").Order("failures DESC", "customer_id").Scan(ctx)
	if err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}
