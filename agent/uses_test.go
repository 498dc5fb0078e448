package agent_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
)

func TestUses(t *testing.T) {
	given := map[string]int64{"images": 2}
	tool := orderTool(&agent.ToolOptions{Uses: given})
	given["images"] = 3
	for _, test := range []struct {
		tool *agent.Tool
		want map[string]int64
	}{
		{orderTool(nil), map[string]int64{agent.MetricToolCalls: 1}},
		{orderTool(&agent.ToolOptions{ReadOnly: true}), map[string]int64{agent.MetricToolCalls: 1}},
		{orderTool(&agent.ToolOptions{Uses: map[string]int64{}}), map[string]int64{}},
		{tool, map[string]int64{"images": 2}},
	} {
		if test.tool.Uses == nil || !maps.Equal(test.tool.Uses, test.want) {
			t.Errorf("uses %v, want %v", test.tool.Uses, test.want)
		}
	}
}

// uses are right and wrong ones, with what is said about the wrong ones.
var uses = []struct {
	metric string
	units  int64
	wrong  string
}{
	{"tool_calls", 1, ""},
	{"0-9", 1_000_000_000, ""},
	{strings.Repeat("a", 64), 1, ""},
	{"", 1, `metric "" must be`},
	{"Tokens", 1, `metric "Tokens" must be`},
	{"_tokens", 1, "must be"},
	{"tokens\n", 1, "must be"},
	{strings.Repeat("a", 65), 1, "must be"},
	{"tokens", 0, `metric "tokens": 0 units must be 1 to 1000000000`},
	{"tokens", -1, "-1 units"},
	{"tokens", 1_000_000_001, "1000000001 units"},
}

func says(err error, text string) bool {
	if text == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), text)
}

func TestUsesAreValidated(t *testing.T) {
	for _, u := range uses {
		tool := orderTool(&agent.ToolOptions{Uses: map[string]int64{u.metric: u.units}})
		if err := (&agent.Catalog{Tools: []*agent.Tool{tool}}).Validate(); !says(err, u.wrong) {
			t.Errorf("%d of %q: error %v, want %q", u.units, u.metric, err, u.wrong)
		}
	}
	tool := orderTool(&agent.ToolOptions{Uses: map[string]int64{"b!": 1, "a": 0}})
	want := `tool "order": metric "a": 0 units must be 1 to 1000000000` + "\n" + `metric "b!" must be`
	if err := (&agent.Catalog{Tools: []*agent.Tool{tool}}).Validate(); !says(err, want) {
		t.Errorf("two faults: %v", err)
	}
}

func TestSpend(t *testing.T) {
	refusal := errors.New("no room")
	var calls []string
	take := func(_ context.Context, metric string, units int64) (func(int64), error) {
		calls = append(calls, fmt.Sprint(metric, " ", units))
		if metric == "images" {
			return nil, refusal
		}
		return func(used int64) { calls = append(calls, fmt.Sprint("used ", used)) }, nil
	}
	ctx := agent.WithSpend(t.Context(), take)
	settle, err := agent.Spend(ctx, "tokens", 100)
	if err != nil {
		t.Fatal(err)
	}
	settle(70)
	if _, err := agent.Spend(ctx, "images", 1); !errors.Is(err, refusal) {
		t.Errorf("error %v, want %v", err, refusal)
	}
	if got, want := strings.Join(calls, ", "), "tokens 100, used 70, images 1"; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
}

func TestSpendIsValidated(t *testing.T) {
	for _, u := range uses {
		// Also where nothing is counted.
		settle, err := agent.Spend(t.Context(), u.metric, u.units)
		if !says(err, u.wrong) || (err == nil) != (settle != nil) {
			t.Errorf("%d of %q: error %v, want %q", u.units, u.metric, err, u.wrong)
		}
		if settle != nil {
			settle(u.units)
		}
	}
}
