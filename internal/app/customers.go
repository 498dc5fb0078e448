package app

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// NewCustomer describes a customer to make. Only Email is required.
type NewCustomer struct {
	Email     string
	BrandName string
	Website   string
	Plan      string
	// ExternalID is the embedder's own ID: asking again with the same one finds
	// the customer instead of making another.
	ExternalID string
	// IdempotencyKey does the same for one request that may be sent twice.
	IdempotencyKey string
}

// Provisioned is a customer and, if it was made now, its first key.
type Provisioned struct {
	Customer storage.Customer
	Created  bool
	APIKey   auth.APIKey // only when Created
	Key      storage.Key // only when Created
}

// Provision makes a customer with a key, or returns the one that was made under
// the same external ID or idempotency key.
func (a *App) Provision(ctx context.Context, n NewCustomer) (Provisioned, error) {
	if err := n.validate(); err != nil {
		return Provisioned{}, err
	}
	if err := a.checkPlan(n.Plan); err != nil {
		return Provisioned{}, err
	}
	now := storage.Now()
	c := storage.Customer{
		ID:             storage.CustomerID(storage.NewID()),
		ExternalID:     n.ExternalID,
		IdempotencyKey: n.IdempotencyKey,
		Email:          n.Email,
		Onboarding:     a.onboards(),
		BrandName:      n.BrandName,
		Website:        n.Website,
		Plan:           n.Plan,
		CreatedAt:      now,
		UpdatedAt:      now,
	}
	c.Status = c.Admitted()
	apiKey, key := auth.Mint(c.ID, "first key")
	err := a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := tx.CreateCustomer(ctx, c); err != nil {
			return err
		}
		if a.Subscriptions != nil {
			if err := a.Subscriptions.Grant(ctx, tx, c); err != nil {
				return err
			}
		}
		if err := tx.CreateKey(ctx, key); err != nil {
			return err
		}
		return storage.Record(ctx, tx, c.ID, "customer.provisioned", map[string]any{"keyId": key.ID})
	})
	if errors.Is(err, storage.ErrExists) {
		c, err := a.provisionedBefore(ctx, n)
		return Provisioned{Customer: c}, err
	}
	if err != nil {
		return Provisioned{}, err
	}
	return Provisioned{Customer: c, Created: true, APIKey: apiKey, Key: key}, nil
}

func (a *App) provisionedBefore(ctx context.Context, n NewCustomer) (storage.Customer, error) {
	c, err := a.Store.CustomerByIdempotencyKey(ctx, n.IdempotencyKey)
	if errors.Is(err, storage.ErrNotFound) {
		c, err = a.Store.CustomerByExternalID(ctx, n.ExternalID)
	}
	return c, err
}

func (n *NewCustomer) validate() error {
	n.Email = strings.TrimSpace(n.Email)
	if err := checkEmail(n.Email); err != nil {
		return err
	}
	if n.Website != "" {
		u, err := url.Parse(n.Website)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(n.Website) > 2048 {
			return storage.Invalid("website", "an address that begins with https:// or http://")
		}
	}
	for _, f := range []struct {
		name, value string
		limit       int
	}{
		{"brandName", n.BrandName, 200},
		{"plan", n.Plan, 64},
		{"externalId", n.ExternalID, 255},
		{"Idempotency-Key", n.IdempotencyKey, 255},
	} {
		if err := checkText(f.name, f.value, f.limit); err != nil {
			return err
		}
	}
	return nil
}

// checkEmail takes an addr-spec (RFC 5322, section 3.4.1) alone.
func checkEmail(email string) error {
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || len(email) > 254 || strings.ContainsFunc(email, isControl) {
		return storage.Invalid("email", "an e-mail address such as ada@example.com")
	}
	return nil
}

func checkText(field, value string, limit int) error {
	if utf8.RuneCountInString(value) > limit || !utf8.ValidString(value) || strings.ContainsFunc(value, isControl) {
		return storage.Invalid(field, "a text of at most %d characters without control characters", limit)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// Customer returns one customer.
func (a *App) Customer(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	return a.Store.Customer(ctx, id)
}

// CustomerByExternalID returns the customer with the embedder's own ID.
func (a *App) CustomerByExternalID(ctx context.Context, externalID string) (storage.Customer, error) {
	return a.Store.CustomerByExternalID(ctx, externalID)
}

// Customers lists customers, newest first, and returns the next page's cursor.
func (a *App) Customers(ctx context.Context, search string, status storage.Status, limit int, cursor string) ([]storage.Customer, string, error) {
	switch status {
	case "", storage.StatusPending, storage.StatusOnboarding, storage.StatusActive, storage.StatusInactive:
	default:
		return nil, "", storage.Invalid("status", "pending, onboarding, active or inactive")
	}
	if err := checkText("search", search, 255); err != nil {
		return nil, "", err
	}
	return storage.List(limit, cursor,
		func(c storage.Customer) string { return string(c.ID) },
		func(p storage.Page) ([]storage.Customer, error) {
			return a.Store.Customers(ctx, storage.CustomerQuery{Search: search, Status: status, Page: p})
		})
}

// Suspend shuts the customer out at once, open streams included. Suspending
// twice changes nothing.
func (a *App) Suspend(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	c, err := a.change(ctx, id, "customer.suspended", func(_ context.Context, _ storage.Store, c *storage.Customer) (bool, error) {
		if !c.SuspendedAt.IsZero() {
			return false, nil
		}
		c.SuspendedAt, c.Status = storage.Now(), storage.StatusInactive
		return true, nil
	})
	if err == nil {
		a.endCustomer(id)
	}
	return c, err
}

func (a *App) endCustomer(id storage.CustomerID) {
	a.endStreams(func(p auth.Principal) bool { return p.Customer == id })
}

// Resume ends a suspension: the customer may come in again as far as billing lets
// them.
func (a *App) Resume(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	return a.change(ctx, id, "customer.resumed", func(ctx context.Context, tx storage.Store, c *storage.Customer) (bool, error) {
		if c.SuspendedAt.IsZero() {
			return false, nil
		}
		c.SuspendedAt, c.Status = time.Time{}, c.Admitted()
		if a.Subscriptions == nil {
			return true, nil
		}
		var err error
		c.Status, c.EntitledUntil, err = a.Subscriptions.Status(ctx, tx, *c)
		return true, err
	})
}

// change alters a customer and records it as an event, or does neither when
// alter returns false.
func (a *App) change(ctx context.Context, id storage.CustomerID, event string,
	alter func(ctx context.Context, tx storage.Store, c *storage.Customer) (bool, error),
) (storage.Customer, error) {
	var changed storage.Customer
	err := a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		altered := false
		c, err := tx.UpdateCustomer(ctx, id, func(c *storage.Customer) (err error) {
			if altered, err = alter(ctx, tx, c); altered {
				c.UpdatedAt = storage.Now()
			}
			return err
		})
		if err != nil {
			return err
		}
		changed = c
		if !altered {
			return nil
		}
		return storage.Record(ctx, tx, id, event, nil)
	})
	return changed, err
}
