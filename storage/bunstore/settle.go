package bunstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// A settlement is a reservation as it was and as it is to be.
type settlement struct{ before, after reservationRow }

// Settle is described at [storage.Ledger].
func (s *Store) Settle(ctx context.Context, uses []storage.Use) error {
	byReservation := map[reservationKey][]storage.Use{}
	for _, u := range uses {
		if err := checkText("customer", string(u.CustomerID), "id", u.ID); err != nil {
			return err
		}
		key := reservationKey{u.CustomerID, u.ID}
		byReservation[key] = append(byReservation[key], u)
	}
	return s.inTx(ctx, func(tx *Store) error {
		rows, err := tx.lockReservations(ctx, slices.SortedFunc(maps.Keys(byReservation), reservationKey.compare))
		if err != nil {
			return err
		}
		var list []settlement
		for _, row := range rows {
			after := row
			for _, u := range byReservation[reservationKey{row.CustomerID, row.ID}] {
				after.Used = max(after.Used, u.Used)
				after.Done = after.Done || u.Done
				if !u.Until.IsZero() {
					after.Until = micros(u.Until)
				}
			}
			list = append(list, settlement{row, after})
		}
		return tx.settle(ctx, list)
	})
}

// SettleExpired is described at [storage.Ledger].
func (s *Store) SettleExpired(ctx context.Context, t time.Time) (int, error) {
	var list []settlement
	err := s.inTx(ctx, func(tx *Store) error {
		var rows []reservationRow
		q := tx.read.NewSelect().Model(&rows).Where("NOT done").Where("until < ?", t.UnixMicro()).Order("customer_id", "id")
		if err := tx.lock(q, "UPDATE").Scan(ctx); err != nil {
			return wrap(ctx, err)
		}
		for _, row := range rows {
			after := row
			after.Done = true
			list = append(list, settlement{row, after})
		}
		return tx.settle(ctx, list)
	})
	if err != nil {
		return 0, err
	}
	return len(list), nil
}

// reservationKey is what a reservation is found by.
type reservationKey struct {
	customer storage.CustomerID
	id       string
}

func (k reservationKey) compare(other reservationKey) int {
	return cmp.Or(cmp.Compare(k.customer, other.customer), cmp.Compare(k.id, other.id))
}

// lockReservations returns those that exist. The keys must be in order, in which
// PostgreSQL locks them: two who want the same ones then wait for each other.
func (s *Store) lockReservations(ctx context.Context, keys []reservationKey) ([]reservationRow, error) {
	var all []reservationRow
	for chunk := range slices.Chunk(keys, chunkSize) {
		values := make([]bun.TupleValues, len(chunk))
		for i, k := range chunk {
			values[i] = bun.Tuple([]string{string(k.customer), k.id})
		}
		var rows []reservationRow
		q := s.read.NewSelect().Model(&rows).Where("(customer_id, id) IN (VALUES ?)", bun.List(values)).Order("customer_id", "id")
		if err := s.lock(q, "UPDATE").Scan(ctx); err != nil {
			return nil, wrap(ctx, err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// held is how much of a reservation is set aside.
func (r reservationRow) held() int64 {
	if r.Done {
		return 0
	}
	return max(0, r.Units-r.Used)
}

// settle stores reservations as they are to be, and counts what that changes.
func (s *Store) settle(ctx context.Context, list []settlement) error {
	var changed []reservationRow
	counts, days := map[countRow]*countRow{}, map[dayRow]*dayRow{}
	for _, r := range list {
		if r.after == r.before {
			continue
		}
		changed = append(changed, r.after)
		count := sumOf(counts, countRow{CustomerID: r.after.CustomerID, Metric: r.after.Metric, Period: r.after.Period})
		day := sumOf(days, dayRow{CustomerID: r.after.CustomerID, Day: dayOf(r.after.CreatedAt.time()), Metric: r.after.Metric, Source: r.after.Source})
		count.Used += r.after.Used - r.before.Used
		count.Held += r.after.held() - r.before.held()
		day.Used += r.after.Used - r.before.Used
		if count.Used < 0 || day.Used < 0 {
			return storage.Invalid("used", "small enough to be added up")
		}
	}
	maps.DeleteFunc(counts, func(_ countRow, c *countRow) bool { return c.Used == 0 && c.Held == 0 })
	maps.DeleteFunc(days, func(_ dayRow, d *dayRow) bool { return d.Used == 0 })

	err := upsert(ctx, s, changed, "customer_id, id", "used = EXCLUDED.used", "done = EXCLUDED.done", "until = EXCLUDED.until")
	if err != nil {
		return err
	}
	// In the same order by all, as the reservations.
	err = upsert(ctx, s, slices.SortedFunc(maps.Values(counts), compareCounts), "customer_id, metric, period",
		"used = u.used + EXCLUDED.used", "held = u.held + EXCLUDED.held")
	if err != nil {
		return err
	}
	return upsert(ctx, s, slices.SortedFunc(maps.Values(days), compareDays), "customer_id, day, metric, source",
		"used = d.used + EXCLUDED.used")
}

// sumOf returns the row in which sums has what belongs to key.
func sumOf[R comparable](sums map[R]*R, key R) *R {
	sum, known := sums[key]
	if !known {
		sum = &key
		sums[key] = sum
	}
	return sum
}

func compareCounts(a, b *countRow) int {
	return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Period, b.Period))
}

func compareDays(a, b *dayRow) int {
	return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Day, b.Day),
		cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Source, b.Source))
}

// upsert stores rows one after the other. To those whose key is there already it
// does what set says.
func upsert[R any](ctx context.Context, s *Store, rows []R, key string, set ...string) error {
	for chunk := range slices.Chunk(rows, chunkSize) {
		q := s.write.NewInsert().Model(&chunk).On("CONFLICT (?) DO UPDATE", bun.Safe(key)).Returning("NULL")
		for _, change := range set {
			q = q.Set(change)
		}
		if _, err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
