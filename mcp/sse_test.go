package mcp_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
)

// eachStream runs a test with streams of net/http and with hijacked ones.
func eachStream(t *testing.T, test func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options))) {
	for _, hijack := range []bool{false, true} {
		t.Run(fmt.Sprintf("hijack=%v", hijack), func(t *testing.T) {
			test(t, func(change func(*mcp.Options)) func(*heycmo.Options) {
				return func(o *heycmo.Options) {
					o.MCP.HijackStreams = hijack
					if change != nil {
						change(o.MCP)
					}
				}
			})
		})
	}
}

func TestSSEConversation(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(nil))
		key, id := h.customer(t)
		s := h.openSSE(t, "?token="+key, nil)
		if m := h.ask(t, s, initialize); !strings.Contains(string(m.Result), `"protocolVersion":"2025-11-25"`) {
			t.Errorf("initialize: %s", m.Result)
		}
		h.accepted(t, s, rpc(nil, "notifications/initialized", nil))
		m := h.ask(t, s, callTool("two", "echo", word{"hello"}))
		if text, isError := m.toolResult(t); isError || !strings.Contains(text, "hello for "+string(id)) {
			t.Errorf("echo: %q", text)
		}
		if m.ID != "two" {
			t.Errorf("the answer has ID %v", m.ID)
		}
		if m := h.ask(t, s, rpc(3, "ping", nil)); m.Error != nil {
			t.Errorf("ping: %+v", m.Error)
		}
	})
}

func TestSSEHeaders(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(nil))
		key, _ := h.customer(t)
		s, res := h.openStream(t, "/mcp/sse?token="+key, nil)
		if s == nil {
			t.Fatalf("status %d", res.status)
		}
		for name, want := range map[string]string{
			"Content-Type":           "text/event-stream",
			"Cache-Control":          "private, no-store",
			"X-Accel-Buffering":      "no",
			"X-Content-Type-Options": "nosniff",
			"X-Frame-Options":        "DENY",
		} {
			if got := res.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if res.header.Get("X-Request-Id") == "" {
			t.Error("no X-Request-Id")
		}
	})
}

// A client only resolves the endpoint against the address of the stream.
func TestEndpointResolves(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	mux := http.NewServeMux()
	mux.Handle("/ai/", http.StripPrefix("/ai", h.heycmo))
	mux.Handle("/two/deep/", http.StripPrefix("/two/deep", h.heycmo))
	mux.Handle("/", h.heycmo)
	mounted := &host{Server: httptest.NewServer(mux)}
	t.Cleanup(mounted.Close)
	for _, prefix := range []string{"", "/ai", "/two/deep"} {
		path := prefix + "/mcp/sse?token=" + key
		s, r := mounted.openStream(t, path, nil)
		if s == nil {
			t.Fatalf("GET %s/mcp/sse: %d %s", prefix, r.status, r.body)
		}
		address, _ := url.Parse(mounted.URL + path)
		endpoint, err := address.Parse(s.next(t).data)
		if err != nil {
			t.Fatal(err)
		}
		if want := prefix + "/mcp/message"; endpoint.Path != want {
			t.Fatalf("the endpoint's path is %q, want %q", endpoint.Path, want)
		}
		s.endpoint = endpoint.RequestURI()
		if m := mounted.ask(t, s, callTool(1, "echo", word{"x"})); m.Error != nil {
			t.Errorf("echo: %+v", m.Error)
		}
	}
}

func TestEndpointUnderPublicURL(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.PublicURL = "https://example.com/outside" })
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	if !strings.HasPrefix(s.endpoint, "/outside/mcp/message?sessionId=") {
		t.Errorf("the endpoint is %q", s.endpoint)
	}
}

func TestEndpointRecord(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	if !strings.Contains(s.first, "event: endpoint\n") || !strings.Contains(s.first, "retry: ") {
		t.Errorf("endpoint and retry are not in one record: %q", s.first)
	}
	if !strings.Contains(s.endpoint, "token="+key) {
		t.Error("the endpoint lacks the token that the stream was opened with")
	}
	s = h.openSSE(t, "", map[string]string{"Authorization": "Bearer " + key})
	if strings.Contains(s.endpoint, "token=") {
		t.Error("the endpoint shows a key that came in the header")
	}
	if r := h.do(t, "POST", s.endpoint, initialize, map[string]string{"Authorization": "Bearer " + key}); r.status != http.StatusAccepted {
		t.Errorf("POST with the header: status %d", r.status)
	}
}

