package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/workflow"
)

// printing makes a host of an embedder's: its one workflow asks, and then carries out a step.
func printing(carryOut func(ctx context.Context) error) func(o *heycmo.Options) {
	type none struct{}
	fn := func(c workflow.Context, _ none) (none, error) {
		a, err := workflow.Ask(c, workflow.Question{Name: "ask", Title: "Print it? " + hostile, Text: "500 leaflets " + hostile})
		if err != nil || a.Decision != workflow.DecisionApprove {
			return none{}, err
		}
		return workflow.Step(c, "print "+hostile, func(ctx context.Context) (none, error) {
			agent.Progress(ctx, 1, 2, "the first half "+hostile)
			return none{}, carryOut(ctx)
		}, nil)
	}
	return func(o *heycmo.Options) {
		o.Marketing = nil
		o.Catalog = &agent.Catalog{Workflows: []*agent.Workflow{agent.NewWorkflow("print", "Prints.", fn, &agent.WorkflowOptions{Title: "Print"})}}
	}
}

// A proposal is decided on, and the run is watched until it ends.
func TestWork(t *testing.T) {
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			finish := make(chan struct{})
			h := newHost(t, printing(func(ctx context.Context) error {
				select {
				case <-finish:
				case <-ctx.Done():
				}
				return ctx.Err()
			}))
			h.tool("start_workflow", map[string]any{"workflow": "print", "wait": 10})
			b := newTab(t, l, h.server.URL)
			signIn(b, h)
			b.shows("Print it?")
			b.check("approval")
			b.press("article .meta a")
			b.shows("500 leaflets")
			b.check("run-asks")
			b.press(`button[value="approve"]`)
			b.shows("Approved.")
			b.until("running")
			b.check("run-goes-on")
			close(finish)
			b.until("completed")
			b.check("run-ended")
			b.open("/dashboard/settings") // of a host that knows no brand
			b.shows("Notifications")
			if text := b.text(); strings.Contains(text, "Industry") || strings.Contains(text, "Content") {
				b.Errorf("a host without marketing shows %s", text)
			}
			b.check("settings-notices")
		})
	}
}

// until waits for the state of a run. With scripts the page changes by itself; without
// them somebody follows its link.
func (b *tab) until(state string) {
	b.Helper()
	there := `main .state.` + state
	if b.look.scripts {
		b.run(chromedp.WaitVisible(there, chromedp.ByQuery))
		return
	}
	for range 100 {
		var found []string
		b.run(chromedp.Evaluate(`[...document.querySelectorAll("`+there+`")].map(e => e.className)`, &found))
		if len(found) > 0 {
			return
		}
		b.press("[data-again] a")
	}
	b.Errorf("%s: the run never was %s", b.look.name, state)
}
