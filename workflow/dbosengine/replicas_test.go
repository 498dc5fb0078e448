package dbosengine_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

// waiter is a workflow that says where it is, and waits.
func waiter(at chan<- string) workflow.Definition {
	return workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		for _, name := range []string{"one", "two"} {
			_, err := c.Step(name, func(context.Context) (json.RawMessage, error) { at <- name; return nil, nil }, workflow.StepOptions{})
			if err != nil {
				return nil, err
			}
		}
		at <- "waits"
		if _, err := c.Wait("go on", time.Hour); err != nil {
			return nil, err
		}
		at <- "goes on"
		return nil, nil
	}}
}

func start(t *testing.T, d database, executor string, definitions ...workflow.Definition) *dbosengine.Engine {
	t.Helper()
	e, err := d.open(executor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := e.Start(t.Context(), definitions...); err != nil {
		t.Fatal(err)
	}
	return e
}

func next(t *testing.T, at <-chan string, want string, within time.Duration) {
	t.Helper()
	select {
	case got := <-at:
		if got != want {
			t.Errorf("the run is at %q, want %q", got, want)
		}
	case <-time.After(within):
		t.Fatalf("the run isn't at %q within %s", want, within)
	}
}

func TestAFileBelongsToOneProcess(t *testing.T) {
	d := database{Path: filepath.Join(t.TempDir(), "test.db")}
	first := start(t, d, "")
	second, err := d.open("")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second engine started: %v", err)
	}
	if err := second.Close(t.Context()); err != nil {
		t.Error(err)
	}
	// The one that could not start has not let the file go for the first.
	third, err := d.open("")
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Start(t.Context()); err == nil {
		t.Error("a third engine started")
	}
	if err := third.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t, d, "")
}

// A replica that closes its engine leaves its runs to the others at once.
func TestRunsOfAReplicaThatCloses(t *testing.T) {
	d := database{DSN: pgtest.DSN(t)}
	atA, atB := make(chan string, 10), make(chan string, 10)
	a, b := start(t, d, "", waiter(atA)), start(t, d, "", waiter(atB))
	if err := a.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	next(t, atA, "one", 10*time.Second)
	next(t, atA, "two", 10*time.Second)
	next(t, atA, "waits", 10*time.Second)
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Signal(t.Context(), "ada", "work", "first", "go on", nil); err != nil {
		t.Fatal(err)
	}
	next(t, atB, "waits", 30*time.Second) // step one was not carried out again
	next(t, atB, "goes on", 10*time.Second)
}

// What was sent while nobody listened, as in the first moments of a process, arrives all
// the same.
func TestNoSignalIsMissed(t *testing.T) {
	d := database{DSN: pgtest.DSN(t)}
	at := make(chan string, 10)
	e := start(t, d, "", waiter(at))
	if err := e.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two", "waits"} {
		next(t, at, want, 30*time.Second)
	}
	db, err := pgx.Connect(t.Context(), d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	if _, err := db.Exec(t.Context(), `ALTER TABLE dbos.notifications DISABLE TRIGGER USER`); err != nil {
		t.Fatal(err)
	}
	if err := e.Signal(t.Context(), "ada", "work", "first", "go on", nil); err != nil {
		t.Fatal(err)
	}
	next(t, at, "goes on", time.Minute)
}

// A replica that is killed can't say so: its silence does.
func TestRunsOfAReplicaThatIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a minute of silence")
	}
	t.Parallel()
	d := database{DSN: pgtest.DSN(t)}
	at := make(chan string, 10)
	survivor := start(t, d, "survivor", waiter(at))
	log := filepath.Join(t.TempDir(), "log")
	dead := child(t, order{database: d, Log: log}, true)
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait()
	if err := survivor.Signal(t.Context(), "ada", "work", "first", "go on", nil); err != nil {
		t.Fatal(err)
	}
	next(t, at, "waits", 90*time.Second)
	next(t, at, "goes on", 10*time.Second)
}

func TestEndedRunsAreForgotten(t *testing.T) {
	for name, d := range databases(t) {
		t.Run(name, func(t *testing.T) {
			began := make(chan string, 10)
			definition := workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
				began <- c.RunID()
				if c.RunID() == "waits" {
					return c.Wait("go on", time.Hour)
				}
				return nil, nil
			}}
			e := start(t, d, "", definition)
			for _, id := range []string{"ended", "waits"} {
				if err := e.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: id}); err != nil {
					t.Fatal(err)
				}
				next(t, began, id, 10*time.Second)
			}
			// The end of a run is stored a moment after it.
			for deadline := time.Now().Add(10 * time.Second); ; {
				if err := dbosengine.Purge(t.Context(), e, time.Now().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
				if err := e.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "ended"}); err != nil {
					t.Fatal(err)
				}
				select {
				case <-began: // what is forgotten begins again
				case <-time.After(50 * time.Millisecond):
					if time.Now().Before(deadline) {
						continue
					}
					t.Error("the ended run is still remembered")
				}
				break
			}
			if err := e.Signal(t.Context(), "ada", "work", "waits", "go on", nil); err != nil {
				t.Errorf("the run that waits: %v", err)
			}
		})
	}
}

// The library's environment variables would take the place of the constant version, after
// which older runs wait for ever, or of the executor's name.
func TestTheEnvironmentDecidesNothing(t *testing.T) {
	for _, name := range []string{"DBOS__VMID", "DBOS__APPVERSION"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "other")
			d := database{Path: filepath.Join(t.TempDir(), "test.db")}
			e, err := d.open("")
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Start(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("it starts: %v", err)
			}
			if err := e.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
