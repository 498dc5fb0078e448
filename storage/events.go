package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// EventID identifies an event: a UUIDv7.
type EventID string

// Event is something that happened to a customer. Events are only ever added.
type Event struct {
	ID         EventID
	CustomerID CustomerID
	// Type is noun.verb with the verb in the past tense, such as "key.rotated".
	Type string
	// Data is a JSON object.
	Data      json.RawMessage
	CreatedAt time.Time
}

// NewEvent returns an event that happens now.
func NewEvent(customer CustomerID, eventType string, data json.RawMessage) Event {
	return Event{
		ID:         EventID(NewID()),
		CustomerID: customer,
		Type:       eventType,
		Data:       data,
		CreatedAt:  Now(),
	}
}

// Record appends an event that happens now. A nil data is an empty object.
func Record(ctx context.Context, to Events, customer CustomerID, eventType string, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("storage: data of event %s: %w", eventType, err)
	}
	return to.AppendEvent(ctx, NewEvent(customer, eventType, raw))
}

// EventQuery selects events of one customer. The zero value selects all.
type EventQuery struct {
	// Type, when set, is the type wanted, or the beginning of it followed by "*".
	// Every other character stands for itself.
	Type string
	Page
}

// Events is the role of the event log.
type Events interface {
	// AppendEvent stores an event of e.CustomerID. It returns ErrExists when the
	// ID is taken, and ErrNotFound when the customer is unknown.
	AppendEvent(ctx context.Context, e Event) error

	// Events returns the selected events of the customer, newest first.
	Events(ctx context.Context, customer CustomerID, q EventQuery) ([]Event, error)
}
