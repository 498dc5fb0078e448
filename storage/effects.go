package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Effect is something that is to be done outside of the database because of a
// change in it. It is stored in the transaction of the change, and done after
// it, at least once.
type Effect struct {
	// ID names the cause, so that the same one is stored once; 1 to 1,000 bytes.
	ID   string
	Kind string
	// Customer is whom it is about; empty: nobody.
	Customer CustomerID
	// Data is a JSON object.
	Data      json.RawMessage
	CreatedAt time.Time
	// DueAt is when to do it next.
	DueAt time.Time
	// Attempts counts how often it was taken, and Error says why the last one
	// failed.
	Attempts int
	Error    string
	// DoneAt is zero until it is done.
	DoneAt time.Time
}

// Effects is the role of what is to be done.
type Effects interface {
	// CreateEffect stores an effect, or returns ErrExists when the ID is taken, by
	// one that is done as well.
	CreateEffect(ctx context.Context, e Effect) error

	// TakeEffects returns up to limit effects that are not done and whose DueAt is
	// not after now, the longest due first, adds 1 to their Attempts and makes
	// them due again at again. No effect is given to two callers at once.
	TakeEffects(ctx context.Context, now, again time.Time, limit int) ([]Effect, error)

	// UpdateEffect reads the effect, lets change alter it and stores it in one
	// transaction, as UpdateCustomer does. ID, Kind, Customer, Data and CreatedAt
	// stay as they were.
	UpdateEffect(ctx context.Context, id string, change func(*Effect) error) (Effect, error)

	// OldestEffect returns the effect that is not done and has the earliest
	// CreatedAt, or ErrNotFound.
	OldestEffect(ctx context.Context) (Effect, error)

	// FailingEffects returns up to limit effects that are not done and have an Error,
	// the most often tried first, then by ID from low to high.
	FailingEffects(ctx context.Context, limit int) ([]Effect, error)

	// DeleteEffects removes those done before t and returns how many there were.
	DeleteEffects(ctx context.Context, t time.Time) (int, error)
}
