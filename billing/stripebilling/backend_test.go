package stripebilling_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

func TestRetryKeepsTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	p, asked := answering(t, stripebilling.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) < 3 {
			answer(503, "")(w, r)
			return
		}
		answer(200, madeSession)(w, r)
	})
	if _, err := p.Checkout(t.Context(), request()); err != nil {
		t.Fatal(err)
	}
	all := asked()
	if len(all) != 3 {
		t.Fatalf("asked %d times", len(all))
	}
	for _, q := range all {
		if q.header.Get("Idempotency-Key") != request().IdempotencyKey || q.body != all[0].body {
			t.Errorf("%+v", q)
		}
	}
}

// TestMadeUpKeysStayTheSame: usage has no key of the caller's.
func TestMadeUpKeysStayTheSame(t *testing.T) {
	t.Parallel()
	p, asked := answering(t, stripebilling.Options{Retries: 1}, answer(500, ""))
	usage := []billing.UsageReport{{ID: "a", Customer: customerID, Metric: "m", Quantity: 1, At: time.Now()}}
	p.ReportUsage(t.Context(), usage)
	p.ReportUsage(t.Context(), usage)
	all := asked()
	if len(all) != 4 {
		t.Fatalf("asked %d times", len(all))
	}
	key := func(i int) string { return all[i].header.Get("Idempotency-Key") }
	if key(0) == "" || key(0) != key(1) || key(2) != key(3) || key(0) == key(2) {
		t.Errorf("keys %q, %q, %q, %q", key(0), key(1), key(2), key(3))
	}
}

func TestCancelDuringBackoff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, asked := answering(t, stripebilling.Options{Retries: 5}, func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(50*time.Millisecond, cancel)
		w.Header().Set("Retry-After", "4")
		answer(503, "")(w, r)
	})
	began := time.Now()
	_, err := p.Read(ctx, billing.Ref{Customer: customerID})
	if !errors.Is(err, context.Canceled) || time.Since(began) > time.Second || len(asked()) != 1 {
		t.Errorf("%v after %v and %d calls", err, time.Since(began), len(asked()))
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header string
		want   time.Duration
		calls  int
	}{
		{"1", time.Second, 2}, {"60", time.Minute, 1}, {"999999999", time.Hour, 1}, {"-5", 0, 2}, {"soon", 0, 2},
	} {
		p, asked := answering(t, stripebilling.Options{Retries: 1}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", test.header)
			answer(429, "")(w, r)
		})
		began := time.Now()
		_, err := p.Read(t.Context(), billing.Ref{Customer: customerID})
		e, ok := errors.AsType[*billing.UnavailableError](err)
		if !ok || e.After != test.want || len(asked()) != test.calls {
			t.Errorf("%q: %v after %v, %d calls, want %v and %d", test.header, err, e.After, len(asked()), test.want, test.calls)
		}
		if waited := time.Since(began); test.calls == 2 && waited < test.want || waited > 5*time.Second {
			t.Errorf("%q: waited %v", test.header, waited)
		}
	}
	now := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	if d := stripebilling.RetryAfter("Thu, 15 Jan 2026 10:30:30 GMT", now); d != 30*time.Second {
		t.Errorf("a date: %v", d)
	}
}

func TestStripeSaysWhetherToRetry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header string
		status int
		calls  int
	}{{"false", 503, 1}, {"true", 400, 2}} {
		p, asked := answering(t, stripebilling.Options{Retries: 1}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Stripe-Should-Retry", test.header)
			answer(test.status, `{"error":{"code":"a"}}`)(w, r)
		})
		_, _ = p.Read(t.Context(), billing.Ref{Customer: customerID})
		if n := len(asked()); n != test.calls {
			t.Errorf("%s: %d calls, want %d", test.header, n, test.calls)
		}
	}
}

// TestDeadlines: no wait goes beyond the caller's deadline, and a slow attempt
// ends by itself.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := func(http.ResponseWriter, *http.Request) { <-release }
	t.Run("of the caller, in an attempt", func(t *testing.T) {
		p, _ := answering(t, stripebilling.Options{}, slow)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := p.Read(ctx, billing.Ref{Customer: customerID})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		release <- struct{}{}
	})
	t.Run("of the caller, before a wait", func(t *testing.T) {
		p, asked := answering(t, stripebilling.Options{Retries: 3}, answer(503, ""))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := p.Read(ctx, billing.Ref{Customer: customerID})
		if _, ok := errors.AsType[*billing.UnavailableError](err); !ok || time.Since(began) > 200*time.Millisecond || len(asked()) != 1 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("of an attempt", func(t *testing.T) {
		p, asked := answering(t, stripebilling.Options{Timeout: 50 * time.Millisecond, Retries: 1}, slow)
		_, err := p.Read(t.Context(), billing.Ref{Customer: customerID})
		if _, ok := errors.AsType[*billing.UnavailableError](err); !ok || errors.Is(err, context.DeadlineExceeded) || len(asked()) != 2 {
			t.Errorf("%v after %d calls", err, len(asked()))
		}
		close(release)
	})
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
