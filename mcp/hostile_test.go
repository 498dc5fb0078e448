package mcp_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

// In net/http's HTTP/2, a write deadline that passes resets the stream even if
// nothing is being written.
func TestHTTP2StreamsOutliveSilence(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) {
		o.MCP.WriteTimeout = 500 * time.Millisecond
		o.MCP.KeepAlive = time.Second
	})
	key, _ := h.customer(t)
	web := httptest.NewUnstartedServer(h.heycmo)
	web.EnableHTTP2 = true
	web.Config.WriteTimeout = 500 * time.Millisecond
	web.StartTLS()
	t.Cleanup(web.Close)
	at := &host{Server: web}
	s, res := at.openStream(t, "/mcp/sse?token="+key, nil)
	if s == nil {
		t.Fatalf("%d %s", res.status, res.body)
	}
	s.endpoint = s.next(t).data
	comments := 0
	for comments < 2 { // two silences, each longer than the deadline
		select {
		case r, ok := <-s.records:
			if !ok {
				t.Fatal("the stream has ended")
			}
			if r.comment != "" {
				comments++
			}
		case <-time.After(patience):
			t.Fatal("no comment came")
		}
	}
	if m := at.ask(t, s, rpc(1, "ping", nil)); m.Error != nil {
		t.Errorf("ping: %+v", m.Error)
	}
}

// One customer whose clients don't read must not delay others' keep-alives.
func TestStalledStreamsDelayNobody(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) {
		o.MCP.KeepAlive = 10 * time.Millisecond
		o.MCP.WriteTimeout = patience
	})
	slow, _ := h.customer(t)
	other, _ := h.customer(t)
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /mcp/sse?token=%s HTTP/1.1\r\nHost: %s\r\n\r\n", slow, h.Listener.Addr())
	reader := bufio.NewReader(conn)
	endpoint := ""
	for endpoint == "" {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(line, "data: "); ok {
			endpoint = strings.TrimSpace(rest)
		}
	}
	for i := range 10 { // more than the buffers between us take
		h.do(t, "POST", endpoint, callTool(i, "big", count{3 << 20}), nil)
	}
	s := h.openSSE(t, "?token="+other, nil)
	for range 5 {
		select {
		case r := <-s.records:
			if r.comment == "" {
				t.Fatalf("not a comment: %+v", r)
			}
		case <-time.After(patience / 2):
			t.Fatal("no comment came")
		}
	}
}

// Whatever ends a call early, the client learns of it.
func TestCutOffCallsAreAnswered(t *testing.T) {
	post := func(t *testing.T, h *host, key string, accept string) response {
		header := modernHeader(key, "tools/call", "wait")
		header["Accept"] = accept
		return h.do(t, "POST", "/mcp", modern(7, "tools/call", map[string]any{"name": "wait", "arguments": word{"a"}}), header)
	}
	for _, accept := range []string{"application/json", "application/json, text/event-stream"} {
		t.Run("too long, "+accept, func(t *testing.T) {
			h := newHost(t, func(o *heycmo.Options) { o.MCP.CallTimeout = 50 * time.Millisecond })
			key, _ := h.customer(t)
			if text, isError := post(t, h, key, accept).messages(t)[0].toolResult(t); !isError || !strings.Contains(text, "took too long") {
				t.Errorf("%q", text)
			}
		})
	}
	t.Run("suspended", func(t *testing.T) {
		h := newHost(t, nil)
		key, id := h.customer(t)
		answered := make(chan response, 1)
		go func() { answered <- post(t, h, key, "application/json") }()
		waitFor(t, h.started, "a")
		if _, err := h.heycmo.Admin().Suspend(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r := <-answered
		if text, isError := r.messages(t)[0].toolResult(t); !isError || !strings.Contains(text, "cancelled") {
			t.Errorf("%q", text)
		}
	})
	t.Run("closing", func(t *testing.T) {
		h := newHost(t, nil)
		key, _ := h.customer(t)
		answered := make(chan response, 1)
		go func() { answered <- post(t, h, key, "application/json") }()
		waitFor(t, h.started, "a")
		h.heycmo.CloseStreams()
		r := <-answered
		if text, isError := r.messages(t)[0].toolResult(t); !isError || !strings.Contains(text, "cancelled") {
			t.Errorf("%q", text)
		}
	})
}

// A body that is being sent holds one of its customer's slots.
func TestHalfBodiesAreCapped(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.MCP.MaxCallsPerCustomer = 2 })
	key, _ := h.customer(t)
	other, _ := h.customer(t)
	for range 2 {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /mcp?token=%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", key, h.Listener.Addr())
		line, err := bufio.NewReader(conn).ReadString('\n') // the server reads now
		if err != nil || !strings.Contains(line, "100") {
			t.Fatalf("%q %v", line, err)
		}
		if _, err := conn.Write([]byte("{")); err != nil {
			t.Fatal(err)
		}
	}
	if r := h.do(t, "POST", "/mcp?token="+key, initialize, nil); r.status != http.StatusTooManyRequests {
		t.Errorf("a third: %d %s", r.status, r.body)
	}
	if r := h.do(t, "POST", "/mcp?token="+other, initialize, nil); r.status != http.StatusOK {
		t.Errorf("another customer: %d %s", r.status, r.body)
	}
}

