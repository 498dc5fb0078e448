package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Connection is an account at a platform that a customer has linked. A customer has
// one for each platform.
type Connection struct {
	CustomerID CustomerID
	// Platform names the platform, such as "linkedin".
	Platform string
	// Account is the platform's own ID of the account; empty: it isn't known, or the
	// account is no longer linked. Among all customers, one has it.
	Account string
	// Status is a word of whoever keeps connections, such as "connected".
	Status string
	// Data is a JSON object with nothing secret in it.
	Data json.RawMessage
	// Sealed is what opens the account, encrypted; nil: nothing does. SealedWith names
	// the key, and is empty with it.
	Sealed     []byte
	SealedWith string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// ConnectionKey is what a connection is found by.
type ConnectionKey struct {
	Customer CustomerID
	Platform string
}

// Connections is the role that remembers linked accounts. A [Store] need not have it: a
// host that connects platforms looks for it with [RoleOf].
type Connections interface {
	// CreateConnection stores a new connection of c.CustomerID. It returns ErrExists
	// when the customer has one for the platform, or anybody has the account, and
	// ErrNotFound when the customer is unknown.
	CreateConnection(ctx context.Context, c Connection) error

	// Connection returns one connection, or ErrNotFound.
	Connection(ctx context.Context, customer CustomerID, platform string) (Connection, error)

	// UpdateConnection reads the connection, lets change alter it and stores it in one
	// transaction, as UpdateCustomer does. CustomerID, Platform and CreatedAt stay as
	// they were. It returns ErrExists when another has the new account.
	UpdateConnection(ctx context.Context, customer CustomerID, platform string, change func(*Connection) error) (Connection, error)

	// DeleteConnection removes the connection, or returns ErrNotFound.
	DeleteConnection(ctx context.Context, customer CustomerID, platform string) error

	// Connections returns the customer's connections, by platform from high to low.
	Connections(ctx context.Context, customer CustomerID, p Page) ([]Connection, error)

	// ConnectionByAccount returns the connection of whichever customer has the account,
	// or ErrNotFound, also for an empty one.
	ConnectionByAccount(ctx context.Context, platform, account string) (Connection, error)

	// StaleConnections returns up to limit connections of all customers that are sealed
	// with another key than this one, by customer and platform from low to high; only
	// those after the given one, from the beginning for the zero value.
	StaleConnections(ctx context.Context, key string, after ConnectionKey, limit int) ([]Connection, error)
}
