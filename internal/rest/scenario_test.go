package rest

import (
	"net/http"
	"strings"
	"testing"
)

// Requests and what must, and must not, be in the answer. Rows with no key of
// their own are sent with that of "ada".
func TestScenarios(t *testing.T) {
	h := newHost(t)
	const nobody, admin = "-", testAdminKey
	for _, s := range []struct {
		name    string
		request request
		status  int
		has     []string
		lacks   []string
		header  map[string]string
	}{
		{name: "health", request: request{method: "GET", path: "/api/health", key: nobody}, status: 200, has: []string{`"status":"ok"`, `"timestamp":"20`}},
		{name: "readiness", request: request{method: "GET", path: "/api/health/ready", key: nobody}, status: 200, has: []string{`"status":"ready"`, `"db":true`}},
		{name: "document", request: request{method: "GET", path: "/openapi.json", key: nobody}, status: 200, has: []string{`"openapi":"3.1.0"`, `"/api/customer/{id}"`}, lacks: []string{"x-go-"}},

		{name: "customer", request: request{method: "GET", path: "/api/customer/{ada}"}, status: 200,
			has:   []string{`"id":"{ada}"`, `"email":"ada@example.com"`, `"status":"active"`, `"externalId":"user:ada@example.com"`, `"brandName":""`},
			lacks: []string{"grace", "idempotency", "subscription", "suspended"}},
		{name: "scheme in another case", request: request{method: "GET", path: "/api/customer/{ada}", key: nobody, header: map[string]string{"Authorization": "bearer " + h.key(h.ada)}}, status: 200},
		{name: "no key", request: request{method: "GET", path: "/api/customer/{ada}", key: nobody}, status: 401, header: map[string]string{"WWW-Authenticate": "Bearer"}},
		{name: "key in the URL", request: request{method: "GET", path: "/api/customer/{ada}?token=" + h.key(h.ada), key: nobody}, status: 401},
		{name: "another scheme", request: request{method: "GET", path: "/api/customer/{ada}", key: nobody, header: map[string]string{"Authorization": "Basic " + h.key(h.ada)}}, status: 401},
		{name: "malformed key", request: request{method: "GET", path: "/api/customer/{ada}", key: "hcmo_live_1"}, status: 401},
		{name: "unknown key", request: request{method: "GET", path: "/api/customer/{ada}", key: "hcmo_live_" + strings.Repeat("0", 64)}, status: 401},
		{name: "admin key for a customer", request: request{method: "GET", path: "/api/customer/{ada}", key: admin}, status: 401},
		{name: "customer's key for an admin", request: request{method: "GET", path: "/api/admin/customers"}, status: 401, header: map[string]string{"WWW-Authenticate": "Bearer"}},

		{name: "events", request: request{method: "GET", path: "/api/events/{ada}"}, status: 200, has: []string{`"type":"customer.provisioned"`, `"keyId":"{adaKey}"`}, lacks: []string{"nextCursor", "grace"}},
		{name: "events of a type", request: request{method: "GET", path: "/api/events/{ada}?type=customer.*"}, status: 200, has: []string{`"customer.provisioned"`}},
		{name: "events of no type", request: request{method: "GET", path: "/api/events/{ada}?type=lead.*"}, status: 200, has: []string{`{"events":[]}`}},
		{name: "limit too low", request: request{method: "GET", path: "/api/events/{ada}?limit=0"}, status: 400, has: []string{"limit must be a whole number between 1 and 100"}},
		{name: "limit too high", request: request{method: "GET", path: "/api/events/{ada}?limit=101"}, status: 400, has: []string{"limit"}},
		{name: "limit empty", request: request{method: "GET", path: "/api/events/{ada}?limit="}, status: 400, has: []string{"limit"}},
		{name: "limit no number", request: request{method: "GET", path: "/api/events/{ada}?limit=ten"}, status: 400, has: []string{"limit"}},
		{name: "limit twice", request: request{method: "GET", path: "/api/events/{ada}?limit=1&limit=2"}, status: 400, has: []string{"limit must be there only once"}},
		{name: "bad cursor", request: request{method: "GET", path: "/api/events/{ada}?cursor=x"}, status: 400, has: []string{"cursor must be the nextCursor"}},
		{name: "empty cursor", request: request{method: "GET", path: "/api/events/{ada}?cursor="}, status: 200},
		{name: "type too long", request: request{method: "GET", path: "/api/events/{ada}?type=" + strings.Repeat("a", 101)}, status: 400, has: []string{"type must be"}},
		{name: "broken query", request: request{method: "GET", path: "/api/events/{ada}?type=%zz"}, status: 400, has: []string{"query"}},
		{name: "unknown parameter", request: request{method: "GET", path: "/api/events/{ada}?utm=1"}, status: 200},

		{name: "keys", request: request{method: "GET", path: "/api/keys/{ada}"}, status: 200, has: []string{`"id":"{adaKey}"`, `"lastFour":"` + h.ada.APIKey.LastFour() + `"`}, lacks: []string{"hcmo_live_", "lastUsedAt", "expiresAt", "hash"}},
		{name: "create key", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":"laptop"}`}, status: 201, has: []string{`"apiKey":"hcmo_live_`, `"name":"laptop"`}},
		{name: "create key without a body", request: request{method: "POST", path: "/api/keys/{ada}"}, status: 201, has: []string{`"name":""`}},
		{name: "key name too long", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":"` + strings.Repeat("a", 101) + `"}`}, status: 400, has: []string{"name must be"}},
		{name: "key name with a control character", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":"a\u0000b"}`}, status: 400, has: []string{"name must be"}},
		{name: "unknown field", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"label":"x"}`}, status: 400, has: []string{`label`}},
		{name: "field in another case", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"Name":"x"}`}, status: 400, has: []string{`Name`}},
		{name: "field twice", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":"x","name":"y"}`}, status: 400, has: []string{`name`}},
		{name: "wrong type", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":7}`}, status: 400, has: []string{"name must be a string"}},
		{name: "null", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":null}`}, status: 400, has: []string{"name must be a string"}},
		{name: "a list", request: request{method: "POST", path: "/api/keys/{ada}", body: `[]`}, status: 400, has: []string{"object"}},
		{name: "half a body", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":`}, status: 400},
		{name: "two bodies", request: request{method: "POST", path: "/api/keys/{ada}", body: `{} {}`}, status: 400},
		{name: "not JSON", request: request{method: "POST", path: "/api/keys/{ada}", body: `name=x`, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, status: 415},
		{name: "too large", request: request{method: "POST", path: "/api/keys/{ada}", body: `{"name":"` + strings.Repeat("a", 1<<20) + `"}`}, status: 413, has: []string{"1048576 bytes"}},
		{name: "revoke an unknown key", request: request{method: "DELETE", path: "/api/keys/{ada}/{nobody}"}, status: 404, has: []string{`{"error":"not found"}`}},
		{name: "revoke no key at all", request: request{method: "DELETE", path: "/api/keys/{ada}/laptop"}, status: 404, has: []string{`{"error":"not found"}`}},
		{name: "revoke somebody else's key", request: request{method: "DELETE", path: "/api/keys/{ada}/{graceKey}"}, status: 404, has: []string{`{"error":"not found"}`}},
		{name: "overlap too long", request: request{method: "POST", path: "/api/keys/{ada}/rotate?overlap=604801"}, status: 400, has: []string{"overlap must be a whole number between 0 and 604800"}},
		{name: "overlap negative", request: request{method: "POST", path: "/api/keys/{ada}/rotate?overlap=-1"}, status: 400, has: []string{"overlap"}},
		{name: "overlap empty", request: request{method: "POST", path: "/api/keys/{ada}/rotate?overlap="}, status: 400, has: []string{"overlap"}},
		{name: "overlap in the body", request: request{method: "POST", path: "/api/keys/{ada}/rotate", body: `{"overlap":0}`}, status: 400, has: []string{"the body must be empty"}},
		{name: "rotate with a large body", request: request{method: "POST", path: "/api/keys/{ada}/rotate", body: strings.Repeat(" ", 1<<20+1)}, status: 413},

		{name: "provision", request: request{method: "POST", path: "/api/admin/provision", key: admin, body: `{"email":"mary@example.com","brandName":"Marys","website":"https://mary.example","plan":"pro","externalId":"m-1"}`}, status: 201,
			has: []string{`"email":"mary@example.com"`, `"brandName":"Marys"`, `"website":"https://mary.example"`, `"plan":"pro"`, `"externalId":"m-1"`, `"status":"active"`, `"apiKey":"hcmo_live_`}},
		{name: "older admin key", request: request{method: "GET", path: "/api/admin/customers?limit=1", key: "the-admin-key-before-of-32-characters"}, status: 200},
		{name: "provision without an e-mail address", request: request{method: "POST", path: "/api/admin/provision", key: admin, body: `{}`}, status: 400, has: []string{"email must be an e-mail address"}},
		{name: "provision with a name", request: request{method: "POST", path: "/api/admin/provision", key: admin, body: `{"email":"Ada <ada@example.com>"}`}, status: 400, has: []string{"email"}},
		{name: "provision with an odd website", request: request{method: "POST", path: "/api/admin/provision", key: admin, body: `{"email":"a@example.com","website":"javascript:alert(1)"}`}, status: 400, has: []string{"website"}},
		{name: "provision without a body", request: request{method: "POST", path: "/api/admin/provision", key: admin, header: map[string]string{"Content-Type": "application/json"}}, status: 400, has: []string{"the body is empty"}},
		{name: "provision with an empty token", request: request{method: "POST", path: "/api/admin/provision", key: admin, body: `{"email":"a@example.com"}`, header: map[string]string{"Idempotency-Key": ""}}, status: 400, has: []string{"Idempotency-Key"}},
		{name: "provision with a long token", request: request{method: "POST", path: "/api/admin/provision", key: admin, body: `{"email":"a@example.com"}`, header: map[string]string{"Idempotency-Key": strings.Repeat("a", 256)}}, status: 400, has: []string{"Idempotency-Key"}},
		{name: "search", request: request{method: "GET", path: "/api/admin/customers?search=MARYS", key: admin}, status: 200, has: []string{`"mary@example.com"`}, lacks: []string{"ada@", "hcmo_live_"}},
		{name: "search by external ID", request: request{method: "GET", path: "/api/admin/customers?search=m-1", key: admin}, status: 200, has: []string{`"mary@example.com"`}, lacks: []string{"ada@"}},
		{name: "search for nothing", request: request{method: "GET", path: "/api/admin/customers?search=%25", key: admin}, status: 200, has: []string{`{"customers":[]}`}},
		{name: "search for a NUL", request: request{method: "GET", path: "/api/admin/customers?search=%00", key: admin}, status: 400, has: []string{"search"}},
		{name: "customers in a state", request: request{method: "GET", path: "/api/admin/customers?status=inactive", key: admin}, status: 200, has: []string{`{"customers":[]}`}},
		{name: "customers in an odd state", request: request{method: "GET", path: "/api/admin/customers?status=happy", key: admin}, status: 400, has: []string{"status must be pending, onboarding, active or inactive"}},
		{name: "suspend nobody", request: request{method: "POST", path: "/api/admin/customers/{nobody}/suspend", key: admin}, status: 404},
		{name: "suspend with a reason", request: request{method: "POST", path: "/api/admin/customers/{ada}/suspend", key: admin, body: `{"reason":"spam"}`}, status: 400, has: []string{"the body must be empty"}},
		{name: "suspend with NUL in the ID", request: request{method: "POST", path: "/api/admin/customers/a%00b/suspend", key: admin}, status: 404},
		{name: "key for a customer", request: request{method: "POST", path: "/api/admin/customers/{grace}/keys", key: admin, body: `{"name":"lost"}`}, status: 201, has: []string{`"name":"lost"`, `"apiKey":"hcmo_live_`}},
		{name: "key for nobody", request: request{method: "POST", path: "/api/admin/customers/{nobody}/keys", key: admin, body: `{"label":""}`}, status: 404},

		{name: "unknown path", request: request{method: "GET", path: "/api/nothing", key: nobody}, status: 404, has: []string{"there is nothing at this path"}},
		{name: "another face's path", request: request{method: "POST", path: "/other", key: nobody}, status: 404},
		{name: "trailing slash", request: request{method: "GET", path: "/api/health/", key: nobody}, status: 404},
		{name: "double slash", request: request{method: "GET", path: "/api//health", key: nobody}, status: 404},
		{name: "dots", request: request{method: "GET", path: "/api/x/../health", key: nobody}, status: 404},
		{name: "escaped dots", request: request{method: "GET", path: "/api/%2e%2e/health", key: nobody}, status: 404},
		{name: "escaped slash", request: request{method: "GET", path: "/api%2Fhealth", key: nobody}, status: 404},
		{name: "escaped slash in an ID", request: request{method: "GET", path: "/api/customer/{ada}%2F"}, status: 404, has: []string{`{"error":"not found"}`}},
		{name: "customer without an ID", request: request{method: "GET", path: "/api/customer/"}, status: 404},
		{name: "wrong method", request: request{method: "POST", path: "/api/health", key: nobody}, status: 405, header: map[string]string{"Allow": "GET, HEAD"}},
		{name: "wrong method on two", request: request{method: "PUT", path: "/api/keys/{ada}", key: nobody}, status: 405, header: map[string]string{"Allow": "GET, HEAD, POST"}},
		{name: "wrong method on three", request: request{method: "DELETE", path: "/api/inngest", key: nobody}, status: 405, header: map[string]string{"Allow": "GET, HEAD, POST, PUT"}},
		{name: "wrong method beside an ID", request: request{method: "DELETE", path: "/api/keys/{ada}/rotate", key: nobody}, status: 405, header: map[string]string{"Allow": "POST"}},
		{name: "options", request: request{method: "OPTIONS", path: "/api/customer/{ada}", key: nobody}, status: 405, header: map[string]string{"Allow": "GET, HEAD"}},
		{name: "odd method", request: request{method: "BREW", path: "/api/customer/{ada}", key: nobody}, status: 405},
		{name: "head of nothing", request: request{method: "HEAD", path: "/api/nothing", key: nobody}, status: 404},
		{name: "head where there is no get", request: request{method: "HEAD", path: "/api/checkout", key: nobody}, status: 405, header: map[string]string{"Allow": "POST"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			h := h.in(t)
			switch s.request.key {
			case "":
				s.request.key = h.key(h.ada)
			case nobody:
				s.request.key = ""
			}
			got := h.want(s.status, s.request)
			for _, text := range s.has {
				if !strings.Contains(got.body, h.placeholders.Replace(text)) {
					t.Errorf("%s is not in %s", text, got.body)
				}
			}
			for _, text := range s.lacks {
				if strings.Contains(got.body, text) {
					t.Errorf("%s is in %s", text, got.body)
				}
			}
			for name, value := range s.header {
				if got.header.Get(name) != value {
					t.Errorf("%s is %q, must be %q", name, got.header.Get(name), value)
				}
			}
			if s.status < 400 && got.header.Get("WWW-Authenticate") != "" {
				t.Error("WWW-Authenticate on a good answer")
			}
		})
	}
}

// in returns the host for a subtest.
func (h *host) in(t *testing.T) *host {
	sub := *h
	sub.t = t
	return &sub
}

func TestBehindAPrefix(t *testing.T) {
	h := newHost(t)
	h.prefix = "/ai"
	key := h.key(h.ada)
	h.want(http.StatusOK, request{method: "GET", path: "/api/health"})
	h.want(http.StatusOK, request{method: "GET", path: "/openapi.json"})
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: key})
	h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}/rotate", key: key})
	h.want(http.StatusNotFound, request{method: "GET", path: "/api/nothing"})
	h.want(http.StatusNotFound, request{method: "GET", path: "/api//health"})
	h.want(http.StatusNotFound, request{method: "GET", path: "/"})
	h.want(http.StatusMethodNotAllowed, request{method: "PATCH", path: "/api/health"})
}

// HEAD has the status and headers of GET, and nothing else.
func TestHead(t *testing.T) {
	h := newHost(t)
	for _, rt := range new(face).routes() {
		if rt.method != http.MethodGet {
			continue
		}
		t.Run(rt.path, func(t *testing.T) {
			h := h.in(t)
			q := request{method: http.MethodGet, path: fill(rt.path, "{ada}"), key: h.credential(rt.credential)}
			get := h.do(q)
			q.method = http.MethodHead
			head := h.do(q)
			for _, r := range []response{get, head} {
				r.header.Del("X-Request-Id")
				r.header.Del("Date")
			}
			if head.status != get.status || !sameHeader(head.header, get.header) {
				t.Errorf("HEAD: %d %v\n GET: %d %v", head.status, head.header, get.status, get.header)
			}
		})
	}
}
