// Package agents_test has the agents of a whole host work, over both transports, with
// models that behave well, badly, and that obey everybody.
package agents_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits that end with a signal.
const patience = time.Minute

// house is a host with models, and two customers.
type house struct {
	*httptest.Server
	host     *heycmo.Server
	logs     *observer.ObservedLogs
	ada, bob string // their keys
}

func newHouse(t *testing.T, m agent.Model, change func(*heycmo.Options)) *house {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	o := &heycmo.Options{
		Log:       zap.New(core),
		Limits:    heycmo.Limits{REST: -1, MCP: -1, Login: -1},
		Models:    agent.Models{agent.TierStandard: {Model: m, Name: "m-1"}},
		Budget:    agent.Budget{RunTokens: -1, DayTokens: -1},
		Marketing: &marketing.Options{AllowPrivateAddresses: true},
	}
	if change != nil {
		change(o)
	}
	h := &house{logs: logs}
	if h.host, err = heycmo.New(store, o); err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewUnstartedServer(h.host)
	h.Config.RegisterOnShutdown(h.host.CloseStreams)
	h.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.host.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		h.Close()
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	h.ada, h.bob = h.customer(t, "ada@example.com"), h.customer(t, "bob@example.com")
	return h
}

func (h *house) customer(t *testing.T, email string) (key string) {
	t.Helper()
	p, err := h.host.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: email, BrandName: "Brand of " + email})
	if err != nil {
		t.Fatal(err)
	}
	return p.APIKey.Reveal()
}

// message is a JSON-RPC message from the server.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Progress float64 `json:"progress"`
		Message  string  `json:"message"`
	} `json:"params"`
	Result struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
		Structured json.RawMessage `json:"structuredContent"`
		IsError    bool            `json:"isError"`
	} `json:"result"`
	Error json.RawMessage `json:"error"`
}

// text is the whole text of a tool's result.
func (m message) text() string {
	var text string
	for _, c := range m.Result.Content {
		text += c.Text
	}
	return text
}

// client is an MCP client that sees messages in the order in which they were sent.
type client struct {
	// call calls a tool and returns the result and the progress messages before it.
	call func(t *testing.T, tool string, args any) (result message, progress []message)
}

func toolCall(id int, tool string, args any) string {
	data, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": map[string]any{
		"name": tool, "arguments": args, "_meta": map[string]any{"progressToken": fmt.Sprint("p", id)},
	}})
	return string(data)
}

const handshake = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"%s","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

func (h *house) send(t *testing.T, path, body string, header map[string]string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(res.Body)
		t.Fatalf("POST %s: status %d: %s", path, res.StatusCode, text)
	}
	return res
}

// events reads server-sent events until the answer to id, or the end.
func events(t *testing.T, r *bufio.Reader, id int) (answer message, before []message) {
	t.Helper()
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			t.Fatalf("the stream ended before the answer to %d: %v", id, err)
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok || !bytes.HasPrefix(data, []byte("{")) {
			continue
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatalf("no message: %s", data)
		}
		if string(m.ID) == fmt.Sprint(id) {
			return m, before
		}
		if m.Method == "notifications/progress" {
			before = append(before, m)
		}
	}
}

// overSSE connects to /mcp/sse.
func (h *house) overSSE(t *testing.T, key string) client {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/mcp/sse?token="+key, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	stream := bufio.NewReader(res.Body)
	var endpoint string
	for endpoint == "" {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		endpoint = strings.TrimSpace(strings.TrimPrefix(line, "data: "))
		if !strings.HasPrefix(line, "data: ") {
			endpoint = ""
		}
	}
	post := func(t *testing.T, body string) {
		_ = h.send(t, endpoint, body, nil).Body.Close()
	}
	post(t, fmt.Sprintf(handshake, "2024-11-05"))
	events(t, stream, 0)
	id := 0
	return client{func(t *testing.T, tool string, args any) (message, []message) {
		t.Helper()
		id++
		post(t, toolCall(id, tool, args))
		return events(t, stream, id)
	}}
}

// overHTTP connects to /mcp.
func (h *house) overHTTP(t *testing.T, key string) client {
	t.Helper()
	header := map[string]string{"Authorization": "Bearer " + key}
	res := h.send(t, "/mcp", fmt.Sprintf(handshake, "2025-11-25"), header)
	_ = res.Body.Close()
	header["Mcp-Session-Id"] = res.Header.Get("Mcp-Session-Id")
	header["Mcp-Protocol-Version"] = "2025-11-25"
	id := 0
	return client{func(t *testing.T, tool string, args any) (message, []message) {
		t.Helper()
		id++
		res := h.send(t, "/mcp", toolCall(id, tool, args), header)
		defer func() { _ = res.Body.Close() }()
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			return events(t, bufio.NewReader(res.Body), id)
		}
		var m message
		if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		return m, nil
	}}
}

// structured decodes the structured content of a result.
func structured[T any](t *testing.T, m message) (v T) {
	t.Helper()
	if m.Result.IsError || len(m.Error) > 0 {
		t.Fatalf("the call failed: %s %s", m.text(), m.Error)
	}
	if err := json.Unmarshal(m.Result.Structured, &v); err != nil {
		t.Fatalf("no result: %v: %s", err, m.Result.Structured)
	}
	return v
}

type object = map[string]any

func noModels(o *heycmo.Options) { o.Models = nil }

// forbidden is a tool's function that must not be called.
func forbidden[In any](t *testing.T, name string) func(context.Context, storage.CustomerID, In) (agent.Result, error) {
	return func(context.Context, storage.CustomerID, In) (agent.Result, error) {
		t.Errorf("%s was called", name)
		return agent.Text("done"), nil
	}
}
