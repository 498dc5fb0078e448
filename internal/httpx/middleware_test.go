package httpx_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

var randomID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func requestID(inbound ...string) (inContext, inResponse string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["X-Request-Id"] = inbound
	w := httptest.NewRecorder()
	httpx.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inContext = httpx.RequestIDFrom(r.Context())
	})).ServeHTTP(w, r)
	return inContext, w.Header().Get("X-Request-Id")
}

func TestRequestID(t *testing.T) {
	for _, c := range []struct {
		inbound []string
		taken   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"short12"}, false},
		{[]string{"longer12"}, true},
		{[]string{"AZaz09._-"}, true},
		{[]string{strings.Repeat("a", 64)}, true},
		{[]string{strings.Repeat("a", 65)}, false},
		{[]string{"with space"}, false},
		{[]string{"line\nbreak"}, false},
		{[]string{"quote\"quote"}, false},
		{[]string{"ümlauts-are-out"}, false},
		{[]string{"one-of-two", "two-of-two"}, false},
	} {
		inContext, inResponse := requestID(c.inbound...)
		if inContext != inResponse {
			t.Errorf("%q: %q in the context, %q in the response", c.inbound, inContext, inResponse)
		}
		if c.taken && inContext != c.inbound[0] {
			t.Errorf("%q was not taken", c.inbound)
		}
		if !c.taken && !randomID.MatchString(inContext) {
			t.Errorf("%q became %q", c.inbound, inContext)
		}
	}
	if id := httpx.RequestIDFrom(context.Background()); id != "" {
		t.Errorf("a context without one has %q", id)
	}
}

