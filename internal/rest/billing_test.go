package rest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/storage"
)

// selling lets a host sell through a fake Stripe.
func selling(t *testing.T, fake *billingtest.Fake, change func(*subscription.Config)) setting {
	return func(c *app.Config) {
		t.Helper()
		provider, err := stripebilling.New(fake.Key(), &stripebilling.Options{
			BaseURL: fake.URL(), WebhookSecrets: []string{fake.Secret()}, Retries: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
		config := subscription.Config{
			Store:    c.Store,
			Provider: provider,
			Plans: []billing.Plan{
				{ID: "free", Name: "Free", Quotas: map[string]int64{"tool_calls": 0, "images": -1}},
				{ID: "basic", Name: "Basic", Price: fake.Price(), TrialDays: 0, Features: []string{"workflows"}},
				{ID: "trial", Name: "Trial", Price: fake.AddPrice(billing.Price{Currency: "eur", Amount: 100, Interval: "year", Count: 2}), TrialDays: 14},
				{ID: "gone", Name: "Gone", Price: "price_unknown"},
			},
			SuccessURL:  "https://shop.example/welcome?session={CHECKOUT_SESSION_ID}",
			CancelURL:   "https://shop.example/",
			ClaimWindow: time.Hour,
			Log:         zap.NewNop(),
		}
		if change != nil {
			change(&config)
		}
		if c.Subscriptions, err = subscription.New(config); err != nil {
			t.Fatal(err)
		}
	}
}

// shop is a host that sells, and the Stripe where people pay.
func newShop(t *testing.T, change func(*subscription.Config), settings ...setting) (*host, *billingtest.Fake) {
	t.Helper()
	fake := billingtest.StartFake(t, nil)
	return newHost(t, append(settings, selling(t, fake, change))...), fake
}

// begun is a checkout of a new customer.
func (h *host) begun(plan string) Checkout {
	h.t.Helper()
	return read[Checkout](h.t, h.want(200, request{method: "POST", path: "/api/checkout", body: fmt.Sprintf(`{"email":"mary@example.com","plan":%q}`, plan)}))
}

func (h *host) paid(fake *billingtest.Fake) Checkout {
	h.t.Helper()
	c := h.begun("basic")
	if err := fake.Pay(c.SessionID); err != nil {
		h.t.Fatal(err)
	}
	return c
}

func session(id string) request { return request{method: "GET", path: "/api/session/" + id} }

func claiming(id, body string) request {
	return request{method: "POST", path: "/api/session/" + id + "/claim", body: body}
}

func TestPlans(t *testing.T) {
	h, fake := newShop(t, nil)
	got := h.want(200, request{method: "GET", path: "/api/plans"})
	for _, want := range []string{
		`{"features":[],"id":"free","name":"Free","quotas":{"tool_calls":0}}`,
		`"price":{"amount":4900,"currency":"usd","interval":"month","intervalCount":1}`,
		`"price":{"amount":100,"currency":"eur","interval":"year","intervalCount":2},"quotas":{},"trialDays":14`,
		`{"features":[],"id":"gone","name":"Gone","quotas":{}}`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s lacks %s", got.body, want)
		}
	}
	fake.Outage(true)
	if again := h.want(200, request{method: "GET", path: "/api/plans"}); again.body != got.body {
		t.Errorf("while Stripe is away: %s", again.body)
	}
	// A host that gives plans and sells none.
	h = newHost(t, selling(t, fake, func(c *subscription.Config) { c.Provider = nil }))
	h.want(200, request{method: "GET", path: "/api/plans"})
	h.want(501, request{method: "POST", path: "/api/checkout", body: `{"email":"mary@example.com"}`})
}

func TestCheckoutRefusals(t *testing.T) {
	h, fake := newShop(t, nil, withLimits(app.Limits{app.ScopeCheckout: 100}))
	before := len(fake.Calls())
	for name, c := range map[string]struct {
		body, says string
	}{
		"no address":        {`{}`, "email must be an e-mail address"},
		"a name":            {`{"email":"Mary <mary@example.com>"}`, "email"},
		"two addresses":     {`{"email":"a@example.com,b@example.com"}`, "email"},
		"a line break":      {`{"email":"mary@example.com\r\nBcc: x@example.com"}`, "email"},
		"a line break in":   {`{"email":"mary\n@example.com"}`, "email"},
		"a folded one":      {`{"email":"mary@\r\n example.com"}`, "email"},
		"a NUL":             {`{"email":"mary\u0000@example.com"}`, "email"},
		"a quoted NUL":      {`{"email":"\"ma\u0000ry\"@example.com"}`, "email"},
		"a comment":         {`{"email":"mary(x)@example.com"}`, "email"},
		"no domain":         {`{"email":"mary@localhost"}`, "email"},
		"too long":          {`{"email":"` + strings.Repeat("a", 250) + `@example.com"}`, "email"},
		"an unknown plan":   {`{"email":"mary@example.com","plan":"gold"}`, "plan must be one of basic, trial, gone"},
		"a plan for admins": {`{"email":"mary@example.com","plan":"free"}`, "plan must be one of"},
		"a price":           {`{"email":"mary@example.com","price":"price_1"}`, "price"},
		"a number":          {`{"email":7}`, "email must be a string"},
		"nested deeply":     {strings.Repeat(`{"email":`, 5000) + "1" + strings.Repeat("}", 5000), "email must be a string"},
	} {
		got := h.want(400, request{method: "POST", path: "/api/checkout", body: c.body})
		if !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %s, must say %q", name, got.body, c.says)
		}
	}
	if calls := len(fake.Calls()); calls != before {
		t.Errorf("Stripe was asked %d times", calls-before)
	}
	list := read[CustomerList](t, h.want(200, request{method: "GET", path: "/api/admin/customers?status=pending", key: testAdminKey}))
	if len(list.Customers) != 0 {
		t.Errorf("refused checkouts left %d customers", len(list.Customers))
	}
	fake.Outage(true)
	got := h.want(503, request{method: "POST", path: "/api/checkout", body: `{"email":"mary@example.com"}`})
	if got.header.Get("Retry-After") == "" || strings.Contains(got.body, "Stripe") {
		t.Errorf("while Stripe is away: %s %v", got.body, got.header)
	}
	fake.Outage(false)
	got = h.want(502, request{method: "POST", path: "/api/checkout", body: `{"email":"mary@example.com","plan":"gone"}`})
	if strings.Contains(got.body, "price") {
		t.Errorf("the refusal of Stripe reaches the client: %s", got.body)
	}
}

