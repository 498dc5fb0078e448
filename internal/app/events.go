package app

import (
	"context"

	"github.com/heycmo/heycmo-go/storage"
)

// Events lists the customer's events, newest first. Type is a type of event, or
// the beginning of one followed by "*", or empty for all.
func (a *App) Events(ctx context.Context, customer storage.CustomerID, eventType string, limit int, cursor string) ([]storage.Event, string, error) {
	if err := checkText("type", eventType, 100); err != nil {
		return nil, "", err
	}
	return storage.List(limit, cursor,
		func(e storage.Event) string { return string(e.ID) },
		func(p storage.Page) ([]storage.Event, error) {
			return a.Store.Events(ctx, customer, storage.EventQuery{Type: eventType, Page: p})
		})
}
