package bunstore

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateCustomer is described at [storage.Customers].
func (s *Store) CreateCustomer(ctx context.Context, c storage.Customer) error {
	row, err := newCustomerRow(c)
	if err != nil {
		return err
	}
	return s.insert(ctx, &row)
}

// Customer is described at [storage.Customers].
func (s *Store) Customer(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	return s.customerBy(ctx, "id", string(id))
}

// CustomerByExternalID is described at [storage.Customers].
func (s *Store) CustomerByExternalID(ctx context.Context, externalID string) (storage.Customer, error) {
	return s.customerBy(ctx, "external_id", externalID)
}

// CustomerByIdempotencyKey is described at [storage.Customers].
func (s *Store) CustomerByIdempotencyKey(ctx context.Context, token string) (storage.Customer, error) {
	return s.customerBy(ctx, "idempotency_key", token)
}

// customerBy finds a customer by a unique column. Empty names are stored as NULL
// and so are never found.
func (s *Store) customerBy(ctx context.Context, column, value string) (storage.Customer, error) {
	if err := checkText("identifier", value); err != nil {
		return storage.Customer{}, err
	}
	var row customerRow
	if err := s.read.NewSelect().Model(&row).Where("? = ?", bun.Ident(column), value).Scan(ctx); err != nil {
		return storage.Customer{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// UpdateCustomer is described at [storage.Customers].
func (s *Store) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	if err := checkText("id", string(id)); err != nil {
		return storage.Customer{}, err
	}
	row, changed := customerRow{ID: id}, false
	err := s.update(ctx, &row, func() error {
		c := row.record()
		if err := change(&c); err != nil {
			return err
		}
		c.ID, c.CreatedAt = id, row.CreatedAt.time()
		var err error
		row, err = newCustomerRow(c)
		changed = err == nil
		return err
	})
	if err != nil {
		if changed && s.nameTaken(ctx, row) {
			err = storage.ErrExists
		}
		return storage.Customer{}, err
	}
	return row.record(), nil
}

// nameTaken reports whether another customer has the unique names of c.
func (s *Store) nameTaken(ctx context.Context, c customerRow) bool {
	taken, err := s.write.NewSelect().Model((*customerRow)(nil)).Where("id <> ?", c.ID).
		Where("external_id = ? OR idempotency_key = ?", c.ExternalID, c.IdempotencyKey).Exists(ctx)
	return err == nil && taken
}

// Customers is described at [storage.Customers].
func (s *Store) Customers(ctx context.Context, q storage.CustomerQuery) ([]storage.Customer, error) {
	if err := checkText("search", q.Search, "status", string(q.Status)); err != nil {
		return nil, err
	}
	query := s.read.NewSelect()
	if q.Status != "" {
		query = query.Where("status = ?", q.Status)
	}
	if q.Search != "" {
		// Not LIKE: nothing has to be escaped, and case counts as documented.
		position := bun.Safe("instr")
		if s.postgres() {
			position = "strpos"
		}
		query = query.Where("id = ?0 OR external_id = ?0 OR ?1(lower(email), ?2) > 0 OR ?1(lower(brand_name), ?2) > 0 OR ?1(lower(website), ?2) > 0",
			q.Search, position, strings.Map(lowerASCII, q.Search))
	}
	return list[storage.Customer, customerRow](ctx, query, "id", q.Page)
}

// lowerASCII does what SQLite's lower does, and PostgreSQL's in the collation "C".
func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}

// CustomerStates is described at [storage.Customers].
func (s *Store) CustomerStates(ctx context.Context, ids []storage.CustomerID) (map[storage.CustomerID]storage.CustomerState, error) {
	if err := checkIDs(ids); err != nil {
		return nil, err
	}
	states := make(map[storage.CustomerID]storage.CustomerState, len(ids))
	for chunk := range slices.Chunk(ids, chunkSize) {
		var rows []customerRow
		if err := s.read.NewSelect().Model(&rows).Column("id", "status", "entitled_until").Where("id IN ?", bun.Tuple(chunk)).Scan(ctx); err != nil {
			return nil, wrap(ctx, err)
		}
		for _, r := range rows {
			states[r.ID] = storage.CustomerState{Status: r.Status, EntitledUntil: r.EntitledUntil.time()}
		}
	}
	return states, nil
}

// chunkSize is how many identifiers go into one statement.
const chunkSize = 1000

func checkIDs[ID ~string](ids []ID) error {
	for _, id := range ids {
		if err := checkText("id", string(id)); err != nil {
			return err
		}
	}
	return nil
}