// Card testers find a limit.
func TestCheckoutsAreLimited(t *testing.T) {
	h, fake := newShop(t, nil, withLimits(app.Limits{app.ScopeCheckout: 5}))
	for range 5 {
		h.begun("")
	}
	before := len(fake.Calls())
	got := h.want(429, request{method: "POST", path: "/api/checkout", body: `{"email":"mary@example.com"}`})
	if got.header.Get("Retry-After") == "" || len(fake.Calls()) != before {
		t.Errorf("the sixth: %v, %d calls to Stripe", got.header, len(fake.Calls())-before)
	}
}

func TestSession(t *testing.T) {
	h, fake := newShop(t, nil)
	// What isn't ours is not asked for.
	before := len(fake.Calls())
	unknown := h.want(404, session("cs_test_a1b2c3d4e5f6"))
	for _, id := range []string{"x", "cs_test_%00aaaaaaaaa", "cs_test_aaaaaaaa%27--", strings.Repeat("a", 300), "%F0%9F%98%80aaaaaaaa"} {
		if got := h.want(404, session(id)); got.body != unknown.body {
			t.Errorf("%q is answered with %s, another with %s", id, got.body, unknown.body)
		}
		h.want(404, claiming(id, ""))
	}
	if calls := len(fake.Calls()); calls != before {
		t.Errorf("guessing made %d calls to Stripe", calls-before)
	}

	open := h.begun("basic")
	waiting := h.want(202, session(open.SessionID))
	if waiting.header.Get("Retry-After") != "2" || !strings.Contains(waiting.body, `"status":"pending"`) || strings.Contains(waiting.body, "@") {
		t.Errorf("while it isn't paid: %s", waiting.body)
	}
	// Readers who wait share one question to Stripe.
	before = len(fake.Calls())
	for range 20 {
		h.want(202, session(open.SessionID))
	}
	if calls := len(fake.Calls()); calls != before {
		t.Errorf("20 readers made %d calls within 2 s", calls-before)
	}
	if err := fake.Expire(open.SessionID); err != nil {
		t.Fatal(err)
	}
	h.eventually(session(open.SessionID), 410)
	h.want(410, claiming(open.SessionID, ""))

	later := h.begun("basic")
	if err := fake.PayLater(later.SessionID); err != nil {
		t.Fatal(err)
	}
	h.want(202, session(later.SessionID))
	if err := fake.Settle(later.SessionID, true); err != nil {
		t.Fatal(err)
	}
	got := h.eventually(session(later.SessionID), 200)
	if key := read[CheckoutSession](t, got).APIKey; key == "" {
		t.Errorf("when the money has come: %s", got.body)
	}
}

