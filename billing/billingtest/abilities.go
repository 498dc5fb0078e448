package billingtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

func testOutage(t *testing.T, p billing.Provider, r Remote) {
	session, s := bought(t, p, r)
	r.Outage(true)
	for _, ref := range []billing.Ref{{Session: session}, {Subscription: s.Subscriptions[0].ID}, {Customer: s.Customer}} {
		got, err := p.Read(t.Context(), ref)
		if !isUnavailable(err) || errors.Is(err, billing.ErrNotFound) || errors.Is(err, billing.ErrRefused) {
			t.Errorf("Read: %v, want an UnavailableError", err)
		}
		if got.Customer != "" || got.Subscriptions != nil || got.Session != billing.SessionNone {
			t.Errorf("Read gives %+v with its error", got)
		}
	}
	request := newRequest(r.Price())
	if _, err := p.Checkout(t.Context(), request); !isUnavailable(err) {
		t.Errorf("Checkout: %v, want an UnavailableError", err)
	}
	r.Outage(false)
	checkout(t, p, request)
	if after := read(t, p, billing.Ref{Session: session}); after.Customer != s.Customer {
		t.Errorf("afterwards: %+v", after)
	}
}

func testPortal(t *testing.T, p billing.Provider, r Remote) {
	portal, ok := p.(billing.Portaler)
	if !ok {
		t.Skip("no Portaler")
	}
	_, s := bought(t, p, r)
	url, err := portal.Portal(t.Context(), billing.PortalRequest{Customer: s.Customer, ReturnURL: "https://shop.example/account"})
	if err != nil || !strings.HasPrefix(url, "http") {
		t.Errorf("%q, %v", url, err)
	}
	must(t, r.DeleteCustomer(s.Customer))
	_, err = portal.Portal(t.Context(), billing.PortalRequest{Customer: s.Customer, ReturnURL: "https://shop.example/account"})
	wantError(t, "Portal of one who is gone", err, billing.ErrNotFound)
}

func testPrices(t *testing.T, p billing.Provider, r Remote) {
	pricer, ok := p.(billing.Pricer)
	if !ok {
		t.Skip("no Pricer")
	}
	want := billing.Price{Currency: "jpy", Amount: 500, Interval: "week", Count: 2}
	want.ID = r.AddPrice(want)
	got, err := pricer.Prices(t.Context(), []string{"price_unknown0123456789", want.ID, want.ID, r.Price()})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v, want two prices", got, err)
	}
	for _, price := range got {
		if price.ID == want.ID && price != want || price.ID != want.ID && price.ID != r.Price() {
			t.Errorf("%+v, want %+v", price, want)
		}
	}
	r.Outage(true)
	if _, err := pricer.Prices(t.Context(), []string{want.ID}); !isUnavailable(err) {
		t.Errorf("%v, want an UnavailableError", err)
	}
}

func testChange(t *testing.T, p billing.Provider, r Remote) {
	changer, ok := p.(billing.Changer)
	if !ok {
		t.Skip("no Changer")
	}
	_, s := bought(t, p, r)
	id := s.Subscriptions[0].ID
	other := r.AddPrice(billing.Price{Currency: "usd", Amount: 9900, Interval: "month", Count: 1})
	change := billing.Change{Price: other, IdempotencyKey: rand.Text()}
	must(t, changer.Change(t.Context(), id, change))
	must(t, changer.Change(t.Context(), id, change))
	now := func() billing.Subscription { return read(t, p, billing.Ref{Subscription: id}).Subscriptions[0] }
	if sub := now(); len(sub.Prices) != 1 || sub.Prices[0] != other {
		t.Errorf("another price: %+v", sub)
	}
	must(t, changer.Change(t.Context(), id, billing.Change{CancelAtPeriodEnd: true, IdempotencyKey: rand.Text()}))
	if sub := now(); !sub.CancelAtPeriodEnd || sub.Phase != billing.PhaseActive {
		t.Errorf("cancelled at the end: %+v", sub)
	}
	wantError(t, "an unknown price", changer.Change(t.Context(), id, billing.Change{Price: "price_unknown0123456789", IdempotencyKey: rand.Text()}), billing.ErrNotFound)
	wantError(t, "nothing to change", changer.Change(t.Context(), id, billing.Change{IdempotencyKey: rand.Text()}), billing.ErrRefused)
	wantError(t, "no idempotency key", changer.Change(t.Context(), id, billing.Change{CancelNow: true}), billing.ErrRefused)
	for range 2 {
		must(t, changer.Change(t.Context(), id, billing.Change{CancelNow: true, IdempotencyKey: rand.Text()}))
	}
	if sub := now(); sub.Phase != billing.PhaseCanceled {
		t.Errorf("cancelled: %+v", sub)
	}
}

