package bunstore

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

type runRow struct {
	bun.BaseModel `bun:"table:runs,alias:r"`

	ID         storage.RunID      `bun:",pk"`
	CustomerID storage.CustomerID `bun:",pk"`
	Parent     storage.RunID
	Kind       string
	Name       string
	Status     string
	Tokens     int64
	Cost       int64
	Data       string
	CreatedAt  micros
	UpdatedAt  micros
	EndedAt    micros
}

func newRunRow(r storage.Run) (runRow, error) {
	row := runRow{
		ID:         r.ID,
		CustomerID: r.CustomerID,
		Parent:     r.Parent,
		Kind:       r.Kind,
		Name:       r.Name,
		Status:     r.Status,
		Tokens:     r.Tokens,
		Cost:       r.Cost,
		Data:       string(r.Data),
		CreatedAt:  micros(r.CreatedAt),
		UpdatedAt:  micros(r.UpdatedAt),
		EndedAt:    micros(r.EndedAt),
	}
	if err := checkText("id", string(r.ID), "customer", string(r.CustomerID), "parent", string(r.Parent), "kind", r.Kind, "name", r.Name, "status", r.Status); err != nil {
		return row, err
	}
	if r.Tokens < 0 || r.Cost < 0 {
		return row, storage.Invalid("tokens and cost", "0 or more")
	}
	return row, checkObject("data", r.Data)
}

func (r runRow) record() storage.Run {
	return storage.Run{
		CustomerID: r.CustomerID,
		ID:         r.ID,
		Parent:     r.Parent,
		Kind:       r.Kind,
		Name:       r.Name,
		Status:     r.Status,
		Tokens:     r.Tokens,
		Cost:       r.Cost,
		Data:       json.RawMessage(r.Data),
		CreatedAt:  r.CreatedAt.time(),
		UpdatedAt:  r.UpdatedAt.time(),
		EndedAt:    r.EndedAt.time(),
	}
}

// CreateRun is described at [storage.Runs].
func (s *Store) CreateRun(ctx context.Context, r storage.Run) error {
	row, err := newRunRow(r)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, r.CustomerID, &row)
}

// Run is described at [storage.Runs].
func (s *Store) Run(ctx context.Context, customer storage.CustomerID, id storage.RunID) (storage.Run, error) {
	if err := checkText("customer", string(customer), "id", string(id)); err != nil {
		return storage.Run{}, err
	}
	row := runRow{ID: id, CustomerID: customer}
	if err := s.read.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return storage.Run{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// UpdateRun is described at [storage.Runs].
func (s *Store) UpdateRun(ctx context.Context, customer storage.CustomerID, id storage.RunID, change func(*storage.Run) error) (storage.Run, error) {
	if err := checkText("customer", string(customer), "id", string(id)); err != nil {
		return storage.Run{}, err
	}
	row := runRow{ID: id, CustomerID: customer}
	err := s.update(ctx, &row, func() error {
		r := row.record()
		if err := change(&r); err != nil {
			return err
		}
		changed, err := newRunRow(r)
		changed.ID, changed.CustomerID, changed.Parent = row.ID, row.CustomerID, row.Parent
		changed.Kind, changed.Name, changed.CreatedAt = row.Kind, row.Name, row.CreatedAt
		row = changed
		return err
	})
	if err != nil {
		return storage.Run{}, err
	}
	return row.record(), nil
}

// Runs is described at [storage.Runs].
func (s *Store) Runs(ctx context.Context, customer storage.CustomerID, q storage.RunQuery) ([]storage.Run, error) {
	if err := checkText("customer", string(customer), "kind", q.Kind, "name", q.Name, "status", q.Status, "parent", string(q.Parent)); err != nil {
		return nil, err
	}
	query := s.read.NewSelect().Where("customer_id = ?", customer)
	for _, f := range []struct{ column, value string }{{"kind", q.Kind}, {"name", q.Name}, {"status", q.Status}, {"parent", string(q.Parent)}} {
		if f.value != "" {
			query = query.Where("? = ?", bun.Ident(f.column), f.value)
		}
	}
	return list[storage.Run, runRow](ctx, query, "id", q.Page)
}

// RunsSpent is described at [storage.Runs].
func (s *Store) RunsSpent(ctx context.Context, customer storage.CustomerID, since time.Time) (spent storage.Spent, err error) {
	if err := checkText("customer", string(customer)); err != nil {
		return storage.Spent{}, err
	}
	// PostgreSQL's sum of BIGINT is a NUMERIC.
	err = s.read.NewSelect().Model((*runRow)(nil)).
		ColumnExpr("CAST(COALESCE(SUM(tokens), 0) AS BIGINT)").ColumnExpr("CAST(COALESCE(SUM(cost), 0) AS BIGINT)").
		Where("customer_id = ?", customer).Where("created_at >= ?", micros(since)).
		Scan(ctx, &spent.Tokens, &spent.Cost)
	return spent, wrap(ctx, err)
}

// StalledRuns is described at [storage.Runs].
func (s *Store) StalledRuns(ctx context.Context, status string, before time.Time, limit int) ([]storage.Run, error) {
	if err := checkText("status", status); err != nil {
		return nil, err
	}
	var rows []runRow
	err := limited(s.read.NewSelect(), limit).Model(&rows).
		Where("ended_at IS NULL").Where("status = ?", status).Where("updated_at < ?", micros(before)).
		Order("updated_at", "id").Scan(ctx)
	if err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}

// sweepSize is how many rows a sweep removes at once.
const sweepSize = 1000

// DeleteRuns is described at [storage.Runs].
func (s *Store) DeleteRuns(ctx context.Context, before time.Time) (int, error) {
	old := s.write.NewSelect().Model((*runRow)(nil)).Column("id").Where("updated_at < ?", micros(before)).Limit(sweepSize)
	n, err := s.exec(ctx, s.write.NewDelete().Model((*runRow)(nil)).Where("id IN (?)", old))
	return int(n), err
}
