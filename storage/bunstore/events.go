package bunstore

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/storage"
)

// AppendEvent is described at [storage.Events].
func (s *Store) AppendEvent(ctx context.Context, e storage.Event) error {
	row, err := newEventRow(e)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, e.CustomerID, &row)
}

// Events is described at [storage.Events].
func (s *Store) Events(ctx context.Context, customer storage.CustomerID, q storage.EventQuery) ([]storage.Event, error) {
	if err := checkText("customer", string(customer), "type", q.Type); err != nil {
		return nil, err
	}
	query := s.read.NewSelect().Where("customer_id = ?", customer)
	if prefix, ok := strings.CutSuffix(q.Type, "*"); ok {
		// Not LIKE, which ignores case on SQLite.
		query = query.Where("substr(type, 1, ?) = ?", utf8.RuneCountInString(prefix), prefix)
	} else if q.Type != "" {
		query = query.Where("type = ?", q.Type)
	}
	return list[storage.Event, eventRow](ctx, query, "id", q.Page)
}
