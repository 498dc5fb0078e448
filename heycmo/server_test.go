package heycmo_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) storage.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func newServer(t testing.TB, opts *heycmo.Options) *heycmo.Server {
	t.Helper()
	srv, err := heycmo.New(open(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func get(t testing.TB, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	store := open(t)
	if _, err := heycmo.New(nil, nil); err == nil {
		t.Error("a nil store is taken")
	}
	tool := agent.NewTool("tool", "A tool.", func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) {
		return agent.Result{}, nil
	}, nil)
	for want, opts := range map[string]*heycmo.Options{
		"PublicURL":             {PublicURL: "example.com"},
		"AllowedOrigins":        {AllowedOrigins: []string{"*"}},
		"AdminKeys":             {AdminKeys: []string{"short"}},
		"SecretKeys":            {SecretKeys: []heycmo.SecretKey{{ID: "k", Key: make([]byte, 32)}}},
		"MaxStreams":            {MCP: &mcp.Options{MaxStreams: -1}},
		`tool "tool" is there`:  {Tools: []*agent.Tool{tool, tool}},
		"the name must be":      {Tools: []*agent.Tool{agent.NewTool("a b", "A tool.", func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) { return agent.Result{}, nil }, nil)}},
		"the argument must be":  {Tools: []*agent.Tool{agent.NewTool("n", "A tool.", func(context.Context, storage.CustomerID, int) (agent.Result, error) { return agent.Result{}, nil }, nil)}},
		"description must not":  {Tools: []*agent.Tool{agent.NewTool("n", "", func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) { return agent.Result{}, nil }, nil)}},
		`there is no tool "no"`: {Catalog: &agent.Catalog{Agents: []agent.Agent{{ID: "a", Title: "A", Role: "r", Instructions: "i", Tools: []string{"no"}}}}},
	} {
		if _, err := heycmo.New(store, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error that says %q, got %v", want, err)
		}
	}
}

func TestEveryResponseHasTheHeaders(t *testing.T) {
	srv := newServer(t, &heycmo.Options{HSTS: true, AllowedOrigins: []string{"https://app.example.com"}})
	for _, path := range []string{"/", "/api/health", "/api/customer/x", "/mcp", "/mcp/sse", "/none", "/register", "/openapi.json"} {
		r := get(t, srv, path)
		for name, want := range map[string]string{
			"X-Content-Type-Options":    "nosniff",
			"X-Frame-Options":           "DENY",
			"Referrer-Policy":           "strict-origin-when-cross-origin",
			"Permissions-Policy":        "camera=(), microphone=(), geolocation=()",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q", path, name, got)
			}
		}
		if r.Header.Get("X-Request-Id") == "" {
			t.Errorf("GET %s: no X-Request-Id", path)
		}
	}
	if r := get(t, newServer(t, nil), "/"); r.Header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS is on without being asked for")
	}
}

func TestFrontPage(t *testing.T) {
	srv := newServer(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/ai/", http.StripPrefix("/ai", srv))
	r := get(t, mux, "http://example.com/ai/")
	page := body(t, r)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", r.StatusCode, r.Header)
	}
	for _, want := range []string{"http://example.com/ai/mcp", "/mcp/sse?token=YOUR_API_KEY", "Claude Desktop", "Cursor", "VS Code", "openapi.json"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	hash := sha256.Sum256([]byte(style))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"; !strings.Contains(r.Header.Get("Content-Security-Policy"), want) {
		t.Error("the policy forbids the page's own style")
	}
	if strings.Contains(page, "<script") || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page may run scripts")
	}
	page = body(t, get(t, newServer(t, &heycmo.Options{PublicURL: "https://mcp.example.org/x/"}), "/"))
	if !strings.Contains(page, "https://mcp.example.org/x/mcp") {
		t.Error("the page doesn't show the public address")
	}
	hostile := get(t, srv, "http://"+`a"onload=x`+"/")
	if strings.Contains(body(t, hostile), `"onload=`) {
		t.Error("a hostile Host gets into the markup")
	}
}

