package mcp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/heycmo"
)

func TestOneRefusalForEveryCause(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	gone, suspended := h.customer(t)
	if _, err := h.heycmo.Admin().Suspend(t.Context(), suspended); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]string{
		"missing":   "",
		"no form":   "?token=abc",
		"unknown":   "?token=" + auth.NewAPIKey().Reveal(),
		"suspended": "?token=" + gone,
		"uppercase": "?token=" + strings.ToUpper(key),
	}
	for name, query := range wrong {
		for _, c := range []struct{ method, path string }{
			{"GET", "/mcp/sse"}, {"POST", "/mcp/message"}, {"POST", "/mcp"}, {"GET", "/mcp"}, {"DELETE", "/mcp"},
		} {
			r := h.do(t, c.method, c.path+query, "", nil)
			if r.status != http.StatusUnauthorized || strings.TrimSpace(r.body) != `{"error":"API key is missing or not valid"}` || r.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s key, %s %s: %d %v %s", name, c.method, c.path, r.status, r.header, r.body)
			}
		}
	}
	r := h.do(t, "POST", "/mcp?token="+key, initialize, map[string]string{"Authorization": "Bearer " + gone})
	if r.status != http.StatusBadRequest {
		t.Errorf("two keys: %d %s", r.status, r.body)
	}
}

func TestOriginAndHost(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) {
		o.PublicURL = "https://example.com"
		o.AllowedOrigins = []string{"https://app.example.com"}
	})
	key, _ := h.customer(t)
	for _, c := range []struct {
		origin, host string
		status       int
	}{
		{"", "", 200},
		{"https://app.example.com", "", 200},
		{"https://example.com", "example.com", 200},
		{h.URL, "", 200},
		{"https://app.example.com.evil.example", "", 403},
		{"https://evil.example", "", 403},
		{"http://evil.example", "evil.example", 403},
		{"null", "", 403},
		{"", "evil.example", 403},
		{"", "example.com", 200},
	} {
		for _, method := range []string{"POST", "GET"} {
			header := map[string]string{"Authorization": "Bearer " + key}
			if c.origin != "" {
				header["Origin"] = c.origin
			}
			if c.host != "" {
				header["Host"] = c.host
			}
			want := c.status
			body := initialize
			if method == "GET" {
				body = ""
				if want == 200 {
					want = http.StatusBadRequest // no session
				}
			}
			r := h.do(t, method, "/mcp", body, header)
			if r.status != want {
				t.Errorf("%s from Origin %q, Host %q: %d %s", method, c.origin, c.host, r.status, r.body)
			}
			allowed := r.header.Get("Access-Control-Allow-Origin")
			if c.origin == "https://app.example.com" && allowed != c.origin || c.origin != "https://app.example.com" && allowed != "" {
				t.Errorf("Origin %q is answered with Access-Control-Allow-Origin %q", c.origin, allowed)
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.AllowedOrigins = []string{"https://app.example.com"} })
	header := map[string]string{
		"Origin":                         "https://app.example.com",
		"Access-Control-Request-Method":  "POST",
		"Access-Control-Request-Headers": "authorization,content-type,mcp-method,mcp-param-city,mcp-protocol-version,mcp-session-id",
	}
	for _, path := range []string{"/mcp", "/mcp/message"} {
		r := h.do(t, "OPTIONS", path, "", header)
		if r.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || r.header.Get("Access-Control-Allow-Headers") == "" {
			t.Errorf("%s: %d %v", path, r.status, r.header)
		}
	}
	key, _ := h.customer(t)
	s, res := h.openStream(t, "/mcp/sse?token="+key, map[string]string{"Origin": "https://app.example.com"})
	if s == nil || res.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || !strings.Contains(res.header.Get("Access-Control-Expose-Headers"), "Mcp-Session-Id") {
		t.Errorf("stream: %v", res.header)
	}
	header["Origin"] = "https://evil.example"
	if r := h.do(t, "OPTIONS", "/mcp", "", header); r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign origin is let in: %v", r.header)
	}
}

func TestNoOriginsMeansNoCORS(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	r := h.do(t, "POST", "/mcp", initialize, map[string]string{"Authorization": "Bearer " + key, "Origin": h.URL})
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: %s", name, r.header.Get(name))
		}
	}
}

