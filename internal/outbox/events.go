package outbox

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/heycmo/heycmo-go/storage"
)

// KindEvent is the kind of the effects that hand out an event; their data is the
// [storage.Event].
const KindEvent = "event"

// KindNotice is the kind of the effects whose data is a notify.Notice to send.
const KindNotice = "notice"

// WithEvents returns a Store that keeps, with each event that is appended, the
// effect to hand it out. s must have the role storage.Effects.
func WithEvents(s storage.Store) storage.Store { return &events{s} }

type events struct{ storage.Store }

// Unwrap returns the Store behind, for [storage.RoleOf].
func (s *events) Unwrap() storage.Store { return s.Store }

// InTx is described at [storage.Store].
func (s *events) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Store) error) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return fn(ctx, &events{tx}) })
}

// AppendEvent is described at [storage.Events].
func (s *events) AppendEvent(ctx context.Context, e storage.Event) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := tx.AppendEvent(ctx, e); err != nil {
			return err
		}
		effects, ok := storage.RoleOf[storage.Effects](tx)
		if !ok {
			return fmt.Errorf("outbox: %T has no storage.Effects", tx)
		}
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return effects.CreateEffect(ctx, storage.Effect{
			ID: "event:" + string(e.ID), Kind: KindEvent, Customer: e.CustomerID, Data: data,
			CreatedAt: e.CreatedAt, DueAt: e.CreatedAt,
		})
	})
}

// EventOf returns the event in an effect of KindEvent.
func EventOf(e storage.Effect) (storage.Event, error) {
	var event storage.Event
	if err := json.Unmarshal(e.Data, &event); err != nil {
		return storage.Event{}, fmt.Errorf("%w: %w", ErrNever, err)
	}
	return event, nil
}
