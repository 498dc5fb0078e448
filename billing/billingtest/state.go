package billingtest

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// RunState checks what p tells while things happen at the provider. open is
// called per subtest, fresh and empty.
func RunState(t *testing.T, open func(t *testing.T) (billing.Provider, Remote)) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, p billing.Provider, r Remote)
	}{
		{"Checkout", testCheckout},
		{"CheckoutAgain", testCheckoutAgain},
		{"CheckoutOfACustomer", testCheckoutOfACustomer},
		{"UnknownPrice", testUnknownPrice},
		{"Trial", testTrial},
		{"PayLater", testPayLater},
		{"Expire", testExpire},
		{"Life", testLife},
		{"UnknownStatus", testUnknownStatus},
		{"SeveralSubscriptions", testSeveralSubscriptions},
		{"ManySubscriptions", testManySubscriptions},
		{"Gone", testGone},
		{"Outage", testOutage},
		{"Portal", testPortal},
		{"Prices", testPrices},
		{"Change", testChange},
		{"Usage", testUsage},
		{"Missed", testMissed},
		{"Concurrent", testConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, r := open(t)
			c.run(t, p, r)
		})
	}
}

// bought is a checkout that was paid, and what is known of it.
func bought(t *testing.T, p billing.Provider, r Remote) (session string, s billing.Snapshot) {
	t.Helper()
	c := checkout(t, p, newRequest(r.Price()))
	must(t, r.Pay(c.ID))
	s = read(t, p, billing.Ref{Session: c.ID})
	if len(s.Subscriptions) != 1 {
		t.Fatalf("%d subscriptions after one purchase", len(s.Subscriptions))
	}
	return c.ID, s
}

func testCheckout(t *testing.T, p billing.Provider, r Remote) {
	request := newRequest(r.Price())
	c := checkout(t, p, request)
	if c.ID == "" || c.URL == "" || !c.ExpiresAt.After(time.Now()) {
		t.Fatalf("%+v", c)
	}
	s := read(t, p, billing.Ref{Session: c.ID})
	if s.Session != billing.SessionOpen || s.Reference != request.Reference || s.Customer != "" || s.Subscriptions != nil || s.Gone {
		t.Errorf("before the payment: %+v", s)
	}
	must(t, r.Pay(c.ID))
	s = read(t, p, billing.Ref{Session: c.ID})
	if s.Session != billing.SessionPaid || s.Reference != request.Reference || s.Customer == "" || s.Email != request.Email || s.Gone || len(s.Subscriptions) != 1 {
		t.Fatalf("after the payment: %+v", s)
	}
	sub := s.Subscriptions[0]
	if sub.ID == "" || sub.Phase != billing.PhaseActive || sub.Raw == "" || !slices.Equal(sub.Prices, []string{r.Price()}) || sub.CancelAtPeriodEnd || sub.CollectionPaused {
		t.Errorf("subscription %+v", sub)
	}
	if sub.PeriodStart.IsZero() || !sub.PeriodEnd.After(sub.PeriodStart) || !sub.EndedAt.IsZero() || !sub.TrialEnd.IsZero() || sub.PeriodEnd.Location() != time.UTC {
		t.Errorf("times of %+v", sub)
	}
	for _, ref := range []billing.Ref{
		{Subscription: sub.ID}, {Customer: s.Customer}, {Subscription: sub.ID, Customer: "cus_unknown0123456789"},
	} {
		again := read(t, p, ref)
		if again.Customer != s.Customer || again.Session != billing.SessionNone || again.Email != s.Email || len(again.Subscriptions) != 1 || again.Subscriptions[0].ID != sub.ID {
			t.Errorf("by %+v: %+v", ref, again)
		}
	}
}

func testCheckoutAgain(t *testing.T, p billing.Provider, r Remote) {
	request := newRequest(r.Price())
	first, second := checkout(t, p, request), checkout(t, p, request)
	if first.ID != second.ID || first.URL != second.URL {
		t.Errorf("the same key made %q and %q", first.ID, second.ID)
	}
	other := request
	other.Email = "eve@example.com"
	if c, err := p.Checkout(t.Context(), other); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("the same key for another purchase: %+v, %v, want ErrRefused", c, err)
	}
	other.IdempotencyKey = rand.Text()
	if c := checkout(t, p, other); c.ID == first.ID {
		t.Error("another key made the same checkout")
	}
}