func TestBadBodies(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	l := h.openSession(t, key)
	for name, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"empty":     {" ", 400, `"code":-32600`},
		"not JSON":  {"{", 400, `"code":-32700`},
		"a text":    {`"hello"`, 400, `"code":-32600`},
		"a batch":   {"[" + rpc(1, "ping", nil) + "]", 400, `"code":-32600`},
		"too large": {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", 1<<20) + `"}}`, 413, `{"error":"`},
	} {
		for path, header := range map[string]map[string]string{s.endpoint: nil, "/mcp": l.header} {
			r := h.do(t, "POST", path, c.body, header)
			if r.status != c.status || !strings.Contains(r.body, c.want) {
				t.Errorf("%s to %.12s: %d %s", name, path, r.status, r.body)
			}
		}
	}
	for path, header := range map[string]map[string]string{s.endpoint: {}, "/mcp": l.header} {
		header = map[string]string{"Authorization": header["Authorization"], "Mcp-Session-Id": header["Mcp-Session-Id"], "Content-Type": "text/plain"}
		if header["Authorization"] == "" {
			delete(header, "Authorization")
		}
		if r := h.do(t, "POST", path, initialize, header); r.status != http.StatusUnsupportedMediaType {
			t.Errorf("text/plain to %.12s: %d %s", path, r.status, r.body)
		}
	}
	if m := h.ask(t, s, rpc("still here", "ping", nil)); m.ID != "still here" {
		t.Errorf("the stream brought %+v", m)
	}
}

func TestErrorsKeepTheirSecrets(t *testing.T) {
	h := newHost(t, nil)
	key, id := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	l := h.openSession(t, key)
	ask := map[string]func(string) message{
		"sse":        func(body string) message { return h.ask(t, s, body) },
		"streamable": func(body string) message { return l.post(t, body).messages(t)[0] },
	}
	for transport, send := range ask {
		for _, body := range []string{
			callTool(1, "fail", empty{}), callTool(1, "panic", empty{}),
			rpc(1, "prompts/get", map[string]any{"name": "broken"}),
			rpc(1, "resources/read", map[string]any{"uri": "test://broken"}),
		} {
			m := send(body)
			whole := fmt.Sprintf("%s %+v", m.Result, m.Error)
			if strings.Contains(whole, "hunter2") || !strings.Contains(whole, "went wrong on our side") {
				t.Errorf("%s: %s", transport, whole)
			}
		}
		for body, want := range map[string]string{
			callTool(1, "refuse", empty{}):                                   "come back on Monday",
			callTool(1, "echo", map[string]any{"word": 3}):                   `argument \"word\" is not valid; expected a string`,
			callTool(1, "echo", map[string]any{"other": 3}):                  `argument \"other\" is unknown`,
			callTool(1, "big", count{5 << 20}):                               "ask for less",
			callTool(1, "none", empty{}):                                     "none",
			rpc(1, "resources/read", map[string]any{"uri": "test://note/x"}): "not found",
			rpc(1, "prompts/get", map[string]any{"name": "greet"}):           "name",
			rpc(1, "no/such/method", nil):                                    "not found",
		} {
			m := send(body)
			whole := fmt.Sprintf("%s %+v", m.Result, m.Error)
			if !strings.Contains(strings.ReplaceAll(whole, `\\"`, `\"`), want) {
				t.Errorf("%s, %s: %s", transport, strings.TrimSpace(body), whole)
			}
		}
		m := send(rpc(1, "resources/list", nil))
		if !strings.Contains(string(m.Result), "test://note/of-"+string(id)) {
			t.Errorf("%s: the list lacks the customer's own: %s", transport, m.Result)
		}
		m = send(rpc(1, "prompts/get", map[string]any{"name": "greet", "arguments": map[string]string{"name": "Ada"}}))
		if !strings.Contains(string(m.Result), "Say hello to Ada") {
			t.Errorf("%s: %s", transport, m.Result)
		}
	}
	if h.logs.FilterMessage("call failed").Len() == 0 {
		t.Error("the cause is not in the log")
	}
}