// A session that is somebody else's is answered like one that never was.
func TestSSESessionIsItsOwners(t *testing.T) {
	h := newHost(t, nil)
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	s := h.openSSE(t, "?token="+ada, nil)
	id, _ := url.Parse(s.endpoint)
	post := func(session string) response {
		r := h.do(t, "POST", "/mcp/message?token="+bob+"&sessionId="+session, callTool(1, "echo", word{"x"}), nil)
		r.header = nil
		return r
	}
	foreign, unknown, missing := post(id.Query().Get("sessionId")), post("NOSUCHSESSION"), post("")
	want := response{http.StatusBadRequest, nil, `{"error":"Session not found — reconnect to /mcp/sse"}`}
	for name, got := range map[string]response{"foreign": foreign, "unknown": unknown, "missing": missing} {
		got.body = strings.TrimSpace(got.body)
		if got.status != want.status || got.body != want.body {
			t.Errorf("%s session: %d %s", name, got.status, got.body)
		}
	}
	// Nothing of it reached Ada: the next record is the answer to her own call.
	if m := h.ask(t, s, rpc("mine", "ping", nil)); m.ID != "mine" {
		t.Errorf("Ada got %+v", m)
	}
	s.close()
	if r := h.do(t, "POST", s.endpoint, initialize, nil); r.status != http.StatusBadRequest && r.status != http.StatusAccepted {
		t.Errorf("dead session: status %d", r.status)
	}
}

func TestSSEKeepAlive(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(func(o *mcp.Options) { o.KeepAlive = 10 * time.Millisecond }))
		key, _ := h.customer(t)
		s := h.openSSE(t, "?token="+key, nil)
		for range 3 {
			select {
			case r := <-s.records:
				if r.comment == "" || r.event != "" || r.data != "" {
					t.Fatalf("not a comment: %+v", r)
				}
			case <-time.After(patience):
				t.Fatal("no comment came")
			}
		}
	})
}

// A host's WriteTimeout must not cut streams.
func TestSSEOutlivesWriteTimeout(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	limited := httptest.NewUnstartedServer(h.heycmo)
	limited.Config.WriteTimeout = 500 * time.Millisecond
	limited.Start()
	defer limited.Close()
	at := &host{Server: limited}
	s := at.openSSE(t, "?token="+key, nil)
	defer s.close()
	<-time.After(time.Second) // the limit itself is what is waited for
	if m := at.ask(t, s, rpc(1, "ping", nil)); m.Error != nil {
		t.Errorf("ping: %+v", m.Error)
	}
}

func TestSSEClientGoneCancelsItsCalls(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(nil))
		key, _ := h.customer(t)
		s := h.openSSE(t, "?token="+key, nil)
		h.accepted(t, s, callTool(1, "wait", word{"a"}))
		waitFor(t, h.started, "a")
		s.close()
		waitFor(t, h.ended, "a")
	})
}

// A reader that stops reading loses its stream, and holds nothing up.
func TestSSESlowReader(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(func(o *mcp.Options) { o.WriteTimeout = 200 * time.Millisecond }))
		key, _ := h.customer(t)
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /mcp/sse?token=%s HTTP/1.1\r\nHost: %s\r\n\r\n", key, h.Listener.Addr())
		buffer := make([]byte, 4096)
		head := ""
		for !strings.Contains(head, "endpoint") || !strings.Contains(head, "token=") {
			n, err := conn.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			head += string(buffer[:n])
		}
		_, rest, _ := strings.Cut(head, "data: ")
		endpoint, _, _ := strings.Cut(rest, "\n")
		// Far more than the buffers between us take; nobody reads it.
		gone := false
		for i, end := 0, time.Now().Add(patience); time.Now().Before(end); i++ {
			r := h.do(t, "POST", strings.TrimSpace(endpoint), callTool(i, "big", count{3 << 20}), nil)
			if r.status == http.StatusBadRequest {
				gone = true
				break
			}
			if r.status != http.StatusAccepted && r.status != http.StatusTooManyRequests {
				t.Fatalf("status %d: %s", r.status, r.body)
			}
		}
		if !gone {
			t.Error("the stream of a client that does not read stays open")
		}
	})
}

func TestSSEOrder(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	for i := range 200 {
		h.accepted(t, s, rpc(i, "tools/call", map[string]any{
			"name": "count", "arguments": count{3}, "_meta": map[string]any{"progressToken": fmt.Sprint("t", i)},
		}))
		for n := 1; n <= 3; n++ {
			m := decode(t, s.next(t).data)
			if m.Method != "notifications/progress" || m.Params["progress"] != float64(n) || m.Params["progressToken"] != fmt.Sprint("t", i) {
				t.Fatalf("call %d: want progress %d, got %+v", i, n, m)
			}
		}
		if m := decode(t, s.next(t).data); m.Method != "notifications/message" || m.Params["data"] != "counted" {
			t.Fatalf("call %d: want a log message, got %+v", i, m)
		}
		if m := decode(t, s.next(t).data); m.ID != float64(i) {
			t.Fatalf("call %d: want the answer, got %+v", i, m)
		}
	}
	// No token, no progress; and the level that was asked for.
	if m := h.ask(t, s, rpc("level", "logging/setLevel", map[string]any{"level": "error"})); m.Error != nil {
		t.Fatalf("setLevel: %+v", m.Error)
	}
	if m := h.ask(t, s, callTool("quiet", "count", count{3})); m.ID != "quiet" {
		t.Errorf("got %+v before the answer", m)
	}
}

