// Package billingtest checks that a driver keeps the contract in the comments of
// package billing, and has a [Fake] of Stripe for tests without a network.
//
//	func TestProvider(t *testing.T) {
//		fake := billingtest.StartFake(t, nil)
//		billingtest.RunShape(t, open(t, fake))
//		billingtest.RunWebhook(t, open(t, fake), fake.Sign)
//		billingtest.RunState(t, func(t *testing.T) (billing.Provider, billingtest.Remote) {
//			fake := billingtest.StartFake(t, nil)
//			return open(t, fake), fake
//		})
//	}
//
// A driver that passes all three suites works with the host.
package billingtest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// Remote is the provider's side: what people, banks and time do there. Sessions,
// subscriptions and customers are named by the provider's IDs. [Fake] is one.
type Remote interface {
	// Price is a price with a trial-free recurring amount above zero.
	Price() string
	// AddPrice makes another one.
	AddPrice(billing.Price) (id string)
	Pay(session string) error
	PayLater(session string) error
	Settle(session string, paid bool) error
	Expire(session string) error
	Renew(subscription string) error
	FailRenewal(subscription string) error
	Recover(subscription string) error
	SetStatus(subscription, status string) error
	Cancel(subscription string) error
	CancelAtPeriodEnd(subscription string, on bool) error
	PauseCollection(subscription string, on bool) error
	ChangePlan(subscription, price string) error
	DeleteCustomer(customer string) error
	// Outage makes the provider fail until it is switched off.
	Outage(on bool)
	// Usage is what was counted.
	Usage(customer, metric string) int64
}

func newRequest(price string) billing.CheckoutRequest {
	return billing.CheckoutRequest{
		IdempotencyKey: rand.Text(),
		Email:          "ada@example.com",
		Reference:      "0198c0de-0000-7000-8000-000000000001",
		Price:          price,
		SuccessURL:     "https://shop.example/welcome?session={CHECKOUT_SESSION_ID}",
		CancelURL:      "https://shop.example/plans",
	}
}

func checkout(t *testing.T, p billing.Provider, r billing.CheckoutRequest) billing.Checkout {
	t.Helper()
	c, err := p.Checkout(t.Context(), r)
	if err != nil {
		t.Fatalf("Checkout: %v", err)
	}
	return c
}