func FuzzRequestID(f *testing.F) {
	f.Add("longer12")
	f.Add("a\r\nSet-Cookie: b=c")
	f.Fuzz(func(t *testing.T, inbound string) {
		inContext, inResponse := requestID(inbound)
		if inContext != inResponse || !regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`).MatchString(inContext) {
			t.Errorf("%q became %q and %q", inbound, inContext, inResponse)
		}
	})
}

func TestSecurityHeaders(t *testing.T) {
	want := map[string]string{
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "strict-origin-when-cross-origin",
		"Permissions-Policy":     "camera=(), microphone=(), geolocation=()",
	}
	for _, hsts := range []bool{false, true} {
		if hsts {
			want["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
		}
		w := httptest.NewRecorder()
		httpx.SecurityHeaders(hsts)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			got := map[string]string{}
			for name := range w.Header() {
				got[name] = strings.Join(w.Header().Values(name), ",")
			}
			if !maps.Equal(got, want) {
				t.Errorf("HSTS %v: the handler finds %v", hsts, got)
			}
		})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	}
}

func observed() (*zap.Logger, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.DebugLevel)
	return zap.New(core), logs
}

// chain is the middleware in the order of a host.
func chain(log *zap.Logger, next http.HandlerFunc, trusted ...netip.Prefix) http.Handler {
	return httpx.RequestID(httpx.AccessLog(log, trusted...)(httpx.Recover(log)(next)))
}

func TestRecover(t *testing.T) {
	logger, logs := observed()
	h := chain(logger, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		panic("the secret is 42")
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Request-Id", "request-1")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	checkResponse(t, w, 500, `{"error":"internal error (request request-1)"}`)
	line := logs.FilterMessage("panic").All()
	if len(line) != 1 {
		t.Fatalf("%d lines on the panic", len(line))
	}
	fields := line[0].ContextMap()
	if line[0].Level != zapcore.ErrorLevel || fields["requestId"] != "request-1" || fields["panic"] != "the secret is 42" ||
		!strings.Contains(fields["stack"].(string), "TestRecover") {
		t.Errorf("the line is %v %v", line[0].Level, fields)
	}
	checkLine(t, logs, zapcore.ErrorLevel, map[string]any{"status": int64(500), "error": "panic: the secret is 42"})
}

func TestRecoverWithoutPanic(t *testing.T) {
	logger, logs := observed()
	w := httptest.NewRecorder()
	httpx.Recover(logger)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 204 || logs.Len() != 0 {
		t.Errorf("status %d, %d lines", w.Code, logs.Len())
	}
}

// Half a response must not look like a whole one.
func TestRecoverAborts(t *testing.T) {
	for name, value := range map[string]any{"panic": "late", "abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			logger, logs := observed()
			srv := httptest.NewUnstartedServer(chain(logger, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				panic(value)
			}))
			srv.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
			srv.Start()
			res, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the client takes %q for a whole response", body)
			}
			srv.Close()
			if n := logs.FilterMessage("panic").Len(); n != map[string]int{"panic": 1, "abort": 0}[name] {
				t.Errorf("%d lines on the panic", n)
			}
			checkLine(t, logs, zapcore.InfoLevel, map[string]any{"status": int64(200), "aborted": true, "bytes": int64(4)})
		})
	}
}

func TestAccessLog(t *testing.T) {
	key := auth.NewAPIKey().Reveal()
	for _, c := range []struct {
		name   string
		method string
		target string
		serve  http.HandlerFunc
		level  zapcore.Level
		fields map[string]any
	}{
		{"nothing written", "GET", "/a", func(http.ResponseWriter, *http.Request) {}, zapcore.InfoLevel,
			map[string]any{"method": "GET", "path": "/a", "status": int64(200), "bytes": int64(0), "requestId": "request-1", "address": "203.0.113.7"}},
		{"body", "POST", "/a?token=" + key, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); _, _ = io.WriteString(w, "hello") }, zapcore.InfoLevel,
			map[string]any{"method": "POST", "path": "/a", "status": int64(201), "bytes": int64(5)}},
		{"client's fault", "GET", "/a", func(w http.ResponseWriter, r *http.Request) { httpx.Error(w, r, auth.ErrNoCredential) }, zapcore.InfoLevel,
			map[string]any{"status": int64(401), "error": nil}},
		{"our fault", "GET", "/a", func(w http.ResponseWriter, r *http.Request) { httpx.Error(w, r, errors.New("disk on fire")) }, zapcore.ErrorLevel,
			map[string]any{"status": int64(500), "error": "disk on fire"}},
		{"unavailable", "GET", "/a", func(w http.ResponseWriter, r *http.Request) { httpx.Error(w, r, httpx.Status(503, "later")) }, zapcore.WarnLevel,
			map[string]any{"status": int64(503), "error": nil}},
		{"unavailable with a cause", "GET", "/a", func(w http.ResponseWriter, r *http.Request) {
			httpx.Error(w, r, httpx.Status(503, "later").WithCause(errors.New("store is down")))
		}, zapcore.ErrorLevel, map[string]any{"status": int64(503), "error": "store is down"}},
		{"failure in a stream", "GET", "/a", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			httpx.Error(w, r, errors.New("disk on fire"))
		}, zapcore.ErrorLevel, map[string]any{"status": int64(200), "bytes": int64(0), "error": "disk on fire"}},
		{"annotated", "GET", "/a", func(_ http.ResponseWriter, r *http.Request) {
			httpx.NoteCaller(r.Context(), "c-1", "k-1")
		}, zapcore.InfoLevel, map[string]any{"customer": "c-1", "key": "k-1"}},
		{"escaped query", "GET", "/mcp/sse%3Ftoken=" + key, func(http.ResponseWriter, *http.Request) {}, zapcore.InfoLevel,
			map[string]any{"path": "/mcp/sse"}},
		{"key in the path", "GET", "/api/customer/" + key + "/x", func(http.ResponseWriter, *http.Request) {}, zapcore.InfoLevel,
			map[string]any{"path": "/api/customer/hcmo_live_…/x"}},
		{"checkout in the path", "POST", "/api/session/cs_live_a1b2c3d4/claim", func(http.ResponseWriter, *http.Request) {}, zapcore.InfoLevel,
			map[string]any{"path": "/api/session/…/claim"}},
		{"long path", "GET", "/" + strings.Repeat("a", 10_000), func(http.ResponseWriter, *http.Request) {}, zapcore.InfoLevel,
			map[string]any{"path": "/" + strings.Repeat("a", 199) + "…"}},
		{"long method", strings.Repeat("A", 10_000), "/", func(http.ResponseWriter, *http.Request) {}, zapcore.InfoLevel,
			map[string]any{"method": strings.Repeat("A", 200) + "…"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			logger, logs := observed()
			r := httptest.NewRequest(c.method, c.target, nil)
			r.RemoteAddr = "10.0.0.1:80"
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
			r.Header.Set("X-Request-Id", "request-1")
			r.Header.Set("Authorization", "Bearer "+key)
			chain(logger, c.serve, netip.MustParsePrefix("10.0.0.0/8")).ServeHTTP(httptest.NewRecorder(), r)
			checkLine(t, logs, c.level, c.fields)
			for _, line := range logs.All() {
				for name, value := range line.ContextMap() {
					if text, ok := value.(string); ok && strings.Contains(text, key[len(auth.KeyPrefix):]) {
						t.Errorf("%s has the key", name)
					}
				}
			}
		})
	}
}

func TestAccessLogWaitsForTheStream(t *testing.T) {
	logger, logs := observed()
	open, end := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(chain(logger, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		close(open)
		<-end
		_, _ = io.WriteString(w, "bye")
	}))
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-open
	if logs.Len() != 0 {
		t.Error("an open stream is logged")
	}
	close(end)
	srv.Close()
	checkLine(t, logs, zapcore.InfoLevel, map[string]any{"status": int64(200), "bytes": int64(3)})
	if d, ok := logs.All()[0].ContextMap()["duration"].(time.Duration); !ok || d <= 0 {
		t.Errorf("the duration is %v", d)
	}
}

func TestAnnotateWithoutAccessLog(t *testing.T) {
	httpx.NoteCaller(t.Context(), "c-1", "") // must not panic
}

// checkLine checks the only line of the access log. A nil value means that the
// field is not there.
func checkLine(t *testing.T, logs *observer.ObservedLogs, level zapcore.Level, want map[string]any) {
	t.Helper()
	lines := logs.FilterMessage("request").All()
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	if lines[0].Level != level {
		t.Errorf("the level is %v, must be %v", lines[0].Level, level)
	}
	got := lines[0].ContextMap()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, must be %v", name, got[name], value)
		}
	}
}

func checkResponse(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("got %d %s, must be %d %s", w.Code, w.Body, status, body)
	}
	if media := w.Header().Get("Content-Type"); media != "application/json" {
		t.Errorf("Content-Type is %q", media)
	}
}
