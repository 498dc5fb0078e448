package examples

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

func TestOwnPlans(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	pro := fake.AddPrice(billing.Price{Currency: "usd", Amount: 9900, Interval: "month", Count: 1})
	p := startWith(t, "ownplans", []string{
		"STRIPE_KEY=" + fake.Key(), "STRIPE_WEBHOOK_SECRET=" + fake.Secret(), "STRIPE_URL=" + fake.URL(),
		"BASIC=" + fake.Price(), "PRO=" + pro,
	})
	if status, body := get(t, p.url+"/api/plans", ""); status != http.StatusOK || !strings.Contains(body, `"amount":9900`) {
		t.Errorf("plans: %d %s", status, body)
	}
	res, err := http.Post(p.url+"/api/checkout", "application/json", strings.NewReader(`{"email":"ada@example.com","plan":"pro"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var checkout struct{ URL, SessionID string }
	if err := json.NewDecoder(res.Body).Decode(&checkout); err != nil || !strings.HasPrefix(checkout.URL, fake.URL()) {
		t.Fatalf("checkout: %d %v %+v", res.StatusCode, err, checkout)
	}
	if err := fake.Pay(checkout.SessionID); err != nil {
		t.Fatal(err)
	}
	if err := fake.Deliver(t.Context(), p.url+"/api/webhooks/stripe", fake.Deliveries()...); err != nil {
		t.Error(err)
	}
	var session struct {
		Customer struct{ ID string }
		APIKey   string
	}
	for end := time.Now().Add(patience); session.APIKey == ""; time.Sleep(50 * time.Millisecond) {
		status, body := get(t, p.url+"/api/session/"+checkout.SessionID, "")
		if err := json.Unmarshal([]byte(body), &session); err != nil || time.Now().After(end) {
			t.Fatalf("session: %d %v %s", status, err, body)
		}
	}
	r, err := connect(t, p.url, session.APIKey).CallTool(t.Context(), &sdk.CallToolParams{Name: "count_words", Arguments: map[string]any{"text": "to be or not to be"}})
	if err != nil || r.IsError || fmt.Sprint(r.StructuredContent) != "map[words:6]" {
		t.Errorf("%v %+v", err, r)
	}
	if _, body := get(t, p.url+"/api/customer/"+session.Customer.ID, session.APIKey); !strings.Contains(body, `"plan":"pro"`) {
		t.Errorf("the customer: %s", body)
	}
}

// Somebody pays on the page of a checkout, and cannot pay the next month.
func TestFakeStripe(t *testing.T) {
	type delivery struct {
		notice billing.Notice
		err    error
	}
	deliveries := make(chan delivery, 100)
	var provider *stripebilling.Provider // set before anything is delivered
	host := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		n, err := provider.Verify(billing.Delivery{Body: body, Header: r.Header, At: time.Now()})
		deliveries <- delivery{n, err}
	}))
	t.Cleanup(host.Close)
	p := startWith(t, "fakestripe", nil, "-webhook", host.URL)
	provider, err := stripebilling.New(p.key, &stripebilling.Options{BaseURL: p.url, WebhookSecrets: []string{"whsec_fakestripe"}})
	if err != nil {
		t.Fatal(err)
	}
	told := func(kind string) {
		t.Helper()
		for end := time.After(patience); ; {
			select {
			case d := <-deliveries:
				if d.err != nil {
					t.Fatal(d.err)
				}
				if d.notice.Type == kind {
					return
				}
			case <-end:
				t.Fatalf("%s is not delivered", kind)
			}
		}
	}
	post := func(url string, want int) {
		t.Helper()
		res, err := http.DefaultTransport.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodPost, url, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("POST %s: %d, want %d", url, res.StatusCode, want)
		}
	}
	post(p.url+"/do/fail", http.StatusConflict) // there is no subscription
	checkout, err := provider.Checkout(t.Context(), billing.CheckoutRequest{
		IdempotencyKey: "an-idempotency-key", Email: "ada@example.com", Price: "price_pro", SuccessURL: host.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	post(checkout.URL, http.StatusSeeOther)
	told("checkout.session.completed")
	for _, step := range []struct {
		what, event string
		phase       billing.Phase
	}{
		{"fail", "invoice.payment_failed", billing.PhasePastDue},
		{"recover", "invoice.paid", billing.PhaseActive},
		{"renew", "invoice.paid", billing.PhaseActive},
		{"cancel", "customer.subscription.deleted", billing.PhaseCanceled},
	} {
		post(p.url+"/do/"+step.what, http.StatusOK)
		told(step.event)
		s, err := provider.Read(t.Context(), billing.Ref{Session: checkout.ID})
		if err != nil || len(s.Subscriptions) != 1 || s.Subscriptions[0].Phase != step.phase {
			t.Errorf("%s: %v %+v", step.what, err, s)
		}
	}
}
