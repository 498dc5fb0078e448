package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
	"github.com/heycmo/heycmo-go/workflow/inngestengine"
	"github.com/heycmo/heycmo-go/workflow/inngestengine/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t *testing.T) (storage.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, path
}

func newCustomer(t *testing.T, store storage.Store, status storage.Status) storage.CustomerID {
	t.Helper()
	now := storage.Now()
	c := storage.Customer{ID: storage.CustomerID(storage.NewID()), Email: "ada@example.com", Status: status, CreatedAt: now, UpdatedAt: now}
	c.Onboarding = status == storage.StatusOnboarding
	if err := store.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// runOn has a Runner work on the store until the test ends or stop is called.
func runOn(t *testing.T, store storage.Store, engine workflow.Engine, workflows ...*agent.Workflow) (r *runner.Runner, stop func()) {
	t.Helper()
	return runAt(t, store, engine, storage.Now, workflows...)
}

// runAt is runOn by another clock.
func runAt(t *testing.T, store storage.Store, engine workflow.Engine, now func() time.Time, workflows ...*agent.Workflow) (r *runner.Runner, stop func()) {
	t.Helper()
	effects, _ := storage.RoleOf[storage.Effects](store)
	var worker *outbox.Worker
	r, err := runner.New(runner.Config{
		Store: store, Engine: engine, Workflows: workflows, Log: zap.NewNop(), Notify: true,
		Wake: func() { worker.Wake() },
		StepContext: func(ctx context.Context, customer storage.CustomerID, _ storage.RunID) (context.Context, func(), error) {
			return ctx, func() {}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	runner.SetClock(r, now)
	worker = outbox.New(effects, map[string]outbox.Handler{
		runner.KindBegin: r.DoBegin, runner.KindSignal: r.DoSignal, runner.KindFanOut: r.DoFanOut,
		outbox.KindNotice: func(_ context.Context, e storage.Effect) error {
			told, _ := notices.LoadOrStore(store, make(chan string, 100))
			told.(chan string) <- e.ID
			return nil
		},
	}, zap.NewNop())
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{}, 2)
	go func() { r.Run(ctx); done <- struct{}{} }()
	go func() { worker.Run(ctx); done <- struct{}{} }()
	var stopped atomic.Bool
	stop = func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		<-done
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(stop)
	return r, stop
}

func begin(t *testing.T, r *runner.Runner, customer storage.CustomerID, w runner.Wish) storage.Run {
	t.Helper()
	run, _, err := r.Begin(t.Context(), r.Store, customer, w)
	if err != nil {
		t.Fatal(err)
	}
	r.Wake()
	return run
}

// await waits until the run has ended or needs somebody.
func await(t *testing.T, r *runner.Runner, run storage.Run) (storage.Run, runner.Record) {
	t.Helper()
	run, err := r.Await(t.Context(), run.CustomerID, run.ID, 20*time.Second, func(storage.Run, runner.Record) {})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := runner.RecordOf(run)
	if err != nil {
		t.Fatal(err)
	}
	return run, rec
}

// events returns the types of the customer's events, oldest first.
func events(t *testing.T, store storage.Store, customer storage.CustomerID) []string {
	t.Helper()
	list, err := store.Events(t.Context(), customer, storage.EventQuery{Page: storage.Page{Limit: 100}})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range slices.Backward(list) {
		types = append(types, e.Type)
	}
	return types
}

type greeting struct {
	Name string `json:"name" jsonschema:"whom to greet"`
}

type greeted struct {
	Text     string `json:"text"`
	Decision string `json:"decision,omitempty"`
	Note     string `json:"note,omitempty"`
}

// asking greets, and asks before.
func asking(q workflow.Question) *agent.Workflow {
	return agent.NewWorkflow("greet", "Greets somebody.", func(c workflow.Context, in greeting) (greeted, error) {
		text, err := workflow.Step(c, "write", func(ctx context.Context) (string, error) {
			agent.Progress(ctx, 1, 2, "halfway")
			return "Hello " + in.Name, nil
		}, nil)
		if err != nil {
			return greeted{}, err
		}
		q.Name, q.Title, q.Text = "ask", "Say this?", text
		a, err := workflow.Ask(c, q)
		return greeted{text, string(a.Decision), a.Note}, err
	}, &agent.WorkflowOptions{Title: "Greeting", Onboarding: true})
}

// engines are what the tests run on.
func engines(t *testing.T, test func(t *testing.T, store storage.Store, open func() workflow.Engine)) {
	t.Run("memory", func(t *testing.T) {
		store, _ := openStore(t)
		test(t, store, func() workflow.Engine { return workflow.NewMemory(nil) })
	})
	t.Run("DBOS", func(t *testing.T) {
		store, path := openStore(t)
		test(t, store, func() workflow.Engine {
			e, err := dbosengine.OpenSQLite(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			return e
		})
	})
	t.Run("Inngest", func(t *testing.T) {
		store, _ := openStore(t)
		var engine *inngestengine.Engine
		inngest := inngesttest.NewServer(inngesttest.Options{SigningKey: "signkey-test-00"})
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { engine.ServeHTTP(w, r) }))
		t.Cleanup(func() { inngest.Close(); app.Close(); http.DefaultClient.CloseIdleConnections() })
		test(t, store, func() workflow.Engine {
			var err error
			engine, err = inngestengine.New(store, inngestengine.Options{SigningKey: "signkey-test-00", EventKey: "e", URL: inngest.URL, ServeURL: app.URL})
			if err != nil {
				t.Fatal(err)
			}
			return registered{engine, inngest}
		})
	})
}

// registered is started once Inngest knows its functions.
type registered struct {
	*inngestengine.Engine
	inngest *inngesttest.Server
}

func (r registered) Start(ctx context.Context, definitions ...workflow.Definition) error {
	if err := r.Engine.Start(ctx, definitions...); err != nil {
		return err
	}
	select {
	case <-r.inngest.Registered():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestARunThatAsks(t *testing.T) {
	engines(t, func(t *testing.T, store storage.Store, open func() workflow.Engine) {
		ada := newCustomer(t, store, storage.StatusOnboarding)
		r, _ := runOn(t, store, open(), asking(workflow.Question{Subject: "content/1"}))
		wish := runner.Wish{Workflow: "greet", Key: "k", Input: json.RawMessage(`{"name":"Ada"}`)}
		first := begin(t, r, ada, wish)
		if again := begin(t, r, ada, wish); again.ID != first.ID {
			t.Errorf("the same wish began %s and %s", first.ID, again.ID)
		}
		waits, rec := await(t, r, first)
		if waits.Status != runner.StatusWaiting || rec.Waiting == nil || rec.Waiting.Kind != runner.WaitingApproval || rec.Waiting.Title != "Say this?" {
			t.Fatalf("it is %s and waits for %+v", waits.Status, rec.Waiting)
		}
		if pending, err := r.Pending(t.Context(), ada, "content/1"); err != nil || len(pending) != 1 || pending[0].ID != rec.Waiting.ID {
			t.Fatalf("pending: %v, %v", pending, err)
		}
		eve := newCustomer(t, store, storage.StatusActive)
		if _, err := r.Decide(t.Context(), eve, rec.Waiting.ID, workflow.Answer{Decision: workflow.DecisionApprove}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another customer's decision: %v", err)
		}
		for _, bad := range []workflow.Answer{{}, {Decision: "maybe"}, {Decision: workflow.DecisionExpired}, {Decision: workflow.DecisionRevise}, {Decision: workflow.DecisionApprove, Note: strings.Repeat("x", 2001)}} {
			if _, err := r.Decide(t.Context(), ada, rec.Waiting.ID, bad); !errors.Is(err, storage.ErrInvalid) {
				t.Errorf("decision %v: %v", bad, err)
			}
		}
		if _, err := r.Decide(t.Context(), ada, rec.Waiting.ID, workflow.Answer{Decision: workflow.DecisionRevise, Note: "louder"}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Decide(t.Context(), ada, rec.Waiting.ID, workflow.Answer{Decision: workflow.DecisionApprove}); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("a second decision: %v", err)
		}
		ended, rec := await(t, r, first)
		if ended.Status != runner.StatusCompleted || string(rec.Output) != `{"text":"Hello Ada","decision":"revise","note":"louder"}` {
			t.Errorf("it is %s with %s %s", ended.Status, rec.Output, rec.Error)
		}
		if len(rec.Steps) != 2 || rec.Steps[0].Name != "write" || rec.Steps[0].Attempts != 1 || rec.Steps[0].Status != runner.StepDone || rec.Steps[1].Name != "ask" {
			t.Errorf("steps: %+v", rec.Steps)
		}
		want := []string{"workflow.started", "approval.requested", "approval.decided", "customer.onboarded", "workflow.completed"}
		if got := events(t, store, ada); !slices.Equal(got, want) {
			t.Errorf("events: %v", got)
		}
		if c, err := store.Customer(t.Context(), ada); err != nil || c.Status != storage.StatusActive || c.Onboarding {
			t.Errorf("the customer is %s, %v", c.Status, err)
		}
	})
}

func TestCancelled(t *testing.T) {
	engines(t, func(t *testing.T, store storage.Store, open func() workflow.Engine) {
		ada := newCustomer(t, store, storage.StatusOnboarding)
		r, _ := runOn(t, store, open(), asking(workflow.Question{}))
		wish := runner.Wish{Workflow: "greet", Input: json.RawMessage(`{"name":"Ada"}`)}
		waits, rec := await(t, r, begin(t, r, ada, wish))
		if _, err := r.Cancel(t.Context(), newCustomer(t, store, storage.StatusActive), waits.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another customer's cancel: %v", err)
		}
		cancelled, err := r.Cancel(t.Context(), ada, waits.ID)
		if err != nil || cancelled.Status != runner.StatusCancelled {
			t.Fatalf("cancel: %s, %v", cancelled.Status, err)
		}
		if _, err := r.Cancel(t.Context(), ada, waits.ID); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("a second cancel: %v", err)
		}
		if _, err := r.Decide(t.Context(), ada, rec.Waiting.ID, workflow.Answer{Decision: workflow.DecisionApprove}); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("a decision for a cancelled run: %v", err)
		}
		// One that is to begin later is cancelled before the engine knows of it.
		wish.At = storage.Now().Add(time.Second)
		later := begin(t, r, ada, wish)
		if _, err := r.Cancel(t.Context(), ada, later.ID); err != nil {
			t.Error(err)
		}
		want := []string{"workflow.started", "approval.requested", "workflow.cancelled", "workflow.cancelled"}
		if got := events(t, store, ada); !slices.Equal(got, want) {
			t.Errorf("events: %v", got)
		}
	})
}

func TestExpiredAndReminded(t *testing.T) {
	engines(t, func(t *testing.T, store storage.Store, open func() workflow.Engine) {
		ada := newCustomer(t, store, storage.StatusOnboarding)
		r, _ := runOn(t, store, open(), asking(workflow.Question{Expires: 3 * time.Second, Remind: 1600 * time.Millisecond}))
		first := begin(t, r, ada, runner.Wish{Workflow: "greet", Input: json.RawMessage(`{"name":"Ada"}`)})
		for {
			ended, rec := await(t, r, first)
			if ended.EndedAt.IsZero() {
				continue
			}
			if string(rec.Output) != `{"text":"Hello Ada","decision":"expired"}` {
				t.Errorf("output: %s", rec.Output)
			}
			break
		}
		want := []string{"workflow.started", "approval.requested", "approval.reminded", "approval.expired", "customer.onboarded", "workflow.completed"}
		if got := events(t, store, ada); !slices.Equal(got, want) {
			t.Errorf("events: %v", got)
		}
		told, _ := notices.LoadOrStore(store, make(chan string, 100))
		for range 2 { // the request and the reminder
			select {
			case <-told.(chan string):
			case <-time.After(20 * time.Second):
				t.Fatal("a notice is missing")
			}
		}
	})
}

// A run that panics has failed, and says no more of it than it should.
func TestPanic(t *testing.T) {
	engines(t, func(t *testing.T, store storage.Store, open func() workflow.Engine) {
		ada := newCustomer(t, store, storage.StatusActive)
		r, _ := runOn(t, store, open(), agent.NewWorkflow("panics", "It panics.", func(c workflow.Context, _ struct{}) (struct{}, error) {
			panic("a secret fault")
		}, nil))
		run, rec := await(t, r, begin(t, r, ada, runner.Wish{Workflow: "panics"}))
		if run.Status != runner.StatusFailed || rec.Error != "something went wrong on our side" {
			t.Errorf("it is %s: %s", run.Status, rec.Error)
		}
		if got := events(t, store, ada); !slices.Equal(got, []string{"workflow.started", "workflow.failed"}) {
			t.Errorf("events: %v", got)
		}
	})
}

// A run whose row is forgotten ends all the same.
func TestForgottenRow(t *testing.T) {
	engines(t, func(t *testing.T, store storage.Store, open func() workflow.Engine) {
		ada := newCustomer(t, store, storage.StatusActive)
		inStep, goOn := make(chan struct{}, 1), make(chan struct{})
		engine := open()
		r, stop := runOn(t, store, engine, agent.NewWorkflow("slow", "It is slow.", func(c workflow.Context, _ struct{}) (struct{}, error) {
			_, err := workflow.Step(c, "wait", func(context.Context) (bool, error) {
				inStep <- struct{}{}
				<-goOn
				return true, nil
			}, nil)
			return struct{}{}, err
		}, nil))
		run := begin(t, r, ada, runner.Wish{Workflow: "slow"})
		<-inStep
		runs, _ := storage.RoleOf[storage.Runs](store)
		for n := 1; n > 0; {
			var err error
			if n, err = runs.DeleteRuns(t.Context(), storage.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		close(goOn)
		// The engine lets go of it at once.
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if err := engine.Signal(t.Context(), ada, "slow", string(run.ID), "x", nil); errors.Is(err, storage.ErrNotFound) {
				break
			}
			if time.Now().After(end) {
				t.Fatal("the run doesn't end")
			}
		}
		stop()
	})
}

// A clock that jumps loses nothing: what has expired by it can't be decided, and can
// again once it is right.
func TestClockJumps(t *testing.T) {
	engines(t, func(t *testing.T, store storage.Store, open func() workflow.Engine) {
		ada := newCustomer(t, store, storage.StatusActive)
		var ahead atomic.Int64
		now := func() time.Time { return storage.Now().Add(time.Duration(ahead.Load())) }
		r, _ := runAt(t, store, open(), now, asking(workflow.Question{Expires: time.Hour}))
		first := begin(t, r, ada, runner.Wish{Workflow: "greet", Input: json.RawMessage(`{"name":"Ada"}`)})
		_, rec := await(t, r, first)
		yes := workflow.Answer{Decision: workflow.DecisionApprove}
		ahead.Store(int64(2 * time.Hour))
		if _, err := r.Decide(t.Context(), ada, rec.Waiting.ID, yes); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("two hours ahead: %v", err)
		}
		ahead.Store(-int64(2 * time.Hour))
		if _, err := r.Decide(t.Context(), ada, rec.Waiting.ID, yes); err != nil {
			t.Errorf("two hours behind: %v", err)
		}
		ahead.Store(0)
		if ended, rec := await(t, r, first); ended.Status != runner.StatusCompleted || !strings.Contains(string(rec.Output), "approve") {
			t.Errorf("it is %s: %s", ended.Status, rec.Output)
		}
	})
}

// notices are the IDs of the notices that were sent, by store.
var notices sync.Map

// A process may die between the question and its engine's knowing that it was asked:
// the step is then carried out again.
func TestAskedTwice(t *testing.T) {
	store, _ := openStore(t)
	ada := newCustomer(t, store, storage.StatusActive)
	r, _ := runOn(t, store, workflow.NewMemory(nil), asking(workflow.Question{}))
	id, until := storage.NewID(), storage.Now().Add(time.Hour)
	for _, expires := range []time.Time{until, until.Add(time.Minute)} {
		got, err := runner.Ask(t.Context(), r, ada, id, runner.Asked{Title: "Publish?", Expires: expires})
		if err != nil || !got.Equal(until) {
			t.Errorf("asked until %v, %v; want %v", got, err, until)
		}
	}
	if got := events(t, store, ada); !slices.Equal(got, []string{"approval.requested"}) {
		t.Errorf("events %v; want one for one question", got)
	}
}

func TestAtMost(t *testing.T) {
	store, _ := openStore(t)
	ada := newCustomer(t, store, storage.StatusActive)
	r, _ := runOn(t, store, workflow.NewMemory(nil), asking(workflow.Question{}))
	wish := runner.Wish{Workflow: "greet", Key: "first", Input: json.RawMessage(`{"name":"Ada"}`), AtMost: 1}
	first := begin(t, r, ada, wish)
	second := wish
	second.Key = "second"
	if _, begun, err := r.Begin(t.Context(), store, ada, second); begun || !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a second run began: %v, %v", begun, err)
	}
	if again := begin(t, r, ada, wish); again.ID != first.ID {
		t.Errorf("the first wish, made again, is run %s; want %s", again.ID, first.ID)
	}
}
