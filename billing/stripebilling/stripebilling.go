// Package stripebilling is the [billing.Provider] for Stripe.
//
//	p, err := stripebilling.New(key, &stripebilling.Options{WebhookSecrets: secrets})
//
// It asks Stripe in API version 2023-10-16, the version of stripe-go v76, and so
// is always answered in that shape, whatever the account's own version is.
// Deliveries may have any shape: of them it reads what they are about, nothing
// else.
//
// The library's types and parameters are used, its HTTP client isn't: see
// backend.go. Nothing is kept in globals, so several Providers with several keys
// may be used at once. No text of an error or a log line holds a key, an ID or
// anything that Stripe wrote, except its error codes.
package stripebilling

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/billing/meterevent"
	portalsession "github.com/stripe/stripe-go/v76/billingportal/session"
	"github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/price"
	"github.com/stripe/stripe-go/v76/subscription"
	"github.com/stripe/stripe-go/v76/webhookendpoint"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
)

const (
	defaultTimeout   = 10 * time.Second
	defaultRetries   = 2
	defaultTolerance = 5 * time.Minute // as Stripe's libraries
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// WebhookSecrets verify deliveries, each "whsec_…"; any of them may have
	// signed, so that one can be replaced. Default: none, and Verify refuses all.
	WebhookSecrets []string
	// Tolerance is how old, or how far ahead, the time of a signature may be.
	// Default: 5 minutes.
	Tolerance time.Duration
	// BaseURL is where to ask instead of https://api.stripe.com. The key is sent
	// there, in the clear if the URL is http.
	BaseURL string
	// Transport makes the connections. Default: one of its own, like
	// [http.DefaultTransport].
	Transport http.RoundTripper
	// Timeout is how long one attempt may take. Default: 10 s.
	Timeout time.Duration
	// Retries is how often a call is tried again after no answer, 409, 429 or
	// 5xx, with the same idempotency key. Default: 2; negative: never.
	Retries int
	// Log is told of failed attempts. Default: none.
	Log *zap.Logger
}

// Provider asks Stripe. It also is a [billing.Portaler], [billing.Pricer],
// [billing.Reporter], [billing.Changer], [billing.Catcher] and
// [billing.Installer].
type Provider struct {
	api       *backend
	key       string
	secrets   []string
	tolerance time.Duration
	log       *zap.Logger

	sessions      session.Client
	customers     customer.Client
	subscriptions subscription.Client
	prices        price.Client
	portals       portalsession.Client
	meters        meterevent.Client
	endpoints     webhookendpoint.Client
}

var _ interface {
	billing.Provider
	billing.Portaler
	billing.Pricer
	billing.Reporter
	billing.Changer
	billing.Catcher
	billing.Installer
} = (*Provider)(nil)

// Secret and restricted keys (https://docs.stripe.com/keys).
var keyPattern = regexp.MustCompile(`^(sk|rk)_[A-Za-z0-9_]{8,250}$`)

// New returns a Provider that asks with a secret or restricted key. It asks
// nothing yet. Nil options are all defaults.
func New(key string, o *Options) (*Provider, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if !keyPattern.MatchString(key) {
		return nil, errors.New("stripebilling: the key must be a secret (sk_…) or restricted (rk_…) one")
	}
	// Anybody can sign with an empty secret.
	for i, secret := range opts.WebhookSecrets {
		if strings.TrimSpace(secret) != secret || len(secret) < 8 {
			return nil, fmt.Errorf("stripebilling: webhook secret %d is empty, too short or has spaces around it", i)
		}
	}
	if opts.Tolerance < 0 || opts.Timeout < 0 {
		return nil, errors.New("stripebilling: a duration is negative")
	}
	base, err := baseURL(opts.BaseURL)
	if err != nil {
		return nil, err
	}
	if opts.Tolerance == 0 {
		opts.Tolerance = defaultTolerance
	}
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Retries == 0 {
		opts.Retries = defaultRetries
	}
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	if opts.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxResponseHeaderBytes = 64 << 10
		opts.Transport = own
	}
	b := &backend{
		base:    base,
		timeout: opts.Timeout,
		retries: max(opts.Retries, 0),
		log:     opts.Log,
		client: &http.Client{
			Transport: opts.Transport,
			// The API never redirects; a proxy that does gets no key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	return &Provider{
		api: b, key: key, secrets: slices.Clone(opts.WebhookSecrets), tolerance: opts.Tolerance, log: opts.Log,
		sessions:      session.Client{B: b, Key: key},
		customers:     customer.Client{B: b, Key: key},
		subscriptions: subscription.Client{B: b, Key: key},
		prices:        price.Client{B: b, Key: key},
		portals:       portalsession.Client{B: b, Key: key},
		meters:        meterevent.Client{B: b, Key: key},
		endpoints:     webhookendpoint.Client{B: b, Key: key},
	}, nil
}

// baseURL checks where to ask. Its errors don't repeat the URL, which may hold a
// password.
func baseURL(raw string) (string, error) {
	if raw == "" {
		return stripe.APIURL, nil
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("stripebilling: BaseURL must be an http or https URL without user, query and fragment")
	}
	return strings.TrimSuffix(raw, "/"), nil
}

// Name returns "stripe".
func (p *Provider) Name() string { return "stripe" }

// String hides the key and the secrets from %v.
func (p *Provider) String() string { return "stripebilling.Provider" }

// GoString hides them from %#v.
func (p *Provider) GoString() string { return p.String() }
