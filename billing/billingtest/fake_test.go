package billingtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (r reply) text(path ...string) string {
	var v any = r.body
	for _, name := range path {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return fmt.Sprint(v)
}

// call asks the Fake as curl would.
func call(t *testing.T, f *billingtest.Fake, method, path, form string, header ...string) reply {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form)
	} else if form != "" {
		path += "?" + form
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.URL()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.Key())
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r := reply{status: res.StatusCode, header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&r.body); err != nil {
		t.Fatal(err)
	}
	return r
}

func sessionForm(f *billingtest.Fake) string {
	return url.Values{
		"mode": {"subscription"}, "line_items[0][price]": {f.Price()}, "line_items[0][quantity]": {"1"}, "customer_email": {"ada@example.com"},
		"success_url": {"https://shop.example/done?s={CHECKOUT_SESSION_ID}"}, "metadata[a]": {"b"}, "allow_promotion_codes": {"true"},
	}.Encode()
}

func buy(t *testing.T, f *billingtest.Fake) (session, subscription, customer string) {
	t.Helper()
	session = call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f)).text("id")
	if err := f.Pay(session); err != nil {
		t.Fatal(err)
	}
	return session, f.SubscriptionOf(session), f.CustomerOf(session)
}

func TestFakeRefuses(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	good := sessionForm(f)
	for _, test := range []struct {
		name, method, path, form string
		header                   []string
		status                   int
		code                     string
	}{
		{"another key", "GET", "/v1/prices", "", []string{"Authorization", "Bearer sk_test_other"}, 401, ""},
		{"no key", "GET", "/v1/prices", "", []string{"Authorization", ""}, 401, ""},
		{"another version", "GET", "/v1/prices", "", []string{"Stripe-Version", "2026-08-26.dahlia"}, 400, ""},
		{"unknown parameter", "POST", "/v1/checkout/sessions", good + "&trial=7", nil, 400, "parameter_unknown"},
		{"unknown path", "GET", "/v1/nothing", "", nil, 404, ""},
		{"short path", "GET", "/v1", "", nil, 404, ""},
		{"long path", "GET", "/v1/checkout/sessions/a/b/c", "", nil, 404, ""},
		{"no session", "GET", "/v1/checkout/sessions/cs_test_x", "", nil, 404, "resource_missing"},
		{"no price", "POST", "/v1/checkout/sessions", strings.Replace(good, f.Price(), "price_x", 1), nil, 400, "resource_missing"},
		{"a script to return to", "POST", "/v1/checkout/sessions", good + "&cancel_url=javascript:alert(1)", nil, 400, "url_invalid"},
		{"missing parameter", "POST", "/v1/checkout/sessions", "mode=subscription", nil, 400, "parameter_missing"},
		{"not an integer", "GET", "/v1/prices", "limit=x", nil, 400, "parameter_invalid_integer"},
		{"page too long", "GET", "/v1/prices", "limit=101", nil, 400, ""},
		{"page after nothing", "GET", "/v1/prices", "starting_after=x", nil, 400, "resource_missing"},
		{"not a form", "POST", "/v1/checkout/sessions", "%zz", nil, 400, ""},
		{"expanding anything", "GET", "/v1/prices/" + f.Price(), "expand[]=product", nil, 400, ""},
		{"unknown customer's subscriptions", "GET", "/v1/subscriptions", "customer=cus_x", nil, 400, "resource_missing"},
		{"meter event of nobody", "POST", "/v1/billing/meter_events", "event_name=a&payload[stripe_customer_id]=cus_x&payload[value]=1", nil, 400, "resource_missing"},
	} {
		r := call(t, f, test.method, test.path, test.form, test.header...)
		code := r.text("error", "code")
		if code == "<nil>" {
			code = ""
		}
		if r.status != test.status || code != test.code || r.text("error", "type") == "<nil>" || r.text("error", "message") == "" {
			t.Errorf("%s: %d %v", test.name, r.status, r.body)
		}
	}
}

