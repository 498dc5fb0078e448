package app_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

func TestGetUsage(t *testing.T) {
	plan := billing.Plan{Name: "Pro", Quotas: map[string]int64{"tool_calls": 10, "agent_calls": 5}}
	m := newMetered(t, plan,
		tool("both", map[string]int64{"tool_calls": 1, "images": 3}, func(context.Context) error { return nil }),
		tool("one", nil, func(context.Context) error { return nil }))
	for _, name := range []string{"both", "one", "one", "get_usage", "get_usage"} {
		if _, err := m.calls(name, ""); err != nil {
			t.Fatal(err)
		}
	}
	today := time.Now().UTC().Format(time.DateOnly)
	for _, args := range []string{"", `{"days":1}`, `{"days":90}`} {
		r, err := m.calls("get_usage", args)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"plan":"Pro","upgrade":"https://example.com/plans","metrics":[` +
			`{"metric":"agent_calls","used":0,"limit":5,"resets":"2026-06-01T00:00:00.000Z"},` +
			`{"metric":"images","used":3,"resets":"2026-06-01T00:00:00.000Z"},` +
			`{"metric":"tool_calls","used":3,"limit":10,"resets":"2026-06-01T00:00:00.000Z"}],` +
			`"days":[{"day":"TODAY","metric":"images","tool":"both","used":3},` +
			`{"day":"TODAY","metric":"tool_calls","tool":"both","used":1},{"day":"TODAY","metric":"tool_calls","tool":"one","used":2}]}`
		if got := string(r.Structured); got != strings.ReplaceAll(want, "TODAY", today) {
			t.Errorf("got %s", got)
		}
		fits(t, m.Catalog, r.Structured)
	}
	r, err := m.calls("get_usage", `{"days":7}`)
	want := `Plan: Pro

| metric | used in this period | limit | resets |
|---|---|---|---|
| agent_calls | 0 | 5 | 2026-06-01T00:00:00.000Z |
| images | 3 | none | 2026-06-01T00:00:00.000Z |
| tool_calls | 3 | 10 | 2026-06-01T00:00:00.000Z |

Larger plans: https://example.com/plans

The last 7 days, in UTC; days without use are left out:

| day | metric | used | by tool |
|---|---|---|---|
| TODAY | images | 3 | both 3 |
| TODAY | tool_calls | 3 | both 1, one 2 |
`
	if err != nil || r.Content[0].Text != strings.ReplaceAll(want, "TODAY", today) {
		t.Errorf("got %q, %v", r.Content, err)
	}
	for _, args := range []string{`{"days":91}`, `{"days":-1}`, `{"days":1.5}`} {
		if _, err := m.calls("get_usage", args); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
}

// fits checks a result of get_usage against its schema.
func fits(t *testing.T, c *agent.Catalog, structured []byte) {
	t.Helper()
	for _, tool := range c.Tools {
		if tool.Name != "get_usage" {
			continue
		}
		schema, err := tool.OutputSchema().Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(structured, &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("the result doesn't fit: %v", err)
		}
		return
	}
	t.Error("the catalog has no get_usage")
}

func TestGetUsageOfNothing(t *testing.T) {
	m := newMetered(t, billing.Plan{})
	r, err := m.calls("get_usage", "")
	if err != nil || !strings.HasSuffix(r.Content[0].Text, "\nNothing was used in the last 30 days.\n") {
		t.Errorf("got %q, %v", r.Content, err)
	}
	fits(t, m.Catalog, r.Structured)
}

// TestGetUsageShowsDaysBefore as many as were asked for.
func TestGetUsageShowsDaysBefore(t *testing.T) {
	m := newMetered(t, billing.Plan{})
	l, _ := storage.RoleOf[storage.Ledger](m.Store)
	for age := range 100 {
		at := storage.Now().AddDate(0, 0, -age)
		r := storage.Reservation{
			CustomerID: m.caller.Customer, ID: at.String(), Metric: "tool_calls", Source: "t", Period: month.Start, Units: 1, CreatedAt: at, Until: at,
		}
		if _, err := l.Reserve(t.Context(), r, -1); err != nil {
			t.Fatal(err)
		}
		if err := l.Settle(t.Context(), []storage.Use{{CustomerID: r.CustomerID, ID: r.ID, Used: 1, Done: true}}); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]int{"": 30, `{"days":1}`: 1, `{"days":90}`: 90} {
		r, err := m.calls("get_usage", args)
		if n := strings.Count(string(r.Structured), `"day"`); err != nil || n != want {
			t.Errorf("%s: %d days, %v", args, n, err)
		}
	}
}

// TestAGetUsageOfTheEmbedder comes before the host's.
func TestAGetUsageOfTheEmbedder(t *testing.T) {
	m := newMetered(t, billing.Plan{}, tool("get_usage", nil, func(context.Context) error { return nil }))
	r, err := m.calls("get_usage", "")
	if err != nil || r.Content[0].Text != "done" || len(m.Catalog.Tools) != 1 {
		t.Errorf("got %q, %v", r.Content, err)
	}
}
