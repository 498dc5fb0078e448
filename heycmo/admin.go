package heycmo

import (
	"context"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/storage"
)

// Admin makes and manages customers from Go. It asks for no credential. Errors
// wrap [storage.ErrNotFound], [storage.ErrInvalid] and [storage.ErrConflict].
type Admin struct{ app *app.App }

// Admin returns the operator's view of the host.
func (s *Server) Admin() *Admin { return &Admin{s.app} }

// NewCustomer describes a customer to make. Only Email is required.
type NewCustomer struct {
	// Email is an address of at most 254 characters.
	Email string
	// BrandName has at most 200 characters.
	BrandName string
	// Website is an http or https address.
	Website string
	// Plan has at most 64 characters.
	Plan string
	// ExternalID is the embedder's own ID of the customer, at most 255
	// characters. Asking again with the same one finds the customer.
	ExternalID string
	// IdempotencyKey makes a request repeatable in the same way; at most 255
	// characters.
	IdempotencyKey string
}

// Provisioned is the answer of [Admin.Provision].
type Provisioned struct {
	Customer storage.Customer
	// Created says that the customer was made now.
	Created bool
	// APIKey is the customer's first key. It is there only when Created, and
	// can't be had again.
	APIKey auth.APIKey
}

// Provision makes a customer with a key, or returns the one that was made under
// the same ExternalID or IdempotencyKey.
func (a *Admin) Provision(ctx context.Context, n NewCustomer) (Provisioned, error) {
	p, err := a.app.Provision(ctx, app.NewCustomer(n))
	return Provisioned{p.Customer, p.Created, p.APIKey}, err
}

// Customer returns one customer.
func (a *Admin) Customer(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	return a.app.Customer(ctx, id)
}

// CustomerByExternalID returns the customer with the embedder's own ID.
func (a *Admin) CustomerByExternalID(ctx context.Context, externalID string) (storage.Customer, error) {
	return a.app.CustomerByExternalID(ctx, externalID)
}

// CustomerSearch selects customers.
type CustomerSearch struct {
	// Text matches a part of the e-mail address, brand name or website, or a
	// whole ID or external ID; empty matches all.
	Text string
	// Status, when set, selects customers in this state.
	Status storage.Status
	// Limit is 1 to [storage.MaxLimit]; 0 is [storage.DefaultLimit].
	Limit int
	// Cursor is what the page before returned.
	Cursor string
}

// Customers returns a page of customers, newest first, and the cursor of the
// next page, which is empty on the last one.
func (a *Admin) Customers(ctx context.Context, q CustomerSearch) (page []storage.Customer, next string, err error) {
	return a.app.Customers(ctx, q.Text, q.Status, q.Limit, q.Cursor)
}

// Suspend shuts a customer out at once, open streams included.
func (a *Admin) Suspend(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	return a.app.Suspend(ctx, id)
}

// Resume lets a suspended customer in again.
func (a *Admin) Resume(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	return a.app.Resume(ctx, id)
}

// SetPlan gives a customer a plan without payment; an empty one takes back what was
// given, so that only a subscription lets the customer in. The plan of a subscription
// comes before it. It is an error on a host without [Options].Billing.
func (a *Admin) SetPlan(ctx context.Context, id storage.CustomerID, plan string) (storage.Customer, error) {
	return a.app.SetPlan(ctx, id, plan)
}

// Account returns what is known of what a customer pays; of one whom an admin has
// made, that it was granted. It is an error on a host without [Options].Billing.
func (a *Admin) Account(ctx context.Context, id storage.CustomerID) (billing.Account, error) {
	if a.app.Subscriptions == nil {
		return billing.Account{}, fmt.Errorf("heycmo: this host has no billing: %w", storage.ErrConflict)
	}
	return a.app.Subscriptions.Account(ctx, id)
}

// CreateKey makes a further key, for a customer who lost theirs.
func (a *Admin) CreateKey(ctx context.Context, id storage.CustomerID, name string) (auth.APIKey, storage.Key, error) {
	return a.app.CreateKey(ctx, id, name)
}

// Keys returns a page of the customer's keys, newest first.
func (a *Admin) Keys(ctx context.Context, id storage.CustomerID, limit int, cursor string) (page []storage.Key, next string, err error) {
	return a.app.Keys(ctx, id, limit, cursor)
}

// RevokeKey ends a key and its open streams at once.
func (a *Admin) RevokeKey(ctx context.Context, id storage.CustomerID, key storage.KeyID) error {
	return a.app.RevokeKey(ctx, id, key)
}

// RotateSecrets encrypts everything anew that is encrypted with an older one of
// [Options].SecretKeys, and returns how much it was by the old key's ID. Once it is done
// without an error, and an hour has passed, the old keys may go. It may run while the host
// serves.
func (a *Admin) RotateSecrets(ctx context.Context) (map[string]int, error) {
	return a.app.RotateSecrets(ctx)
}

// DashboardLink makes a link that opens the customer's dashboard in a browser, once and
// until it expires, for pages of your own on which they are signed in. It needs
// [Options].PublicURL. It is [storage.ErrNotFound] for a customer that is unknown.
func (a *Admin) DashboardLink(ctx context.Context, id storage.CustomerID) (url string, expiresAt time.Time, err error) {
	if !a.app.Dashboard {
		return "", time.Time{}, fmt.Errorf("heycmo: this host has no dashboard: %w", storage.ErrConflict)
	}
	link, err := a.app.DashboardLink(ctx, id)
	return link.URL, link.ExpiresAt, err
}
