package rest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

const testAdminKey = "an-admin-key-of-32-characters-or-more"

// host is a host with two customers, over a real store and real HTTP. Every
// response is held against the document.
type host struct {
	t            *testing.T
	app          *app.App
	store        *sqlitestore.Store
	limiter      *counter
	handler      http.Handler
	server       *httptest.Server
	direct       bool // call the handler without a connection
	prefix       string
	ada, grace   app.Provisioned
	placeholders *strings.Replacer
}

type setting func(*app.Config)

func withLimits(l app.Limits) setting { return func(c *app.Config) { c.Limits = l } }
func withoutAdmin(c *app.Config)      { c.AdminKeys = nil }

func newHost(t *testing.T, settings ...setting) *host {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	h := &host{t: t, store: store, limiter: newCounter()}
	config := app.Config{
		Store:         recent.New(store),
		Authenticator: auth.Keys(store),
		Limiter:       h.limiter,
		Limits:        app.Limits{},
		AdminKeys:     []string{testAdminKey, "the-admin-key-before-of-32-characters"},
		Catalog:       &agent.Catalog{},
		Log:           zap.NewNop(),
	}
	for _, set := range settings {
		set(&config)
	}
	h.app = app.New(config)
	if config.Subscriptions != nil {
		config.Subscriptions.FlushKeyUse = h.app.FlushKeyUse
	}
	handler := httpx.RequestID(httpx.SecurityHeaders(true)(httpx.Recover(config.Log)(New(h.app))))
	mounted := http.StripPrefix("/ai", handler)
	h.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/ai/") {
			mounted.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
	h.server = httptest.NewServer(h.handler)
	t.Cleanup(h.server.Close)
	h.ada, h.grace = h.customer("ada@example.com"), h.customer("grace@example.com")
	h.placeholders = strings.NewReplacer(
		"{ada}", string(h.ada.Customer.ID), "{grace}", string(h.grace.Customer.ID),
		"{adaKey}", string(h.ada.Key.ID), "{graceKey}", string(h.grace.Key.ID),
		"{nobody}", storage.NewID(), "{UPPER}", strings.ToUpper(string(h.ada.Customer.ID)),
	)
	return h
}

func (h *host) customer(email string) app.Provisioned {
	h.t.Helper()
	p, err := h.app.Provision(h.t.Context(), app.NewCustomer{Email: email, ExternalID: "user:" + email})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// request is one request. Its path may hold placeholders.
type request struct {
	method, path string
	key          string // sent as a bearer token
	header       map[string]string
	body         string // sent as application/json, unless header says otherwise
}

type response struct {
	status int
	header http.Header
	body   string
}

// do sends the request and checks what holds for every response.
func (h *host) do(q request) response {
	h.t.Helper()
	q.path = h.placeholders.Replace(q.path)
	got := h.send(q)
	h.check(q, got)
	return got
}

func (h *host) send(q request) response {
	h.t.Helper()
	var body io.Reader = http.NoBody
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), q.method, h.server.URL+h.prefix+q.path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if q.key != "" {
		r.Header.Set("Authorization", "Bearer "+q.key)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	var answer *http.Response
	if h.direct {
		recorder := httptest.NewRecorder()
		h.handler.ServeHTTP(recorder, r)
		answer = recorder.Result()
	} else if answer, err = http.DefaultTransport.RoundTrip(r); err != nil { // follows no redirect
		h.t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return response{answer.StatusCode, answer.Header, string(text)}
}

// check holds a response against the document and the rules for all responses.
func (h *host) check(q request, got response) {
	h.t.Helper()
	report := func(format string, args ...any) {
		h.t.Helper()
		h.t.Errorf("%s %s: %d %s: "+format, append([]any{q.method, q.path, got.status, got.body}, args...)...)
	}
	if err := against(h.t.Context(), q, got); err != nil {
		report("not as in the document: %v", err)
	}
	cache := "private, no-store"
	if q.path == "/openapi.json" && got.status == http.StatusOK {
		cache = "public, max-age=300"
	}
	for name, value := range map[string]string{
		"Cache-Control":             cache,
		"X-Content-Type-Options":    "nosniff",
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
	} {
		if got.header.Get(name) != value {
			report("%s is %q, must be %q", name, got.header.Get(name), value)
		}
	}
	if got.header.Get("X-Request-Id") == "" {
		report("no X-Request-Id")
	}
	if q.method != http.MethodHead && got.status != http.StatusNoContent && got.header.Get("Content-Type") != "application/json" {
		report("Content-Type is %q", got.header.Get("Content-Type"))
	}
	if got.status >= 400 && (strings.Contains(got.body, auth.KeyPrefix) || q.key != "" && strings.Contains(got.body, q.key)) {
		report("an error shows a key")
	}
}

// want sends the request and checks the status.
func (h *host) want(status int, q request) response {
	h.t.Helper()
	got := h.do(q)
	if got.status != status {
		h.t.Fatalf("%s %s: status %d, must be %d: %s", q.method, q.path, got.status, status, got.body)
	}
	return got
}

// read returns the body of a response as T.
func read[T any](t *testing.T, got response) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(got.body), &v); err != nil {
		t.Fatalf("%s: %v", got.body, err)
	}
	return v
}

func (h *host) key(p app.Provisioned) string { return p.APIKey.Reveal() }

// counter is a limiter whose clock stands still: nothing is ever refilled.
type counter struct {
	mu    sync.Mutex
	taken map[string]int
	err   error
}

func newCounter() *counter { return &counter{taken: map[string]int{}} }

func (c *counter) Take(_ context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return ratelimit.Result{}, c.err
	}
	if c.taken[key] == rate.Limit {
		return ratelimit.Result{RetryAfter: time.Second, Reset: rate.Period}, nil
	}
	c.taken[key]++
	return ratelimit.Result{Allowed: true, Remaining: rate.Limit - c.taken[key], Reset: time.Second}, nil
}
