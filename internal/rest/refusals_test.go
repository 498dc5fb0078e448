package rest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/internal/app"
)

// fill puts values for the parameters into a route's path, and id for the
// customer.
func fill(path, id string) string {
	return strings.NewReplacer(
		"{id}", id, "{sessionId}", "cs_test_a1b2c3d4e5", "{platform}", "linkedin",
		"{keyId}", "{nobody}", "{runId}", "{nobody}", "{approvalId}", "{nobody}", "{itemId}", "{nobody}",
	).Replace(path)
}

// credential returns what opens a route.
func (h *host) credential(c credential) string {
	switch c {
	case apiKey, billingKey:
		return h.key(h.ada)
	case adminKey:
		return testAdminKey
	}
	return ""
}

func sameHeader(a, b http.Header) bool { return maps.EqualFunc(a, b, slices.Equal) }

// notBuilt are the routes of parts that this host doesn't have yet.
var notBuilt = []string{
	"POST /api/checkout",
	"GET /api/session/{sessionId}",
	"POST /api/session/{sessionId}/claim",
	"GET /api/plans",
	"POST /api/billing/{id}/portal",
	"POST /api/billing/{id}/checkout",
	"POST /api/webhooks/stripe",
	"GET /api/usage/{id}",
	"POST /api/onboard/{id}",
	"POST /api/connect/{id}",
	"GET /api/connections/{id}",
	"DELETE /api/connections/{id}/{platform}",
	"GET /api/dashboard/{id}",
	"POST /api/dashboard/{id}/link",
	"GET /api/runs/{id}",
	"GET /api/runs/{id}/{runId}",
	"POST /api/runs/{id}/{runId}/cancel",
	"GET /api/approvals/{id}",
	"POST /api/approvals/{id}/{approvalId}",
	"GET /api/outreach/linkedin/{id}",
	"POST /api/outreach/linkedin/{id}/{itemId}",
	"POST /api/inngest",
	"PUT /api/inngest",
}