func read(t *testing.T, p billing.Provider, ref billing.Ref) billing.Snapshot {
	t.Helper()
	s, err := p.Read(t.Context(), ref)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func isUnavailable(err error) bool {
	_, ok := errors.AsType[*billing.UnavailableError](err)
	return ok
}

// RunShape checks what needs nothing at the provider: names, IDs that can't be
// any or are unknown, half requests, and ended contexts. The IDs look like
// Stripe's.
func RunShape(t *testing.T, p billing.Provider) {
	t.Run("Name", func(t *testing.T) {
		if n := p.Name(); n == "" || len(n) > 20 || n != strings.ToLower(n) || strings.ContainsAny(n, " \n/") {
			t.Errorf("Name is %q, want a short word in lower case", n)
		}
	})
	t.Run("UnknownIsNotFound", func(t *testing.T) { testUnknown(t, p) })
	t.Run("EndedContext", func(t *testing.T) { testEndedContext(t, p) })
	t.Run("HalfRequests", func(t *testing.T) { testHalfRequests(t, p) })
}

var strangeIDs = []string{
	"x", " ", "..", "../customers", "cs_", "sub_", "cus_", "cs_test_a/../../v1/customers", "cs_test_a?expand[]=customer", "cs_test_a\x00b",
	"sub_12345678%2F..", "cus_12345678\r\nX: y", "cs_ééééééééé", strings.Repeat("cs_test_", 100), "null", "undefined", "cs_test_unknown0123456789",
	"sub_unknown0123456789", "cus_unknown0123456789",
}

func testUnknown(t *testing.T, p billing.Provider) {
	for _, id := range append([]string{""}, strangeIDs...) {
		for _, ref := range []billing.Ref{{Session: id}, {Subscription: id}, {Customer: id}} {
			s, err := p.Read(t.Context(), ref)
			if !errors.Is(err, billing.ErrNotFound) {
				t.Errorf("Read(%+q): error %v, want ErrNotFound", ref, err)
			}
			if s.Customer != "" || s.Gone || s.Subscriptions != nil || s.Session != billing.SessionNone {
				t.Errorf("Read(%+q) gives %+v with its error", ref, s)
			}
		}
		if portal, ok := p.(billing.Portaler); ok {
			if url, err := portal.Portal(t.Context(), billing.PortalRequest{Customer: id, ReturnURL: "https://shop.example/"}); !errors.Is(err, billing.ErrNotFound) || url != "" {
				t.Errorf("Portal of %q: %q, %v, want ErrNotFound", id, url, err)
			}
		}
		if changer, ok := p.(billing.Changer); ok {
			wantError(t, "Change of "+id, changer.Change(t.Context(), id, billing.Change{CancelNow: true, IdempotencyKey: rand.Text()}), billing.ErrNotFound)
		}
	}
	if pricer, ok := p.(billing.Pricer); ok {
		prices, err := pricer.Prices(t.Context(), strangeIDs)
		if err != nil || len(prices) != 0 {
			t.Errorf("Prices of unknown IDs: %v, %v, want none", prices, err)
		}
	}
}

// testEndedContext wants the call to end at once with the context's error, and
// never with one that something could be decided from.
func testEndedContext(t *testing.T, p billing.Provider) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) || errors.Is(err, billing.ErrNotFound) || errors.Is(err, billing.ErrRefused) {
			t.Errorf("%s with an ended context: %v, want context.Canceled", what, err)
		}
	}
	_, err := p.Read(ctx, billing.Ref{Customer: "cus_unknown0123456789"})
	check("Read", err)
	_, err = p.Checkout(ctx, newRequest("price_unknown0123456789"))
	check("Checkout", err)
	if r, ok := p.(billing.Reporter); ok {
		errs := r.ReportUsage(ctx, []billing.UsageReport{{ID: rand.Text(), Customer: "cus_unknown0123456789", Metric: "m", Quantity: 1, At: time.Now()}})
		if len(errs) != 1 {
			t.Fatalf("ReportUsage of one item returns %d errors", len(errs))
		}
		check("ReportUsage", errs[0])
	}
	if c, ok := p.(billing.Catcher); ok {
		var last error
		for _, err := range c.Missed(ctx, time.Now()) {
			last = err
		}
		check("Missed", last)
	}
}

func testHalfRequests(t *testing.T, p billing.Provider) {
	for name, change := range map[string]func(*billing.CheckoutRequest){
		"no idempotency key":    func(r *billing.CheckoutRequest) { r.IdempotencyKey = "" },
		"short idempotency key": func(r *billing.CheckoutRequest) { r.IdempotencyKey = "abc" },
		"strange idempotency":   func(r *billing.CheckoutRequest) { r.IdempotencyKey = "0123456789abcdef\r\nX: y" },
		"nobody pays":           func(r *billing.CheckoutRequest) { r.Email = "" },
		"no success URL":        func(r *billing.CheckoutRequest) { r.SuccessURL = "" },
		"script as success URL": func(r *billing.CheckoutRequest) { r.SuccessURL = "javascript:alert(1)" },
		"negative trial":        func(r *billing.CheckoutRequest) { r.TrialDays = -1 },
	} {
		r := newRequest("price_unknown0123456789")
		change(&r)
		_, err := p.Checkout(t.Context(), r)
		wantError(t, name, err, billing.ErrRefused)
	}
	if r, ok := p.(billing.Reporter); ok {
		good := billing.UsageReport{ID: "a", Customer: "cus_unknown0123456789", Metric: "m", Quantity: 1, At: time.Now()}
		bad := []billing.UsageReport{good, good, good, good}
		bad[0].ID, bad[1].ID, bad[2].Quantity, bad[3].Metric = "", strings.Repeat("x", 101), 0, ""
		errs := r.ReportUsage(t.Context(), bad)
		for _, err := range errs {
			wantError(t, "half usage", err, billing.ErrRefused)
		}
		if len(errs) != len(bad) || len(r.ReportUsage(t.Context(), nil)) != 0 {
			t.Errorf("ReportUsage doesn't return an error for each item")
		}
	}
}
