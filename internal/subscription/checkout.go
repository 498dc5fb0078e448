package subscription

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// Started is a purchase that has begun.
type Started struct {
	URL     string // where to pay
	Session string // the provider's ID of it
	// Nonce is a secret with which the first key can be claimed.
	Nonce string
}

// firstLook is when a checkout is looked at though nothing was heard of it.
const firstLook = 2 * time.Minute

// Checkout begins a purchase by a new customer. An e-mail address is contact and
// never identity: who pays with somebody else's address must not get their account.
// An empty plan is the first that can be bought.
func (s *Service) Checkout(ctx context.Context, email, plan string) (Started, error) {
	p, err := s.purchasable(plan)
	if err != nil {
		return Started{}, err
	}
	now := storage.Now()
	c := storage.Customer{
		ID: storage.CustomerID(storage.NewID()), Email: email, Status: storage.StatusPending, Onboarding: s.Onboards, CreatedAt: now, UpdatedAt: now,
	}
	return s.begin(ctx, c.ID, p, billing.CheckoutRequest{Email: email}, func(ctx context.Context, tx storage.Store) error {
		if err := tx.CreateCustomer(ctx, c); err != nil {
			return err
		}
		account := billing.Account{Customer: string(c.ID), Session: billing.SessionOpen}
		return roles(tx).CreateAccount(ctx, storage.Account{CustomerID: c.ID, Data: encode(record{Account: account})})
	})
}

// CheckoutAgain begins a purchase by a customer who has no subscription any more,
// or never had one. An empty plan is the one that the customer had.
func (s *Service) CheckoutAgain(ctx context.Context, customer storage.CustomerID, plan string) (Started, error) {
	c, err := s.Store.Customer(ctx, customer)
	if err != nil {
		return Started{}, err
	}
	if had, ok := s.Plan(c.Plan); plan == "" && ok && had.Price != "" {
		plan = had.ID
	}
	p, err := s.purchasable(plan)
	if err != nil {
		return Started{}, err
	}
	account, err := s.Account(ctx, customer)
	if err != nil {
		return Started{}, err
	}
	request := billing.CheckoutRequest{Customer: account.ProviderCustomer}
	if request.Customer == "" || account.Gone {
		request.Customer, request.Email = "", c.Email
	}
	if !account.OpenedAt.IsZero() {
		p.TrialDays = 0 // it is free once
	}
	return s.begin(ctx, customer, p, request, func(ctx context.Context, tx storage.Store) error {
		err := s.Grant(ctx, tx, c) // for a customer from before there was billing
		if err != nil && !errors.Is(err, storage.ErrExists) {
			return err
		}
		return change(ctx, roles(tx), customer, func(_ *storage.Account, r *record) error {
			for _, standing := range r.Subscriptions {
				if standing.Confirmed && !standing.Ended {
					return fmt.Errorf("there is a subscription already; the portal changes it: %w", storage.ErrConflict)
				}
			}
			r.Session = billing.SessionOpen
			return nil
		})
	})
}

// begin stores the checkout before the provider is asked, with the idempotency
// key, so that whatever gets lost can be asked for again.
func (s *Service) begin(ctx context.Context, customer storage.CustomerID, p billing.Plan, r billing.CheckoutRequest,
	also func(ctx context.Context, tx storage.Store) error,
) (Started, error) {
	id := storage.NewID()
	r.IdempotencyKey = "co_" + id
	r.Reference = string(customer)
	r.Price, r.TrialDays = p.Price, p.TrialDays
	r.SuccessURL, r.CancelURL = s.SuccessURL, s.CancelURL
	r.PromotionCodes, r.AutomaticTax = s.PromotionCodes, s.AutomaticTax
	nonce := rand.Text()
	c := storage.Checkout{
		ID: id, CustomerID: customer, Nonce: sha256.Sum256([]byte(nonce)), Request: encode(r), CreatedAt: storage.Now(),
	}
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := also(ctx, tx); err != nil {
			return err
		}
		return roles(tx).CreateCheckout(ctx, c)
	})
	if err != nil {
		return Started{}, err
	}
	checkout, err := s.Provider.Checkout(ctx, r)
	if err != nil {
		return Started{}, s.failed("checkout", err)
	}
	err = s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		_, err := roles(tx).UpdateCheckout(ctx, customer, id, func(c *storage.Checkout) error {
			c.Session, c.ExpiresAt = sessionHash(checkout.ID), checkout.ExpiresAt
			return nil
		})
		if err != nil {
			return err
		}
		return change(ctx, roles(tx), customer, func(a *storage.Account, _ *record) error {
			if look := storage.Now().Add(firstLook); a.DueAt.IsZero() || look.Before(a.DueAt) {
				a.DueAt = look
			}
			return nil
		})
	})
	return Started{URL: checkout.URL, Session: checkout.ID, Nonce: nonce}, err
}

