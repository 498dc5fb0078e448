package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateEffect is described at [storage.Effects].
func (s *Store) CreateEffect(ctx context.Context, e storage.Effect) error {
	row, err := newEffectRow(e)
	if err != nil {
		return err
	}
	return s.insert(ctx, &row)
}

// TakeEffects is described at [storage.Effects].
func (s *Store) TakeEffects(ctx context.Context, now, again time.Time, limit int) ([]storage.Effect, error) {
	var rows []effectRow
	err := s.inTx(ctx, func(tx *Store) error {
		q := tx.read.NewSelect().Model(&rows).Where("done_at IS NULL").Where("due_at <= ?", now.UnixMicro()).Order("due_at", "id")
		if err := tx.take(ctx, q, limit); err != nil || len(rows) == 0 {
			return err
		}
		taken := make([]string, len(rows))
		for i := range rows {
			rows[i].Attempts++
			rows[i].DueAt = micros(again)
			taken[i] = rows[i].ID
		}
		_, err := tx.exec(ctx, tx.write.NewUpdate().Model((*effectRow)(nil)).
			Set("attempts = attempts + 1").Set("due_at = ?", micros(again)).Where("id IN ?", bun.Tuple(taken)))
		return err
	})
	if err != nil {
		return nil, err
	}
	return records(rows), nil
}

// UpdateEffect is described at [storage.Effects].
func (s *Store) UpdateEffect(ctx context.Context, id string, change func(*storage.Effect) error) (storage.Effect, error) {
	if err := checkText("id", id); err != nil {
		return storage.Effect{}, err
	}
	row := effectRow{ID: id}
	err := s.update(ctx, &row, func() error {
		before := row.record()
		e := before
		if err := change(&e); err != nil {
			return err
		}
		e.ID, e.Kind, e.Customer, e.Data, e.CreatedAt = id, before.Kind, before.Customer, before.Data, before.CreatedAt
		var err error
		row, err = newEffectRow(e)
		return err
	})
	if err != nil {
		return storage.Effect{}, err
	}
	return row.record(), nil
}

// FailingEffects is described at [storage.Effects].
func (s *Store) FailingEffects(ctx context.Context, limit int) ([]storage.Effect, error) {
	var rows []effectRow
	err := limited(s.read.NewSelect(), limit).Model(&rows).Where("done_at IS NULL").Where("error <> ''").Order("attempts DESC", "id").Scan(ctx)
	if err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}

// OldestEffect is described at [storage.Effects].
func (s *Store) OldestEffect(ctx context.Context) (storage.Effect, error) {
	var row effectRow
	err := s.read.NewSelect().Model(&row).Where("done_at IS NULL").OrderExpr("created_at NULLS LAST, id").Limit(1).Scan(ctx)
	if err != nil {
		return storage.Effect{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// DeleteEffects is described at [storage.Effects].
func (s *Store) DeleteEffects(ctx context.Context, t time.Time) (int, error) {
	n, err := s.exec(ctx, s.write.NewDelete().Model((*effectRow)(nil)).Where("done_at < ?", t.UnixMicro()))
	return int(n), err
}
