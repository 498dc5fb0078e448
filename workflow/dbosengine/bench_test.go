package dbosengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

// BenchmarkRuns carries out runs of three steps, all under way at the same time as far as
// the engine goes.
func BenchmarkRuns(b *testing.B) {
	engines := map[string]func(b *testing.B) workflow.Engine{
		"memory": func(*testing.B) workflow.Engine { return workflow.NewMemory(nil) },
		"SQLite": func(b *testing.B) workflow.Engine {
			e, err := dbosengine.OpenSQLite(filepath.Join(b.TempDir(), "bench.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			return e
		},
	}
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			e := open(b)
			var running sync.WaitGroup
			err := e.Start(b.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
				defer running.Done()
				for _, name := range []string{"one", "two", "three"} {
					if _, err := c.Step(name, func(context.Context) (json.RawMessage, error) { return json.RawMessage(`"done"`), nil }, workflow.StepOptions{}); err != nil {
						return nil, err
					}
				}
				return nil, nil
			}})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				const batch = 1000
				running.Add(batch)
				for range batch {
					n++
					if err := e.Trigger(b.Context(), "ada", workflow.Run{Workflow: "work", ID: fmt.Sprint(n)}); err != nil {
						b.Fatal(err)
					}
				}
				running.Wait()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "runs/s")
			if err := e.Close(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
}

// BenchmarkParked has runs wait for a signal, and reports what each of them costs.
func BenchmarkParked(b *testing.B) {
	const parked = 5000
	for b.Loop() {
		e, err := dbosengine.OpenSQLite(filepath.Join(b.TempDir(), "bench.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		var waiting sync.WaitGroup
		waiting.Add(parked)
		before := heap()
		err = e.Start(b.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
			waiting.Done()
			return c.Wait("decided", time.Hour)
		}})
		if err != nil {
			b.Fatal(err)
		}
		for n := range parked {
			if err := e.Trigger(b.Context(), "ada", workflow.Run{Workflow: "work", ID: fmt.Sprint(n)}); err != nil {
				b.Fatal(err)
			}
		}
		waiting.Wait()
		b.ReportMetric(float64(heap()-before)/(1<<20), "MB")
		if err := e.Close(b.Context()); err != nil {
			b.Error(err)
		}
	}
}

// heap is how many bytes the process has from the system for what is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
