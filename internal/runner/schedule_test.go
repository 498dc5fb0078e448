package runner_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

func daily(schedule string) *agent.Workflow {
	return agent.NewWorkflow("daily", "Does something every day.", func(c workflow.Context, _ struct{}) (struct{}, error) {
		_, err := workflow.Step(c, "once", func(context.Context) (bool, error) { return true, nil }, nil)
		return struct{}{}, err
	}, &agent.WorkflowOptions{Schedule: schedule})
}

// unrun is a Runner that is never started: what it stores can be looked at.
func unrun(t *testing.T, store storage.Store, w *agent.Workflow) *runner.Runner {
	t.Helper()
	r, err := runner.New(runner.Config{Store: store, Engine: workflow.NewMemory(nil), Workflows: []*agent.Workflow{w}, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Three replicas look at the clock; each customer gets one run for each day.
func TestFanOut(t *testing.T) {
	store, _ := openStore(t)
	effects, _ := storage.RoleOf[storage.Effects](store)
	runs, _ := storage.RoleOf[storage.Runs](store)
	day := storage.Now().Truncate(24*time.Hour).AddDate(0, 0, 2)
	slot := day.Add(8 * time.Hour)
	var customers []storage.CustomerID
	for range 205 {
		customers = append(customers, newCustomer(t, store, storage.StatusActive))
	}
	inactive := newCustomer(t, store, storage.StatusInactive)
	late := storage.Customer{ID: storage.CustomerID(storage.NewID()), Email: "l@example.com", Status: storage.StatusActive, CreatedAt: slot.Add(time.Minute), UpdatedAt: slot}
	if err := store.CreateCustomer(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	replicas := []*runner.Runner{unrun(t, store, daily("0 8 * * *")), unrun(t, store, daily("0 8 * * *")), unrun(t, store, daily("0 8 * * *"))}
	for _, now := range []time.Time{slot.Add(5 * time.Minute), slot.Add(6 * time.Minute), slot.AddDate(0, 0, 1)} {
		for _, r := range replicas {
			runner.TickAt(t.Context(), r, now)
		}
		// The pages follow from each other; the beginnings stay.
		for {
			list, err := effects.TakeEffects(t.Context(), now.Add(time.Hour), now.AddDate(1, 0, 0), 1000)
			if err != nil {
				t.Fatal(err)
			}
			pages := 0
			for _, e := range list {
				if e.Kind != runner.KindFanOut {
					continue
				}
				pages++
				for range 2 { // at least once
					if err := replicas[0].DoFanOut(t.Context(), e); err != nil {
						t.Fatal(err)
					}
				}
			}
			if pages == 0 {
				break
			}
		}
	}
	for _, id := range append(slices.Clone(customers), inactive, late.ID) {
		list, err := runs.Runs(t.Context(), id, storage.RunQuery{Page: storage.Page{Limit: 10}})
		if err != nil {
			t.Fatal(err)
		}
		want := map[storage.CustomerID]int{inactive: 0, late.ID: 1}
		n, other := want[id]
		if !other {
			n = 2
		}
		if len(list) != n {
			t.Errorf("customer %s has %d runs, want %d", id, len(list), n)
		}
	}
}

// Who has nothing to do gets no run.
func TestFanOutAsks(t *testing.T) {
	store, _ := openStore(t)
	effects, _ := storage.RoleOf[storage.Effects](store)
	runs, _ := storage.RoleOf[storage.Runs](store)
	ada, bob := newCustomer(t, store, storage.StatusActive), newCustomer(t, store, storage.StatusActive)
	w := daily("0 8 * * *")
	w.Needed = func(_ context.Context, customer storage.CustomerID) (bool, error) { return customer == ada, nil }
	r := unrun(t, store, w)
	now := storage.Now().AddDate(0, 0, 2)
	runner.TickAt(t.Context(), r, now)
	list, err := effects.TakeEffects(t.Context(), now, now.Add(time.Hour), 10)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if err := r.DoFanOut(t.Context(), list[0]); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[storage.CustomerID]int{ada: 1, bob: 0} {
		if list, err := runs.Runs(t.Context(), id, storage.RunQuery{Page: storage.Page{Limit: 10}}); err != nil || len(list) != want {
			t.Errorf("%d runs, %v, want %d", len(list), err, want)
		}
	}
}

// Runs of a time are spread evenly, each customer's always alike.
func TestSpread(t *testing.T) {
	const customers, parts = 10_000, 10
	var n [parts]int
	for i := range customers {
		id := storage.CustomerID(fmt.Sprint("customer ", i))
		d := runner.Delay(id, "daily", parts*time.Minute)
		if again := runner.Delay(id, "daily", parts*time.Minute); d != again || d < 0 || d >= parts*time.Minute {
			t.Fatalf("%s and %s", d, again)
		}
		n[d/time.Minute]++
	}
	if slices.Min(n[:]) < customers/parts*8/10 || slices.Max(n[:]) > customers/parts*12/10 {
		t.Errorf("minute by minute: %v", n)
	}
}

func TestLastTime(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	store, _ := openStore(t)
	for _, c := range []struct{ schedule, now, want string }{
		{"0 8 * * *", "2026-11-26T08:00:00Z", "2026-11-26T08:00:00Z"},
		{"0 8 * * *", "2026-11-26T07:59:59Z", "2026-11-25T08:00:00Z"},
		{"0 8 * * *", "2026-11-26T23:00:00+14:00", "2026-11-26T08:00:00Z"},
		{"30 */4 * * *", "2026-11-26T08:29:00Z", "2026-11-26T04:30:00Z"},
		{"0 6 * * 1", "2026-11-26T08:00:00Z", ""}, // a Thursday: Monday is too long ago
		{"0 6 * * 1", "2026-11-23T20:00:00Z", "2026-11-23T06:00:00Z"},
		{"* * * * *", "2026-11-26T08:00:30Z", "2026-11-26T08:00:00Z"},
	} {
		r := unrun(t, store, daily(c.schedule))
		got, ok := runner.Last(r, at(c.now))
		if (c.want == "") == ok || ok && !got.Equal(at(c.want)) {
			t.Errorf("%s at %s: %s %v, want %s", c.schedule, c.now, got, ok, c.want)
		}
	}
}

func TestBadSchedules(t *testing.T) {
	store, _ := openStore(t)
	for _, schedule := range []string{"x", "* * * *", "61 * * * *", "0 0 8 * * *"} {
		_, err := runner.New(runner.Config{Store: store, Engine: workflow.NewMemory(nil), Workflows: []*agent.Workflow{daily(schedule)}, Log: zap.NewNop()})
		if err == nil || !strings.Contains(err.Error(), `workflow "daily": the schedule`) {
			t.Errorf("%q: %v", schedule, err)
		}
	}
}

// A run that was stored with its cause begins though nobody told the engine at once,
// and a cause that is undone begins nothing.
func TestBegunWithItsCause(t *testing.T) {
	store, _ := openStore(t)
	ada := newCustomer(t, store, storage.StatusActive)
	r := unrun(t, store, daily(""))
	undone := store.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		if _, _, err := r.Begin(ctx, tx, ada, runner.Wish{Workflow: "daily", Key: "undone"}); err != nil {
			return err
		}
		return context.Canceled
	})
	run, begun, err := r.Begin(t.Context(), store, ada, runner.Wish{Workflow: "daily", Key: "done"})
	if undone == nil || err != nil || !begun {
		t.Fatal(undone, err, begun)
	}
	// Another process, later.
	later, _ := runOn(t, store, workflow.NewMemory(nil), daily(""))
	for ended := run; ended.EndedAt.IsZero(); {
		if ended, err = later.Get(t.Context(), ada, run.ID); err != nil {
			t.Fatal(err)
		}
	}
	effects, _ := storage.RoleOf[storage.Effects](store)
	if _, err := effects.UpdateEffect(t.Context(), outboxID(ada, "undone"), func(*storage.Effect) error { return nil }); err == nil {
		t.Error("what was undone is to begin")
	}
}

func outboxID(customer storage.CustomerID, key string) string {
	return runner.KindBegin + ":" + string(customer) + ":daily:" + key
}
