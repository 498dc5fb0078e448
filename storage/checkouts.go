package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Checkout is a purchase that a customer has begun.
type Checkout struct {
	// ID is a UUIDv7.
	ID         string
	CustomerID CustomerID
	// Session is the SHA-256 of the provider's ID of the checkout; all zero until
	// the provider has answered.
	Session [32]byte
	// Nonce is the SHA-256 of a secret of the browser that began it; all zero:
	// none.
	Nonce [32]byte
	// Request is a JSON object: what was asked of the provider, so that it can be
	// asked again.
	Request   json.RawMessage
	CreatedAt time.Time
	// ExpiresAt is until when it can be paid; zero: not known.
	ExpiresAt time.Time
	// PaidAt is when it was seen that it is paid; zero: it wasn't.
	PaidAt time.Time
	// ClaimableAt is when the customer's first key could be had for it; zero: it
	// can't. ClaimedAt is when that was done, and KeyID the key.
	ClaimableAt, ClaimedAt time.Time
	KeyID                  KeyID
}

// Checkouts is the role of the purchases.
type Checkouts interface {
	// CreateCheckout stores a new checkout of c.CustomerID. It returns ErrExists
	// when the ID is taken, and ErrNotFound when the customer is unknown.
	CreateCheckout(ctx context.Context, c Checkout) error

	// CheckoutBySession returns the checkout with this Session, the newest if
	// there are several, or ErrNotFound, also for all zeros.
	CheckoutBySession(ctx context.Context, session [32]byte) (Checkout, error)

	// UpdateCheckout reads the checkout, lets change alter it and stores it in
	// one transaction, as UpdateCustomer does. ID, CustomerID, Request and
	// CreatedAt stay as they were.
	UpdateCheckout(ctx context.Context, customer CustomerID, id string, change func(*Checkout) error) (Checkout, error)

	// Checkouts returns the customer's checkouts, newest first.
	Checkouts(ctx context.Context, customer CustomerID, p Page) ([]Checkout, error)

	// DeletePending removes the customers in StatusPending that were made before t
	// and whose account has no name, with everything that is theirs, and returns how
	// many there were. Outside of a transaction it takes one for each 1,000 of them
	// or fewer, so that nobody waits long.
	DeletePending(ctx context.Context, t time.Time) (int, error)
}