func testCheckoutOfACustomer(t *testing.T, p billing.Provider, r Remote) {
	_, s := bought(t, p, r)
	must(t, r.Cancel(s.Subscriptions[0].ID))
	again := newRequest(r.Price())
	again.Email, again.Customer = "", s.Customer
	again.AutomaticTax = true
	c := checkout(t, p, again)
	must(t, r.Pay(c.ID))
	after := read(t, p, billing.Ref{Session: c.ID})
	if after.Customer != s.Customer || len(after.Subscriptions) != 2 {
		t.Errorf("%+v", after)
	}
}

func testUnknownPrice(t *testing.T, p billing.Provider, _ Remote) {
	_, err := p.Checkout(t.Context(), newRequest("price_unknown0123456789"))
	wantError(t, "Checkout", err, billing.ErrNotFound)
}

func testTrial(t *testing.T, p billing.Provider, r Remote) {
	request := newRequest(r.Price())
	request.TrialDays = 14
	c := checkout(t, p, request)
	must(t, r.Pay(c.ID))
	s := read(t, p, billing.Ref{Session: c.ID})
	if s.Session != billing.SessionPaid || s.Subscriptions[0].Phase != billing.PhaseTrialing {
		t.Errorf("%+v", s)
	}
	if d := time.Until(s.Subscriptions[0].TrialEnd); d < 13*24*time.Hour || d > 15*24*time.Hour {
		t.Errorf("the trial ends in %v", d)
	}
}

func testPayLater(t *testing.T, p billing.Provider, r Remote) {
	for _, paid := range []bool{true, false} {
		c := checkout(t, p, newRequest(r.Price()))
		must(t, r.PayLater(c.ID))
		s := read(t, p, billing.Ref{Session: c.ID})
		if s.Session != billing.SessionUnpaid || s.Subscriptions[0].Phase != billing.PhaseIncomplete {
			t.Errorf("on its way: %+v", s)
		}
		must(t, r.Settle(c.ID, paid))
		s = read(t, p, billing.Ref{Session: c.ID})
		if paid && (s.Session != billing.SessionPaid || s.Subscriptions[0].Phase != billing.PhaseActive) {
			t.Errorf("paid: %+v", s)
		}
		if !paid && (s.Session != billing.SessionUnpaid || s.Subscriptions[0].Phase != billing.PhaseIncompleteExpired) {
			t.Errorf("failed: %+v", s)
		}
	}
}

func testExpire(t *testing.T, p billing.Provider, r Remote) {
	c := checkout(t, p, newRequest(r.Price()))
	must(t, r.Expire(c.ID))
	if s := read(t, p, billing.Ref{Session: c.ID}); s.Session != billing.SessionExpired || s.Customer != "" {
		t.Errorf("%+v", s)
	}
}

