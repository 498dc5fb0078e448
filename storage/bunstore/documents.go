package bunstore

import (
	"context"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateDocument is described at [storage.Documents].
func (s *Store) CreateDocument(ctx context.Context, d storage.Document) error {
	row, err := newDocumentRow(d)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, d.CustomerID, &row)
}

// Document is described at [storage.Documents].
func (s *Store) Document(ctx context.Context, customer storage.CustomerID, kind, id string) (storage.Document, error) {
	row, err := documentKey(customer, kind, id)
	if err != nil {
		return storage.Document{}, err
	}
	if err := s.read.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return storage.Document{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// UpdateDocument is described at [storage.Documents].
func (s *Store) UpdateDocument(ctx context.Context, customer storage.CustomerID, kind, id string, change func(*storage.Document) error) (storage.Document, error) {
	row, err := documentKey(customer, kind, id)
	if err != nil {
		return storage.Document{}, err
	}
	err = s.update(ctx, &row, func() error {
		d := row.record()
		if err := change(&d); err != nil {
			return err
		}
		d.CustomerID, d.Kind, d.ID, d.CreatedAt = customer, kind, id, row.CreatedAt.time()
		var err error
		row, err = newDocumentRow(d)
		return err
	})
	if err != nil {
		return storage.Document{}, err
	}
	return row.record(), nil
}

// DeleteDocument is described at [storage.Documents].
func (s *Store) DeleteDocument(ctx context.Context, customer storage.CustomerID, kind, id string) error {
	row, err := documentKey(customer, kind, id)
	if err != nil {
		return err
	}
	return s.remove(ctx, &row)
}

// Documents is described at [storage.Documents].
func (s *Store) Documents(ctx context.Context, customer storage.CustomerID, q storage.DocumentQuery) ([]storage.Document, error) {
	if err := checkText("customer", string(customer), "kind", q.Kind, "status", q.Status); err != nil {
		return nil, err
	}
	query := s.read.NewSelect().Where("customer_id = ?", customer).Where("kind = ?", q.Kind)
	if q.Status != "" {
		query = query.Where("status = ?", q.Status)
	}
	return list[storage.Document, documentRow](ctx, query, "id", q.Page)
}

func documentKey(customer storage.CustomerID, kind, id string) (documentRow, error) {
	return documentRow{CustomerID: customer, Kind: kind, ID: id},
		checkText("customer", string(customer), "kind", kind, "id", id)
}