func TestThrottling(t *testing.T) {
	limited := func(inBand bool) func(*heycmo.Options) {
		return func(o *heycmo.Options) {
			o.Limits.MCP = 3
			o.MCP.InBandThrottle = inBand
		}
	}
	t.Run("status", func(t *testing.T) {
		h := newHost(t, limited(false))
		key, _ := h.customer(t)
		s := h.openSSE(t, "?token="+key, nil) // one
		h.ask(t, s, rpc(1, "ping", nil))
		for range 5 { // these don't count
			h.accepted(t, s, rpc(nil, "notifications/initialized", nil))
		}
		h.ask(t, s, rpc(2, "ping", nil))
		r := h.do(t, "POST", s.endpoint, rpc(3, "ping", nil), nil)
		if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" || r.header.Get("RateLimit-Policy") == "" || !strings.HasPrefix(r.body, `{"error":"`) {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
		other, _ := h.customer(t)
		if r := h.do(t, "POST", "/mcp?token="+other, initialize, nil); r.status != http.StatusOK {
			t.Errorf("another customer: %d", r.status)
		}
		if r := h.do(t, "POST", "/mcp?token="+key, initialize, nil); r.status != http.StatusTooManyRequests {
			t.Errorf("/mcp: %d", r.status)
		}
		// A session that is unknown is not looked for before the limit.
		if r := h.do(t, "POST", "/mcp/message?sessionId=x&token="+key, rpc(3, "ping", nil), nil); r.status != http.StatusTooManyRequests {
			t.Errorf("unknown session: %d", r.status)
		}
	})
	t.Run("in band", func(t *testing.T) {
		h := newHost(t, limited(true))
		key, _ := h.customer(t)
		s := h.openSSE(t, "?token="+key, nil)
		h.ask(t, s, rpc(1, "ping", nil))
		h.ask(t, s, rpc(2, "ping", nil))
		if m := h.ask(t, s, rpc(3, "ping", nil)); m.Error == nil || !strings.Contains(m.Error.Message, "try again in") || m.ID != float64(3) {
			t.Errorf("%+v", m)
		}
		if text, isError := h.ask(t, s, callTool(4, "echo", word{"x"})).toolResult(t); !isError || !strings.Contains(text, "try again in") {
			t.Errorf("%q", text)
		}
	})
}

func TestFailedLoginsAreCounted(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Limits.Login = 3 })
	key, _ := h.customer(t)
	for range 10 { // a missing key doesn't count
		if r := h.do(t, "GET", "/mcp/sse", "", nil); r.status != http.StatusUnauthorized {
			t.Fatalf("missing key: %d", r.status)
		}
	}
	for i := range 5 {
		want := http.StatusUnauthorized
		if i >= 3 {
			want = http.StatusTooManyRequests
		}
		if r := h.do(t, "POST", "/mcp?token="+auth.NewAPIKey().Reveal(), initialize, nil); r.status != want {
			t.Errorf("failure %d: %d, want %d", i+1, r.status, want)
		}
	}
	if r := h.do(t, "POST", "/mcp?token="+key, initialize, nil); r.status != http.StatusOK {
		t.Errorf("a good key: %d", r.status)
	}
}

// A stranger costs nothing: no session, no goroutine, no stream.
func TestUnknownKeysLeaveNothing(t *testing.T) {
	h := newHost(t, nil)
	for range 200 {
		if r := h.do(t, "GET", "/mcp/sse?token="+auth.NewAPIKey().Reveal(), "", nil); r.status != http.StatusUnauthorized {
			t.Fatal(r.status)
		}
	}
}

func TestNoTokenInLogs(t *testing.T) {
	h := newHost(t, nil)
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	h.ask(t, s, initialize)
	h.ask(t, s, callTool(1, "fail", empty{}))
	h.do(t, "POST", s.endpoint, "{", nil)
	h.do(t, "GET", "/mcp/other?token="+key, "", nil)
	h.do(t, "POST", "/mcp/message?sessionId=x&token="+key, initialize, nil)
	h.do(t, "POST", "/mcp?token="+key, initialize, map[string]string{"Authorization": "Bearer other"})
	s.close()
	h.heycmo.CloseStreams()
	entries := h.logs.All()
	if len(entries) == 0 {
		t.Fatal("nothing was logged")
	}
	for _, e := range entries {
		if line := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(line, key) || strings.Contains(line, key[10:]) {
			t.Errorf("the key is in the log: %s", line)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		initialize, callTool(1, "echo", word{"x"}), rpc(nil, "notifications/cancelled", map[string]any{"requestId": 1}),
		modern(1, "tools/list", nil), `{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}`, `{"id":1e400}`, `[]`, `{"jsonrpc":"2.0","id":1,"result":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":[]}}`,
	} {
		f.Add(seed)
	}
	h := newHost(f, nil)
	key, _ := h.customer(f)
	session := h.openSession(f, key).header["Mcp-Session-Id"]
	stream := h.openSSE(f, "?token="+key, nil)
	go func() {
		for range stream.records { // so that the stream is never full
		}
	}()
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "wait") {
			return // the tool of that name waits
		}
		for _, header := range []map[string]string{
			{"Authorization": "Bearer " + key},
			{"Authorization": "Bearer " + key, "Mcp-Protocol-Version": "2026-07-28"},
			{"Authorization": "Bearer " + key, "Mcp-Session-Id": session},
		} {
			if r := h.do(t, "POST", "/mcp", body, header); r.status >= 500 {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
		if r := h.do(t, "POST", stream.endpoint, body, nil); r.status >= 500 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}