func TestFakeRemembersIdempotencyKeys(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	key := []string{"Idempotency-Key", "key-0123456789abcdef"}
	first := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f), key...)
	again := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f), key...)
	if first.status != 200 || again.text("id") != first.text("id") || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%v, then %v", first, again)
	}
	other := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f)+"&client_reference_id=x", key...)
	if other.status != 400 || other.text("error", "type") != "idempotency_error" {
		t.Errorf("other parameters: %v", other)
	}
	if c := call(t, f, "POST", "/v1/customers", sessionForm(f), key...); c.text("error", "type") != "idempotency_error" {
		t.Errorf("another path: %v", c)
	}
	f.Advance(25 * time.Hour)
	if late := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f), key...); late.text("id") == first.text("id") {
		t.Error("remembered for ever")
	}
	// What was refused may be tried again with the same key.
	bad := []string{"Idempotency-Key", "key-bad-0123456789"}
	call(t, f, "POST", "/v1/checkout/sessions", "mode=payment", bad...)
	if r := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f), bad...); r.status != 200 {
		t.Errorf("after a refusal: %v", r)
	}
}

func TestFakeClock(t *testing.T) {
	start := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	f := billingtest.StartFake(t, &billingtest.FakeOptions{Now: start})
	open := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f)).text("id")
	_, sub, _ := buy(t, f)
	if err := f.CancelAtPeriodEnd(sub, true); err != nil {
		t.Fatal(err)
	}
	status := func(path string) string { return call(t, f, "GET", path, "").text("status") }
	f.Advance(23 * time.Hour)
	if s := status("/v1/checkout/sessions/" + open); s != "open" || !f.Now().Equal(start.Add(23*time.Hour)) {
		t.Errorf("%s at %v", s, f.Now())
	}
	f.Advance(time.Hour)
	if s := status("/v1/checkout/sessions/" + open); s != "expired" {
		t.Errorf("after a day: %s", s)
	}
	f.Advance(29 * 24 * time.Hour)
	if s := status("/v1/subscriptions/" + sub); s != "active" {
		t.Errorf("before the period's end: %s", s)
	}
	f.Advance(2 * 24 * time.Hour)
	if s := status("/v1/subscriptions/" + sub); s != "canceled" {
		t.Errorf("after the period's end: %s", s)
	}
}

func TestFakePromotionCodes(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	f.AddPromotionCode("FREE", 100)
	f.AddPromotionCode("HALF", 50)
	for code, want := range map[string][2]string{"FREE": {"no_payment_required", "0"}, "HALF": {"paid", "2450"}} {
		id := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f)).text("id")
		if err := f.PayWith(id, "NONE"); err == nil {
			t.Error("an unknown code is taken")
		}
		if err := f.PayWith(id, code); err != nil {
			t.Fatal(err)
		}
		r := call(t, f, "GET", "/v1/checkout/sessions/"+id, "")
		if r.text("payment_status") != want[0] || r.text("amount_total") != want[1] || r.text("status") != "complete" {
			t.Errorf("%s: %v", code, r.body)
		}
	}
	if r := call(t, f, "GET", "/v1/promotion_codes", "code=HALF"); len(r.body["data"].([]any)) != 1 {
		t.Errorf("%v", r.body)
	}
}

// TestFakeWrongMoments: what people can't do twice, the Fake refuses.
func TestFakeWrongMoments(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	session, sub, customer := buy(t, f)
	if err := f.Cancel(sub); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteCustomer(customer); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Pay": f.Pay(session), "PayLater": f.PayLater(session), "Settle": f.Settle(session, true), "Expire": f.Expire(session),
		"Renew": f.Renew(sub), "Cancel": f.Cancel(sub), "Dispute": f.Dispute(sub), "DeleteCustomer": f.DeleteCustomer(customer),
		"Pay nothing": f.Pay("cs_x"), "Renew nothing": f.Renew("sub_x"), "ChangePlan": f.ChangePlan(sub, "price_x"), "delete nobody": f.DeleteCustomer("cus_x"),
	} {
		if err == nil {
			t.Errorf("%s is allowed", name)
		}
	}
}

