package storage

import (
	"context"
	"time"
)

// KeyID identifies an API key: a UUIDv7. It is public and opens nothing.
type KeyID string

// Key is an API key. The key itself is not kept anywhere, only its SHA-256.
type Key struct {
	ID         KeyID
	CustomerID CustomerID
	// Name is the customer's own label; may be empty.
	Name string
	// Hash is the SHA-256 of the key's text, unique.
	Hash [32]byte
	// LastFour are the last four characters, for people to tell keys apart.
	LastFour  string
	CreatedAt time.Time
	// LastUsedAt is when the key was last seen, to the minute, or zero.
	LastUsedAt time.Time
	// ExpiresAt is when the key stops working, or zero if it doesn't.
	ExpiresAt time.Time
}

// KeyState is what decides whether a key still opens the door.
type KeyState struct {
	ExpiresAt time.Time
	CustomerState
	UpdatedAt time.Time // of the customer
}

// Keys is the role of the API keys. Revoking a key deletes it; the customer's
// events tell its story.
type Keys interface {
	// CreateKey stores a new key of k.CustomerID. It returns ErrExists when the
	// ID or the hash is taken, and ErrNotFound when the customer is unknown.
	CreateKey(ctx context.Context, k Key) error

	// KeyByHash returns the key with this hash, expired or not, and its customer
	// in whatever state, or ErrNotFound.
	KeyByHash(ctx context.Context, hash [32]byte) (Key, Customer, error)

	// Keys returns the customer's keys, expired ones too, newest first.
	Keys(ctx context.Context, customer CustomerID, p Page) ([]Key, error)

	// UpdateKey reads the key, lets change alter it and stores it in one
	// transaction, as UpdateCustomer does. ID, CustomerID, Hash and CreatedAt
	// stay as they were.
	UpdateKey(ctx context.Context, customer CustomerID, id KeyID, change func(*Key) error) (Key, error)

	// DeleteKey removes the key, or returns ErrNotFound.
	DeleteKey(ctx context.Context, customer CustomerID, id KeyID) error

	// KeyStates returns the states of those of the given keys that exist. It
	// takes any number of IDs.
	KeyStates(ctx context.Context, ids []KeyID) (map[KeyID]KeyState, error)

	// TouchKeys records when keys were last used. A time before the one on
	// record and an unknown key are passed over. It takes any number of keys.
	TouchKeys(ctx context.Context, used map[KeyID]time.Time) error

	// DeleteExpiredKeys removes the keys that expired before t and returns how
	// many there were.
	DeleteExpiredKeys(ctx context.Context, t time.Time) (int, error)
}
