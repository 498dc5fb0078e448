package bunstore

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

type memoryRow struct {
	bun.BaseModel `bun:"table:memories,alias:m"`

	CustomerID storage.CustomerID `bun:",pk"`
	ID         string             `bun:",pk"`
	Layer      string
	Topic      string
	Text       string
	Data       string
	Space      string
	CreatedAt  micros
	UpdatedAt  micros
	ExpiresAt  micros
}

// maxMemoryText is how long a text may be, in bytes: PostgreSQL indexes no more than
// about ten times as much.
const maxMemoryText = 100_000

func newMemoryRow(m storage.Memory) (memoryRow, error) {
	row := memoryRow{
		CustomerID: m.CustomerID,
		ID:         m.ID,
		Layer:      m.Layer,
		Topic:      m.Topic,
		Text:       m.Text,
		Data:       string(m.Data),
		Space:      m.Space,
		CreatedAt:  micros(m.CreatedAt),
		UpdatedAt:  micros(m.UpdatedAt),
		ExpiresAt:  micros(m.ExpiresAt),
	}
	if err := checkText("customer", string(m.CustomerID), "id", m.ID, "layer", m.Layer, "topic", m.Topic, "text", m.Text, "space", m.Space); err != nil {
		return row, err
	}
	if len(m.Text) > maxMemoryText {
		return row, storage.Invalid("text", "at most %d bytes", maxMemoryText)
	}
	if err := checkVector(m.Vector, m.Space); err != nil {
		return row, err
	}
	return row, checkObject("data", m.Data)
}

func (r memoryRow) record() storage.Memory {
	return storage.Memory{
		CustomerID: r.CustomerID,
		ID:         r.ID,
		Layer:      r.Layer,
		Topic:      r.Topic,
		Text:       r.Text,
		Data:       json.RawMessage(r.Data),
		Space:      r.Space,
		CreatedAt:  r.CreatedAt.time(),
		UpdatedAt:  r.UpdatedAt.time(),
		ExpiresAt:  r.ExpiresAt.time(),
	}
}

// PutMemory is described at [storage.Memories].
func (s *Store) PutMemory(ctx context.Context, m storage.Memory) error {
	row, err := newMemoryRow(m)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *Store) error {
		if err := tx.known(ctx, m.CustomerID); err != nil {
			return err
		}
		put := tx.write.NewInsert().Model(&row).On("CONFLICT (customer_id, id) DO UPDATE").Returning("NULL")
		for _, column := range []string{"layer", "topic", "text", "data", "space", "updated_at", "expires_at"} {
			put = put.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
		}
		if _, err := tx.exec(ctx, put); err != nil {
			return err
		}
		if err := tx.putWords(ctx, m); err != nil {
			return err
		}
		return tx.putVector(ctx, m)
	})
}

// Memory is described at [storage.Memories].
func (s *Store) Memory(ctx context.Context, customer storage.CustomerID, id string) (storage.Memory, error) {
	row, err := memoryKey(customer, id)
	if err != nil {
		return storage.Memory{}, err
	}
	if err := s.read.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return storage.Memory{}, wrap(ctx, err)
	}
	return row.record(), nil
}

func memoryKey(customer storage.CustomerID, id string) (memoryRow, error) {
	return memoryRow{CustomerID: customer, ID: id}, checkText("customer", string(customer), "id", id)
}

// DeleteMemory is described at [storage.Memories].
func (s *Store) DeleteMemory(ctx context.Context, customer storage.CustomerID, id string) error {
	row, err := memoryKey(customer, id)
	if err != nil {
		return err
	}
	return s.remove(ctx, &row)
}

// Memories is described at [storage.Memories].
func (s *Store) Memories(ctx context.Context, customer storage.CustomerID, q storage.MemoryQuery) ([]storage.Memory, error) {
	if err := checkText("customer", string(customer), "layer", q.Layer, "topic", q.Topic); err != nil {
		return nil, err
	}
	query := s.read.NewSelect().Where("customer_id = ?", customer)
	if q.Layer != "" {
		query = query.Where("layer = ?", q.Layer)
	}
	if q.Topic != "" {
		query = query.Where("topic = ?", q.Topic)
	}
	return list[storage.Memory, memoryRow](ctx, unexpired(query, q.At), "id", q.Page)
}

func unexpired(q *bun.SelectQuery, at time.Time) *bun.SelectQuery {
	if at.IsZero() {
		return q
	}
	return q.Where("(m.expires_at IS NULL OR m.expires_at > ?)", micros(at))
}

// DeleteExpiredMemories is described at [storage.Memories].
func (s *Store) DeleteExpiredMemories(ctx context.Context, at time.Time) (int, error) {
	expired := s.write.NewSelect().Model((*memoryRow)(nil)).Column("customer_id", "id").
		Where("expires_at IS NOT NULL").Where("expires_at <= ?", micros(at)).Limit(sweepSize)
	n, err := s.exec(ctx, s.write.NewDelete().Model((*memoryRow)(nil)).Where("(customer_id, id) IN (?)", expired))
	return int(n), err
}
