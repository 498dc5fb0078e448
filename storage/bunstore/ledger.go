package bunstore

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// Reserve is described at [storage.Ledger].
func (s *Store) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	row, err := newReservationRow(r)
	if err != nil {
		return storage.Balance{}, err
	}
	if limit < 0 {
		limit = math.MaxInt64
	}
	var b storage.Balance
	err = s.inTx(ctx, func(tx *Store) error {
		if err := tx.insertOf(ctx, r.CustomerID, &row); err != nil {
			return err
		}
		b, err = tx.hold(ctx, row, limit)
		return err
	})
	return b, err
}

// hold adds the units of r to what is held in its period. When that would exceed
// limit it returns ErrConflict, with the balance as it is.
func (s *Store) hold(ctx context.Context, r reservationRow, limit int64) (b storage.Balance, err error) {
	if r.Units <= limit {
		run, err := s.writing(ctx)
		if err != nil {
			return b, err
		}
		count := countRow{CustomerID: r.CustomerID, Metric: r.Metric, Period: r.Period, Held: r.Units}
		err = s.write.NewInsert().Model(&count).
			On("CONFLICT (customer_id, metric, period) DO UPDATE").Set("held = u.held + EXCLUDED.held").
			Where("EXCLUDED.held <= ? - u.used - u.held", limit). // can't overflow
			Returning("used, held").Scan(run, &b.Used, &b.Held)
		if err = wrap(ctx, err); !errors.Is(err, storage.ErrNotFound) {
			return b, err
		}
	}
	b, err = s.balance(ctx, r.CustomerID, r.Metric, r.Period)
	if err == nil {
		err = storage.ErrConflict
	}
	return b, err
}

// Balance is described at [storage.Ledger].
func (s *Store) Balance(ctx context.Context, customer storage.CustomerID, metric string, period time.Time) (storage.Balance, error) {
	if err := checkText("customer", string(customer), "metric", metric); err != nil {
		return storage.Balance{}, err
	}
	return s.balance(ctx, customer, metric, newInstant(period))
}

func (s *Store) balance(ctx context.Context, customer storage.CustomerID, metric string, period instant) (storage.Balance, error) {
	row := countRow{CustomerID: customer, Metric: metric, Period: period}
	err := wrap(ctx, s.read.NewSelect().Model(&row).WherePK().Scan(ctx))
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return storage.Balance{}, err
	}
	return storage.Balance{Used: row.Used, Held: row.Held}, nil
}

// UsageByDay is described at [storage.Ledger].
func (s *Store) UsageByDay(ctx context.Context, customer storage.CustomerID, from, before time.Time) ([]storage.DayUsage, error) {
	if err := checkText("customer", string(customer)); err != nil {
		return nil, err
	}
	var rows []dayRow
	err := s.read.NewSelect().Model(&rows).Where("customer_id = ?", customer).
		Where("day >= ?", dayOf(from)).Where("day < ?", dayOf(before)).Order("day", "metric", "source").Scan(ctx)
	if err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}

// Unreported is described at [storage.Ledger].
func (s *Store) Unreported(ctx context.Context, metrics []string, limit int) ([]storage.Count, error) {
	for _, metric := range metrics {
		if err := checkText("metric", metric); err != nil {
			return nil, err
		}
	}
	var rows []countRow
	q := s.read.NewSelect().Model(&rows).Where("metric IN ?", bun.Tuple(metrics)).Where("used > reported").
		Order("customer_id", "metric", "period")
	if err := limited(q, limit).Scan(ctx); err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}

// MarkReported is described at [storage.Ledger].
func (s *Store) MarkReported(ctx context.Context, c storage.Count, to int64) error {
	if err := checkText("customer", string(c.CustomerID), "metric", c.Metric); err != nil {
		return err
	}
	row := countRow{CustomerID: c.CustomerID, Metric: c.Metric, Period: newInstant(c.Period)}
	n, err := s.exec(ctx, s.write.NewUpdate().Model(&row).Set("reported = ?", to).WherePK().Where("reported = ?", c.Reported))
	if err != nil || n == 1 {
		return err
	}
	if err := s.read.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return wrap(ctx, err)
	}
	return storage.ErrConflict
}

// DeleteUsage is described at [storage.Ledger].
func (s *Store) DeleteUsage(ctx context.Context, t time.Time) (int, error) {
	deleted := 0
	before, none := newInstant(t), newInstant(time.Time{})
	err := s.inTx(ctx, func(tx *Store) error {
		for _, q := range []*bun.DeleteQuery{
			tx.write.NewDelete().Model((*reservationRow)(nil)).Where("done").Where("created_at < ?", before),
			// What is held can still be given back.
			tx.write.NewDelete().Model((*countRow)(nil)).Where("period < ?", before).Where("period <> ?", none).Where("held = 0"),
			tx.write.NewDelete().Model((*dayRow)(nil)).Where("day < ?", before).Where("day <> ?", none),
		} {
			n, err := tx.exec(ctx, q)
			if err != nil {
				return err
			}
			deleted += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}
