package storage

import (
	"context"
	"time"
)

// CustomerID identifies a customer: a UUIDv7 in its usual lower-case text form.
type CustomerID string

// Status is the state of a customer.
type Status string

// The states of a customer. Only onboarding and active customers are let in.
const (
	StatusPending    Status = "pending"    // a checkout is open
	StatusOnboarding Status = "onboarding" // entitled, the onboarding has not finished
	StatusActive     Status = "active"     // entitled and ready
	StatusInactive   Status = "inactive"   // not entitled, or suspended
)

// Entitled reports whether a customer in this state may use the host.
func (s Status) Entitled() bool { return s == StatusOnboarding || s == StatusActive }

// At returns the state at now of a customer in state s who is entitled before
// until; a zero until is no end.
func (s Status) At(until, now time.Time) Status {
	if s.Entitled() && !until.IsZero() && !now.Before(until) {
		return StatusInactive
	}
	return s
}

// CustomerState is what decides whether a customer may come in.
type CustomerState struct {
	Status        Status
	EntitledUntil time.Time
}

// Customer is one paying party of the host.
type Customer struct {
	ID CustomerID
	// ExternalID is the embedder's own name for this customer, unique unless
	// empty.
	ExternalID string
	// IdempotencyKey is the token under which this customer was made, unique
	// unless empty.
	IdempotencyKey string
	// Email is where to reach the customer. It is no identity: several customers
	// may have the same one.
	Email     string
	Status    Status
	BrandName string
	Website   string
	Plan      string
	// Onboarding says that the onboarding is still to come, or goes on.
	Onboarding bool
	// SuspendedAt is when an operator shut the customer out, zero if nobody did.
	SuspendedAt time.Time
	// EntitledUntil is when an entitled customer becomes inactive, whether or not
	// somebody changes Status then; zero: no end. See [Customer.StatusAt].
	EntitledUntil time.Time
	CreatedAt     time.Time
	// UpdatedAt is when something of this last changed. Who changes it sets it.
	UpdatedAt time.Time
}

// StatusAt returns the customer's state at now.
func (c Customer) StatusAt(now time.Time) Status { return c.Status.At(c.EntitledUntil, now) }

// Admitted returns the state of the customer once nothing stands in the way.
func (c Customer) Admitted() Status {
	if c.Onboarding {
		return StatusOnboarding
	}
	return StatusActive
}

// CustomerQuery selects customers. The zero value selects all of them.
type CustomerQuery struct {
	// Search matches a part of the e-mail address, brand name or website,
	// ignoring the case of ASCII letters, or a whole ID or external ID exactly.
	// Every character stands for itself.
	Search string
	// Status, when set, selects customers in this state, as it is stored.
	Status Status
	Page
}

// Customers is the role of the customer records.
type Customers interface {
	// CreateCustomer stores a new customer. It returns ErrExists when the ID, a
	// non-empty ExternalID or a non-empty IdempotencyKey is taken.
	CreateCustomer(ctx context.Context, c Customer) error

	// Customer returns one customer, or ErrNotFound.
	Customer(ctx context.Context, id CustomerID) (Customer, error)

	// CustomerByExternalID returns the customer with this external ID, or
	// ErrNotFound, also for an empty one.
	CustomerByExternalID(ctx context.Context, externalID string) (Customer, error)

	// CustomerByIdempotencyKey returns the customer that was made under this
	// token, or ErrNotFound, also for an empty one.
	CustomerByIdempotencyKey(ctx context.Context, token string) (Customer, error)

	// UpdateCustomer reads the customer, lets change alter it and stores it, all
	// in one transaction in which no other update of that customer can come
	// between. It returns the stored customer. ID and CreatedAt stay as they
	// were. When change returns an error, nothing is stored and that error is
	// returned. It returns ErrNotFound for an unknown ID, and ErrExists when the
	// new ExternalID or IdempotencyKey is taken.
	UpdateCustomer(ctx context.Context, id CustomerID, change func(*Customer) error) (Customer, error)

	// Customers returns the selected customers, newest first.
	Customers(ctx context.Context, q CustomerQuery) ([]Customer, error)

	// CustomerStates returns the states of those of the given customers that
	// exist. It takes any number of IDs.
	CustomerStates(ctx context.Context, ids []CustomerID) (map[CustomerID]CustomerState, error)
}
