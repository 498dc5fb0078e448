package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

func TestError(t *testing.T) {
	internal := `{"error":"internal error (request request-1)"}`
	unauthenticated := `{"error":"API key is missing or not valid"}`
	for _, c := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"status", httpx.Status(415, "not like this"), 415, `{"error":"not like this"}`},
		{"wrapped status", fmt.Errorf("rest: %w", httpx.Status(415, "not like this")), 415, `{"error":"not like this"}`},
		{"status wins over its cause", httpx.Status(503, "later").WithCause(storage.ErrNotFound), 503, `{"error":"later"}`},
		{"no credential", fmt.Errorf("auth: %w", auth.ErrNoCredential), 401, unauthenticated},
		{"bad credential", fmt.Errorf("key expired: %w", auth.ErrUnauthenticated), 401, unauthenticated},
		{"not found", storage.ErrNotFound, 404, `{"error":"not found"}`},
		{"not found, wrapped", fmt.Errorf("bunstore: customer 42: %w", storage.ErrNotFound), 404, `{"error":"not found"}`},
		{"exists", fmt.Errorf("externalId is taken: %w", storage.ErrExists), 409, `{"error":"externalId is taken"}`},
		{"quota", fmt.Errorf("app: %w", &billing.QuotaError{Metric: "tool_calls", Used: 3, Limit: 3}), 402, `{"error":"you have used 3 of 3 tool calls of this period"}`},
		{"conflict", fmt.Errorf("there are 100 keys: %w", storage.ErrConflict), 409, `{"error":"there are 100 keys"}`},
		{"conflict, bare", storage.ErrConflict, 409, `{"error":"conflict"}`},
		{"conflict, wrapped again", fmt.Errorf("app: rotate: %w", fmt.Errorf("there are 100 keys: %w", storage.ErrConflict)), 409, `{"error":"there are 100 keys"}`},
		{"conflict, one of two", fmt.Errorf("%w and %w", errors.New("no"), fmt.Errorf("there are 100 keys: %w", storage.ErrConflict)), 409, `{"error":"there are 100 keys"}`},
		{"conflict, joined", errors.Join(errors.New("no"), fmt.Errorf("there are 100 keys: %w", storage.ErrConflict)), 409, `{"error":"there are 100 keys"}`},
		{"invalid", storage.Invalid("limit", "between 1 and %d", 100), 400, `{"error":"limit must be between 1 and 100"}`},
		{"invalid, wrapped", fmt.Errorf("app: list: %w", storage.Invalid("limit", "small")), 400, `{"error":"limit must be small"}`},
		{"invalid, by hand", fmt.Errorf("email is not well: %w", storage.ErrInvalid), 400, `{"error":"email is not well"}`},
		{"too large", &http.MaxBytesError{Limit: 1024}, 413, `{"error":"the body must have at most 1024 bytes"}`},
		{"cancelled inside", context.Canceled, 500, internal},
		{"unavailable", fmt.Errorf("bunstore: %w: %w", storage.ErrUnavailable, errors.New("dial tcp 10.0.0.1")), 503, `{"error":"the service can't serve this request right now; try again"}`},
		{"anything", errors.New("disk on fire <&>"), 500, internal},
		{"HTML", httpx.Status(400, `a<b>&"c"`), 400, `{"error":"a<b>&\"c\""}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := answer(t.Context(), c.err)
			checkResponse(t, w, c.status, c.body)
			want := ""
			if c.status == 401 {
				want = "Bearer"
			}
			if got := w.Header().Get("WWW-Authenticate"); got != want {
				t.Errorf("WWW-Authenticate is %q", got)
			}
		})
	}
}

func answer(ctx context.Context, err error) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(httpx.WithRequestID(ctx, "request-1"), http.MethodGet, "/", nil)
	httpx.Error(w, r, err)
	return w
}

func TestErrorSetsHeaders(t *testing.T) {
	base := httpx.Status(405, "method not allowed").WithHeader("Allow", "GET")
	further := base.WithHeader("allow", "POST").WithHeader("Retry-After", "2")
	h := answer(t.Context(), further).Header()
	if h.Get("Allow") != "POST" || h.Get("Retry-After") != "2" {
		t.Errorf("the headers are %v", h)
	}
	h = answer(t.Context(), base).Header()
	if h.Get("Allow") != "GET" || h.Get("Retry-After") != "" {
		t.Errorf("the headers of the first are %v", h)
	}
	challenge := httpx.Status(401, "no").WithHeader("WWW-Authenticate", `Bearer scope="a"`)
	if got := answer(t.Context(), challenge).Header().Values("WWW-Authenticate"); len(got) != 1 || got[0] != `Bearer scope="a"` {
		t.Errorf("the challenge is %q", got)
	}
}

func TestStatusErrorWrapsItsCause(t *testing.T) {
	plain := httpx.Status(503, "later")
	err := error(plain.WithCause(io.ErrUnexpectedEOF))
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(plain, io.ErrUnexpectedEOF) {
		t.Error("the cause is in the wrong one")
	}
	if err.Error() != "later" {
		t.Errorf("its text is %q", err)
	}
}

// A client that has gone is no failure of ours, wherever it shows.
func TestErrorWhenTheClientHasGone(t *testing.T) {
	for _, err := range []error{
		fmt.Errorf("bunstore: %w", context.Canceled),
		httpx.Status(503, "later").WithCause(context.Canceled),
	} {
		logger, logs := observed()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		chain(logger, func(w http.ResponseWriter, r *http.Request) { httpx.Error(w, r, err) }).ServeHTTP(httptest.NewRecorder(), r)
		checkLine(t, logs, zapcore.InfoLevel, map[string]any{"status": int64(499), "error": nil})
	}
}

// wrapper is one that another library may put in between.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestErrorLeavesAStreamAlone(t *testing.T) {
	w := httptest.NewRecorder()
	rec := wrapper{httpx.NewRecorder(w)}
	_, _ = io.WriteString(rec, "data: 1\n\n")
	httpx.Error(rec, httptest.NewRequest(http.MethodGet, "/", nil), errors.New("disk on fire"))
	if w.Body.String() != "data: 1\n\n" {
		t.Errorf("the stream is %q", w.Body)
	}
}

func TestJSON(t *testing.T) {
	w := httptest.NewRecorder()
	httpx.JSON(w, 201, map[string]any{"a": "<b> & „c“", "n": 1})
	checkResponse(t, w, 201, `{"a":"<b> & „c“","n":1}`)
	for _, n := range []int{1, 1000, 3000, 100_000} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			httpx.JSON(w, http.StatusOK, strings.Repeat("x", n))
		}))
		res, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || len(body) != n+2 || res.ContentLength != int64(len(body)) {
			t.Errorf("%d bytes, Content-Length %d, want %d: %v", len(body), res.ContentLength, n+2, err)
		}
		_ = res.Body.Close()
		srv.Close()
	}
}

func TestJSONPanicsBeforeItWrites(t *testing.T) {
	w := httptest.NewRecorder()
	defer func() {
		if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "httpx: response") {
			t.Errorf("the panic is %v", v)
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Error("something was written")
		}
	}()
	httpx.JSON(w, 200, map[string]any{"f": func() {}})
}
