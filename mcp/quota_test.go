package mcp_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
)

// TestQuotaRefusal is an error for the model, with details for programs, and nothing
// in the place where clients want what the output schema says.
func TestQuotaRefusal(t *testing.T) {
	store := newStore(t)
	meter, err := usage.New(usage.Config{
		Store: store,
		Allowance: func(context.Context, storage.CustomerID, string) (usage.Allowance, error) {
			end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
			return usage.Allowance{Limit: 1, Period: billing.Period{Start: end.AddDate(0, -1, 0), End: end}}, nil
		},
		Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := app.New(app.Config{
		Store: recent.New(store), Authenticator: auth.Keys(store), Catalog: (&host{}).catalog(), Usage: meter,
		PlanOf: func(context.Context, storage.CustomerID) (billing.Plan, error) { return billing.Plan{}, nil },
		Log:    zaptest.NewLogger(t),
	})
	handler, err := mcp.New(a, mcp.Config{Secrets: [][]byte{make([]byte, 32)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Server: httptest.NewServer(handler)}
	t.Cleanup(h.Close)
	t.Cleanup(handler.CloseStreams)
	p, err := a.Provision(t.Context(), app.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	key := p.APIKey.Reveal()
	session := h.openSession(t, key)
	if _, isError := session.post(t, callTool(2, "echo", word{"one"})).messages(t)[0].toolResult(t); isError {
		t.Fatal("the first call fails")
	}
	s := h.openSSE(t, "?token="+key, nil)
	for name, m := range map[string]message{
		"legacy": session.post(t, callTool(3, "echo", word{"two"})).messages(t)[0],
		"modern": h.do(t, "POST", "/mcp", modern(3, "tools/call", map[string]any{"name": "echo", "arguments": word{"two"}}), modernHeader(key, "tools/call", "echo")).messages(t)[0],
		"SSE":    h.ask(t, s, callTool(3, "echo", word{"two"})),
	} {
		var got struct {
			Content    []struct{ Type, Text string }
			Structured json.RawMessage `json:"structuredContent"`
			IsError    bool
		}
		if err := json.Unmarshal(m.Result, &got); err != nil {
			t.Fatal(err)
		}
		if !got.IsError || len(got.Content) != 2 || got.Structured != nil ||
			got.Content[0].Text != "you have used 1 of 1 tool calls of this period; more from 2026-06-01" ||
			got.Content[1].Type != "text" ||
			got.Content[1].Text != `{"error":"quota_exceeded","metric":"tool_calls","used":1,"limit":1,"resets":"2026-06-01T00:00:00.000Z"}` {
			t.Errorf("%s: %s", name, m.Result)
		}
	}
	// It costs nothing.
	if text, isError := session.post(t, callTool(4, "get_usage", empty{})).messages(t)[0].toolResult(t); isError {
		t.Errorf("get_usage: %s", text)
	}
}
