package heycmo

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/storage"
)

// Billing says what customers pay for, and to whom. The zero value of every field
// is its default.
type Billing struct {
	// Provider is the payment company; package stripebilling has one. Default:
	// none, nothing can be bought, and admins give plans.
	Provider billing.Provider

	// Plans go from the smallest to the largest. The first with a price is what a
	// checkout buys that names none. A customer without a plan has no quotas.
	Plans []billing.Plan

	// Policy says how long unpaid customers are let in, among others.
	Policy billing.DecideOptions

	// SuccessURL is where buyers return to. It must hold {CHECKOUT_SESSION_ID}.
	// Default: /welcome under [Options].PublicURL.
	SuccessURL string
	// CancelURL is where they go when they give up, and when they leave the
	// billing portal. Default: [Options].PublicURL.
	CancelURL string

	// ManageURL is a page with plans, where customers manage what they pay, such
	// as the login link of Stripe's portal. Notices and used-up quotas name it.
	// Default: none.
	ManageURL string

	// PromotionCodes lets buyers enter one, and AutomaticTax has the provider add
	// taxes.
	PromotionCodes, AutomaticTax bool

	// ClaimWindow is how long a buyer's first key can be claimed after the payment
	// was seen. Default: one hour.
	ClaimWindow time.Duration
	// RequireClaim lets only the browser claim the key that began the checkout, or
	// a client with its claim secret. It keeps out who learns the checkout's ID,
	// and also a buyer who pays on another device. Default: they are preferred:
	// only they get another key if the first answer was lost.
	RequireClaim bool
}

const sessionPlaceholder = "{CHECKOUT_SESSION_ID}"

// validate reports everything that makes no sense.
func (b *Billing) validate(publicURL string) error {
	if b == nil {
		return nil
	}
	var errs []error
	if err := billing.ValidatePlans(b.Plans); err != nil {
		errs = append(errs, fmt.Errorf("Billing.Plans: %w", err))
	}
	for _, field := range []struct{ name, value string }{
		{"SuccessURL", b.SuccessURL}, {"CancelURL", b.CancelURL}, {"ManageURL", b.ManageURL},
	} {
		u, err := url.Parse(field.value)
		if field.value != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
			errs = append(errs, fmt.Errorf("Billing.%s must be an http or https address", field.name))
		}
	}
	if b.SuccessURL != "" && !strings.Contains(b.SuccessURL, sessionPlaceholder) {
		errs = append(errs, errors.New("Billing.SuccessURL must hold "+sessionPlaceholder))
	}
	if b.Provider != nil && publicURL == "" && (b.SuccessURL == "" || b.CancelURL == "") {
		errs = append(errs, errors.New("Billing needs PublicURL, or SuccessURL and CancelURL: buyers return there"))
	}
	if b.ClaimWindow < 0 {
		errs = append(errs, errors.New("Billing.ClaimWindow must not be negative"))
	}
	return errors.Join(errs...)
}

// subscriptions returns the part of the host that sells, or nil.
func (o *Options) subscriptions(store storage.Store, lost func(storage.CustomerID)) (*subscription.Service, error) {
	b := o.Billing
	if b == nil {
		return nil, nil
	}
	public := strings.TrimSuffix(o.PublicURL, "/")
	return subscription.New(subscription.Config{
		Store:          store,
		Provider:       b.Provider,
		Plans:          b.Plans,
		Policy:         b.Policy,
		SuccessURL:     cmp.Or(b.SuccessURL, public+"/welcome?session="+sessionPlaceholder),
		CancelURL:      cmp.Or(b.CancelURL, public+"/"),
		PromotionCodes: b.PromotionCodes,
		AutomaticTax:   b.AutomaticTax,
		ClaimWindow:    cmp.Or(b.ClaimWindow, time.Hour),
		RequireNonce:   b.RequireClaim,
		Notify:         o.Notifier != nil,
		Lost:           lost,
		Log:            o.Log,
	})
}
