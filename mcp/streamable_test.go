package mcp_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
)

// modern returns a request of the revision without sessions.
func modern(id any, method string, params map[string]any) string {
	all := map[string]any{"_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion":    "2026-07-28",
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
		"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "test", "version": "1"},
	}}
	for name, value := range params {
		if name == "_meta" {
			maps.Copy(all["_meta"].(map[string]any), value.(map[string]any))
			continue
		}
		all[name] = value
	}
	return rpc(id, method, all)
}

func modernHeader(key, method, name string) map[string]string {
	h := map[string]string{
		"Authorization":        "Bearer " + key,
		"Accept":               "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28",
		"Mcp-Method":           method,
	}
	if name != "" {
		h["Mcp-Name"] = name
	}
	return h
}

// legacy is a session of Streamable HTTP.
type legacy struct {
	*host
	header map[string]string
}

func (h *host) openSession(t testing.TB, key string) legacy {
	t.Helper()
	header := map[string]string{"Authorization": "Bearer " + key, "Accept": "application/json, text/event-stream"}
	r := h.do(t, "POST", "/mcp", initialize, header)
	if r.status != http.StatusOK || r.header.Get("Mcp-Session-Id") == "" {
		t.Fatalf("initialize: %d %s", r.status, r.body)
	}
	header["Mcp-Session-Id"] = r.header.Get("Mcp-Session-Id")
	header["Mcp-Protocol-Version"] = "2025-11-25"
	return legacy{h, header}
}

func (l legacy) post(t *testing.T, body string) response {
	t.Helper()
	return l.do(t, "POST", "/mcp", body, l.header)
}

// as returns the session with somebody else's key.
func (l legacy) as(key string) legacy {
	header := maps.Clone(l.header)
	header["Authorization"] = "Bearer " + key
	return legacy{l.host, header}
}

// messages returns what a response brought, JSON or events.
func (r response) messages(t *testing.T) []message {
	t.Helper()
	if !strings.HasPrefix(r.header.Get("Content-Type"), "text/event-stream") {
		return []message{decode(t, r.body)}
	}
	var all []message
	readRecords(strings.NewReader(r.body), func(rec record, _ string) {
		if rec.data != "" {
			all = append(all, decode(t, rec.data))
		}
	})
	return all
}

func TestStreamableBothEras(t *testing.T) {
	h := newHost(t, nil)
	key, id := h.customer(t)
	l := h.openSession(t, key)
	if r := l.post(t, rpc(nil, "notifications/initialized", nil)); r.status != http.StatusAccepted {
		t.Errorf("initialized: %d %s", r.status, r.body)
	}
	for name, r := range map[string]response{
		"legacy":       l.post(t, callTool(2, "echo", word{"hello"})),
		"modern":       h.do(t, "POST", "/mcp", modern(2, "tools/call", map[string]any{"name": "echo", "arguments": word{"hello"}}), modernHeader(key, "tools/call", "echo")),
		"token in URL": h.do(t, "POST", "/mcp?token="+key, modern(2, "tools/call", map[string]any{"name": "echo", "arguments": word{"hello"}}), without(modernHeader(key, "tools/call", "echo"), "Authorization")),
	} {
		all := r.messages(t)
		if r.status != http.StatusOK || len(all) != 1 {
			t.Fatalf("%s: %d %s", name, r.status, r.body)
		}
		if text, isError := all[0].toolResult(t); isError || !strings.Contains(text, "hello for "+string(id)) {
			t.Errorf("%s: %q", name, text)
		}
	}
	r := h.do(t, "POST", "/mcp", modern(3, "server/discover", nil), modernHeader(key, "server/discover", ""))
	if r.status != http.StatusOK || !strings.Contains(r.body, "2026-07-28") {
		t.Errorf("discover: %d %s", r.status, r.body)
	}
	r = h.do(t, "POST", "/mcp", modern(4, "tools/list", nil), modernHeader(key, "tools/list", ""))
	if !strings.Contains(r.body, `"cacheScope":"private"`) || !strings.Contains(r.body, `"ttlMs":60000`) {
		t.Errorf("tools/list lacks caching hints: %s", r.body)
	}
}

// Only an initialize that was answered opens a session.
func TestFailedInitializeOpensNoSession(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	header := map[string]string{"Authorization": "Bearer " + key}
	r := h.do(t, "POST", "/mcp", rpc(1, "initialize", map[string]any{"protocolVersion": 7}), header)
	if r.messages(t)[0].Error == nil || r.header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
}

func without(header map[string]string, name string) map[string]string {
	delete(header, name)
	return header
}