func TestOwnAuthenticator(t *testing.T) {
	srv := newServer(t, &heycmo.Options{Authenticator: auth.Func(func(r *http.Request) (auth.Principal, error) {
		switch user := r.Header.Get("User"); user {
		case "":
			return auth.Principal{}, auth.ErrNoCredential
		case "broken":
			return auth.Principal{}, errors.New("the session store is down")
		default:
			return auth.Principal{ExternalID: user}, nil
		}
	})})
	c, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", ExternalID: "user-1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", ExternalID: "user-1"})
	if err != nil || again.Created || again.Customer.ID != c.Customer.ID || again.APIKey.Reveal() != "" {
		t.Errorf("asking again: %+v, %v", again, err)
	}
	path := "/api/customer/" + string(c.Customer.ID)
	for user, want := range map[string]int{"user-1": 200, "user-2": 401, "USER-1": 401, "": 401, "broken": 503} {
		header := []string{}
		if user != "" {
			header = append(header, "User", user)
		}
		if r := get(t, srv, path, header...); r.StatusCode != want {
			t.Errorf("user %q: %d, want %d: %s", user, r.StatusCode, want, body(t, r))
		}
	}
	if _, err := srv.Admin().Suspend(t.Context(), c.Customer.ID); err != nil {
		t.Fatal(err)
	}
	if r := get(t, srv, path, "User", "user-1"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("suspended: %d", r.StatusCode)
	}
}

func TestFacesApart(t *testing.T) {
	srv := newServer(t, nil)
	for path, face := range map[string]http.Handler{"/api/health": srv.REST(), "/mcp": srv.MCP()} {
		r := get(t, face, path)
		if r.Header.Get("X-Request-Id") == "" || r.Header.Get("X-Frame-Options") == "" {
			t.Errorf("%s lacks the headers of the whole", path)
		}
		if path == "/api/health" && r.StatusCode != http.StatusOK || path == "/mcp" && r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func TestRegistrationIsRefusedWithTheReason(t *testing.T) {
	srv := newServer(t, nil)
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/register", strings.NewReader("{}")))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "invalid_client_metadata") || !strings.Contains(w.Body.String(), "API key") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestLifecycle(t *testing.T) {
	srv := newServer(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- srv.Run(ctx) }()
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	go func() { ran <- srv.Run(t.Context()) }()
	for range 2 {
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	if err := <-ran; !errors.Is(err, heycmo.ErrClosed) {
		t.Errorf("Run, when it is shut down: %v", err)
	}
	if err := srv.Run(t.Context()); !errors.Is(err, heycmo.ErrClosed) {
		t.Errorf("Run after Shutdown: %v", err)
	}
	r := get(t, srv, "/api/health")
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("a request after Shutdown: %d", r.StatusCode)
	}
}

func TestLifecycleUnderStress(t *testing.T) {
	for range 20 {
		srv := newServer(t, nil)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _ = srv.Run(t.Context()) })
			wg.Go(func() {
				if err := srv.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			})
			wg.Go(srv.CloseStreams)
			wg.Go(func() { get(t, srv, "/api/health") })
		}
		wg.Wait()
	}
}

func TestServeStopsWithOpenStreams(t *testing.T) {
	srv := newServer(t, &heycmo.Options{MCP: &mcp.Options{HijackStreams: true}})
	p, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, listener, nil) }()
	res, err := http.Get("http://" + listener.Addr().String() + "/mcp/sse?token=" + p.APIKey.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	stop()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it doesn't stop within 5 s")
	}
	_, _ = io.Copy(io.Discard, res.Body) // ends, because the stream has
	http.DefaultClient.CloseIdleConnections()
}

// Clients that don't finish what they began can't keep the program from
// stopping well.
func TestServeStopsWithHalfRequests(t *testing.T) {
	srv := newServer(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, listener, nil) }()
	for _, half := range []string{"", "GET / HT", "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, half); err != nil {
			t.Fatal(err)
		}
	}
	if r := get(t, srv, "/api/health"); r.StatusCode != http.StatusOK {
		t.Fatal(r.StatusCode)
	}
	stop()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it doesn't stop within 5 s")
	}
}

// A page of somebody else can't act with a cookie that the browser sends along.
func TestForeignPagesCanNotAct(t *testing.T) {
	srv := newServer(t, &heycmo.Options{AllowedOrigins: []string{"https://app.example.com"}})
	for origin, want := range map[string]int{
		"https://evil.example": 403, "null": 403, "https://app.example.com": 401, "http://example.com": 401, "": 401,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/api/keys/x", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != want || !strings.HasPrefix(w.Body.String(), `{"error":"`) {
			t.Errorf("from %q: %d %s, want %d", origin, w.Code, w.Body, want)
		}
	}
}