func testLife(t *testing.T, p billing.Provider, r Remote) {
	_, s := bought(t, p, r)
	first := s.Subscriptions[0]
	now := func() billing.Subscription {
		t.Helper()
		s := read(t, p, billing.Ref{Subscription: first.ID})
		return s.Subscriptions[0]
	}
	want := func(phase billing.Phase) billing.Subscription {
		t.Helper()
		sub := now()
		if sub.Phase != phase {
			t.Errorf("phase %s, want %s", sub.Phase, phase)
		}
		return sub
	}
	must(t, r.Renew(first.ID))
	if sub := want(billing.PhaseActive); !sub.PeriodStart.Equal(first.PeriodEnd) || !sub.PeriodEnd.After(first.PeriodEnd) {
		t.Errorf("renewed: %+v after %+v", sub, first)
	}
	must(t, r.FailRenewal(first.ID))
	want(billing.PhasePastDue)
	must(t, r.Recover(first.ID))
	want(billing.PhaseActive)
	must(t, r.SetStatus(first.ID, "unpaid"))
	want(billing.PhaseUnpaid)
	must(t, r.SetStatus(first.ID, "paused"))
	want(billing.PhasePaused)
	must(t, r.Recover(first.ID))
	must(t, r.PauseCollection(first.ID, true))
	if sub := want(billing.PhaseActive); !sub.CollectionPaused {
		t.Errorf("collection paused: %+v", sub)
	}
	must(t, r.PauseCollection(first.ID, false))
	must(t, r.CancelAtPeriodEnd(first.ID, true))
	if sub := want(billing.PhaseActive); !sub.CancelAtPeriodEnd || sub.CollectionPaused {
		t.Errorf("cancelled at the end: %+v", sub)
	}
	must(t, r.CancelAtPeriodEnd(first.ID, false))
	if sub := want(billing.PhaseActive); sub.CancelAtPeriodEnd {
		t.Errorf("not cancelled: %+v", sub)
	}
	other := r.AddPrice(billing.Price{Currency: "eur", Amount: 9900, Interval: "year", Count: 1})
	must(t, r.ChangePlan(first.ID, other))
	if sub := want(billing.PhaseActive); !slices.Equal(sub.Prices, []string{other}) {
		t.Errorf("another plan: %+v", sub)
	}
	must(t, r.Cancel(first.ID))
	if sub := want(billing.PhaseCanceled); sub.EndedAt.IsZero() {
		t.Errorf("cancelled: %+v", sub)
	}
}

func testUnknownStatus(t *testing.T, p billing.Provider, r Remote) {
	_, s := bought(t, p, r)
	must(t, r.SetStatus(s.Subscriptions[0].ID, "on_the_moon"))
	sub := read(t, p, billing.Ref{Customer: s.Customer}).Subscriptions[0]
	if sub.Phase != billing.PhaseUnknown || sub.Raw != "on_the_moon" {
		t.Errorf("%+v", sub)
	}
}

func testSeveralSubscriptions(t *testing.T, p billing.Provider, r Remote) {
	session, s := bought(t, p, r)
	again := newRequest(r.AddPrice(billing.Price{Currency: "usd", Amount: 100, Interval: "week", Count: 2}))
	again.Email, again.Customer = "", s.Customer
	c := checkout(t, p, again)
	must(t, r.Pay(c.ID))
	must(t, r.Cancel(s.Subscriptions[0].ID))
	for _, ref := range []billing.Ref{{Session: session}, {Session: c.ID}, {Subscription: s.Subscriptions[0].ID}, {Customer: s.Customer}} {
		all := read(t, p, ref)
		phases := map[billing.Phase]int{}
		for _, sub := range all.Subscriptions {
			phases[sub.Phase]++
		}
		if len(all.Subscriptions) != 2 || phases[billing.PhaseActive] != 1 || phases[billing.PhaseCanceled] != 1 {
			t.Errorf("by %+v: %+v", ref, all.Subscriptions)
		}
	}
}

// testManySubscriptions has more than any page holds.
func testManySubscriptions(t *testing.T, p billing.Provider, r Remote) {
	_, s := bought(t, p, r)
	const more = 120
	for range more {
		again := newRequest(r.Price())
		again.Email, again.Customer = "", s.Customer
		must(t, r.Pay(checkout(t, p, again).ID))
	}
	all := read(t, p, billing.Ref{Customer: s.Customer})
	ids := map[string]bool{}
	for _, sub := range all.Subscriptions {
		ids[sub.ID] = true
	}
	if len(all.Subscriptions) != more+1 || len(ids) != more+1 {
		t.Errorf("%d subscriptions, %d of them different, want %d", len(all.Subscriptions), len(ids), more+1)
	}
}

func testGone(t *testing.T, p billing.Provider, r Remote) {
	session, s := bought(t, p, r)
	must(t, r.DeleteCustomer(s.Customer))
	for _, ref := range []billing.Ref{{Session: session}, {Subscription: s.Subscriptions[0].ID}, {Customer: s.Customer}} {
		after := read(t, p, ref)
		if !after.Gone || after.Customer != s.Customer {
			t.Errorf("by %+v: %+v, want a customer that is gone", ref, after)
		}
		for _, sub := range after.Subscriptions {
			if sub.Phase != billing.PhaseCanceled {
				t.Errorf("by %+v: %+v", ref, sub)
			}
		}
	}
}
