package stripebilling_test

import (
	"errors"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/internal/testenv"
)

// Stripe's own mock keeps no state and knows the newest API alone, but it refuses
// parameters that Stripe doesn't have.
func TestRequestsAgainstStripesMock(t *testing.T) {
	program, err := exec.LookPath("stripe-mock")
	if err != nil {
		testenv.Missing(t, "stripe-mock", "stripe-mock is not in the PATH; run make stripe-mock")
	}
	web, tls := freeAddress(t), freeAddress(t) // without the second, it opens a port to everybody
	mock := exec.CommandContext(t.Context(), program, "-http-addr", web, "-https-addr", tls)
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mock.Wait() }) // the context ends it
	for end := time.Now().Add(20 * time.Second); ; <-time.After(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", web)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	p, err := stripebilling.New("sk_test_12345678", &stripebilling.Options{BaseURL: "http://" + web, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for call, do := range map[string]func() error{
		"Checkout": func() error {
			_, err := p.Checkout(ctx, billing.CheckoutRequest{
				IdempotencyKey: "key_0123456789abcdef", Email: "ada@example.com", Reference: "ada", Price: "price_1", TrialDays: 14,
				SuccessURL: "https://example.com/{CHECKOUT_SESSION_ID}", CancelURL: "https://example.com", PromotionCodes: true, AutomaticTax: true,
			})
			return err
		},
		"Checkout again": func() error {
			_, err := p.Checkout(ctx, billing.CheckoutRequest{
				IdempotencyKey: "key_0123456789abcdef", Customer: "cus_12345678", Reference: "ada", Price: "price_1",
				SuccessURL: "https://example.com/{CHECKOUT_SESSION_ID}", CancelURL: "https://example.com", AutomaticTax: true,
			})
			return err
		},
		"Portal": func() error {
			_, err := p.Portal(ctx, billing.PortalRequest{Customer: "cus_12345678", ReturnURL: "https://example.com"})
			return err
		},
		"Read a session":      func() error { _, err := p.Read(ctx, billing.Ref{Session: "cs_test_12345678"}); return err },
		"Read a subscription": func() error { _, err := p.Read(ctx, billing.Ref{Subscription: "sub_12345678"}); return err },
		"Read a customer":     func() error { _, err := p.Read(ctx, billing.Ref{Customer: "cus_12345678"}); return err },
		"Prices":              func() error { _, err := p.Prices(ctx, []string{"price_12345678"}); return err },
		"ReportUsage": func() error {
			return errors.Join(p.ReportUsage(ctx, []billing.UsageReport{{
				ID: "report-1", Customer: "cus_12345678", Metric: "calls", Quantity: 1, At: time.Now(),
			}})...)
		},
		"Change": func() error {
			return p.Change(ctx, "sub_12345678", billing.Change{Price: "price_12345678", IdempotencyKey: "key_0123456789abcdef"})
		},
		"Cancel": func() error {
			return p.Change(ctx, "sub_12345678", billing.Change{CancelNow: true, IdempotencyKey: "key_0123456789abcdef"})
		},
		"InstallWebhook": func() error { _, err := p.InstallWebhook(ctx, "https://example.com/api/webhooks/stripe"); return err },
		"Missed": func() error {
			for _, err := range p.Missed(ctx, time.Now().Add(-time.Hour)) {
				return err
			}
			return nil
		},
	} {
		// Answers in another API's shape, and about other objects, aren't believed:
		// that is no fault of the request.
		err := do()
		if _, shape := errors.AsType[*billing.UnavailableError](err); err != nil && !shape {
			t.Errorf("%s: %v", call, err)
		}
		t.Logf("%s: %v", call, err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
