package rest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
)

var defaults = withLimits(app.Limits{app.ScopeREST: 60, app.ScopeCheckout: 5, app.ScopeWebhook: 100, app.ScopeLogin: 20})

func TestSixtyFirstRequest(t *testing.T) {
	h := newHost(t, defaults)
	key := h.key(h.ada)
	paths := []string{"/api/customer/{ada}", "/api/events/{ada}", "/api/keys/{ada}", "/api/dashboard/{ada}", "/api/customer/{grace}", "/api/keys/{ada}?limit=x"}
	for n := range 60 {
		got := h.do(request{method: "GET", path: paths[n%len(paths)], key: key})
		if got.status == http.StatusTooManyRequests {
			t.Fatalf("request %d is refused", n+1)
		}
		if got.header.Get("RateLimit-Policy") != `"rest";q=60;w=60` || !strings.HasPrefix(got.header.Get("RateLimit"), `"rest";r=`) || got.header.Get("Retry-After") != "" {
			t.Fatalf("request %d: %v", n+1, got.header)
		}
	}
	got := h.want(http.StatusTooManyRequests, request{method: "GET", path: "/api/customer/{ada}", key: key})
	if got.header.Get("Retry-After") != "1" || got.header.Get("RateLimit") != `"rest";r=0;t=1` {
		t.Errorf("%v", got.header)
	}
	if got.body != `{"error":"too many requests: 60 a minute are allowed; try again in 1 s"}` {
		t.Error(got.body)
	}
	// A second key of the same customer doesn't double the limit.
	second, _, err := h.app.CreateKey(t.Context(), h.ada.Customer.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	h.want(http.StatusTooManyRequests, request{method: "GET", path: "/api/customer/{ada}", key: second.Reveal()})
	// Others have limits of their own.
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{grace}", key: h.key(h.grace)})
	h.want(http.StatusOK, request{method: "GET", path: "/api/admin/customers", key: testAdminKey})
	h.want(http.StatusNotImplemented, request{method: "GET", path: "/api/plans"})
}

func TestLimitsByAddress(t *testing.T) {
	h := newHost(t, defaults)
	for range 5 {
		h.want(http.StatusNotImplemented, request{method: "POST", path: "/api/checkout"})
	}
	got := h.want(http.StatusTooManyRequests, request{method: "POST", path: "/api/checkout"})
	if got.header.Get("RateLimit-Policy") != `"checkout";q=5;w=60` {
		t.Errorf("%v", got.header)
	}
	for n := range 60 { // admin and public routes share one count
		path, key, status := "/api/admin/customers", testAdminKey, http.StatusOK
		if n%2 == 0 {
			path, key, status = "/api/plans", "", http.StatusNotImplemented
		}
		h.want(status, request{method: "GET", path: path, key: key})
	}
	h.want(http.StatusTooManyRequests, request{method: "GET", path: "/api/admin/customers", key: testAdminKey})
	h.want(http.StatusTooManyRequests, request{method: "GET", path: "/api/session/cs_test_a1b2c3d4"})
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)})
}

func TestNotLimited(t *testing.T) {
	h := newHost(t, withLimits(app.Limits{app.ScopeREST: 1, app.ScopeWebhook: 1, app.ScopeLogin: 1}))
	for range 3 {
		for _, path := range []string{"/api/health", "/api/health/ready", "/openapi.json"} {
			got := h.want(http.StatusOK, request{method: "GET", path: path})
			if got.header.Get("RateLimit") != "" {
				t.Errorf("%s: %v", path, got.header)
			}
		}
		h.want(http.StatusNotImplemented, request{method: "PUT", path: "/api/inngest"})
		h.want(http.StatusNotImplemented, request{method: "POST", path: "/api/webhooks/stripe", body: "{}"})
		h.want(http.StatusNotFound, request{method: "GET", path: "/api/nothing"})
	}
	if len(h.limiter.taken) != 0 {
		t.Errorf("counted: %v", h.limiter.taken)
	}
}

func TestLoginBudget(t *testing.T) {
	h := newHost(t, defaults)
	customer := request{method: "GET", path: "/api/customer/{ada}"}
	for range 30 { // a missing key doesn't count
		h.want(http.StatusUnauthorized, customer)
	}
	wrong := []string{auth.NewAPIKey().Reveal(), "hcmo_live_short", testAdminKey}
	for n := range 20 {
		customer.key = wrong[n%len(wrong)]
		h.want(http.StatusUnauthorized, customer)
	}
	got := h.want(http.StatusTooManyRequests, customer)
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("%v", got.header)
	}
	// Admin failures count in the same budget.
	h.want(http.StatusTooManyRequests, request{method: "GET", path: "/api/admin/customers", key: h.key(h.ada)})
	// Good credentials always pass, and a missing one is still just missing.
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)})
	h.want(http.StatusOK, request{method: "GET", path: "/api/admin/customers", key: testAdminKey})
	customer.key = ""
	h.want(http.StatusUnauthorized, customer)
}

func TestTenThousandUnknownKeys(t *testing.T) {
	h := newHost(t, defaults)
	h.direct = true
	counts := map[int]int{}
	path := h.placeholders.Replace("/api/customer/{ada}")
	for n := range 10_000 {
		counts[h.send(request{method: "GET", path: path, key: auth.NewAPIKey().Reveal()}).status]++
		if n%1000 == 0 {
			h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)})
		}
	}
	if counts[http.StatusUnauthorized] != 20 || counts[http.StatusTooManyRequests] != 9980 {
		t.Errorf("%v", counts)
	}
	if len(h.limiter.taken) != 2 {
		t.Errorf("%d counts are kept, must be one of the address and one of the customer", len(h.limiter.taken))
	}
	events := read[EventList](t, h.want(http.StatusOK, request{method: "GET", path: "/api/events/{ada}", key: h.key(h.ada)}))
	if len(events.Events) != 1 {
		t.Errorf("unknown keys have left events: %v", events.Events)
	}
}

func TestBackendsThatFail(t *testing.T) {
	h := newHost(t, defaults)
	customer := request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)}
	unavailable := func(q request) {
		t.Helper()
		got := h.want(http.StatusServiceUnavailable, q)
		if got.header.Get("Retry-After") == "" || strings.Contains(got.body, "boom") || strings.Contains(got.body, "sql") {
			t.Errorf("%v %s", got.header, got.body)
		}
	}
	h.limiter.err = errors.New("boom")
	unavailable(customer)
	h.want(http.StatusOK, request{method: "GET", path: "/api/health/ready"})
	h.limiter.err = nil
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	unavailable(customer)
	unavailable(request{method: "GET", path: "/api/health/ready"})
	h.want(http.StatusOK, request{method: "GET", path: "/api/health"})
	got := h.want(http.StatusInternalServerError, request{method: "GET", path: "/api/admin/customers", key: testAdminKey, header: map[string]string{"X-Request-Id": "request-4711"}})
	if got.body != `{"error":"internal error (request request-4711)"}` {
		t.Error(got.body)
	}
}
