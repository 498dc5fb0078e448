package browser

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

// newShop starts a host that sells, and buys there.
func newShop(t *testing.T) (*host, *billingtest.Fake) {
	t.Helper()
	fake := billingtest.StartFake(t, nil)
	provider, err := stripebilling.New(fake.Key(), &stripebilling.Options{BaseURL: fake.URL(), WebhookSecrets: []string{fake.Secret()}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, func(o *heycmo.Options) {
		o.Billing = &heycmo.Billing{Provider: provider, Plans: []billing.Plan{{ID: "pro", Name: "Pro", Price: fake.Price(), Quotas: map[string]int64{"tool_calls": 5}}}}
	})
	var bought struct{ SessionID, APIKey string }
	h.answer("POST", "/api/checkout", `{"email":"grace@example.com","plan":"pro"}`, &bought)
	if err := fake.Pay(bought.SessionID); err != nil {
		t.Fatal(err)
	}
	deliver(t, h, fake)
	h.until(func() bool { // a reading of Stripe is shared for 2 s
		h.answer("GET", "/api/session/"+bought.SessionID, "", &bought)
		return bought.APIKey != ""
	})
	found, _, err := h.heycmo.Admin().Customers(t.Context(), heycmo.CustomerSearch{Text: "grace@example.com"})
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	h.customer, h.key = found[0].ID, bought.APIKey
	return h, fake
}

func deliver(t *testing.T, h *host, fake *billingtest.Fake) {
	t.Helper()
	if err := fake.Deliver(t.Context(), h.server.URL+"/api/webhooks/stripe", fake.Deliveries()...); err != nil {
		t.Fatal(err)
	}
}

func (h *host) answer(method, path, body string, out any) {
	h.t.Helper()
	if text := h.call(method, path, body, nil); json.Unmarshal([]byte(text), out) != nil {
		h.t.Fatalf("%s %s: %s", method, path, text)
	}
}

// Who pays manages that at the payment provider, also when they may do nothing else.
func TestPayment(t *testing.T) {
	h, fake := newShop(t)
	b := newTab(t, looks[1], h.server.URL)
	signIn(b, h)
	b.shows("Pro")
	b.check("subscription")
	b.press(`form[action$="/payment"] button`)
	b.check("payment")
	var address string
	var ok bool
	b.run(chromedp.AttributeValue("main a.button", "href", &address, &ok, chromedp.ByQuery))
	if !strings.HasPrefix(address, fake.URL()) {
		t.Errorf("the link leads to %q", address)
	}
	account, err := h.heycmo.Admin().Account(t.Context(), h.customer)
	if err != nil || len(account.Subscriptions) != 1 {
		t.Fatalf("%+v %v", account, err)
	}
	if err := fake.Cancel(account.Subscriptions[0].ID); err != nil {
		t.Fatal(err)
	}
	deliver(t, h, fake)
	h.until(func() bool {
		c, err := h.store.Customer(t.Context(), h.customer)
		return err == nil && !c.StatusAt(time.Now()).Entitled()
	})
	b.open("/dashboard/keys")
	b.shows("Nothing is paid for at the moment")
	b.check("shut")
	b.press(`form[action$="/payment"] button`)
	b.shows("Go on to the payment provider")
	b.press("header form button")
	b.shows("You are signed out")
}

func billingOf(h *host) storage.Billing {
	b, _ := storage.RoleOf[storage.Billing](h.store)
	return b
}

// The operator sees what went wrong.
func TestOperatorSeesTrouble(t *testing.T) {
	h, _ := newShop(t)
	b := newTab(t, looks[0], h.server.URL)
	at := storage.Now().Add(-time.Hour)
	runs, _ := storage.RoleOf[storage.Runs](h.store)
	for id, age := range map[storage.RunID]time.Duration{"lost": time.Hour, "busy": 0} {
		run := storage.Run{CustomerID: h.customer, ID: id, Kind: "agent", Name: string(id) + "-agent", Status: "running", Data: json.RawMessage(`{}`), CreatedAt: at, UpdatedAt: storage.Now().Add(-age)}
		if err := runs.CreateRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := billingOf(h).UpdateAccount(t.Context(), h.customer, func(a *storage.Account) error {
		a.Failures, a.DueAt = 4, storage.Now().Add(time.Hour)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := billingOf(h).CreateEffect(t.Context(), storage.Effect{
		ID: "e", Kind: "event.handler", Customer: h.customer, Data: json.RawMessage(`{}`), Error: "the handler said " + hostile, Attempts: 9, CreatedAt: at, DueAt: storage.Now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h.call("POST", "/api/webhooks/stripe", `{}`, map[string]string{"Stripe-Signature": "t=1,v1=00"})
	}
	b.open("/operator")
	b.run(chromedp.SendKeys("#key", adminKey, chromedp.ByQuery))
	b.press("main form button")
	for _, want := range []string{"2, the last", "tried 4 times", "event.handler", "the handler said <script>", "lost-agent"} {
		b.shows(want)
	}
	if strings.Contains(b.text(), "busy-agent") {
		t.Error("a run that gave a sign of life is shown as silent")
	}
	b.check("operator-trouble")
}

// What goes wrong is a page too.
func TestProblemsArePages(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Limits.REST = 10 })
	ada := visitor(t, h)
	for _, c := range []struct {
		method, path string
		form         url.Values
		code         int
		says         string
	}{
		{"GET", "/dashboard/nonsense", nil, http.StatusNotFound, "There is nothing at this address."},
		{"GET", "/dashboard/content?cursor=nonsense", nil, http.StatusBadRequest, "That did not work"},
		{"POST", "/dashboard/keys", url.Values{"csrf": {"no"}}, http.StatusForbidden, "This form is of another session"},
		{"POST", "/dashboard/keys", url.Values{"csrf": {ada.word}, "name": {strings.Repeat("x", 300_000)}}, http.StatusBadRequest, "The form must be"},
	} {
		code, text := ada.do(c.method, c.path, c.form, nil)
		if code != c.code || !strings.Contains(text, c.says) || !strings.Contains(text, "<!doctype html>") {
			t.Errorf("%s %s: %d %.800s", c.method, c.path, code, text)
		}
	}
	code, text := 0, ""
	for range 20 {
		if code, text = ada.get("/dashboard/keys"); code == http.StatusTooManyRequests {
			break
		}
	}
	if code != http.StatusTooManyRequests || !strings.Contains(text, "Too much at once") {
		t.Errorf("too many requests: %d %.800s", code, text)
	}
}
