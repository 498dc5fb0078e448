package bunstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateKey is described at [storage.Keys].
func (s *Store) CreateKey(ctx context.Context, k storage.Key) error {
	row, err := newKeyRow(k)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, k.CustomerID, &row)
}

// Keys is described at [storage.Keys].
func (s *Store) Keys(ctx context.Context, customer storage.CustomerID, p storage.Page) ([]storage.Key, error) {
	if err := checkText("customer", string(customer)); err != nil {
		return nil, err
	}
	return list[storage.Key, keyRow](ctx, s.read.NewSelect().Where("customer_id = ?", customer), "id", p)
}

// UpdateKey is described at [storage.Keys].
func (s *Store) UpdateKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID, change func(*storage.Key) error) (storage.Key, error) {
	row, err := newKeyRow(storage.Key{ID: id, CustomerID: customer})
	if err != nil {
		return storage.Key{}, err
	}
	err = s.update(ctx, &row, func() error {
		before := row.record()
		k := before
		if err := change(&k); err != nil {
			return err
		}
		k.ID, k.CustomerID, k.Hash, k.CreatedAt = id, customer, before.Hash, before.CreatedAt
		var err error
		row, err = newKeyRow(k)
		return err
	})
	if err != nil {
		return storage.Key{}, err
	}
	return row.record(), nil
}

// DeleteKey is described at [storage.Keys].
func (s *Store) DeleteKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID) error {
	row, err := newKeyRow(storage.Key{ID: id, CustomerID: customer})
	if err != nil {
		return err
	}
	return s.remove(ctx, &row)
}

// KeyStates is described at [storage.Keys].
func (s *Store) KeyStates(ctx context.Context, ids []storage.KeyID) (map[storage.KeyID]storage.KeyState, error) {
	if err := checkIDs(ids); err != nil {
		return nil, err
	}
	states := make(map[storage.KeyID]storage.KeyState, len(ids))
	for chunk := range slices.Chunk(ids, chunkSize) {
		var rows []struct {
			ID            storage.KeyID
			ExpiresAt     micros
			Status        storage.Status
			EntitledUntil micros
			UpdatedAt     micros
		}
		err := s.read.NewSelect().Model((*keyRow)(nil)).ColumnExpr("k.id, k.expires_at, c.status, c.entitled_until, c.updated_at").
			Join("JOIN customers AS c ON c.id = k.customer_id").
			Where("k.id IN ?", bun.Tuple(chunk)).Scan(ctx, &rows)
		if err != nil {
			return nil, wrap(ctx, err)
		}
		for _, r := range rows {
			states[r.ID] = storage.KeyState{
				ExpiresAt:     r.ExpiresAt.time(),
				CustomerState: storage.CustomerState{Status: r.Status, EntitledUntil: r.EntitledUntil.time()},
				UpdatedAt:     r.UpdatedAt.time(),
			}
		}
	}
	return states, nil
}

// TouchKeys is described at [storage.Keys].
func (s *Store) TouchKeys(ctx context.Context, used map[storage.KeyID]time.Time) error {
	ids := slices.Sorted(maps.Keys(used))
	if err := checkIDs(ids); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *Store) error {
		for chunk := range slices.Chunk(ids, chunkSize) {
			if err := tx.touch(ctx, chunk, used); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) touch(ctx context.Context, ids []storage.KeyID, used map[storage.KeyID]time.Time) error {
	if s.postgres() {
		// Two replicas that touch the same keys lock them in the same order.
		var locked []storage.KeyID
		err := s.read.NewSelect().Model((*keyRow)(nil)).Column("id").Where("id IN ?", bun.Tuple(ids)).
			Order("id").For("UPDATE").Scan(ctx, &locked)
		if err != nil {
			return wrap(ctx, err)
		}
	}
	values := make([]bun.TupleValues, len(ids))
	for i, id := range ids {
		values[i] = bun.Tuple([]any{string(id), used[id].UnixMicro()})
	}
	_, err := s.exec(ctx, s.write.NewRaw(`WITH used (id, at) AS (VALUES ?)
		UPDATE api_keys SET last_used_at = used.at FROM used
		WHERE api_keys.id = used.id AND (last_used_at IS NULL OR last_used_at < used.at)`, bun.List(values)))
	return err
}

// DeleteExpiredKeys is described at [storage.Keys].
func (s *Store) DeleteExpiredKeys(ctx context.Context, t time.Time) (int, error) {
	n, err := s.exec(ctx, s.write.NewDelete().Model((*keyRow)(nil)).Where("expires_at < ?", t.UnixMicro()))
	return int(n), err
}