// Another customer's session, a forged one and one that ended are all answered
// the same, by every method.
func TestStreamableSessionIsItsOwners(t *testing.T) {
	h := newHost(t, nil)
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	mine := h.openSession(t, ada)
	ended := h.openSession(t, ada)
	if r := ended.do(t, "DELETE", "/mcp", "", ended.header); r.status != http.StatusOK {
		t.Fatalf("DELETE: %d %s", r.status, r.body)
	}
	forged := h.openSession(t, ada)
	id := []byte(forged.header["Mcp-Session-Id"])
	id[5] ^= 1
	forged.header["Mcp-Session-Id"] = string(id)
	wellFormed := h.openSession(t, ada)
	wellFormed.header["Mcp-Session-Id"] = "mcp-session-5c6f3b2e-7f0a-4c43-9f65-0d6b7a1e2f3c"
	const want = `{"error":"Session not found; call initialize again"}`
	for name, l := range map[string]legacy{"foreign": mine.as(bob), "ended": ended, "forged": forged, "made up": wellFormed} {
		for _, method := range []string{"POST", "GET", "DELETE"} {
			body := ""
			if method == "POST" {
				body = callTool(1, "echo", word{"x"})
			}
			r := l.do(t, method, "/mcp", body, l.header)
			if r.status != http.StatusNotFound || strings.TrimSpace(r.body) != want {
				t.Errorf("%s session, %s: %d %s", name, method, r.status, r.body)
			}
		}
	}
	if r := mine.post(t, callTool(1, "echo", word{"x"})); r.status != http.StatusOK {
		t.Errorf("the owner is refused: %d %s", r.status, r.body)
	}
	r := h.do(t, "POST", "/mcp", callTool(1, "echo", word{"x"}), map[string]string{"Authorization": "Bearer " + ada})
	if r.status != http.StatusBadRequest || !strings.Contains(r.body, "initialize") {
		t.Errorf("no session: %d %s", r.status, r.body)
	}
}

// A session outlives the process when the secret does.
func TestSessionOutlivesRestart(t *testing.T) {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(i)
	}
	keep := func(o *heycmo.Options) { o.SecretKeys = []heycmo.SecretKey{{ID: "k", Key: secret}} }
	store := newStore(t)
	before := newHostOn(t, store, keep)
	ada, _ := before.customer(t)
	bob, _ := before.customer(t)
	l := before.openSession(t, ada)
	if err := before.heycmo.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.host = newHostOn(t, store, keep)
	if r := l.post(t, callTool(1, "echo", word{"x"})); r.status != http.StatusOK {
		t.Errorf("after the restart: %d %s", r.status, r.body)
	}
	if r := l.as(bob).post(t, rpc(1, "ping", nil)); r.status != http.StatusNotFound {
		t.Errorf("another customer: %d", r.status)
	}
	l.host = newHostOn(t, store, nil)
	if r := l.post(t, rpc(1, "ping", nil)); r.status != http.StatusNotFound {
		t.Errorf("with another secret: %d", r.status)
	}
}

func TestProgressIsNeverLost(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	l := h.openSession(t, key)
	for i := range 200 {
		params := map[string]any{"name": "count", "arguments": count{3}, "_meta": map[string]any{"progressToken": i}}
		for era, r := range map[string]response{
			"legacy": l.post(t, rpc(i, "tools/call", params)),
			"modern": h.do(t, "POST", "/mcp", modern(i, "tools/call", params), modernHeader(key, "tools/call", "count")),
		} {
			all := r.messages(t)
			var progress []float64
			for _, m := range all {
				if m.Method == "notifications/progress" {
					progress = append(progress, m.Params["progress"].(float64))
				}
			}
			if fmt.Sprint(progress) != "[1 2 3]" {
				t.Fatalf("%s call %d: progress %v", era, i, progress)
			}
			if last := all[len(all)-1]; last.ID != float64(i) || last.Result == nil {
				t.Fatalf("%s call %d: the last message is %+v", era, i, last)
			}
		}
	}
	// A client that takes no events gets the answer as JSON.
	header := without(modernHeader(key, "tools/call", "count"), "Accept")
	header["Accept"] = "application/json"
	r := h.do(t, "POST", "/mcp", modern(1, "tools/call", map[string]any{
		"name": "count", "arguments": count{3}, "_meta": map[string]any{"progressToken": 1},
	}), header)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("without events: %d %v %s", r.status, r.header, r.body)
	}
}

// Modern requests have no session; their numbers must not meet.
func TestModernCancellationStaysApart(t *testing.T) {
	h := newHost(t, nil)
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	answer := make(chan response, 1)
	go func() {
		answer <- h.do(t, "POST", "/mcp", modern(1, "tools/call", map[string]any{"name": "wait", "arguments": word{"ada"}}), modernHeader(ada, "tools/call", "wait"))
	}()
	waitFor(t, h.started, "ada")
	for _, key := range []string{bob, ada} {
		r := h.do(t, "POST", "/mcp", modern(nil, "notifications/cancelled", map[string]any{"requestId": 1}), modernHeader(key, "notifications/cancelled", ""))
		if r.status != http.StatusAccepted {
			t.Errorf("cancelled: %d %s", r.status, r.body)
		}
	}
	close(h.release)
	r := <-answer
	if text, isError := r.messages(t)[0].toolResult(t); isError || text != "released" {
		t.Errorf("the call was cancelled: %q", text)
	}
}