func TestCancellation(t *testing.T) {
	h := newHost(t, nil)
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	a, b := h.openSSE(t, "?token="+ada, nil), h.openSSE(t, "?token="+bob, nil)
	h.accepted(t, a, callTool(7, "wait", word{"ada"}))
	waitFor(t, h.started, "ada")
	cancelled := rpc(nil, "notifications/cancelled", map[string]any{"requestId": 7})
	h.accepted(t, b, cancelled)
	// Bob's next request is answered after his notification was dealt with.
	h.ask(t, b, rpc(1, "ping", nil))
	select {
	case <-h.ended:
		t.Fatal("Bob cancelled Ada's call")
	default:
	}
	h.accepted(t, a, cancelled)
	waitFor(t, h.ended, "ada")
}

func TestSSEStreamCaps(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.MCP.MaxStreamsPerCustomer, o.MCP.MaxStreams = 2, 3 })
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	first := h.openSSE(t, "?token="+ada, nil)
	h.openSSE(t, "?token="+ada, nil)
	if _, r := h.openStream(t, "/mcp/sse?token="+ada, nil); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("third stream of a customer: %d %v", r.status, r.header)
	}
	h.openSSE(t, "?token="+bob, nil)
	if _, r := h.openStream(t, "/mcp/sse?token="+bob, nil); r.status != http.StatusServiceUnavailable {
		t.Errorf("fourth stream in total: %d", r.status)
	}
	first.close()
	deadline := time.Now().Add(patience)
	for {
		s, _ := h.openStream(t, "/mcp/sse?token="+ada, nil)
		if s != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a closed stream still counts")
		}
	}
}

func TestCallCap(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.MCP.MaxCallsPerCustomer = 2 })
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	for _, w := range []string{"a", "b"} {
		h.accepted(t, s, callTool(w, "wait", word{w}))
		waitFor(t, h.started, w)
	}
	if r := h.do(t, "POST", s.endpoint, callTool(3, "wait", word{"c"}), nil); r.status != http.StatusTooManyRequests {
		t.Errorf("third call: %d %s", r.status, r.body)
	}
	close(h.release)
}

func TestShutdownDrains(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(nil))
		key, _ := h.customer(t)
		s := h.openSSE(t, "?token="+key, nil)
		h.accepted(t, s, callTool(1, "wait", word{"a"}))
		waitFor(t, h.started, "a")
		down := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			down <- h.heycmo.Shutdown(ctx)
		}()
		for h.do(t, "GET", "/api/health", "", nil).status != http.StatusServiceUnavailable {
			// until it takes nobody in any more
		}
		close(h.release)
		if m := decode(t, s.next(t).data); m.ID != float64(1) {
			t.Errorf("the running call was not answered: %+v", m)
		}
		s.waitEnd(t)
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseStreamsCutsWhatDoesNotEnd(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	h.accepted(t, s, callTool(1, "wait", word{"a"}))
	waitFor(t, h.started, "a")
	h.heycmo.CloseStreams()
	waitFor(t, h.ended, "a")
	s.waitEnd(t)
}

// The transport of 2024 has sessions; clients that ask for a revision without
// them are told, and fall back.
func TestSSEKnowsNoModernRequests(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	m := h.ask(t, s, modern(1, "server/discover", nil))
	if m.Error == nil && strings.Contains(string(m.Result), "2026-07-28") {
		t.Errorf("discover offers what is not spoken here: %s", m.Result)
	}
	for _, method := range []string{"subscriptions/listen", "tools/list"} {
		params := map[string]any{"notifications": map[string]any{"toolsListChanged": true}}
		if m := h.ask(t, s, modern(2, method, params)); m.Error == nil || m.Error.Code != -32022 {
			t.Errorf("%s: %+v", method, m)
		}
	}
}

func TestRevocationEndsStreams(t *testing.T) {
	eachStream(t, func(t *testing.T, options func(func(*mcp.Options)) func(*heycmo.Options)) {
		h := newHost(t, options(nil))
		key, id := h.customer(t)
		other, _ := h.customer(t)
		mine, theirs := h.openSSE(t, "?token="+key, nil), h.openSSE(t, "?token="+other, nil)
		keys, _, err := h.heycmo.Admin().Keys(t.Context(), id, 0, "")
		if err != nil || len(keys) != 1 {
			t.Fatal(keys, err)
		}
		if err := h.heycmo.Admin().RevokeKey(t.Context(), id, keys[0].ID); err != nil {
			t.Fatal(err)
		}
		mine.waitEnd(t)
		if r := h.do(t, "GET", "/mcp/sse?token="+key, "", nil); r.status != http.StatusUnauthorized {
			t.Errorf("with the revoked key: %d", r.status)
		}
		if m := h.ask(t, theirs, rpc(1, "ping", nil)); m.Error != nil {
			t.Errorf("somebody else's stream: %+v", m.Error)
		}
	})
}

func TestSuspensionEndsStreams(t *testing.T) {
	h := newHost(t, nil)
	key, id := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	h.accepted(t, s, callTool(1, "wait", word{"a"}))
	waitFor(t, h.started, "a")
	if _, err := h.heycmo.Admin().Suspend(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	waitFor(t, h.ended, "a")
	s.waitEnd(t)
}
