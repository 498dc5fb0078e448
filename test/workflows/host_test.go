// Package workflows_test runs the workflows of a whole host: with models and without,
// over MCP and REST, in processes that are killed.
package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

type object = map[string]any

const patience = time.Minute

// page is the customer's website.
const page = `<!doctype html><html lang="en"><head><title>Analytical Engines</title><meta name="description" content="Engines that compute."></head>
<body><main><h1>Engines that compute</h1><p>Since 1837 we build engines for people who count. The engine costs 17,000 pounds and holds 1,000 numbers of 50 digits.</p></main></body></html>`

// house is a host over DBOS and SQLite, and what its customer sees.
type house struct {
	*testing.T
	host   *heycmo.Server
	server *httptest.Server
	store  *sqlitestore.Store
	id     storage.CustomerID
	key    string
	site   string
	mcp    *sdk.ClientSession
	told   chan string // messages of progress
}

func newHouse(t *testing.T, change func(*heycmo.Options)) *house {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := dbosengine.OpenSQLite(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &heycmo.Options{
		Engine: engine, Limits: heycmo.Limits{REST: -1, MCP: -1, Login: -1},
		Budget:    agent.Budget{RunTokens: -1, DayTokens: -1},
		Marketing: &marketing.Options{AllowPrivateAddresses: true},
	}
	if change != nil {
		change(o)
	}
	h := &house{T: t, store: store, told: make(chan string, 1000)}
	if h.host, err = heycmo.New(store, o); err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page)
	}))
	h.site = site.URL
	h.server = httptest.NewUnstartedServer(h.host)
	h.server.Config.RegisterOnShutdown(h.host.CloseStreams)
	h.server.Start()
	running := make(chan error, 1)
	go func() { running <- h.host.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if h.mcp != nil {
			_ = h.mcp.Close()
		}
		if err := h.host.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		<-running //nolint:errcheck // the end that was asked for
		h.server.Close()
		site.Close()
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	p, err := h.host.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Customer.Status != storage.StatusOnboarding && o.Catalog == nil {
		t.Errorf("a new customer is %s", p.Customer.Status)
	}
	h.id, h.key = p.Customer.ID, p.APIKey.Reveal()
	h.mcp, err = sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) { h.told <- r.Params.Message },
	}).Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: h.server.URL + "/mcp", HTTPClient: &http.Client{Transport: bearer(h.key)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMain(m *testing.M) {
	if order := childOrder(); order != "" {
		runChild(order)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// rest sends a request and decodes the answer.
func (h *house) rest(method, path string, body any, into any) (status int) {
	h.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	if body == nil {
		data = nil
	}
	r, err := http.NewRequestWithContext(h.Context(), method, h.server.URL+strings.ReplaceAll(path, ":id", string(h.id)), bytes.NewReader(data))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		h.Fatalf("%s %s: %s", method, path, text)
	}
	return res.StatusCode
}

// try calls a tool, and returns its text when it refuses.
func (h *house) try(tool string, args object, into any) (refusal string) {
	h.Helper()
	result, err := h.mcp.CallTool(h.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return err.Error()
	}
	if result.IsError {
		return result.Content[0].(*sdk.TextContent).Text
	}
	data, err := json.Marshal(result.StructuredContent)
	if err == nil && into != nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		h.Fatalf("%s: %v", tool, err)
	}
	return ""
}

func (h *house) call(tool string, args object, into any) {
	h.Helper()
	if refusal := h.try(tool, args, into); refusal != "" {
		h.Fatalf("%s(%v): %s", tool, args, refusal)
	}
}

// seen is a run as get_run shows it.
type seen struct {
	ID      string
	Status  string
	Error   string
	Output  json.RawMessage
	Waiting *struct {
		Kind, ID, Title, Text string
		Form                  object
	}
	Steps []struct {
		Name, Status string
		Attempts     int
	}
	Asked []object
}

// follow answers whatever the run asks until it has ended: work with what do returns for
// its title, questions with decide.
func (h *house) follow(id string, do func(title, brief string) any, decide func(title, text string) (decision, note string)) seen {
	h.Helper()
	for range 60 {
		var run seen
		h.call("get_run", object{"id": id, "wait": 50}, &run)
		switch {
		case run.Waiting == nil && slices.Contains([]string{"completed", "failed", "cancelled"}, run.Status):
			return run
		case run.Waiting == nil:
		case run.Waiting.Kind == "work":
			h.call("hand_in", object{"id": run.Waiting.ID, "result": do(run.Waiting.Title, run.Waiting.Text)}, nil)
		case run.Waiting.Kind == "approval":
			decision, note := decide(run.Waiting.Title, run.Waiting.Text)
			args := object{"id": run.Waiting.ID, "decision": decision}
			if note != "" {
				args["note"] = note
			}
			h.call("decide", args, nil)
		}
	}
	h.Fatal("the run doesn't end")
	return seen{}
}

// events are the types of the customer's events that begin so, oldest first.
func (h *house) events(prefix string) []string {
	h.Helper()
	list, err := h.store.Events(h.Context(), h.id, storage.EventQuery{Page: storage.Page{Limit: 500}})
	if err != nil {
		h.Fatal(err)
	}
	var types []string
	for _, e := range slices.Backward(list) {
		if strings.HasPrefix(e.Type, prefix) {
			types = append(types, e.Type)
		}
	}
	return types
}

func approveAll(string, string) (string, string) { return "approve", "" }