// A legacy client cancels its own call and nobody else's.
func TestLegacyCancellation(t *testing.T) {
	h := newHost(t, nil)
	ada, _ := h.customer(t)
	bob, _ := h.customer(t)
	a, b := h.openSession(t, ada), h.openSession(t, bob)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.post(t, callTool(7, "wait", word{"ada"}))
	}()
	waitFor(t, h.started, "ada")
	cancelled := rpc(nil, "notifications/cancelled", map[string]any{"requestId": 7})
	b.post(t, cancelled)
	select {
	case <-h.ended:
		t.Fatal("Bob cancelled Ada's call")
	default:
	}
	a.post(t, cancelled)
	waitFor(t, h.ended, "ada")
	<-done
}

func TestClosingTheResponseCancels(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", h.URL+"/mcp", strings.NewReader(modern(1, "tools/call", map[string]any{"name": "wait", "arguments": word{"a"}})))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range modernHeader(key, "tools/call", "wait") {
		r.Header.Set(name, value)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if res, err := h.Client().Do(r); err == nil {
			_ = res.Body.Close()
		}
	}()
	waitFor(t, h.started, "a")
	cancel()
	waitFor(t, h.ended, "a")
	<-gone
}

func TestLongCallsAreKeptAlive(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.MCP.KeepAlive = 10 * time.Millisecond })
	key, _ := h.customer(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.URL+"/mcp", strings.NewReader(modern(1, "tools/call", map[string]any{"name": "wait", "arguments": word{"a"}})))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range modernHeader(key, "tools/call", "wait") {
		r.Header.Set(name, value)
	}
	res, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	s := readStream(res.Body, func() {})
	defer s.close()
	select {
	case r := <-s.records:
		if r.comment == "" {
			t.Fatalf("not a comment: %+v", r)
		}
	case <-time.After(patience):
		t.Fatal("no comment came")
	}
	close(h.release)
	if text, _ := decode(t, s.next(t).data).toolResult(t); text != "released" {
		t.Errorf("the answer is %q", text)
	}
}

func TestListenStreams(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.MCP.KeepAlive = 10 * time.Millisecond })
	key, _ := h.customer(t)
	l := h.openSession(t, key)
	s, res := h.openStream(t, "/mcp", l.header)
	if s == nil {
		t.Fatalf("GET: %d %s", res.status, res.body)
	}
	for i, comment := range []bool{false, true} { // an ID, then keep-alive
		select {
		case r := <-s.records:
			if (r.comment != "") != comment || r.data != "" {
				t.Fatalf("record %d: %+v", i, r)
			}
		case <-time.After(patience):
			t.Fatal("nothing came")
		}
	}
	go h.heycmo.CloseStreams()
	s.waitEnd(t)
}

func TestSubscriptionsListenEnds(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	body := modern(1, "subscriptions/listen", map[string]any{"notifications": map[string]any{"toolsListChanged": true}})
	r := h.do(t, "POST", "/mcp", body, modernHeader(key, "subscriptions/listen", ""))
	all := r.messages(t)
	if r.status != http.StatusOK || all[0].Method != "notifications/subscriptions/acknowledged" || all[len(all)-1].Result == nil {
		t.Errorf("nothing can be subscribed to, so it is acknowledged and ends: %d %s", r.status, r.body)
	}
}

func TestMethods(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	auth := map[string]string{"Authorization": "Bearer " + key}
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/mcp", 405, "GET, POST, DELETE"},
		{"HEAD", "/mcp", 405, "GET, POST, DELETE"},
		{"POST", "/mcp/sse", 405, "GET"},
		{"GET", "/mcp/message", 405, "POST"},
		{"GET", "/mcp/", 404, ""},
		{"GET", "/mcp/sse/", 404, ""},
		{"GET", "/mcp/other", 404, ""},
	} {
		r := h.do(t, c.method, c.path, "", auth)
		if r.status != c.status || r.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, r.status, r.header.Get("Allow"))
		}
		if c.method != "HEAD" && !strings.HasPrefix(r.body, `{"error":"`) {
			t.Errorf("%s %s: %s", c.method, c.path, r.body)
		}
	}
	r := h.do(t, "GET", "/mcp", "", map[string]string{"Authorization": "Bearer " + key, "Mcp-Protocol-Version": "2026-07-28"})
	if r.status != http.StatusMethodNotAllowed || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("modern GET: %d %s", r.status, r.body)
	}
}

// A server's own limits for requests are not those of calls.
func TestCallsOutliveTimeouts(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	limited := httptest.NewUnstartedServer(h.heycmo)
	limited.Config.ReadTimeout, limited.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	limited.Start()
	defer limited.Close()
	l := (&host{Server: limited}).openSession(t, key)
	go func() {
		<-h.started
		<-time.After(200 * time.Millisecond) // the limit itself is what is waited for
		close(h.release)
	}()
	r := l.post(t, callTool(1, "wait", word{"x"}))
	if text, _ := r.messages(t)[0].toolResult(t); text != "released" {
		t.Errorf("%d %s", r.status, r.body)
	}
}
