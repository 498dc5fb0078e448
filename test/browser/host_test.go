package browser

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

const adminKey = "an-admin-key-with-more-than-32-characters"

// hostile is a text that would like to be more than one.
const hostile = `<script>alert("1")</script>"><img src=x onerror=alert(2)>` + "\u202Eevil"

// host is a running host with a customer who has something to see.
type host struct {
	t         testing.TB
	server    *httptest.Server
	heycmo    *heycmo.Server
	store     storage.Store
	platforms *connecttest.Server
	customer  storage.CustomerID
	key       string
}

// newHost starts one, with options that change makes of the usual ones; nil changes nothing.
func newHost(t testing.TB, change func(o *heycmo.Options)) *host {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, store: store, platforms: connecttest.NewServer(), server: httptest.NewUnstartedServer(nil)}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i * 7)
	}
	o := &heycmo.Options{
		PublicURL:  "http://" + h.server.Listener.Addr().String(),
		SecretKeys: []heycmo.SecretKey{{ID: "k", Key: key}}, AdminKeys: []string{adminKey}, Limits: heycmo.Limits{REST: -1, MCP: -1, Login: -1},
		Billing:   &heycmo.Billing{Plans: []billing.Plan{{ID: "pro", Name: "Pro", Quotas: map[string]int64{"tool_calls": 500}}}},
		Platforms: oauth2connect.Platforms(h.platforms.Credentials(), &oauth2connect.Options{BaseURL: h.platforms.URL}),
		Marketing: &marketing.Options{AllowPrivateAddresses: true},
	}
	if change != nil {
		change(o)
	}
	if h.heycmo, err = heycmo.New(store, o); err != nil {
		t.Fatal(err)
	}
	h.server.Config.Handler = h.heycmo
	h.server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); _ = h.heycmo.Run(ctx) }()
	t.Cleanup(func() {
		stop, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		h.server.CloseClientConnections()
		h.heycmo.CloseStreams()
		h.server.Close()
		cancel()
		if err := h.heycmo.Shutdown(stop); err != nil {
			t.Error(err)
		}
		<-ran
		_ = store.Close()
		h.platforms.Close()
	})
	p, err := h.heycmo.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", BrandName: "Acme " + hostile, Website: "https://acme.example", Plan: "pro"})
	if err != nil {
		t.Fatal(err)
	}
	h.customer, h.key = p.Customer.ID, p.APIKey.Reveal()
	return h
}

// tool calls a tool as a client does.
func (h *host) tool(name string, args map[string]any) map[string]any {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{
		"name": name, "arguments": args,
		"_meta": map[string]any{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{}},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	answer := h.call("POST", "/mcp", string(body), map[string]string{
		"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name,
	})
	var out struct {
		Result struct {
			IsError    bool
			Structured map[string]any `json:"structuredContent"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Result.IsError || out.Result.Structured == nil {
		h.t.Fatalf("%s: %s", name, answer)
	}
	return out.Result.Structured
}

func (h *host) call(method, path, body string, header map[string]string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

// link makes a link into the dashboard, without the address of the host.
func (h *host) link() string {
	h.t.Helper()
	var link struct{ URL string }
	answer := h.call("POST", "/api/dashboard/"+string(h.customer)+"/link", "", nil)
	if err := json.Unmarshal([]byte(answer), &link); err != nil || link.URL == "" {
		h.t.Fatalf("no link: %s", answer)
	}
	return strings.TrimPrefix(link.URL, h.server.URL)
}

// fill gives the customer something to see.
func (h *host) fill() (draft string) {
	h.t.Helper()
	h.tool("update_brand", map[string]any{"offer": "Anvils " + hostile, "voice": "Dry.", "goals": []string{"30 leads in June"}})
	for i, title := range []string{"Why anvils last", hostile, strings.Repeat("A long title ", 20)} {
		piece := h.tool("save_content", map[string]any{"agent": "social", "type": "social_post", "title": title[:min(len(title), 190)], "body": "We make anvils.\n\n" + hostile, "channel": "linkedin"})
		draft = piece["id"].(string)
		if i == 0 {
			h.tool("review_content", map[string]any{"id": draft, "version": 1, "decision": "approve", "reviewer": hostile})
		}
	}
	h.tool("remember", map[string]any{"layer": "brand", "text": "Founded in 1920. " + hostile})
	h.tool("log_event", map[string]any{"type": "lead.logged", "data": map[string]any{"name": hostile}})
	for range 2 {
		h.tool("start_workflow", map[string]any{"workflow": "performance-snapshot", "wait": 30})
	}
	h.tool("start_workflow", map[string]any{"workflow": "content-production", "input": map[string]any{"task": "A post on anvils"}, "wait": 5})
	return draft
}

// until waits for what the host does in the background.
func (h *host) until(done func() bool) {
	h.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(end) {
			h.t.Fatal("it never happened")
		}
	}
}