// change alters an account as it is stored.
func change(ctx context.Context, b storage.Billing, customer storage.CustomerID, alter func(*storage.Account, *record) error) error {
	_, err := b.UpdateAccount(ctx, customer, func(a *storage.Account) error {
		r, err := decode(*a)
		if err != nil {
			return err
		}
		if err := alter(a, &r); err != nil {
			return err
		}
		a.Data = encode(r)
		return nil
	})
	return err
}

func sessionHash(id string) [32]byte { return sha256.Sum256([]byte(id)) }

// purchasable returns the plan that is asked for.
func (s *Service) purchasable(id string) (billing.Plan, error) {
	var names []string
	for _, p := range s.Plans {
		if p.Price == "" {
			continue
		}
		if id == "" || p.ID == id {
			return p, nil
		}
		names = append(names, p.ID)
	}
	if len(names) == 0 {
		return billing.Plan{}, httpx.Status(http.StatusNotImplemented, "nothing is sold by this host")
	}
	return billing.Plan{}, storage.Invalid("plan", "one of %s", strings.Join(names, ", "))
}

// HasPortal reports whether the provider has pages where customers manage payment.
func (s *Service) HasPortal() bool { return s.portaler != nil }

// Portal returns a link to the provider's page where the customer manages payment.
func (s *Service) Portal(ctx context.Context, customer storage.CustomerID) (string, error) {
	if s.portaler == nil {
		return "", httpx.Status(http.StatusNotImplemented, "a billing portal is not part of this host")
	}
	account, err := s.Account(ctx, customer)
	if err != nil {
		return "", err
	}
	if account.Gone {
		return "", fmt.Errorf("there is nothing to manage any more: the payment provider has deleted this customer: %w", storage.ErrConflict)
	}
	if account.ProviderCustomer == "" {
		return "", fmt.Errorf("there is nothing to manage yet: this customer has not bought anything: %w", storage.ErrConflict)
	}
	link, err := s.portaler.Portal(ctx, billing.PortalRequest{Customer: account.ProviderCustomer, ReturnURL: s.CancelURL})
	if err != nil {
		return "", s.failed("portal", err)
	}
	return link, nil
}

// failed makes an error of the provider fit for clients, who don't see its text.
func (s *Service) failed(what string, err error) error {
	if away, ok := errors.AsType[*billing.UnavailableError](err); ok {
		after := max(away.After, time.Second)
		return httpx.Status(http.StatusServiceUnavailable, "the payment provider can't be reached right now; try again").
			WithHeader("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second))).WithCause(err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return httpx.Unavailable(err)
	}
	s.Log.Error("the payment provider refused", zap.String("what", what), zap.Error(err))
	return httpx.Status(http.StatusBadGateway, "the payment provider refused; the operator has to look").
		WithHeader("Retry-After", "60").WithCause(err)
}

// recovered returns the provider's ID of an open checkout, of which only the hash
// is stored: asked again with the same key, the provider gives the same one.
// Providers remember keys for a day.
func (s *Service) recovered(ctx context.Context, c storage.Checkout) (string, error) {
	if c.Session == ([32]byte{}) || time.Since(c.CreatedAt) > 23*time.Hour {
		return "", nil
	}
	var r billing.CheckoutRequest
	if err := json.Unmarshal(c.Request, &r); err != nil {
		return "", fmt.Errorf("subscription: checkout %s: %w", c.ID, err)
	}
	checkout, err := s.Provider.Checkout(ctx, r)
	if err != nil || sessionHash(checkout.ID) != c.Session {
		return "", err
	}
	return checkout.ID, nil
}

// newestCheckout is the zero Checkout when there is none.
func newestCheckout(ctx context.Context, b storage.Billing, customer storage.CustomerID) (storage.Checkout, error) {
	list, err := b.Checkouts(ctx, customer, storage.Page{Limit: 1})
	if err != nil || len(list) == 0 {
		return storage.Checkout{}, err
	}
	return list[0], nil
}
