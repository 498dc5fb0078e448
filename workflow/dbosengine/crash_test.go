package dbosengine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

// childOrder is the environment variable with the order for a child process.
const childOrder = "HEYCMO_TEST_DBOSENGINE_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childOrder); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// database is where an engine keeps its runs.
type database struct{ Path, DSN string }

func (d database) open(executor string) (*dbosengine.Engine, error) {
	o := &dbosengine.Options{Executor: executor}
	if d.Path != "" {
		return dbosengine.OpenSQLite(d.Path, o)
	}
	return dbosengine.OpenPostgres(d.DSN, o)
}

// databases are one of each kind.
func databases(t *testing.T) map[string]database {
	t.Helper()
	return map[string]database{"SQLite": {Path: filepath.Join(t.TempDir(), "test.db")}, "PostgreSQL": {DSN: pgtest.DSN(t)}}
}

// order is what a child process does.
type order struct {
	database
	Log    string // a file to which steps write that they were carried out
	Kill   string // the step in which the process kills itself; empty: none
	Signal bool   // sends what the run waits for
}

// runChild triggers the run, which may be there already, and waits for its end.
func runChild(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	step := func(c workflow.Context, name string) error {
		_, err := c.Step(name, func(context.Context) (json.RawMessage, error) {
			if err := write(o.Log, name); err != nil {
				return nil, err
			}
			if o.Kill == name {
				return nil, syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil, nil
		}, workflow.StepOptions{Backoff: time.Millisecond})
		return err
	}
	e, err := o.open("the-same")
	if err != nil {
		return err
	}
	err = e.Start(ctx, workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		for _, name := range []string{"one", "two"} {
			if err := step(c, name); err != nil {
				return nil, err
			}
		}
		fmt.Println("waiting")
		if _, err := c.Wait("go on", time.Hour); err != nil {
			return nil, err
		}
		err := step(c, "three")
		ended <- err
		return nil, err
	}})
	if err != nil {
		return err
	}
	if err := e.Trigger(ctx, "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		return err
	}
	if o.Signal {
		if err := e.Signal(ctx, "ada", "work", "first", "go on", nil); err != nil {
			return err
		}
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return cmpErr(err, e.Close(ctx))
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func write(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return cmpErr(err, f.Close())
}

// child starts a child process, and waits until it says that the run waits, if it shall.
func child(t *testing.T, o order, untilWaiting bool) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childOrder+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); untilWaiting && lines.Scan(); {
		if lines.Text() == "waiting" {
			return cmd
		}
	}
	if untilWaiting {
		t.Fatalf("the run never waits: %v", cmd.Wait())
	}
	return cmd
}

// A process is killed in a step, again while the run waits, and the run goes on: what was
// done isn't done again, and a trigger with the same ID begins nothing.
func TestKilled(t *testing.T) {
	for name, d := range databases(t) {
		t.Run(name, func(t *testing.T) {
			o := order{database: d, Log: filepath.Join(t.TempDir(), "log"), Kill: "two"}
			if err := child(t, o, false).Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the process in step two: %v", err)
			}
			o.Kill = ""
			waits := child(t, o, true)
			if err := waits.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = waits.Wait()
			o.Signal = true
			if err := child(t, o, false).Wait(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(o.Log)
			if err != nil {
				t.Fatal(err)
			}
			// Step two was under way when the process died, so it was carried out again.
			if done := strings.Fields(string(data)); !slices.Equal(done, []string{"one", "two", "two", "three"}) {
				t.Errorf("carried out: %v", done)
			}
		})
	}
}

// A run that waits lives through more starts of its process than the library allows by
// default, and none of its steps is carried out again.
func TestManyRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts 220 engines")
	}
	for name, d := range databases(t) {
		t.Run(name, func(t *testing.T) {
			steps := 0
			waits, ended := make(chan struct{}, 200), make(chan struct{})
			definition := workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
				_, err := c.Step("once", func(context.Context) (json.RawMessage, error) { steps++; return nil, nil }, workflow.StepOptions{})
				if err != nil {
					return nil, err
				}
				waits <- struct{}{}
				if _, err := c.Wait("go on", time.Hour); err != nil {
					return nil, err
				}
				close(ended)
				return nil, nil
			}}
			for i := range 111 {
				e, err := d.open("")
				if err != nil {
					t.Fatal(err)
				}
				if err := e.Start(t.Context(), definition); err != nil {
					t.Fatal(err)
				}
				switch i {
				case 0:
					if err = e.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err == nil {
						<-waits // a step that is under way at the close would be carried out again
					}
				case 110:
					if err = e.Signal(t.Context(), "ada", "work", "first", "go on", nil); err == nil {
						select {
						case <-ended:
						case <-time.After(30 * time.Second):
							t.Error("the run doesn't go on")
						}
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := e.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if steps != 1 {
				t.Errorf("the step was carried out %d times", steps)
			}
		})
	}
}

// Runs of one executor aren't taken by another one that is alive at the same time.
func TestExecutorsKeepApart(t *testing.T) {
	d := database{DSN: pgtest.DSN(t)}
	began := make(chan string, 10)
	start := func(name string) *dbosengine.Engine {
		e, err := d.open(name)
		if err != nil {
			t.Fatal(err)
		}
		err = e.Start(t.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
			began <- name + " " + c.RunID()
			return c.Wait("go on", time.Hour)
		}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	a := start("a")
	if err := a.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	if got := <-began; got != "a first" {
		t.Errorf("began: %s", got)
	}
	b := start("b")
	// The same trigger on another replica begins nothing, and its own run begins.
	for _, id := range []string{"first", "second"} {
		if err := b.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-began; got != "b second" {
		t.Errorf("began: %s", got)
	}
	// Either may send to a run, or cancel it, wherever it is.
	if err := b.Signal(t.Context(), "ada", "work", "first", "go on", nil); err != nil {
		t.Error(err)
	}
	if err := a.Cancel(t.Context(), "ada", "work", "second"); err != nil {
		t.Error(err)
	}
	for _, e := range []*dbosengine.Engine{a, b} {
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if len(began) > 0 {
		t.Errorf("began again: %s", <-began)
	}
}

// However many runs wait when the engine closes, all of them go on afterwards.
func TestNoneIsLostAtClose(t *testing.T) {
	const many = 300
	for name, d := range databases(t) {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}, many), make(chan struct{}, many)
			definition := workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
				began <- struct{}{}
				_, err := c.Wait("go on", time.Hour)
				if err == nil {
					ended <- struct{}{}
				}
				return nil, err
			}}
			open := func() *dbosengine.Engine {
				e, err := d.open("")
				if err == nil {
					err = e.Start(t.Context(), definition)
				}
				if err != nil {
					t.Fatal(err)
				}
				return e
			}
			e := open()
			for i := range many {
				if err := e.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
			}
			for range many {
				<-began
			}
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			e = open()
			lost := 0
			for i := range many {
				if err := e.Signal(t.Context(), "ada", "work", fmt.Sprint(i), "go on", nil); err != nil {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("%d of %d runs are lost", lost, many)
			}
			for range many - lost {
				select {
				case <-ended:
				case <-time.After(30 * time.Second):
					t.Fatal("a run doesn't go on")
				}
			}
			if err := e.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