func TestFakeDelivers(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	var mu sync.Mutex
	var got []string
	status := 200
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct{ ID string }
		_ = json.Unmarshal(body, &e)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, e.ID)
		if !strings.HasPrefix(r.Header.Get("Stripe-Signature"), "t=") || r.Method != http.MethodPost {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		w.WriteHeader(status)
	}))
	defer hook.Close()
	_, sub, _ := buy(t, f)
	events := f.Deliveries()
	if len(events) < 3 {
		t.Fatalf("%d events", len(events))
	}
	// Failed ones stay; any order, and twice.
	status = 503
	if err := f.Deliver(t.Context(), hook.URL, events...); err == nil || len(f.Deliveries()) != len(events) {
		t.Errorf("%v, %d left", err, len(f.Deliveries()))
	}
	status, got = 200, nil
	if err := f.Deliver(t.Context(), hook.URL, events[2], events[0], events[2]); err != nil {
		t.Fatal(err)
	}
	if want := []string{events[2].ID, events[0].ID, events[2].ID}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if left := f.Deliveries(); len(left) != len(events)-2 || left[0].ID != events[1].ID {
		t.Errorf("%d left", len(left))
	}
	if err := f.Dispute(sub); err != nil {
		t.Fatal(err)
	}
	if e := f.Deliveries()[len(f.Deliveries())-1]; e.Type != "charge.dispute.created" || len(f.Events()) != len(events)+1 {
		t.Errorf("%+v", e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.DeliverOne(ctx, hook.URL, events[1]); err == nil {
		t.Error("an ended context is ignored")
	}
}

// TestFakeMoney: every amount in an event is the price's.
func TestFakeMoney(t *testing.T) {
	f := billingtest.StartFake(t, &billingtest.FakeOptions{Prices: []billing.Price{{ID: "gold", Currency: "eur", Amount: 1250, Interval: "month", Count: 1}}})
	_, sub, _ := buy(t, f)
	for _, err := range []error{f.Renew(sub), f.Dispute(sub), f.Refund(sub)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range f.Events() {
		body := string(e.Body)
		amount := map[string]string{"invoice.paid": "amount_due", "charge.dispute.created": "amount", "charge.refunded": "amount_refunded"}[e.Type]
		if strings.HasPrefix(e.Type, "customer.subscription.") || amount != "" {
			if !strings.Contains(body, `"currency":"eur"`) || strings.Contains(body, `"currency":"usd"`) {
				t.Errorf("the currency of %s", body)
			}
		}
		if amount != "" && !strings.Contains(body, `"`+amount+`":1250`) {
			t.Errorf("the %s of %s", amount, body)
		}
	}
}

// TestFakeEventsKeepTheirMoment: an event shows its object as it was.
func TestFakeEventsKeepTheirMoment(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	_, sub, _ := buy(t, f)
	if err := f.Cancel(sub); err != nil {
		t.Fatal(err)
	}
	for _, e := range f.Events() {
		if e.Type == "customer.subscription.created" && !strings.Contains(string(e.Body), `"status":"active"`) {
			t.Errorf("%s", e.Body)
		}
		basil := string(e.InVersion("2025-03-31.basil").Body)
		if e.Type == "invoice.paid" && !strings.Contains(basil, `"subscription_details":{"metadata":{},"subscription":"`+sub) {
			t.Errorf("%s", basil)
		}
		if string(e.Body) == basil || !strings.Contains(string(e.Thin().Body), `"v2.core.event"`) {
			t.Errorf("%s is the same in another version", e.Type)
		}
	}
}

func TestFakeOutageAndSlowness(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	f.Outage(true)
	if r := call(t, f, "GET", "/v1/prices", ""); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("%v", r)
	}
	f.Outage(false)
	f.Slow(100 * time.Millisecond)
	began := time.Now()
	if r := call(t, f, "GET", "/v1/prices", ""); r.status != 200 || time.Since(began) < 100*time.Millisecond {
		t.Errorf("%v after %v", r.status, time.Since(began))
	}
	if calls := f.Calls(); len(calls) != 2 || calls[0] != "GET /v1/prices" {
		t.Errorf("%v", calls)
	}
}

func TestFakeManyGoroutines(t *testing.T) {
	f := billingtest.StartFake(t, &billingtest.FakeOptions{Prices: []billing.Price{{ID: "gold", Currency: "usd", Amount: 100, Interval: "year", Count: 1}}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, sub, customer := buy(t, f)
			_ = f.Renew(sub)
			_ = f.Deliveries()
			f.Advance(time.Second)
			call(t, f, "GET", "/v1/subscriptions", "customer="+customer+"&status=all")
			_ = f.DeleteCustomer(customer)
			f.RollSecret()
			f.Sign(nil, f.Now())
		})
	}
	all.Wait()
	if n := len(call(t, f, "GET", "/v1/subscriptions", "status=canceled").body["data"].([]any)); n != 8 {
		t.Errorf("%d subscriptions ended, want 8", n)
	}
}
