package bunstore

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

type connectionRow struct {
	bun.BaseModel `bun:"table:connections,alias:n"`

	CustomerID storage.CustomerID `bun:",pk"`
	Platform   string             `bun:",pk"`
	Account    string             `bun:",nullzero"`
	Status     string
	Data       string
	Sealed     []byte
	SealedWith string
	CreatedAt  micros
	UpdatedAt  micros
}

func newConnectionRow(c storage.Connection) (connectionRow, error) {
	row := connectionRow{
		CustomerID: c.CustomerID,
		Platform:   c.Platform,
		Account:    c.Account,
		Status:     c.Status,
		Data:       string(c.Data),
		Sealed:     c.Sealed,
		SealedWith: c.SealedWith,
		CreatedAt:  micros(c.CreatedAt),
		UpdatedAt:  micros(c.UpdatedAt),
	}
	err := checkText("customer", string(c.CustomerID), "platform", c.Platform, "account", c.Account, "status", c.Status, "sealedWith", c.SealedWith)
	if err != nil {
		return row, err
	}
	if (len(c.Sealed) == 0) != (c.SealedWith == "") {
		return row, storage.Invalid("sealedWith", "there when something is sealed, and only then")
	}
	return row, checkObject("data", c.Data)
}

func (r connectionRow) record() storage.Connection {
	return storage.Connection{
		CustomerID: r.CustomerID,
		Platform:   r.Platform,
		Account:    r.Account,
		Status:     r.Status,
		Data:       json.RawMessage(r.Data),
		Sealed:     r.Sealed,
		SealedWith: r.SealedWith,
		CreatedAt:  r.CreatedAt.time(),
		UpdatedAt:  r.UpdatedAt.time(),
	}
}

func connectionKey(customer storage.CustomerID, platform string) (connectionRow, error) {
	return connectionRow{CustomerID: customer, Platform: platform}, checkText("customer", string(customer), "platform", platform)
}

// CreateConnection is described at [storage.Connections].
func (s *Store) CreateConnection(ctx context.Context, c storage.Connection) error {
	row, err := newConnectionRow(c)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, c.CustomerID, &row)
}

// Connection is described at [storage.Connections].
func (s *Store) Connection(ctx context.Context, customer storage.CustomerID, platform string) (storage.Connection, error) {
	row, err := connectionKey(customer, platform)
	if err != nil {
		return storage.Connection{}, err
	}
	if err := s.read.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return storage.Connection{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// UpdateConnection is described at [storage.Connections].
func (s *Store) UpdateConnection(ctx context.Context, customer storage.CustomerID, platform string, change func(*storage.Connection) error) (storage.Connection, error) {
	row, err := connectionKey(customer, platform)
	if err != nil {
		return storage.Connection{}, err
	}
	changed := false
	err = s.update(ctx, &row, func() error {
		c := row.record()
		if err := change(&c); err != nil {
			return err
		}
		c.CustomerID, c.Platform, c.CreatedAt = customer, platform, row.CreatedAt.time()
		var err error
		row, err = newConnectionRow(c)
		changed = err == nil
		return err
	})
	if err != nil {
		if other, missing := s.ConnectionByAccount(ctx, platform, row.Account); changed && missing == nil && other.CustomerID != customer {
			err = storage.ErrExists
		}
		return storage.Connection{}, err
	}
	return row.record(), nil
}

// DeleteConnection is described at [storage.Connections].
func (s *Store) DeleteConnection(ctx context.Context, customer storage.CustomerID, platform string) error {
	row, err := connectionKey(customer, platform)
	if err != nil {
		return err
	}
	return s.remove(ctx, &row)
}

// Connections is described at [storage.Connections].
func (s *Store) Connections(ctx context.Context, customer storage.CustomerID, p storage.Page) ([]storage.Connection, error) {
	if err := checkText("customer", string(customer)); err != nil {
		return nil, err
	}
	return list[storage.Connection, connectionRow](ctx, s.read.NewSelect().Where("customer_id = ?", customer), "platform", p)
}

// ConnectionByAccount is described at [storage.Connections].
func (s *Store) ConnectionByAccount(ctx context.Context, platform, account string) (storage.Connection, error) {
	if err := checkText("platform", platform, "account", account); err != nil {
		return storage.Connection{}, err
	}
	var row connectionRow
	err := s.read.NewSelect().Model(&row).Where("platform = ?", platform).Where("account = ?", account).Scan(ctx)
	if err != nil {
		return storage.Connection{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// StaleConnections is described at [storage.Connections].
func (s *Store) StaleConnections(ctx context.Context, key string, after storage.ConnectionKey, limit int) ([]storage.Connection, error) {
	if err := checkText("key", key, "customer", string(after.Customer), "platform", after.Platform); err != nil {
		return nil, err
	}
	var rows []connectionRow
	err := limited(s.read.NewSelect(), limit).Model(&rows).Where("sealed_with <> ''").Where("sealed_with <> ?", key).
		Where("(customer_id, platform) > (?, ?)", after.Customer, after.Platform).Order("customer_id", "platform").Scan(ctx)
	if err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}
