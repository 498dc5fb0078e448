package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// RunRuns checks a store that has [storage.Runs]: the methods one by one, outside and
// inside a transaction, and what holds when many use them at once.
func RunRuns(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, runMethods)
	run(t, open, inside(runMethods))
	run(t, open, []check{
		{"EndedContext", of(runsSample, testEndedContext)},
		{"UndoneWithItsTransaction", of(withRuns, testRunsUndone)},
		{"UpdatesDontGetLost", of(withRuns, testRunsConcurrent)},
	})
}

// runMethods are the checks of the methods. They hold inside a transaction too.
var runMethods = []check{
	{"EveryMethodIsCovered", of(runsSample, testCovered)},
	{"ForeignCustomer", of(withRuns, testRunsForeign)},
	{"Order", of(runListings, testOrder)},
	{"Paging", of(runListings, testPaging)},
	{"Text", of(runsSample, testText)},
	{"CreateRun", of(withRuns, testCreateRun)},
	{"UpdateRun", of(withRuns, testUpdateRun)},
	{"Runs", of(withRuns, testRuns)},
	{"RunsSpent", of(withRuns, testRunsSpent)},
	{"StalledRuns", of(withRuns, testStalledRuns)},
	{"DeleteRuns", of(withRuns, testDeleteRuns)},
}

// runStore is a store with the role.
type runStore struct {
	storage.Store
	storage.Runs
}

func withRuns(t *testing.T, s storage.Store) runStore {
	t.Helper()
	role, has := storage.RoleOf[storage.Runs](s)
	if !has {
		t.Fatal("the store has no storage.Runs: neither has it the methods itself, nor a method Unwrap() storage.Store that leads to them")
	}
	return runStore{s, role}
}

func newRun(customer storage.CustomerID, id string) storage.Run {
	return storage.Run{
		CustomerID: customer, ID: storage.RunID(id), Parent: "parent", Kind: "agent", Name: "cmo", Status: "running",
		Tokens: 10, Cost: 20, Data: json.RawMessage(`{"n":1}`), CreatedAt: now, UpdatedAt: now,
	}
}

func runID(r storage.Run) string { return string(r.ID) }

func runsSample(t *testing.T, s storage.Store) sample {
	t.Helper()
	store := withRuns(t, s)
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	r := newRun(c.ID, storage.NewID())
	ok(t, store.CreateRun(t.Context(), r))
	stored := func() []storage.Run {
		list, err := store.Runs.Runs(context.WithoutCancel(t.Context()), c.ID, storage.RunQuery{Page: all})
		ok(t, err)
		return list
	}
	before := stored()
	return sample{
		contract: reflect.TypeFor[storage.Runs](),
		on:       store.Runs,
		calls: func() map[string][]any {
			return map[string][]any{
				"CreateRun":   {newRun(c.ID, storage.NewID())},
				"Run":         {c.ID, r.ID},
				"UpdateRun":   {c.ID, r.ID, func(r *storage.Run) error { r.Status = "changed"; return nil }},
				"Runs":        {c.ID, storage.RunQuery{Kind: "agent", Name: "cmo", Status: "running", Parent: "parent", Page: all}},
				"RunsSpent":   {c.ID, now},
				"StalledRuns": {"running", now.Add(time.Hour), 10},
				"DeleteRuns":  {now.Add(time.Hour)},
			}
		},
		restore: func(t *testing.T) { _ = store.CreateRun(t.Context(), r) },
		unchanged: func(t *testing.T, after string) {
			t.Helper()
			equal(t, stored(), before, "runs after "+after)
		},
		called: func(*testing.T) {},
	}
}

func runListings(t *testing.T, s storage.Store) map[string]listing {
	store := withRuns(t, s)
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	rows := map[string]listing{"Runs": {
		add: func(id string) error { return store.CreateRun(t.Context(), newRun(c.ID, id)) },
		list: func(p storage.Page) ([]string, error) {
			list, err := store.Runs.Runs(t.Context(), c.ID, storage.RunQuery{Page: p})
			return ids(list, runID), err
		},
	}}
	allTakePages(t, reflect.TypeFor[storage.Runs](), rows)
	return rows
}

func testRunsForeign(t *testing.T, s runStore) {
	ctx := t.Context()
	mine, other := fill(t, s), fill(t, s)
	r := newRun(mine.customer.ID, storage.NewID())
	ok(t, s.CreateRun(ctx, r))
	for _, who := range []storage.CustomerID{other.customer.ID, "nobody", ""} {
		_, err := s.Run(ctx, who, r.ID)
		wantErr(t, err, storage.ErrNotFound, "Run")
		_, err = s.UpdateRun(ctx, who, r.ID, func(*storage.Run) error { t.Error("changed"); return nil })
		wantErr(t, err, storage.ErrNotFound, "UpdateRun")
		list, err := s.Runs.Runs(ctx, who, storage.RunQuery{Page: all})
		equalIDs(t, list, err, runID, nil, "Runs")
		spent, err := s.RunsSpent(ctx, who, time.Time{})
		ok(t, err)
		equal(t, spent, storage.Spent{}, "RunsSpent")
	}
	wantErr(t, s.CreateRun(ctx, newRun("nobody", storage.NewID())), storage.ErrNotFound, "a run of an unknown customer")
	wantErr(t, s.CreateRun(ctx, newRun(other.customer.ID, string(r.ID))), storage.ErrExists, "the ID of another customer's run")
}

