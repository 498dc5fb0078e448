package stripebilling_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

func TestNewRefuses(t *testing.T) {
	type options = stripebilling.Options
	for name, test := range map[string]struct {
		key string
		o   *options
	}{
		"no key":               {"", nil},
		"publishable key":      {"pk_test_CANARY0123456789", nil},
		"key with line":        {testKey + "\r\nX: y", nil},
		"key with space":       {testKey + " ", nil},
		"empty secret":         {testKey, &options{WebhookSecrets: []string{testSecret, ""}}},
		"blank secret":         {testKey, &options{WebhookSecrets: []string{"         "}}},
		"secret with space":    {testKey, &options{WebhookSecrets: []string{testSecret + "\n"}}},
		"negative tolerance":   {testKey, &options{Tolerance: -1}},
		"negative timeout":     {testKey, &options{Timeout: -time.Second}},
		"no URL":               {testKey, &options{BaseURL: "CANARY"}},
		"URL of a file":        {testKey, &options{BaseURL: "file:///CANARY"}},
		"URL with a password":  {testKey, &options{BaseURL: "https://a:CANARY@b"}},
		"URL with a query":     {testKey, &options{BaseURL: "https://b?CANARY"}},
		"URL that is no URL":   {testKey, &options{BaseURL: "https://CANARY\x00"}},
		"URL without scheme's": {testKey, &options{BaseURL: "//CANARY"}},
	} {
		p, err := stripebilling.New(test.key, test.o)
		if err == nil || p != nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	for _, o := range []*options{nil, {}, {BaseURL: "https://stripe.example/"}} {
		p, err := stripebilling.New("rk_live_CANARY0123456789", o)
		if err != nil {
			t.Fatal(err)
		}
		if told := fmt.Sprintf("%v %+v %#v %s", p, p, p, p); strings.Contains(told, "CANARY") {
			t.Errorf("told: %s", told)
		}
	}
}

// TestNoGlobals: two Providers don't mix, and the library's key stays empty.
func TestNoGlobals(t *testing.T) {
	for i := range 2 {
		key := fmt.Sprintf("sk_test_%016d", i)
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			p, asked := answering(t, stripebilling.Options{}, answer(200, madeSession))
			_ = p
			other, err := stripebilling.New(key, &stripebilling.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if got := r.Header.Get("Authorization"); got != "Bearer "+key {
					t.Errorf("key %q", got)
				}
				if r.URL.Host != "api.stripe.com" || r.URL.Scheme != "https" {
					t.Errorf("asked %s", r.URL)
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(madeSession))}, nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if _, err := other.Checkout(t.Context(), request()); err != nil {
					t.Error(err)
				}
			}
			if len(asked()) != 0 || stripe.Key != "" {
				t.Errorf("%d calls of another, global key %q", len(asked()), stripe.Key)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestStrangeIDsCauseNoCall: an ID that can't be Stripe's costs no quota.
func TestStrangeIDsCauseNoCall(t *testing.T) {
	p, asked := answering(t, stripebilling.Options{}, answer(500, ""))
	for _, id := range []string{"", "cs_", "cs_short", "sub_x/y456789", "cus_0123456789?", strings.Repeat("cs_test_", 99)} {
		for _, ref := range []billing.Ref{{Session: id}, {Subscription: id}, {Customer: id}} {
			_, _ = p.Read(t.Context(), ref)
		}
		_, _ = p.Portal(t.Context(), billing.PortalRequest{Customer: id, ReturnURL: "https://a.example"})
		_ = p.Change(t.Context(), id, billing.Change{CancelNow: true, IdempotencyKey: request().IdempotencyKey})
		p.ReportUsage(t.Context(), []billing.UsageReport{{ID: "a", Customer: id, Metric: "m", Quantity: 1, At: time.Now()}})
	}
	_, _ = p.Prices(t.Context(), []string{"", "../x", "a b", strings.Repeat("p", 300)})
	if n := len(asked()); n != 0 {
		t.Errorf("%d calls: %+v", n, asked()[0])
	}
}

// TestItems: a subscription with more items than its page holds.
func TestItems(t *testing.T) {
	item := func(n int) string { return fmt.Sprintf(`{"id":"si_%d","price":{"id":"price_%d"}}`, n, n) }
	sub := `{"id":"sub_0123456789","object":"subscription","status":"active","customer":{"id":"` + customerID + `","object":"customer"},"cancel_at":10,` +
		`"current_period_end":20,"items":{"object":"list","has_more":true,"data":[` + item(1) + `]}}`
	p, asked := answering(t, stripebilling.Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/subscriptions":
			answer(200, `{"object":"list","data":[`+sub+`]}`)(w, r)
		case "/v1/subscription_items":
			if r.URL.Query().Get("starting_after") == "" {
				answer(200, `{"object":"list","has_more":true,"data":[`+item(1)+","+item(2)+`]}`)(w, r)
			} else {
				answer(200, `{"object":"list","data":[`+item(3)+`]}`)(w, r)
			}
		default:
			answer(200, sub)(w, r)
		}
	})
	s, err := p.Read(t.Context(), billing.Ref{Subscription: "sub_0123456789"})
	if err != nil || len(s.Subscriptions) != 1 || strings.Join(s.Subscriptions[0].Prices, ",") != "price_1,price_2,price_3" || !s.Subscriptions[0].CancelAtPeriodEnd {
		t.Errorf("%+v, %v", s, err)
	}
	if q := asked()[len(asked())-1]; !strings.Contains(q.query, "starting_after=si_2") || !strings.Contains(q.query, "subscription=sub_0123456789") {
		t.Errorf("the last page: %+v", q)
	}
}

// TestPricesWithoutOneAmount are left out: 0 would say that they cost nothing.
func TestPricesWithoutOneAmount(t *testing.T) {
	for name, price := range map[string]string{
		"tiers":           `{"id":"price_1","billing_scheme":"tiered","unit_amount":null,"unit_amount_decimal":null,"currency":"usd"}`,
		"part of a cent":  `{"id":"price_1","billing_scheme":"per_unit","unit_amount":null,"unit_amount_decimal":"0.05","currency":"usd"}`,
		"deleted":         `{"id":"price_1","deleted":true}`,
		"free, and is so": `{"id":"price_1","billing_scheme":"per_unit","unit_amount":0,"unit_amount_decimal":"0","currency":"usd"}`,
	} {
		p, _ := answering(t, stripebilling.Options{}, answer(200, price))
		got, err := p.Prices(t.Context(), []string{"price_1"})
		if want := map[bool]int{true: 1}[strings.HasPrefix(name, "free")]; err != nil || len(got) != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestDuplicateUsage: all forms of the refusal of a known identifier mean that it counts.
func TestDuplicateUsage(t *testing.T) {
	usage := []billing.UsageReport{{ID: "a", Customer: customerID, Metric: "m", Quantity: 1, At: time.Now()}}
	for body, taken := range map[string]bool{
		`{"error":{"type":"invalid_request_error","message":"An event already exists with identifier a."}}`: true,
		`{"error":{"code":"duplicate_meter_event","message":""}}`:                                           true,
		`{"error":{"type":"invalid_request_error","message":"No such meter"}}`:                              false,
	} {
		p, _ := answering(t, stripebilling.Options{}, answer(400, body))
		if err := p.ReportUsage(t.Context(), usage)[0]; (err == nil) != taken {
			t.Errorf("%s: %v", body, err)
		}
	}
}
