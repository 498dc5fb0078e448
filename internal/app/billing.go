package app

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/storage"
)

// Sells reports whether something can be bought at this host.
func (a *App) Sells() bool { return a.Subscriptions != nil && a.Subscriptions.Provider != nil }

// Checkout begins a purchase by a new customer.
func (a *App) Checkout(ctx context.Context, email, plan string) (subscription.Started, error) {
	email = strings.TrimSpace(email)
	if err := checkEmail(email); err != nil {
		return subscription.Started{}, err
	}
	if _, domain, _ := strings.Cut(email, "@"); !strings.Contains(domain, ".") { // nobody on the internet
		return subscription.Started{}, storage.Invalid("email", "an e-mail address such as ada@example.com")
	}
	return a.Subscriptions.Checkout(ctx, email, plan)
}

// Delivered takes what claims to be a delivery of the payment provider. Only those
// that are forged count against the address, with the limit's headers in h.
func (a *App) Delivered(h http.Header, r *http.Request, body []byte) error {
	err := a.Subscriptions.Receive(r.Context(), billing.Delivery{Body: body, Header: r.Header, At: time.Now()})
	if err == subscription.ErrForged { //nolint:errorlint // it is this one or it isn't
		a.mu.Lock()
		a.refused.Refused++
		a.refused.RefusedAt = time.Now()
		a.mu.Unlock()
		if err := a.Limit(r.Context(), h, ScopeWebhook, a.Address(r)); err != nil {
			return err
		}
	}
	return err
}

// maxNonces is how many checkouts of one browser can be claimed.
const maxNonces = 5

// ClaimCookie is the cookie that proves the browser of the request to be the one
// that began a checkout, and those that it began before. The prefix __Host- keeps
// other hosts of the domain from setting it (RFC 6265bis, section 4.1.3.2).
func (a *App) ClaimCookie(r *http.Request, nonce string) *http.Cookie {
	nonces := append([]string{nonce}, a.ClaimNonces(r)...)
	name, secure := a.claimCookie()
	return &http.Cookie{ //nolint:gosec // not Secure on a developer's machine alone
		Name: name, Value: strings.Join(nonces[:min(len(nonces), maxNonces)], "."), Path: "/", MaxAge: 30 * 24 * 60 * 60,
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// ClaimNonces returns the secrets of claim cookies.
func (a *App) ClaimNonces(r *http.Request) []string {
	name, _ := a.claimCookie()
	var nonces []string
	for _, c := range r.CookiesNamed(name) {
		for nonce := range strings.SplitSeq(c.Value, ".") {
			if len(nonces) < maxNonces && nonceForm.MatchString(nonce) {
				nonces = append(nonces, nonce)
			}
		}
	}
	return nonces
}

var nonceForm = regexp.MustCompile(`^[A-Z2-7]{26}$`) // of crypto/rand.Text

func (a *App) claimCookie() (name string, secure bool) {
	if strings.HasPrefix(a.Subscriptions.SuccessURL, "https://") {
		return "__Host-claim", true
	}
	return "claim", false // on a developer's machine
}

// SubscriptionOf returns the customer's subscription, and false when there is none
// to show.
func (a *App) SubscriptionOf(ctx context.Context, customer storage.CustomerID) (billing.SubscriptionStatus, bool, error) {
	if a.Subscriptions == nil {
		return billing.SubscriptionStatus{}, false, nil
	}
	account, err := a.Subscriptions.Account(ctx, customer)
	if err != nil {
		return billing.SubscriptionStatus{}, false, err
	}
	status, ok := account.Subscription(time.Now())
	return status, ok, nil
}

// SetPlan gives the customer a plan, as an admin may; without one, only what they
// pay for lets them in. It returns the customer afterwards.
func (a *App) SetPlan(ctx context.Context, id storage.CustomerID, plan string) (storage.Customer, error) {
	if a.Subscriptions == nil {
		return storage.Customer{}, fmt.Errorf("this host has no billing, and so no plans: %w", storage.ErrConflict)
	}
	if err := a.checkPlan(plan); err != nil {
		return storage.Customer{}, err
	}
	c, err := a.Store.Customer(ctx, id)
	if err != nil {
		return storage.Customer{}, err
	}
	if err := a.Subscriptions.SetGrant(ctx, c, plan != "", plan); err != nil {
		return storage.Customer{}, err
	}
	return a.Store.Customer(ctx, id)
}

// Lost ends the streams of a customer who may come in no longer.
func (a *App) Lost(customer storage.CustomerID) { a.endCustomer(customer) }

// checkPlan refuses a plan that a host with plans doesn't have.
func (a *App) checkPlan(id string) error {
	if a.Subscriptions == nil || id == "" || len(a.Subscriptions.Plans) == 0 {
		return nil
	}
	if _, ok := a.Subscriptions.Plan(id); ok {
		return nil
	}
	names := make([]string, len(a.Subscriptions.Plans))
	for i, p := range a.Subscriptions.Plans {
		names[i] = p.ID
	}
	return storage.Invalid("plan", "empty or one of %s", strings.Join(names, ", "))
}
