package runner_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

// BenchmarkRuns carries out runs of three steps with all that a host does for them: the
// outbox, the row with its steps, the events.
func BenchmarkRuns(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bench.db")
	store, err := sqlitestore.Open(b.Context(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	engine, err := dbosengine.OpenSQLite(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	now := storage.Now()
	ada := storage.Customer{ID: storage.CustomerID(storage.NewID()), Email: "ada@example.com", Status: storage.StatusActive, CreatedAt: now, UpdatedAt: now}
	if err := store.CreateCustomer(b.Context(), ada); err != nil {
		b.Fatal(err)
	}
	var running sync.WaitGroup
	work := agent.NewWorkflow("work", "Three steps.", func(c workflow.Context, _ struct{}) (struct{}, error) {
		for _, name := range []string{"one", "two", "three"} {
			if _, err := workflow.Step(c, name, func(context.Context) (int, error) { return 1, nil }, nil); err != nil {
				return struct{}{}, err
			}
		}
		running.Done()
		return struct{}{}, nil
	}, nil)
	var worker *outbox.Worker
	r, err := runner.New(runner.Config{
		Store: store, Engine: engine, Workflows: []*agent.Workflow{work}, Log: zap.NewNop(), Wake: func() { worker.Wake() },
		StepContext: func(ctx context.Context, _ storage.CustomerID, _ storage.RunID) (context.Context, func(), error) {
			return ctx, func() {}, nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	worker = outbox.New(store, map[string]outbox.Handler{runner.KindBegin: r.DoBegin}, zap.NewNop())
	if err := r.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var background sync.WaitGroup
	background.Go(func() { r.Run(ctx) })
	background.Go(func() { worker.Run(ctx) })
	n := 0
	for b.Loop() {
		const batch = 500
		running.Add(batch)
		for range batch {
			n++
			if _, _, err := r.Begin(b.Context(), store, ada.ID, runner.Wish{Workflow: "work"}); err != nil {
				b.Fatal(err)
			}
		}
		worker.Wake()
		running.Wait()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "runs/s")
	cancel()
	background.Wait()
	if err := r.Close(context.WithoutCancel(b.Context())); err != nil {
		b.Error(err)
	}
	if err := store.Close(); err != nil {
		b.Error(err)
	}
}
