package stripebilling_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

const (
	testKey    = "sk_test_CANARYkey0123456789"
	testSecret = "whsec_CANARYsecret0123456789"
	customerID = "cus_CANARYcustomer01"
)

// seen is one request that a server got.
type seen struct {
	method, path, query, body string
	header                    http.Header
}

// answering is a provider whose Stripe is handler, and what it was asked.
func answering(t *testing.T, o stripebilling.Options, handler http.HandlerFunc) (*stripebilling.Provider, func() []seen) {
	t.Helper()
	var mu sync.Mutex
	var all []seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		all = append(all, seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Clone()})
		mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(srv.Close)
	o.BaseURL = srv.URL
	p, err := stripebilling.New(testKey, &o)
	if err != nil {
		t.Fatal(err)
	}
	return p, func() []seen {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func request() billing.CheckoutRequest {
	return billing.CheckoutRequest{
		IdempotencyKey: "idempotency-0123456789", Email: "canary@example.com", Reference: "ref", Price: "price_1",
		SuccessURL: "https://shop.example/?s={CHECKOUT_SESSION_ID}",
	}
}

const madeSession = `{"id":"cs_test_0123456789","object":"checkout.session","url":"https://checkout.stripe.com/c/1","expires_at":1800000000,"status":"open"}`

func TestRequestsCarryWhatTheyMust(t *testing.T) {
	p, asked := answering(t, stripebilling.Options{}, answer(200, madeSession))
	r := request()
	r.TrialDays, r.PromotionCodes, r.AutomaticTax = 7, true, true
	c, err := p.Checkout(t.Context(), r)
	if err != nil || c.ID != "cs_test_0123456789" || c.ExpiresAt.Unix() != 1800000000 {
		t.Fatalf("%+v, %v", c, err)
	}
	q := asked()[0]
	for name, want := range map[string]string{
		"Authorization": "Bearer " + testKey, "Stripe-Version": "2023-10-16", "Idempotency-Key": r.IdempotencyKey,
		"Content-Type": "application/x-www-form-urlencoded", "X-Stripe-Client-User-Agent": "", "X-Stripe-Client-Telemetry": "",
	} {
		if got := q.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{"mode=subscription", "trial_period_days]=7", "allow_promotion_codes=true", "automatic_tax[enabled]=true", "client_reference_id=ref", "subscription_data[metadata][heycmo_reference]=ref"} {
		if !strings.Contains(q.body, want) {
			t.Errorf("%s is missing in %s", want, q.body)
		}
	}
}

// TestErrors: what an answer means, and how often it is asked for.
func TestErrors(t *testing.T) {
	apiError := func(code string) string {
		return `{"error":{"type":"invalid_request_error","code":"` + code + `","message":"CANARY message"}}`
	}
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string // "unavailable", "refused", "missing"
		text   string
		calls  int
	}{
		{"missing", 404, apiError("resource_missing"), "missing", "", 1},
		{"missing parameter", 400, apiError("resource_missing"), "missing", "", 1},
		{"refused", 400, apiError("parameter_unknown"), "refused", "parameter_unknown (400)", 1},
		{"bad key", 401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_CANARY"}}`, "refused", "invalid_request_error (401)", 1},
		{"card", 402, apiError("card_declined"), "refused", "card_declined", 1},
		{"a code with a secret", 400, apiError("CANARY sk_test"), "refused", "without a code", 1},
		{"a code of another type", 400, `{"error":{"code":{"CANARY":1},"type":7}}`, "refused", "without a code", 1},
		{"404 of a proxy", 404, "<html>CANARY</html>", "unavailable", "", 1},
		{"404 without an error", 404, `{"CANARY":1}`, "unavailable", "", 1},
		{"404 and null", 404, `{"error":null}`, "unavailable", "", 1},
		{"an empty 400", 400, "", "unavailable", "", 1},
		{"conflict", 409, apiError("idempotency_key_in_use"), "unavailable", "status 409", 2},
		{"limited", 429, apiError("rate_limit"), "unavailable", "status 429", 2},
		{"500", 500, `{"error":{"type":"api_error","message":"CANARY"}}`, "unavailable", "status 500", 2},
		{"502 page", 502, "<html>CANARY</html>", "unavailable", "status 502", 2},
		{"redirect", 302, "", "unavailable", "status 302", 1},
		{"200 page", 200, "<html>CANARY</html>", "unavailable", "", 1},
		{"200 empty", 200, "", "unavailable", "", 1},
		{"200 null", 200, "null", "unavailable", "", 1},
		{"200 object", 200, "{}", "unavailable", "", 1},
		{"200 another customer", 200, `{"id":"cus_other0123456789","object":"customer"}`, "unavailable", "", 1},
		{"200 mistyped", 200, `{"id":7,"object":"customer"}`, "unavailable", "", 1},
		{"200 nested", 200, strings.Repeat(`{"address":`, 50000), "unavailable", "", 1},
		{"too large", 200, `{"id":"` + strings.Repeat("a", 4<<20) + `"}`, "unavailable", "too large", 1},
		{"too large 404", 404, `{"error":{"code":"resource_missing","message":"` + strings.Repeat("a", 4<<20) + `"}}`, "unavailable", "too large", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			core, logs := observer.New(zapcore.DebugLevel)
			p, asked := answering(t, stripebilling.Options{Retries: 1, Log: zap.New(core)}, answer(test.status, test.body))
			s, err := p.Read(t.Context(), billing.Ref{Customer: customerID})
			_, down := errors.AsType[*billing.UnavailableError](err)
			got := map[bool]string{true: "unavailable"}[down]
			switch {
			case errors.Is(err, billing.ErrNotFound):
				got += "missing"
			case errors.Is(err, billing.ErrRefused):
				got += "refused"
			}
			if got != test.want || !strings.Contains(fmt.Sprint(err), test.text) {
				t.Errorf("%v is %q, want %q with %q", err, got, test.want, test.text)
			}
			if n := len(asked()); n != test.calls {
				t.Errorf("asked %d times, want %d", n, test.calls)
			}
			if s.Customer != "" || s.Subscriptions != nil || s.Gone {
				t.Errorf("%+v with the error", s)
			}
			noCanary(t, err, logs)
			if test.status == 401 && logs.FilterMessage("Stripe refuses the key").Len() != 1 {
				t.Errorf("the log doesn't tell: %v", logs.All())
			}
		})
	}
}

// noCanary looks for what must never be told.
func noCanary(t *testing.T, err error, logs *observer.ObservedLogs) {
	t.Helper()
	told := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, entry := range logs.All() {
		told += fmt.Sprintf("\n%s %v", entry.Message, entry.ContextMap())
	}
	if strings.Contains(strings.ToUpper(told), "CANARY") {
		t.Errorf("told: %s", told)
	}
}

// TestEmptyListsAreNoEnd: a list that isn't one must not look like "no subscriptions".
func TestEmptyListsAreNoEnd(t *testing.T) {
	t.Parallel()
	customer := `{"id":"` + customerID + `","object":"customer","email":"a@example.com"}`
	sub := `{"id":"sub_0123456789","object":"subscription","status":"active","customer":"` + customerID + `","items":{"object":"list","data":[]}}`
	for name, list := range map[string]string{
		"no object":          `{}`,
		"no list":            `{"object":"customer","data":[]}`,
		"no data":            `{"object":"list"}`,
		"null data":          `{"object":"list","data":null}`,
		"null item":          `{"object":"list","data":[null]}`,
		"item without ID":    `{"object":"list","data":[{}]}`,
		"empty ID":           `{"object":"list","data":[` + strings.ReplaceAll(sub, "sub_0123456789", "") + `]}`,
		"somebody else's":    `{"object":"list","data":[` + strings.ReplaceAll(sub, customerID, "cus_other0123456789") + `]}`,
		"without items":      `{"object":"list","data":[{"id":"sub_0123456789","customer":"` + customerID + `"}]}`,
		"more, but no more":  `{"object":"list","data":[],"has_more":true}`,
		"more without end":   `{"object":"list","data":[` + sub + `],"has_more":true}`,
		"mistyped":           `{"object":"list","data":{"a":1}}`,
		"missing":            "404",
		"null with has_more": `{"object":"list","data":[` + sub + `,null],"has_more":true}`,
	} {
		p, _ := answering(t, stripebilling.Options{Retries: -1}, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/v1/customers/"):
				_, _ = io.WriteString(w, customer)
			case list == "404":
				answer(404, `{"error":{"code":"resource_missing"}}`)(w, r)
			default:
				_, _ = io.WriteString(w, list)
			}
		})
		s, err := p.Read(t.Context(), billing.Ref{Customer: customerID})
		if _, down := errors.AsType[*billing.UnavailableError](err); !down || s.Customer != "" {
			t.Errorf("%s: %+v, %v, want an UnavailableError", name, s, err)
		}
	}
}

