package billingtest

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// Version is the API version in whose shapes a [Fake] speaks.
const Version = "2023-10-16"

const (
	sessionLife     = 24 * time.Hour // of an open checkout, as Stripe's default
	idempotencyLife = 24 * time.Hour
	maxCalls        = 10_000 // that Calls remembers
)

// FakeOptions are what may be set. The zero value of every field is its default.
type FakeOptions struct {
	// Key is the API key that callers must show. Default: a new random one.
	Key string
	// Secret signs deliveries to addresses that no webhook endpoint was made for.
	// Default: a new random one.
	Secret string
	// URL is where the Fake is reached, for the links it hands out. StartFake
	// sets it. Default: https://fake.invalid.
	URL string
	// Now is the time at which its clock stands until Advance moves it. Default:
	// the real time, running.
	Now time.Time
	// Prices exist from the beginning. Default: one, of 49.00 USD a month.
	Prices []billing.Price
	// Live makes its objects and events live ones.
	Live bool
}

// Fake is a Stripe of its own: an http.Handler that keeps state, and methods that
// do what people, banks and time do there. It may be used by many goroutines.
//
//	fake := billingtest.StartFake(t, nil)
//	p, err := stripebilling.New(fake.Key(), &stripebilling.Options{BaseURL: fake.URL(), WebhookSecrets: []string{fake.Secret()}})
//	checkout, err := p.Checkout(ctx, …)
//	err = fake.Pay(checkout.ID)
//	err = fake.Deliver(ctx, url, fake.Deliveries()...)
//
// It refuses parameters that it doesn't know, so that a call that Stripe might
// understand differently is found. What it doesn't do: invoices, charges and
// payment methods as objects, renewals by themselves when the clock advances,
// proration, the limits of rates. A card is always there and always works until
// a method says otherwise.
type Fake struct {
	mu    sync.Mutex
	opts  FakeOptions
	shift time.Duration // how far Advance moved the clock

	outage bool
	slow   time.Duration
	calls  []string

	prices        store[price]
	sessions      store[session]
	customers     store[customer]
	subscriptions store[subscription]
	codes         store[promotionCode]
	endpoints     store[endpoint]
	events        store[Event]
	meters        map[string]meterEvent // by identifier
	answers       map[string]remembered // by idempotency key
	delivered     map[string]bool       // IDs of events
	oldSecrets    []string
}

// store keeps objects in the order they were made.
type store[T any] struct {
	byID map[string]*T
	ids  []string
}

func (s *store[T]) add(id string, v *T) {
	if s.byID == nil {
		s.byID = map[string]*T{}
	}
	s.byID[id] = v
	s.ids = append(s.ids, id)
}

// newest are all objects, the last made first, as Stripe lists them.
func (s *store[T]) newest() []*T {
	var out []*T
	for _, id := range slices.Backward(s.ids) {
		out = append(out, s.byID[id])
	}
	return out
}

// NewFake returns a Fake that somebody else serves. Nil options are all defaults.
func NewFake(o *FakeOptions) *Fake {
	f := &Fake{meters: map[string]meterEvent{}, answers: map[string]remembered{}, delivered: map[string]bool{}}
	if o != nil {
		f.opts = *o
	}
	if f.opts.Key == "" {
		f.opts.Key = newID("sk_test_", 24)
	}
	if f.opts.Secret == "" {
		f.opts.Secret = newID("whsec_", 32)
	}
	if f.opts.URL == "" {
		f.opts.URL = "https://fake.invalid"
	}
	f.opts.URL = strings.TrimSuffix(f.opts.URL, "/")
	prices := f.opts.Prices
	if prices == nil {
		prices = []billing.Price{{ID: newID("price_", 24), Currency: "usd", Amount: 4900, Interval: "month", Count: 1}}
	}
	for _, p := range prices {
		f.prices.add(p.ID, &price{Price: p, created: f.now()})
	}
	return f
}

// StartFake serves a Fake on a port of this machine until the test ends.
func StartFake(t testing.TB, o *FakeOptions) *Fake {
	t.Helper()
	f := NewFake(o)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opts.URL = server.URL
	return f
}

// URL is where the Fake is reached.
func (f *Fake) URL() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opts.URL
}

// Key is the API key that callers must show.
func (f *Fake) Key() string { return f.opts.Key }

// Price is the ID of the first price.
func (f *Fake) Price() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.prices.ids) == 0 {
		return ""
	}
	return f.prices.ids[0]
}

// AddPrice makes a price. It gets an ID if it has none.
func (f *Fake) AddPrice(p billing.Price) (id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.ID == "" {
		p.ID = newID("price_", 24)
	}
	f.prices.add(p.ID, &price{Price: p, created: f.now()})
	return p.ID
}

// AddPromotionCode makes a code that takes percent off the first payment.
func (f *Fake) AddPromotionCode(code string, percent int) (id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &promotionCode{id: newID("promo_", 24), coupon: newID("", 8), code: code, percent: percent, created: f.now()}
	f.codes.add(c.id, c)
	return c.id
}

// Now is what the Fake's clock shows, in whole seconds.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now()
}

func (f *Fake) now() time.Time {
	at := f.opts.Now
	if at.IsZero() {
		at = time.Now()
	}
	return at.Add(f.shift).UTC().Truncate(time.Second)
}

// Advance moves the clock on and does what is due: open checkouts expire, and
// subscriptions that end with their period end. Renewals are left to Renew and
// FailRenewal. Deliveries are signed with the real time all the same.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shift += d
	now := f.now()
	for _, id := range f.sessions.ids {
		if s := f.sessions.byID[id]; s.status == "open" && !now.Before(s.expires) {
			f.expire(s)
		}
	}
	for _, id := range f.subscriptions.ids {
		if s := f.subscriptions.byID[id]; s.cancelAtEnd && s.ended.IsZero() && !now.Before(s.end) {
			f.end(s)
		}
	}
}

// Outage makes every call fail with 503 until it is switched off.
func (f *Fake) Outage(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outage = on
}

// Slow makes every call wait before it is done.
func (f *Fake) Slow(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = d
}

// Calls are the calls so far, such as "POST /v1/checkout/sessions", the last
// 10,000, those that failed included.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Usage is what was counted for a customer under a metric.
func (f *Fake) Usage(customer, metric string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum int64
	for _, m := range f.meters {
		if m.customer == customer && m.name == metric {
			sum += m.value
		}
	}
	return sum
}

// ServeHTTP answers as api.stripe.com does, and serves the pages behind the links
// of checkouts.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, pagePath) {
		f.page(w, r)
		return
	}
	f.mu.Lock()
	if len(f.calls) == maxCalls {
		f.calls = slices.Delete(f.calls, 0, maxCalls/10)
	}
	f.calls = append(f.calls, r.Method+" "+r.URL.Path)
	slow := f.slow
	f.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
			return
		}
	}
	f.answer(w, r)
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func newID(prefix string, n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return prefix + string(b)
}

var errNoSuch = errors.New("billingtest: the fake has no such object")
