package heycmo

import (
	"context"
	"net/http"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// runner returns what runs the catalog's workflows, or nil when it has none or the
// store can't remember them.
func (o *Options) runner(s *Server, store storage.Store, catalog *agent.Catalog) (*runner.Runner, error) {
	engine := o.Engine
	switch {
	case len(catalog.Workflows) == 0:
		return nil, nil
	case engine == nil && !runner.CanRun(store):
		o.Log.Warn("the store has no storage.Runs and storage.Effects: there are no workflows")
		return nil, nil
	case engine == nil:
		engine = workflow.NewMemory(nil)
	}
	return runner.New(runner.Config{
		Store: store, Engine: engine, Workflows: catalog.Workflows, Models: len(o.Models) > 0, Notify: o.Notifier != nil,
		StepContext: func(ctx context.Context, customer storage.CustomerID, run storage.RunID) (context.Context, func(), error) {
			return s.app.StepContext(ctx, customer, run)
		},
		Wake: func() { s.outbox.Wake() },
		Log:  o.Log,
	})
}

// inngest returns the endpoint of an engine that has one.
func (o *Options) inngest(r *runner.Runner) http.Handler {
	endpoint, ok := o.Engine.(http.Handler)
	if r == nil || !ok {
		return nil
	}
	return endpoint
}