func testCreateRun(t *testing.T, s runStore) {
	ctx := t.Context()
	f := fill(t, s)
	r := newRun(f.customer.ID, storage.NewID())
	r.EndedAt = now.Add(time.Minute)
	ok(t, s.CreateRun(ctx, r))
	got, err := s.Run(ctx, f.customer.ID, r.ID)
	ok(t, err)
	equal(t, got, r, "the stored run")
	again := r
	again.Tokens = 1
	wantErr(t, s.CreateRun(ctx, again), storage.ErrExists, "a taken ID")
	for _, bad := range []func(*storage.Run){
		func(r *storage.Run) { r.Tokens = -1 },
		func(r *storage.Run) { r.Cost = -1 },
		func(r *storage.Run) { r.Data = json.RawMessage(`[]`) },
		func(r *storage.Run) { r.Data = nil },
	} {
		r := newRun(f.customer.ID, storage.NewID())
		bad(&r)
		wantErr(t, s.CreateRun(ctx, r), storage.ErrInvalid, fmt.Sprintf("%+v", r))
	}
	_, err = s.Run(ctx, f.customer.ID, "absent")
	wantErr(t, err, storage.ErrNotFound, "an absent ID")
}

func testUpdateRun(t *testing.T, s runStore) {
	ctx := t.Context()
	f := fill(t, s)
	r := newRun(f.customer.ID, storage.NewID())
	ok(t, s.CreateRun(ctx, r))
	want := r
	want.Status, want.Tokens, want.Cost, want.Data = "done", 1<<40, 1<<41, json.RawMessage(`{"n":2}`)
	want.UpdatedAt, want.EndedAt = now.Add(time.Hour), now.Add(2*time.Hour)
	got, err := s.UpdateRun(ctx, r.CustomerID, r.ID, func(u *storage.Run) error {
		equal(t, *u, r, "the run given to change")
		*u = want
		u.CustomerID, u.ID, u.Parent, u.Kind, u.Name, u.CreatedAt = "9", "9", "9", "9", "9", now.Add(-time.Hour)
		return nil
	})
	ok(t, err)
	equal(t, got, want, "the run returned")
	stored := func(what string) {
		t.Helper()
		got, err := s.Run(ctx, r.CustomerID, r.ID)
		ok(t, err)
		equal(t, got, want, what)
	}
	stored("the run stored")
	own := errors.New("my own reason")
	_, err = s.UpdateRun(ctx, r.CustomerID, r.ID, func(u *storage.Run) error { u.Status = ""; return own })
	wantErr(t, err, own, "an error of change")
	_, err = s.UpdateRun(ctx, r.CustomerID, r.ID, func(u *storage.Run) error { u.Tokens = -1; return nil })
	wantErr(t, err, storage.ErrInvalid, "negative tokens")
	stored("the run after refused changes")
	_, err = s.UpdateRun(ctx, r.CustomerID, "absent", func(*storage.Run) error { t.Error("changed"); return nil })
	wantErr(t, err, storage.ErrNotFound, "an absent run")
}

func testRuns(t *testing.T, s runStore) {
	c := newCustomer("c")
	ok(t, s.CreateCustomer(t.Context(), c))
	for i, change := range []func(*storage.Run){
		func(*storage.Run) {},
		func(r *storage.Run) { r.Kind = "workflow" },
		func(r *storage.Run) { r.Name = "CMO" },
		func(r *storage.Run) { r.Status = "done" },
		func(r *storage.Run) { r.Parent = "" },
	} {
		r := newRun(c.ID, fmt.Sprint(i))
		change(&r)
		ok(t, s.CreateRun(t.Context(), r))
	}
	for _, q := range []struct {
		query storage.RunQuery
		want  []string
	}{
		{storage.RunQuery{}, []string{"4", "3", "2", "1", "0"}},
		{storage.RunQuery{Kind: "agent"}, []string{"4", "3", "2", "0"}},
		{storage.RunQuery{Name: "cmo"}, []string{"4", "3", "1", "0"}},
		{storage.RunQuery{Status: "running"}, []string{"4", "2", "1", "0"}},
		{storage.RunQuery{Parent: "parent"}, []string{"3", "2", "1", "0"}},
		{storage.RunQuery{Kind: "agent", Name: "cmo", Status: "done", Parent: "parent"}, []string{"3"}},
		{storage.RunQuery{Name: "c%"}, nil},
	} {
		q.query.Page = all
		list, err := s.Runs.Runs(t.Context(), c.ID, q.query)
		equalIDs(t, list, err, runID, q.want, fmt.Sprintf("%+v", q.query))
	}
}