func TestPartsThatAreNotBuilt(t *testing.T) {
	h := newHost(t)
	for _, rt := range new(face).routes() {
		name := rt.method + " " + rt.path
		got := h.do(request{method: rt.method, path: fill(rt.path, "{ada}"), key: h.credential(rt.credential)})
		want := slices.Contains(notBuilt, name)
		if (got.status == http.StatusNotImplemented) != want {
			t.Errorf("%s: %d %s, must be 501: %v", name, got.status, got.body, want)
		}
		if want && !strings.HasSuffix(got.body, ` is not part of this host"}`) {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

// Each request is wrong in every way that is left, so that the first refusal in
// the contract's order is the one that shows.
func TestOrderOfRefusals(t *testing.T) {
	const garbage = `{"name":`
	large := strings.Repeat(" ", 1<<20+1)
	textPlain := map[string]string{"Content-Type": "text/plain"}
	d, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range new(face).routes() {
		if rt.path == "/openapi.json" {
			continue
		}
		t.Run(rt.method+" "+rt.path, func(t *testing.T) {
			h := newHost(t, withLimits(app.Limits{app.ScopeREST: 1, app.ScopeCheckout: 1, app.ScopeWebhook: 1}))
			h.direct = true // a connection with an unread body takes long to close
			key := h.credential(rt.credential)
			own, foreign := fill(rt.path, "{ada}"), fill(rt.path, "{grace}")
			if rt.credential == adminKey {
				foreign = fill(rt.path, "{nobody}")
			}
			built := !slices.Contains(notBuilt, rt.method+" "+rt.path)
			hasBody := rt.method == http.MethodPost || rt.method == http.MethodPut
			with := func(path, key, body string, header map[string]string) request {
				if !hasBody {
					return request{method: rt.method, path: path + "?limit=x", key: key}
				}
				return request{method: rt.method, path: path + "?overlap=x", key: key, body: body, header: header}
			}

			h.want(http.StatusMethodNotAllowed, request{method: "PATCH", path: own, body: large})
			h.want(http.StatusNotFound, request{method: rt.method, path: own + "/x/y/z", body: large})

			if key != "" {
				h.want(http.StatusUnauthorized, with(foreign, "", large, textPlain))
				h.want(http.StatusUnauthorized, with(foreign, "wrong", large, textPlain))
			}

			limited := rt.limit == app.ScopeREST || rt.limit == app.ScopeCheckout
			if limited {
				h.do(with(own, key, garbage, nil)) // uses the limit up
				got := h.want(http.StatusTooManyRequests, with(foreign, key, large, textPlain))
				if got.header.Get("Retry-After") == "" || got.header.Get("RateLimit") == "" || got.header.Get("RateLimit-Policy") == "" {
					t.Errorf("headers of the limit are missing: %v", got.header)
				}
				if key != "" {
					h.want(http.StatusUnauthorized, with(foreign, "wrong", large, textPlain))
				}
			}
			unlimit(h)

			if foreign != own {
				h.want(http.StatusNotFound, with(foreign, key, large, textPlain))
			}
			if !built {
				h.want(http.StatusNotImplemented, with(own, key, large, textPlain))
				return
			}
			switch {
			case hasBody:
				h.want(http.StatusRequestEntityTooLarge, with(own, key, large, textPlain))
				if d.Paths.Value(rt.path).GetOperation(rt.method).RequestBody != nil {
					h.want(http.StatusUnsupportedMediaType, with(own, key, garbage, textPlain))
				}
				h.want(http.StatusBadRequest, with(own, key, garbage, nil))
			case strings.HasPrefix(rt.path, "/api/health"), rt.path == "/api/customer/{id}", rt.path == "/api/inngest": // nothing else to refuse
				h.want(http.StatusOK, with(own, key, "", nil))
			case rt.method == http.MethodDelete:
				h.want(http.StatusNotFound, with(own, key, "", nil))
			default:
				h.want(http.StatusBadRequest, with(own, key, "", nil))
			}
		})
	}
}

func unlimit(h *host) {
	h.limiter.mu.Lock()
	defer h.limiter.mu.Unlock()
	clear(h.limiter.taken)
	for scope := range h.app.Limits {
		h.app.Limits[scope] = -1
	}
}

// What is somebody else's is answered byte for byte like what isn't there.
func TestForeignIsUnknown(t *testing.T) {
	h := newHost(t)
	same := func(t *testing.T, first response, others ...response) {
		t.Helper()
		for _, r := range append(others, first) {
			r.header.Del("X-Request-Id")
			r.header.Del("Date")
		}
		for _, r := range others {
			if r.status != first.status || r.body != first.body || !sameHeader(r.header, first.header) {
				t.Errorf("%+v\n%+v", first, r)
			}
		}
	}
	for _, rt := range new(face).routes() {
		if rt.credential != apiKey && rt.credential != billingKey {
			continue
		}
		t.Run(rt.method+" "+rt.path, func(t *testing.T) {
			h := h.in(t)
			var answers []response
			for _, id := range []string{"{nobody}", "{grace}", "{UPPER}", "nope", "%00", "%ff", "..%2f{ada}"} {
				answers = append(answers, h.want(http.StatusNotFound, request{method: rt.method, path: fill(rt.path, id), key: h.key(h.ada)}))
			}
			same(t, answers[0], answers[1:]...)
			if answers[0].body != `{"error":"not found"}` {
				t.Error(answers[0].body)
			}
		})
	}
	t.Run("a key", func(t *testing.T) {
		h := h.in(t)
		revoke := func(key string) response {
			return h.want(http.StatusNotFound, request{method: "DELETE", path: "/api/keys/{ada}/" + key, key: h.key(h.ada)})
		}
		same(t, revoke("{nobody}"), revoke("{graceKey}"), revoke("nope"), revoke("%00"))
		h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{grace}", key: h.key(h.grace)})
	})
	t.Run("cursor", func(t *testing.T) {
		h := h.in(t)
		h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{grace}", key: h.key(h.grace)})
		page := read[EventList](t, h.want(http.StatusOK, request{method: "GET", path: "/api/events/{grace}?limit=1", key: h.key(h.grace)}))
		got := h.want(http.StatusOK, request{method: "GET", path: "/api/events/{ada}?cursor=" + page.NextCursor, key: h.key(h.ada)})
		if strings.Contains(got.body, h.placeholders.Replace("{graceKey}")) {
			t.Errorf("a foreign cursor shows foreign events: %s", got.body)
		}
	})
}