// eventually repeats a request until it is answered with the status: a reading of
// Stripe is shared for 2 s.
func (h *host) eventually(q request, status int) response {
	h.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		got := h.do(q)
		if got.status == status {
			return got
		}
		if time.Now().After(end) {
			h.t.Fatalf("%s %s: %d %s, must become %d", q.method, q.path, got.status, got.body, status)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestTheKeyIsClaimedOnce(t *testing.T) {
	h, fake := newShop(t, nil)
	c := h.paid(fake)
	// None of these takes it.
	for name, q := range map[string]request{
		"HEAD":        {method: "HEAD"},
		"Sec-Purpose": {method: "GET", header: map[string]string{"Sec-Purpose": "prefetch;prerender"}},
		"Purpose":     {method: "GET", header: map[string]string{"Purpose": "prefetch"}},
		"X-Moz":       {method: "GET", header: map[string]string{"X-Moz": "prefetch"}},
		"X-Purpose":   {method: "GET", header: map[string]string{"X-Purpose": "preview"}},
	} {
		q.path = "/api/session/" + c.SessionID
		if got := h.want(200, q); strings.Contains(got.body, "apiKey") || strings.Contains(got.body, "keyIssued") {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	h.want(405, request{method: "OPTIONS", path: "/api/session/" + c.SessionID})
	first := read[CheckoutSession](t, h.want(200, session(c.SessionID)))
	if first.APIKey == "" || first.Customer.Status != CustomerStatusActive {
		t.Fatalf("the first reader gets %+v", first)
	}
	h.want(200, request{method: "GET", path: "/api/customer/" + first.Customer.ID, key: first.APIKey})
	for _, q := range []request{session(c.SessionID), claiming(c.SessionID, ""), claiming(c.SessionID, `{"claim":"wrong"}`)} {
		if got := read[CheckoutSession](t, h.want(200, q)); got.APIKey != "" || !got.KeyIssued {
			t.Errorf("%s afterwards: %+v", q.path, got)
		}
	}
	// It has been used, so not even its owner gets another.
	if got := read[CheckoutSession](t, h.want(200, claiming(c.SessionID, `{"claim":"`+c.Claim+`"}`))); got.APIKey != "" || !got.KeyIssued {
		t.Errorf("a key that was used is given again: %+v", got)
	}
}

// An answer that was lost can be asked for again, by the browser that began.
func TestALostAnswer(t *testing.T) {
	h, fake := newShop(t, nil)
	c := h.paid(fake)
	first := read[CheckoutSession](t, h.want(200, claiming(c.SessionID, `{"claim":"`+c.Claim+`"}`)))
	second := read[CheckoutSession](t, h.want(200, request{
		method: "POST", path: "/api/session/" + c.SessionID + "/claim",
		header: map[string]string{"Cookie": "__Host-claim=" + c.Claim},
	}))
	if second.APIKey == "" || second.APIKey == first.APIKey {
		t.Fatalf("asked again: %+v after %+v", second, first)
	}
	customer := request{method: "GET", path: "/api/customer/" + first.Customer.ID, key: first.APIKey}
	h.want(401, customer)
	customer.key = second.APIKey
	h.want(200, customer)
}

func TestTheClaimWindow(t *testing.T) {
	h, fake := newShop(t, func(c *subscription.Config) { c.ClaimWindow = time.Nanosecond })
	c := h.paid(fake)
	for _, q := range []request{session(c.SessionID), claiming(c.SessionID, ""), claiming(c.SessionID, `{"claim":"wrong"}`)} {
		if got := read[CheckoutSession](t, h.want(200, q)); got.APIKey != "" || !got.KeyIssued {
			t.Errorf("%s after the window: %+v", q.path, got)
		}
	}
	// The money of a bank debit comes when nobody sits at the page. Whoever began it
	// has more time.
	if got := read[CheckoutSession](t, h.want(200, claiming(c.SessionID, `{"claim":"`+c.Claim+`"}`))); got.APIKey == "" {
		t.Errorf("with the secret of the checkout: %+v", got)
	}
	if got := read[CheckoutSession](t, h.want(200, claiming(c.SessionID, `{"claim":"`+c.Claim+`"}`))); got.APIKey != "" {
		t.Errorf("repeated after the window: %+v", got)
	}
}

func TestTheClaimCanBeRequired(t *testing.T) {
	h, fake := newShop(t, func(c *subscription.Config) { c.RequireNonce = true })
	c := h.paid(fake)
	h.want(403, session(c.SessionID))
	h.want(403, claiming(c.SessionID, ""))
	h.want(403, claiming(c.SessionID, `{"claim":"wrong"}`))
	h.want(403, request{method: "GET", path: "/api/session/" + c.SessionID, header: map[string]string{"Cookie": "claim=" + c.Claim}})
	h.want(200, request{method: "HEAD", path: "/api/session/" + c.SessionID})
	got := read[CheckoutSession](t, h.want(200, request{
		method: "GET", path: "/api/session/" + c.SessionID, header: map[string]string{"Cookie": "__Host-claim=wrong; __Host-claim=" + c.Claim},
	}))
	if got.APIKey == "" {
		t.Errorf("the browser that began it gets %+v", got)
	}
}

// A browser that began several checkouts can claim the key of each.
func TestTheClaimCookieKnowsSeveral(t *testing.T) {
	h, fake := newShop(t, func(c *subscription.Config) { c.RequireNonce = true })
	cookie := ""
	var begun []Checkout
	for range 7 {
		got := h.want(200, request{
			method: "POST", path: "/api/checkout", body: `{"email":"mary@example.com"}`, header: map[string]string{"Cookie": cookie},
		})
		cookie, _, _ = strings.Cut(got.header.Get("Set-Cookie"), ";")
		begun = append(begun, read[Checkout](t, got))
	}
	for i, c := range begun {
		if err := fake.Pay(c.SessionID); err != nil {
			t.Fatal(err)
		}
		want := 200
		if i < 2 { // it knows the last five
			want = 403
		}
		h.want(want, request{method: "GET", path: "/api/session/" + c.SessionID, header: map[string]string{"Cookie": cookie}})
	}
}

// Guesses change nothing.
func TestGuessesDoNotWrite(t *testing.T) {
	h, _ := newShop(t, nil)
	h.want(200, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)})
	h.want(404, claiming("cs_test_guessed12345", ""))
	keys := read[KeyList](t, h.want(200, request{method: "GET", path: "/api/keys/{ada}", key: h.key(h.ada)}))
	if !keys.Keys[0].LastUsedAt.IsZero() {
		t.Error("a guess had the use of keys stored")
	}
}

func TestTheClaimCookie(t *testing.T) {
	h, _ := newShop(t, nil)
	got := h.want(200, request{method: "POST", path: "/api/checkout", body: `{"email":"mary@example.com"}`})
	cookie, claim := got.header.Get("Set-Cookie"), read[Checkout](t, got).Claim
	for _, part := range []string{"__Host-claim=" + claim + ";", "Path=/;", "HttpOnly", "Secure", "SameSite=Lax"} {
		if claim == "" || !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %q", cookie, part)
		}
	}
}

func TestWebhookRefusals(t *testing.T) {
	h, fake := newShop(t, nil)
	paid := h.paid(fake)
	var event billingtest.Event
	for _, e := range fake.Events() {
		if e.Type == "checkout.session.completed" {
			event = e
		}
	}
	at := func(d time.Duration) map[string]string {
		return one(fake.Sign(event.Body, time.Now().Add(d)).Header)
	}
	tampered := bytes.Replace(event.Body, []byte(`"paid"`), []byte(`"unpaid"`), 1)
	if bytes.Equal(tampered, event.Body) {
		t.Fatal("nothing to tamper with")
	}
	for name, c := range map[string]struct {
		header map[string]string
		body   string
		status int
	}{
		"unsigned":          {nil, string(event.Body), 400},
		"nonsense":          {map[string]string{"Stripe-Signature": "t=1,v1=zz"}, string(event.Body), 400},
		"tampered":          {at(0), string(tampered), 400},
		"stale":             {at(-301 * time.Second), string(event.Body), 400},
		"from the future":   {at(301 * time.Second), string(event.Body), 400},
		"truncated":         {at(0), string(event.Body[:len(event.Body)/2]), 400},
		"signed nonsense":   {one(fake.Sign([]byte(`{"id":`), time.Now()).Header), `{"id":`, 400},
		"signed null":       {one(fake.Sign([]byte(`null`), time.Now()).Header), `null`, 400},
		"signed without id": {one(fake.Sign([]byte(`{"type":"invoice.paid"}`), time.Now()).Header), `{"type":"invoice.paid"}`, 400},
		"compressed":        {map[string]string{"Content-Encoding": "gzip"}, string(event.Body), 415},
		"too large":         {at(0), strings.Repeat(" ", 1<<20+1), 413},
	} {
		got := h.want(c.status, request{method: "POST", path: "/api/webhooks/stripe", header: c.header, body: c.body})
		if c.status == 400 && !strings.Contains(got.body, "valid, recent signature") {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	// Nothing of it was believed, or stored.
	account := storedAccount(t, h, paid.SessionID)
	if account.Heard != 0 {
		t.Errorf("refused deliveries were heard %d times", account.Heard)
	}
	// The signature is over the bytes, whatever they are called. The document speaks
	// of JSON only.
	header := at(0)
	header["Content-Type"] = "text/plain"
	if got := h.send(request{method: "POST", path: "/api/webhooks/stripe", header: header, body: string(event.Body)}); got.status != 200 {
		t.Errorf("called text/plain: %d %s", got.status, got.body)
	}
	if account := storedAccount(t, h, paid.SessionID); account.Heard != 1 || account.Session != paid.SessionID {
		t.Errorf("the event left %+v", account)
	}
}

// one has the first value of each header.
func one(h http.Header) map[string]string {
	first := map[string]string{}
	for name, values := range maps.All(h) {
		first[name] = values[0]
	}
	return first
}

func storedAccount(t *testing.T, h *host, session string) storage.Account {
	t.Helper()
	b, _ := storage.RoleOf[storage.Billing](h.store)
	list, err := b.Accounts(t.Context(), storage.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if strings.Contains(string(a.Data), `"Session":`) || a.Session == session {
			return a
		}
	}
	t.Fatal("the checkout has no account")
	return storage.Account{}
}

// What is rightly signed is taken, whatever it is about, and repeated without
// effect.
func TestWebhooksThatAreTaken(t *testing.T) {
	h, fake := newShop(t, nil, withLimits(app.Limits{app.ScopeWebhook: 2}))
	paid := h.paid(fake)
	events := fake.Events()
	deliver := func(body []byte) {
		t.Helper()
		got := h.want(200, request{method: "POST", path: "/api/webhooks/stripe", header: one(fake.Sign(body, time.Now()).Header), body: string(body)})
		if got.body != `{"received":true}`+"\n" && got.body != `{"received":true}` {
			t.Errorf("answered with %s", got.body)
		}
	}
	for _, e := range events {
		for _, variant := range []billingtest.Event{e, e.InVersion("2026-08-26.dahlia"), e.Thin(), e.OldRequest(), e.OfType("something.new"), e} {
			deliver(variant.Body)
		}
	}
	deep := `{"id":"evt_deep","type":"invoice.paid","data":{"object":` + strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000) + "}}"
	deliver([]byte(deep))
	deliver([]byte(`{"id":"evt_mistyped","type":"checkout.session.completed","created":"yesterday","livemode":"yes","data":{"object":{"object":"checkout.session","id":7,"customer":["x"],"subscription":{}}}}`))
	deliver([]byte(`{"id":"evt_other","type":"customer.subscription.deleted","data":{"object":{"object":"subscription","id":"sub_of_somebody_else","customer":"cus_of_somebody_else"}}}`))
	deliver([]byte(`{"id":"evt_account","type":"invoice.paid","account":"acct_1","data":{"object":{"object":"invoice"}}}`))
	h.eventually(session(paid.SessionID), 200)
	// The limit is for forgeries, and doesn't touch what is signed.
	for range 3 {
		h.do(request{method: "POST", path: "/api/webhooks/stripe", body: `{}`})
	}
	h.want(429, request{method: "POST", path: "/api/webhooks/stripe", body: `{}`})
	deliver(events[0].Body)
}

func TestBillingOfACustomer(t *testing.T) {
	h, fake := newShop(t, nil)
	c := h.paid(fake)
	first := read[CheckoutSession](t, h.want(200, session(c.SessionID)))
	mary := func(method, path, body string) request {
		return request{method: method, path: strings.ReplaceAll(path, "{id}", first.Customer.ID), key: first.APIKey, body: body}
	}
	shown := read[Customer](t, h.want(200, mary("GET", "/api/customer/{id}", "")))
	if shown.Plan != "basic" || shown.Subscription.Status != "active" || shown.Subscription.CurrentPeriodEnd.IsZero() {
		t.Errorf("the customer is shown as %+v", shown)
	}
	if got := h.want(200, mary("POST", "/api/billing/{id}/portal", "")); !strings.Contains(got.body, fake.URL()) {
		t.Errorf("the portal: %s", got.body)
	}
	if got := h.want(409, mary("POST", "/api/billing/{id}/checkout", "")); !strings.Contains(got.body, "portal") {
		t.Errorf("a second subscription: %s", got.body)
	}
	// An admin's customers have nothing to manage, but may buy.
	ada := func(path string) request { return request{method: "POST", path: path, key: h.key(h.ada)} }
	if got := h.want(409, ada("/api/billing/{ada}/portal")); !strings.Contains(got.body, "not bought anything") {
		t.Errorf("the portal of who never bought: %s", got.body)
	}
	h.want(404, ada("/api/billing/"+first.Customer.ID+"/portal"))
	h.want(200, ada("/api/billing/{ada}/checkout"))
	h.want(400, request{method: "POST", path: "/api/billing/{ada}/checkout", key: h.key(h.ada), body: `{"plan":"gold"}`})
	h.want(200, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)}) // still let in

	// A suspension by an operator is not lifted by paying, and resuming asks billing.
	h.want(200, request{method: "POST", path: "/api/admin/customers/" + first.Customer.ID + "/suspend", key: testAdminKey})
	h.want(401, mary("GET", "/api/customer/{id}", ""))
	h.want(200, mary("POST", "/api/billing/{id}/portal", ""))
	if err := fake.Cancel(fake.SubscriptionOf(c.SessionID)); err != nil {
		t.Fatal(err)
	}
	for _, e := range fake.Events() {
		h.want(200, request{method: "POST", path: "/api/webhooks/stripe", header: one(fake.Sign(e.Body, time.Now()).Header), body: string(e.Body)})
	}
	if _, err := h.app.Subscriptions.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.want(200, request{method: "POST", path: "/api/admin/customers/" + first.Customer.ID + "/resume", key: testAdminKey}); !strings.Contains(got.body, `"status":"inactive"`) {
		t.Errorf("resumed, though nothing is paid: %s", got.body)
	}
	h.want(401, mary("GET", "/api/customer/{id}", ""))
	h.want(200, mary("POST", "/api/billing/{id}/checkout", `{"plan":"trial"}`))
}

func TestProvisionKnowsThePlans(t *testing.T) {
	h, _ := newShop(t, nil)
	body := func(plan string) request {
		return request{method: "POST", path: "/api/admin/provision", key: testAdminKey, body: fmt.Sprintf(`{"email":"mary@example.com","plan":%q}`, plan)}
	}
	h.want(201, body("free"))
	h.want(201, body(""))
	if got := h.want(400, body("gold")); !strings.Contains(got.body, "plan must be empty or one of free, basic, trial, gone") {
		t.Errorf("an unknown plan: %s", got.body)
	}
}
