package agent_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
)

type recorder struct{ lines []string }

func (r *recorder) Progress(_ context.Context, done, total float64, message string) {
	r.lines = append(r.lines, fmt.Sprint(done, " of ", total, ": ", message))
}

func (r *recorder) Log(_ context.Context, level agent.Level, message string) {
	r.lines = append(r.lines, fmt.Sprint(level, ": ", message))
}

func TestReport(t *testing.T) {
	outer, inner := &recorder{}, &recorder{}
	ctx := agent.WithReporter(t.Context(), outer)
	agent.Progress(ctx, 1, 2, "half")
	agent.Log(ctx, agent.LevelWarning, "slow")
	agent.Progress(agent.WithReporter(ctx, inner), 3, 0, "")
	if want := []string{"1 of 2: half", "warning: slow"}; !slices.Equal(outer.lines, want) {
		t.Errorf("reports %q, want %q", outer.lines, want)
	}
	if want := []string{"3 of 0: "}; !slices.Equal(inner.lines, want) {
		t.Errorf("reports to the inner one %q, want %q", inner.lines, want)
	}
}

func TestReportToNobody(t *testing.T) {
	agent.Progress(t.Context(), 1, 2, "half")
	agent.Log(t.Context(), agent.LevelInfo, "fine")
}
