package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const site = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dry Socks: socks that stay dry</title>
<meta name="description" content="Merino socks for wet autumns, knitted in Porto."></head>
<body><main><h1>Socks that stay dry</h1><p>We knit merino socks in Porto since 2011. A pair costs 19 euros and lasts 400 washes.</p>
<h2>What do they cost?</h2><p>19 euros a pair, three pairs for 50.</p></main></body></html>`

// TestOnboarding is the first conversation of a new customer: a real client, the
// prompt "start", a site, and in the end a saved plan.
func TestOnboarding(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(site))
	}))
	t.Cleanup(web.Close)
	s := start(t, append(database(t), append(unlimited, "HEYCMO_FETCH_ALLOW_PRIVATE=true")...))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).
		Connect(ctx, &sdk.StreamableClientTransport{Endpoint: s.url + "/mcp?token=" + s.key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()

	prompt, err := session.GetPrompt(ctx, &sdk.GetPromptParams{Name: "start", Arguments: map[string]string{"website": web.URL}})
	if err != nil {
		t.Fatal(err)
	}
	text := prompt.Messages[0].Content.(*sdk.TextContent).Text
	for _, want := range []string{web.URL, "read_page", "scan_page", "update_brand", "ask_cmo", "save_content"} {
		if !strings.Contains(text, want) {
			t.Errorf("the prompt lacks %q", want)
		}
	}
	call := func(tool string, args map[string]any) map[string]any {
		t.Helper()
		r, err := session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil || r.IsError {
			t.Fatalf("%s: %v %+v", tool, err, r)
		}
		raw, err := json.Marshal(r.StructuredContent)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	page := call("read_page", map[string]any{"url": web.URL})
	if page["title"] != "Dry Socks: socks that stay dry" || !strings.Contains(page["text"].(string), "400 washes") {
		t.Errorf("read_page: %v", page)
	}
	report := call("scan_page", map[string]any{"url": web.URL})
	if score, ok := report["seoScore"].(float64); !ok || score <= 0 || score > 100 {
		t.Errorf("scan_page: %v", report)
	}
	call("update_brand", map[string]any{"brandName": "Dry Socks", "offer": "Merino socks, 19 euros a pair", "audience": "People who walk in wet autumns"})
	brief := call("ask_cmo", map[string]any{"task": "A first content plan"})
	if b, _ := json.Marshal(brief); !strings.Contains(string(b), "Dry Socks") {
		t.Errorf("the brief doesn't know the brand: %s", b)
	}
	saved := call("save_content", map[string]any{"agent": "cmo", "type": "plan", "title": "The first month", "body": "Week one: an article on keeping feet dry."})
	list := call("list_content", map[string]any{"type": "plan"})
	if b, _ := json.Marshal(list); !strings.Contains(string(b), saved["id"].(string)) {
		t.Errorf("the plan is not in the list: %s", b)
	}
}