func testUsage(t *testing.T, p billing.Provider, r Remote) {
	reporter, ok := p.(billing.Reporter)
	if !ok {
		t.Skip("no Reporter")
	}
	_, s := bought(t, p, r)
	var batch []billing.UsageReport
	for i := range 10 {
		batch = append(batch, billing.UsageReport{ID: fmt.Sprintf("usage-%d", i), Customer: s.Customer, Metric: "calls", Quantity: int64(i + 1), At: time.Now()})
	}
	batch[3].Customer = "cus_unknown0123456789"
	const want = 55 - 4
	// The same again counts once, and takes the errors of the same items.
	for range 2 {
		for i, err := range reporter.ReportUsage(t.Context(), batch) {
			if (err != nil) != (i == 3) {
				t.Errorf("item %d: %v", i, err)
			}
		}
		if got := r.Usage(s.Customer, "calls"); got != want {
			t.Errorf("%d counted, want %d", got, want)
		}
	}
	r.Outage(true)
	late := []billing.UsageReport{{ID: "late", Customer: s.Customer, Metric: "calls", Quantity: 7, At: time.Now()}}
	if errs := reporter.ReportUsage(t.Context(), late); !isUnavailable(errs[0]) {
		t.Errorf("%v, want an UnavailableError", errs[0])
	}
	r.Outage(false)
	must(t, reporter.ReportUsage(t.Context(), late)[0])
	if got := r.Usage(s.Customer, "calls"); got != want+7 {
		t.Errorf("%d counted, want %d", got, want+7)
	}
}

func testMissed(t *testing.T, p billing.Provider, r Remote) {
	catcher, ok := p.(billing.Catcher)
	if !ok {
		t.Skip("no Catcher")
	}
	_, s := bought(t, p, r)
	id := s.Subscriptions[0].ID
	const renewals = 120 // more than a page
	for range renewals {
		must(t, r.Renew(id))
	}
	must(t, r.Cancel(id))
	ids := map[string]bool{}
	found := 0
	for n, err := range catcher.Missed(t.Context(), time.Now().Add(-time.Hour)) {
		must(t, err)
		if n.ID == "" || n.Kind == "" || ids[n.ID] {
			t.Fatalf("%+v", n)
		}
		ids[n.ID] = true
		if n.Ref.Subscription == id || n.Ref.Customer == s.Customer {
			found++
		}
	}
	if found < renewals+2 {
		t.Errorf("%d notices about the customer, want at least %d", found, renewals+2)
	}
	for n, err := range catcher.Missed(t.Context(), time.Now().Add(time.Hour)) {
		t.Errorf("of the future: %+v, %v", n, err)
	}
	for _, err := range catcher.Missed(t.Context(), time.Now().Add(-time.Hour)) {
		must(t, err)
		break // must not panic
	}
	r.Outage(true)
	var last error
	for _, err := range catcher.Missed(t.Context(), time.Now().Add(-time.Hour)) {
		last = err
	}
	if !isUnavailable(last) {
		t.Errorf("%v, want an UnavailableError", last)
	}
}

// testConcurrent has many goroutines use one driver; the same idempotency key
// makes one checkout.
func testConcurrent(t *testing.T, p billing.Provider, r Remote) {
	request := newRequest(r.Price())
	ids := make([]string, 16)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			c, err := p.Checkout(t.Context(), request)
			if err != nil {
				t.Errorf("Checkout: %v", err)
				return
			}
			ids[i] = c.ID
			if s, err := p.Read(t.Context(), billing.Ref{Session: c.ID}); err != nil || s.Reference != request.Reference {
				t.Errorf("Read: %+v, %v", s, err)
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("the same key made %q and %q", ids[0], id)
		}
	}
}