// Long messages count, whatever they call themselves.
// A client that stops in the middle of a message is told so, and its connection
// ends.
func TestHalfBodiesEnd(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.MCP.BodyTimeout = 50 * time.Millisecond })
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	for _, path := range []string{"/mcp", s.endpoint} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", path, key)
		answer, err := io.ReadAll(conn) // to the connection's end
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), "took too long") {
			t.Errorf("%.12s: %v %s", path, err, answer)
		}
		_ = conn.Close()
	}
}

func TestLongNotificationsCount(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Limits.MCP = 2 })
	key, _ := h.customer(t)
	l := h.openSession(t, key)
	long := rpc(nil, "notifications/x", map[string]any{"x": strings.Repeat("x", 100_000)})
	if r := l.post(t, long); r.status != http.StatusAccepted {
		t.Fatalf("the first: %d %s", r.status, r.body)
	}
	if r := l.post(t, long); r.status != http.StatusTooManyRequests {
		t.Errorf("the second: %d %s", r.status, r.body)
	}
}

// Nobody but the owner can end a session, not even with the revision that knows
// none.
func TestForeignDeleteEndsNothing(t *testing.T) {
	h := newHost(t, nil)
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	l := h.openSession(t, ada)
	l.post(t, rpc(1, "logging/setLevel", map[string]any{"level": "debug"}))
	foreign := l.as(bob)
	foreign.header["Mcp-Protocol-Version"] = "2026-07-28"
	if r := h.do(t, "DELETE", "/mcp", "", foreign.header); r.status != http.StatusMethodNotAllowed {
		t.Errorf("%d %s", r.status, r.body)
	}
	details := false
	for _, m := range l.post(t, callTool(2, "count", count{1})).messages(t) {
		details = details || m.Params["data"] == "details"
	}
	if !details {
		t.Error("the session has lost its log level")
	}
}

func TestDeleteEndsItsListenStream(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	l, kept := h.openSession(t, key), h.openSession(t, key)
	s, _ := h.openStream(t, "/mcp", l.header)
	other, _ := h.openStream(t, "/mcp", kept.header)
	if s == nil || other == nil {
		t.Fatal("no streams")
	}
	if r := h.do(t, "DELETE", "/mcp", "", l.header); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	s.waitEnd(t)
	select {
	case r, ok := <-other.records:
		if !ok {
			t.Errorf("another session's stream ended: %+v", r)
		}
	default:
	}
}

func TestToolWithABrokenResultIsAnswered(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) {
		o.Tools = []*agent.Tool{agent.NewTool("bad", "Breaks.", func(context.Context, storage.CustomerID, empty) (agent.Result, error) {
			return agent.Result{Structured: json.RawMessage(`{"a":`)}, nil
		}, nil)}
	})
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	if text, isError := h.ask(t, s, callTool(1, "bad", empty{})).toolResult(t); !isError || text == "" {
		t.Errorf("%q", text)
	}
}

// Middleware that hides Flush gets a clear answer instead of a stream that ends
// at once.
func TestWriterThatCanNotFlush(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.heycmo.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	}))
	t.Cleanup(web.Close)
	at := &host{Server: web}
	if _, r := at.openStream(t, "/mcp/sse?token="+key, nil); r.status != http.StatusInternalServerError {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := at.do(t, "POST", "/mcp?token="+key, initialize, nil); r.status != http.StatusOK {
		t.Errorf("POST: %d %s", r.status, r.body)
	}
}

func TestHostIsComparedAsAName(t *testing.T) {
	for _, public := range []string{"https://Example.com", "https://example.com:443/", "http://EXAMPLE.com:80"} {
		h := newHost(t, func(o *heycmo.Options) { o.PublicURL = public })
		key, _ := h.customer(t)
		for _, name := range []string{"example.com", "Example.COM", "example.com:443"} {
			if r := h.do(t, "POST", "/mcp?token="+key, initialize, map[string]string{"Host": name}); r.status != http.StatusOK {
				t.Errorf("%s, Host %s: %d %s", public, name, r.status, r.body)
			}
		}
		if r := h.do(t, "POST", "/mcp?token="+key, initialize, map[string]string{"Host": "example.com:8443"}); r.status != http.StatusForbidden {
			t.Errorf("%s, another port: %d", public, r.status)
		}
	}
}

func TestOlderSecretsAreBelieved(t *testing.T) {
	secret := func(id string) heycmo.SecretKey {
		key := sha256.Sum256([]byte(id))
		return heycmo.SecretKey{ID: id, Key: key[:]}
	}
	store := newStore(t)
	before := newHostOn(t, store, func(o *heycmo.Options) { o.SecretKeys = []heycmo.SecretKey{secret("old")} })
	key, _ := before.customer(t)
	l := before.openSession(t, key)
	l.host = newHostOn(t, store, func(o *heycmo.Options) { o.SecretKeys = []heycmo.SecretKey{secret("new"), secret("old")} })
	if r := l.post(t, rpc(1, "ping", nil)); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// What a client can provoke is no warning, and names no session.
func TestUnaskedAnswersDoNotFloodTheLog(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	l := h.openSession(t, key)
	for range 10 {
		l.post(t, `{"jsonrpc":"2.0","id":1,"result":{"x":1}}`)
	}
	for _, e := range h.logs.All() {
		if line := fmt.Sprint(e.Message, e.ContextMap()); e.Level > 0 || strings.Contains(line, l.header["Mcp-Session-Id"]) {
			t.Errorf("%s: %s", e.Level, line)
		}
	}
}
