package mcp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits that end with a signal, so that a fault is a failure
// and not a hang.
const patience = 20 * time.Second

// host is a running host with tools made for tests.
type host struct {
	*httptest.Server
	heycmo *heycmo.Server
	logs   *observer.ObservedLogs
	// started gets a word when the tool "wait" runs, ended when its context
	// ended.
	started, ended chan string
	release        chan struct{} // closed: "wait" returns
}

type word struct {
	Word string `json:"word,omitempty"`
}

type count struct {
	N int `json:"n"`
}

type empty struct{}

const secretText = "password=hunter2"

func (h *host) catalog() *agent.Catalog {
	return &agent.Catalog{
		Instructions: "Tools for tests.",
		Tools: []*agent.Tool{
			agent.NewTool("echo", "Says the word again.", func(_ context.Context, c storage.CustomerID, in word) (word, error) {
				return word{in.Word + " for " + string(c)}, nil
			}, &agent.ToolOptions{ReadOnly: true}),
			agent.NewTool("wait", "Waits.", func(ctx context.Context, _ storage.CustomerID, in word) (agent.Result, error) {
				h.started <- in.Word
				select {
				case <-ctx.Done():
					h.ended <- in.Word
					return agent.Result{}, ctx.Err()
				case <-h.release:
					return agent.Text("released"), nil
				}
			}, nil),
			agent.NewTool("count", "Counts and reports each number.", func(ctx context.Context, _ storage.CustomerID, in count) (count, error) {
				for i := range in.N {
					agent.Progress(ctx, float64(i+1), float64(in.N), fmt.Sprint("number ", i+1))
				}
				agent.Log(ctx, agent.LevelInfo, "counted")
				agent.Log(ctx, agent.LevelDebug, "details")
				return in, nil
			}, nil),
			agent.NewTool("fail", "Fails.", func(context.Context, storage.CustomerID, empty) (agent.Result, error) {
				return agent.Result{}, errors.New(secretText)
			}, nil),
			agent.NewTool("refuse", "Refuses with a reason.", func(context.Context, storage.CustomerID, empty) (agent.Result, error) {
				return agent.Result{}, agent.Errorf("come back on Monday")
			}, nil),
			agent.NewTool("panic", "Panics.", func(context.Context, storage.CustomerID, empty) (agent.Result, error) {
				panic(secretText)
			}, nil),
			agent.NewTool("big", "Returns n bytes.", func(_ context.Context, _ storage.CustomerID, in count) (agent.Result, error) {
				return agent.Text(strings.Repeat("x", in.N)), nil
			}, nil),
		},
		Prompts: []agent.Prompt{
			{
				Name: "greet", Title: "Greet", Description: "Greets somebody.",
				Arguments: []agent.Argument{{Name: "name", Required: true, Complete: func(_ context.Context, _ storage.CustomerID, typed string) ([]string, error) {
					return slices.DeleteFunc([]string{"Ada", "Alan", "Bob"}, func(name string) bool { return !strings.HasPrefix(name, typed) }), nil
				}}},
				Get: func(_ context.Context, _ storage.CustomerID, args map[string]string) (agent.Result, error) {
					return agent.Text("Say hello to " + args["name"]), nil
				},
			},
			{Name: "broken", Get: func(context.Context, storage.CustomerID, map[string]string) (agent.Result, error) {
				panic(secretText)
			}},
		},
		Resources: []agent.Resource{
			{URI: "test://who", Name: "who", MIMEType: "text/plain", Read: func(_ context.Context, c storage.CustomerID, _ string) (agent.Result, error) {
				return agent.Text(string(c)), nil
			}},
			{
				URI: "test://note/{id}", Name: "note", MIMEType: "text/plain",
				Read: func(_ context.Context, c storage.CustomerID, id string) (agent.Result, error) {
					if id != "of-"+string(c) {
						return agent.Result{}, storage.ErrNotFound
					}
					return agent.Text("the note"), nil
				},
				List: func(_ context.Context, c storage.CustomerID) ([]agent.ResourceInfo, error) {
					return []agent.ResourceInfo{{Variable: "of-" + string(c), Title: "A note"}}, nil
				},
			},
			{URI: "test://broken", Name: "broken", Read: func(context.Context, storage.CustomerID, string) (agent.Result, error) {
				return agent.Result{}, errors.New(secretText)
			}},
		},
	}
}

// newHost starts a host. Limits are off unless change sets them.
func newHost(t testing.TB, change func(*heycmo.Options)) *host {
	t.Helper()
	return newHostOn(t, newStore(t), change)
}

func newStore(t testing.TB) storage.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return store
}

func newHostOn(t testing.TB, store storage.Store, change func(*heycmo.Options)) *host {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	h := &host{
		logs:    logs,
		started: make(chan string, 100),
		ended:   make(chan string, 100),
		release: make(chan struct{}),
	}
	opts := &heycmo.Options{
		Log:     zap.New(core),
		Limits:  heycmo.Limits{REST: -1, MCP: -1, Login: -1},
		Catalog: h.catalog(),
		MCP:     &mcp.Options{DrainTimeout: 200 * time.Millisecond},
	}
	if change != nil {
		change(opts)
	}
	var err error
	if h.heycmo, err = heycmo.New(store, opts); err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewUnstartedServer(h.heycmo)
	h.Config.RegisterOnShutdown(h.heycmo.CloseStreams)
	h.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.heycmo.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		h.Close()
	})
	return h
}

