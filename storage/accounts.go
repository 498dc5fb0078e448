package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Account is what billing keeps of a customer, who has one at most.
type Account struct {
	CustomerID CustomerID
	// Data is a JSON object that storage doesn't look into.
	Data json.RawMessage
	// Heard counts the signs that something may have changed.
	Heard int64
	// Session is the provider's ID of a checkout that is to be read; empty: none.
	Session string
	// DueAt is when to look at the account; zero: not by itself.
	DueAt time.Time
	// Lease names who works on the account until LeasedUntil; empty: nobody.
	Lease       string
	LeasedUntil time.Time
	// Failures counts the attempts since one went well.
	Failures int
	// ReadAt is when the provider was last read; zero: never.
	ReadAt time.Time
}

// Accounts is the role of what billing knows of customers.
type Accounts interface {
	// CreateAccount stores the account of a.CustomerID. It returns ErrExists when
	// there is one, and ErrNotFound when the customer is unknown.
	CreateAccount(ctx context.Context, a Account) error

	// Account returns the customer's account, or ErrNotFound.
	Account(ctx context.Context, customer CustomerID) (Account, error)

	// UpdateAccount reads the account, lets change alter it and stores it in one
	// transaction, as UpdateCustomer does. CustomerID stays as it was.
	UpdateAccount(ctx context.Context, customer CustomerID, change func(*Account) error) (Account, error)

	// LeaseAccounts returns up to limit accounts whose DueAt is not after now and
	// whose LeasedUntil is not after now either, the longest due first, and
	// stores lease and until as their Lease and LeasedUntil. No account is given
	// to two callers at once.
	LeaseAccounts(ctx context.Context, lease string, now, until time.Time, limit int) ([]Account, error)

	// NameAccount notes names under which AccountByName finds the account. A name
	// that is another account's stays so. It returns ErrNotFound when the
	// customer has no account.
	NameAccount(ctx context.Context, customer CustomerID, names ...string) error

	// AccountByName returns whose account has the first of the names that is
	// known, or ErrNotFound. Empty names are passed over.
	AccountByName(ctx context.Context, names ...string) (CustomerID, error)

	// Accounts returns accounts by CustomerID from high to low.
	Accounts(ctx context.Context, p Page) ([]Account, error)

	// FailingAccounts returns up to limit accounts that have Failures, the most of
	// them first, then by CustomerID from low to high.
	FailingAccounts(ctx context.Context, limit int) ([]Account, error)
}

// Notice is a delivery of a payment provider that was taken. What it said isn't
// kept.
type Notice struct {
	// Provider and ID together are unique.
	Provider, ID string
	Type         string
	// Customer is whom it is about; empty: nobody that is known.
	Customer CustomerID
	// CreatedAt is by the provider's clock, ReceivedAt by ours.
	CreatedAt, ReceivedAt time.Time
}

// Notices is the role of the deliveries of payment providers.
type Notices interface {
	// CreateNotice stores a notice, or returns ErrExists when it is known.
	CreateNotice(ctx context.Context, n Notice) error

	// LastNotice returns the provider's notice with the latest CreatedAt, or
	// ErrNotFound.
	LastNotice(ctx context.Context, provider string) (Notice, error)

	// DeleteNotices removes those received before t and returns how many there
	// were.
	DeleteNotices(ctx context.Context, t time.Time) (int, error)
}