func testRunsSpent(t *testing.T, s runStore) {
	f := fill(t, s)
	for i, at := range []time.Time{now.Add(-time.Microsecond), now, now.Add(time.Hour)} {
		r := newRun(f.customer.ID, storage.NewID())
		r.CreatedAt, r.Tokens, r.Cost = at, 1<<(10*i), 1<<(10*i+1)
		ok(t, s.CreateRun(t.Context(), r))
	}
	for _, c := range []struct {
		since  time.Time
		tokens int64
	}{{now.Add(-time.Hour), 1 + 1<<10 + 1<<20}, {now, 1<<10 + 1<<20}, {now.Add(time.Second), 1 << 20}, {now.Add(2 * time.Hour), 0}} {
		spent, err := s.RunsSpent(t.Context(), f.customer.ID, c.since)
		ok(t, err)
		equal(t, spent, storage.Spent{Tokens: c.tokens, Cost: 2 * c.tokens}, fmt.Sprint("since ", c.since))
	}
}

func testStalledRuns(t *testing.T, s runStore) {
	f, g := fill(t, s), fill(t, s)
	for i, change := range []func(*storage.Run){
		func(r *storage.Run) { r.UpdatedAt = now.Add(time.Minute) },
		func(r *storage.Run) { r.CustomerID = g.customer.ID },
		func(*storage.Run) {},
		func(r *storage.Run) { r.Status = "RUNNING" },
		func(r *storage.Run) { r.EndedAt = now },
		func(r *storage.Run) { r.UpdatedAt = now.Add(2 * time.Minute) },
	} {
		r := newRun(f.customer.ID, fmt.Sprint(i))
		change(&r)
		ok(t, s.CreateRun(t.Context(), r))
	}
	for _, c := range []struct {
		limit int
		want  []string
	}{{10, []string{"1", "2", "0"}}, {2, []string{"1", "2"}}, {0, nil}} {
		list, err := s.StalledRuns(t.Context(), "running", now.Add(2*time.Minute), c.limit)
		equalIDs(t, list, err, runID, c.want, fmt.Sprint("limit ", c.limit))
	}
	list, err := s.StalledRuns(t.Context(), "run%", now.Add(time.Hour), 10)
	equalIDs(t, list, err, runID, nil, "another state")
}

func testDeleteRuns(t *testing.T, s runStore) {
	f, g := fill(t, s), fill(t, s)
	var kept []string
	for i, who := range []storage.CustomerID{f.customer.ID, g.customer.ID, f.customer.ID, f.customer.ID} {
		r := newRun(who, fmt.Sprint(i))
		r.UpdatedAt = now.Add(time.Duration(i) * time.Minute)
		ok(t, s.CreateRun(t.Context(), r))
	}
	kept = []string{"3", "2"}
	n, err := s.DeleteRuns(t.Context(), now.Add(2*time.Minute))
	ok(t, err)
	equal(t, n, 2, "number of deleted runs")
	list, err := s.Runs.Runs(t.Context(), f.customer.ID, storage.RunQuery{Page: all})
	equalIDs(t, list, err, runID, kept, "what is left")
	n, err = s.DeleteRuns(t.Context(), now.Add(2*time.Minute))
	ok(t, err)
	equal(t, n, 0, "number of runs deleted the second time")
}

func testRunsUndone(t *testing.T, s runStore) {
	f := fill(t, s)
	r := newRun(f.customer.ID, storage.NewID())
	ok(t, s.CreateRun(t.Context(), r))
	own := errors.New("my own reason")
	err := s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		in := withRuns(t, tx)
		ok(t, in.CreateRun(ctx, newRun(f.customer.ID, storage.NewID())))
		_, err := in.UpdateRun(ctx, f.customer.ID, r.ID, func(r *storage.Run) error { r.Status = "changed"; return nil })
		ok(t, err)
		list, err := in.Runs.Runs(ctx, f.customer.ID, storage.RunQuery{Page: all})
		ok(t, err)
		equal(t, len(list), 2, "runs inside of the transaction")
		return own
	})
	wantErr(t, err, own, "the transaction")
	list, err := s.Runs.Runs(t.Context(), f.customer.ID, storage.RunQuery{Page: all})
	ok(t, err)
	equal(t, list, []storage.Run{r}, "runs after a transaction that was undone")
}

func testRunsConcurrent(t *testing.T, s runStore) {
	f := fill(t, s)
	r := newRun(f.customer.ID, storage.NewID())
	r.Tokens = 0
	ok(t, s.CreateRun(t.Context(), r))
	const workers, each = 8, 5
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for range each {
				_, err := s.UpdateRun(t.Context(), f.customer.ID, r.ID, func(r *storage.Run) error { r.Tokens++; return nil })
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	wg.Wait()
	ok(t, errors.Join(slices.Clone(errs)...))
	got, err := s.Run(t.Context(), f.customer.ID, r.ID)
	ok(t, err)
	equal(t, got.Tokens, int64(workers*each), "updates that were kept")
}
