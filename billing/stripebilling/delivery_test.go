package stripebilling_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

// TestDeliveries goes the whole way: a purchase, an endpoint that Stripe was told
// of, and HTTP in between.
func TestDeliveries(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	var p *stripebilling.Provider
	notices := make(chan billing.Notice, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n, err := p.Verify(billing.Delivery{Body: body, Header: r.Header, At: time.Now()})
		if err != nil {
			http.Error(w, "bad signature", http.StatusBadRequest)
			return
		}
		notices <- n
	}))
	t.Cleanup(hook.Close)
	secret, err := open(t, fake, stripebilling.Options{}).InstallWebhook(t.Context(), hook.URL)
	if err != nil {
		t.Fatal(err)
	}
	p = open(t, fake, stripebilling.Options{WebhookSecrets: []string{secret}})

	r := request()
	r.Price = fake.Price()
	c, err := p.Checkout(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.Pay(c.ID); err != nil {
		t.Fatal(err)
	}
	waiting := fake.Deliveries()
	last := waiting[len(waiting)-1]
	for name, e := range map[string]billingtest.Event{
		"an hour old": last.SignedAt(time.Now().Add(-time.Hour)),
		"an hour new": last.SignedAt(time.Now().Add(time.Hour)),
	} {
		if err := fake.Deliver(t.Context(), hook.URL, e); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	forger := billingtest.NewFake(nil)
	if err := forger.Deliver(t.Context(), hook.URL, waiting...); err == nil || len(notices) != 0 {
		t.Errorf("forged: %v", err)
	}
	if len(fake.Deliveries()) != len(waiting) {
		t.Errorf("%d wait, want %d", len(fake.Deliveries()), len(waiting))
	}
	slices.Reverse(waiting)
	all := append(waiting, last, last.OldRequest(), last.InVersion("2026-08-26.dahlia"), last.Thin(), last.OfType("moon.landed"))
	if err := fake.Deliver(t.Context(), hook.URL, all...); err != nil {
		t.Error(err)
	}
	sessions, ignored := 0, 0
	for range all {
		n := <-notices
		if n.Ref.Session == c.ID {
			sessions++
		}
		if n.Kind == billing.KindIgnored {
			ignored++
		}
	}
	if sessions != 5 || ignored != 2 || len(fake.Deliveries()) != 0 {
		t.Errorf("%d about the session, %d ignored, %d left", sessions, ignored, len(fake.Deliveries()))
	}
}