// TestBrokenConnections: what the other side sends instead of HTTP is not told.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"no HTTP":    "CANARY CANARY\r\n\r\n",
		"bad header": "HTTP/1.1 200 OK\r\nCANARY\r\n\r\n",
		"cut off":    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"CANARY",
		"nothing":    "",
	} {
		core, logs := observer.New(zapcore.DebugLevel)
		p, asked := answering(t, stripebilling.Options{Retries: 1, Log: zap.New(core)}, func(w http.ResponseWriter, _ *http.Request) {
			c, buf, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = buf.WriteString(raw)
			_ = buf.Flush()
			_ = c.Close()
		})
		_, err := p.Read(t.Context(), billing.Ref{Session: "cs_test_CANARY0123456789"})
		if _, ok := errors.AsType[*billing.UnavailableError](err); !ok || len(asked()) < 2 {
			t.Errorf("%s: %v after %d calls", name, err, len(asked()))
		}
		noCanary(t, err, logs)
		if logs.FilterMessage("Stripe can't be asked").Len() != 1 {
			t.Errorf("%s: the log doesn't tell: %v", name, logs.All())
		}
	}
}

func TestNoConnection(t *testing.T) {
	p, err := stripebilling.New(testKey, &stripebilling.Options{BaseURL: "http://127.0.0.1:1", Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Read(t.Context(), billing.Ref{Session: "cs_test_CANARY0123456789"})
	if _, ok := errors.AsType[*billing.UnavailableError](err); !ok || strings.Contains(err.Error(), "CANARY") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

func TestResource(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/checkout/sessions/cs_test_1":   "v1/checkout/sessions/…",
		"/v1/subscriptions":                 "v1/subscriptions",
		"/v1/prices/gold":                   "v1/prices/…",
		"/v1/checkout/sessions/cs_1/expire": "v1/checkout/sessions/…/…",
	} {
		if got := stripebilling.Resource(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
