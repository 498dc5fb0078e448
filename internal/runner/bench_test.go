package runner_test

import (
	"context"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

// benched is a Runner over DBOS and SQLite, with a customer.
type benched struct {
	*runner.Runner
	ada  storage.CustomerID
	wake func()
}

func newBenched(b *testing.B, w *agent.Workflow) benched {
	b.Helper()
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
	var worker *outbox.Worker
	r, err := runner.New(runner.Config{
		Store: store, Engine: engine, Workflows: []*agent.Workflow{w}, Log: zap.NewNop(), Wake: func() { worker.Wake() },
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
	b.Cleanup(func() {
		cancel()
		background.Wait()
		if err := r.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return benched{r, ada.ID, worker.Wake}
}

func (r benched) begin(b *testing.B, n int) {
	b.Helper()
	for range n {
		if _, _, err := r.Begin(b.Context(), r.Store, r.ada, runner.Wish{Workflow: "work"}); err != nil {
			b.Fatal(err)
		}
	}
	r.wake()
}

// BenchmarkParked has runs wait for the customer, and reports what they cost: memory,
// and how much of a core while nothing happens.
func BenchmarkParked(b *testing.B) {
	const parked = 5000
	for b.Loop() {
		var asked sync.WaitGroup
		asked.Add(parked)
		before := inUse()
		r := newBenched(b, agent.NewWorkflow("work", "Asks.", func(c workflow.Context, _ struct{}) (struct{}, error) {
			asked.Done()
			_, err := workflow.Ask(c, workflow.Question{Name: "ask", Title: "Publish?", Text: "A piece of content."})
			return struct{}{}, err
		}, nil))
		r.begin(b, parked)
		asked.Wait()
		time.Sleep(3 * time.Second) // until the last one waits and is recorded
		b.ReportMetric(float64(inUse()-before)/(1<<20), "MB")
		used, idle := cpu(b), 10*time.Second
		time.Sleep(idle)
		b.ReportMetric((cpu(b)-used).Seconds()/idle.Seconds(), "cores")
	}
}

// inUse is how many bytes the process has from the system for what is in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// cpu is how much time of processors the process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRuns carries out runs of three steps with all that a host does for them: the
// outbox, the row with its steps, the events.
func BenchmarkRuns(b *testing.B) {
	var running sync.WaitGroup
	r := newBenched(b, agent.NewWorkflow("work", "Three steps.", func(c workflow.Context, _ struct{}) (struct{}, error) {
		for _, name := range []string{"one", "two", "three"} {
			if _, err := workflow.Step(c, name, func(context.Context) (int, error) { return 1, nil }, nil); err != nil {
				return struct{}{}, err
			}
		}
		running.Done()
		return struct{}{}, nil
	}, nil))
	n := 0
	for b.Loop() {
		const batch = 500
		running.Add(batch)
		n += batch
		r.begin(b, batch)
		running.Wait()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "runs/s")
}