// customer makes a customer and returns its key and ID.
func (h *host) customer(t testing.TB) (key string, id storage.CustomerID) {
	t.Helper()
	p, err := h.heycmo.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return p.APIKey.Reveal(), p.Customer.ID
}

// response is an HTTP response that was read whole.
type response struct {
	status int
	header http.Header
	body   string
}

func (h *host) do(t testing.TB, method, path, body string, header map[string]string) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	res, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(b)}
}

// record is one server-sent event.
type record struct{ event, data, comment string }

// sseStream is an open event stream.
type sseStream struct {
	endpoint string // of GET /mcp/sse
	first    string // the first record, as it was sent
	records  chan record
	close    func()
}

// openSSE opens GET /mcp/sse with the query, and waits for the endpoint.
func (h *host) openSSE(t testing.TB, query string, header map[string]string) *sseStream {
	t.Helper()
	s, res := h.openStream(t, "/mcp/sse"+query, header)
	if s == nil {
		t.Fatalf("GET /mcp/sse%s: status %d: %s", query, res.status, res.body)
	}
	first := s.next(t)
	if first.event != "endpoint" {
		t.Fatalf("the first record is %+v, not the endpoint", first)
	}
	s.endpoint = first.data
	return s
}

// openStream opens an event stream, or returns the response if it is none.
func (h *host) openStream(t testing.TB, path string, header map[string]string) (*sseStream, response) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		defer cancel()
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return nil, response{res.StatusCode, res.Header, string(b)}
	}
	s := readStream(res.Body, cancel)
	t.Cleanup(s.close)
	return s, response{res.StatusCode, res.Header, ""}
}

func readStream(body io.ReadCloser, cancel func()) *sseStream {
	s := &sseStream{records: make(chan record, 10_000)}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(s.records)
		readRecords(body, func(r record, raw string) {
			if s.first == "" {
				s.first = raw
			}
			s.records <- r
		})
	})
	s.close = sync.OnceFunc(func() {
		cancel()
		_ = body.Close()
		wg.Wait()
	})
	return s
}

// readRecords reads server-sent events until the stream ends.
func readRecords(r io.Reader, each func(rec record, raw string)) {
	reader := bufio.NewReaderSize(r, 1<<20)
	var rec record
	var raw strings.Builder
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		raw.WriteString(line)
		switch line = strings.TrimRight(line, "\r\n"); {
		case line == "":
			each(rec, raw.String())
			rec = record{}
			raw.Reset()
		case strings.HasPrefix(line, ":"):
			rec.comment = strings.TrimSpace(line[1:])
		default:
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "event":
				rec.event = value
			case "data":
				rec.data += value
			}
		}
	}
}

// next returns the next record that is no comment.
func (s *sseStream) next(t testing.TB) record {
	t.Helper()
	for {
		select {
		case r, ok := <-s.records:
			if !ok {
				t.Fatal("the stream has ended")
			}
			if r.comment == "" {
				return r
			}
		case <-time.After(patience):
			t.Fatal("nothing came on the stream")
		}
	}
}

// waitEnd waits until the server has ended the stream.
func (s *sseStream) waitEnd(t *testing.T) {
	t.Helper()
	for {
		select {
		case _, ok := <-s.records:
			if !ok {
				return
			}
		case <-time.After(patience):
			t.Fatal("the stream did not end")
		}
	}
}

// message is a JSON-RPC message from the server.
type message struct {
	ID     any             `json:"id"`
	Method string          `json:"method"`
	Params map[string]any  `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (m message) toolResult(t *testing.T) (text string, isError bool) {
	t.Helper()
	var r struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
		IsError bool `json:"isError"`
	}
	if err := json.Unmarshal(m.Result, &r); err != nil {
		t.Fatalf("no tool result: %v: %+v", err, m)
	}
	for _, c := range r.Content {
		text += c.Text
	}
	return text, r.IsError
}

func decode(t *testing.T, data string) message {
	t.Helper()
	var m message
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		t.Fatalf("not JSON-RPC: %v: %s", err, data)
	}
	return m
}

// rpc returns a JSON-RPC request, or a notification for a nil id.
func rpc(id any, method string, params any) string {
	m := map[string]any{"jsonrpc": "2.0", "method": method}
	if id != nil {
		m["id"] = id
	}
	if params != nil {
		m["params"] = params
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(m); err != nil {
		panic(err)
	}
	return b.String()
}

func callTool(id any, name string, args any) string {
	return rpc(id, "tools/call", map[string]any{"name": name, "arguments": args})
}

var initialize = rpc(1, "initialize", map[string]any{
	"protocolVersion": "2025-11-25",
	"capabilities":    map[string]any{},
	"clientInfo":      map[string]any{"name": "test", "version": "1"},
})

// accepted posts a message to the stream's endpoint.
func (h *host) accepted(t *testing.T, s *sseStream, body string) {
	t.Helper()
	if r := h.do(t, "POST", s.endpoint, body, nil); r.status != http.StatusAccepted {
		t.Fatalf("POST %s: status %d: %s", body, r.status, r.body)
	}
}

// ask posts a request to the stream's endpoint and returns the answer.
func (h *host) ask(t *testing.T, s *sseStream, body string) message {
	t.Helper()
	h.accepted(t, s, body)
	return decode(t, s.next(t).data)
}

func waitFor(t *testing.T, c <-chan string, want string) {
	t.Helper()
	select {
	case got := <-c:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("%q did not happen", want)
	}
}
