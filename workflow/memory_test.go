package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/workflowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	workflowtest.Run(t, func(*testing.T) workflow.Engine { return workflow.NewMemory(nil) })
}

// The waits between attempts double, up to an hour, and a run may take weeks.
func TestMemoryTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan workflow.Ended, 1)
		m := workflow.NewMemory(&workflow.MemoryOptions{OnEnd: func(e workflow.Ended) { ended <- e }})
		began := time.Now()
		var at []time.Duration
		err := m.Start(t.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
			_, err := c.Step("try", func(context.Context) (json.RawMessage, error) {
				at = append(at, time.Since(began))
				return nil, errors.New("never")
			}, workflow.StepOptions{})
			if err == nil || workflow.IsEngine(err) {
				t.Errorf("the step: %v", err)
			}
			if err := c.Sleep("weeks", 21*24*time.Hour); err != nil {
				return nil, err
			}
			return c.Wait("never", 24*time.Hour)
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
			t.Fatal(err)
		}
		e := <-ended
		if !errors.Is(e.Err, workflow.ErrTimeout) || e.Customer != "ada" || e.Run.ID != "first" {
			t.Errorf("it ended with %+v", e)
		}
		want := []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second}
		for i, d := range want {
			if len(at) != len(want) || at[i] != d {
				t.Fatalf("attempts at %v, want %v", at, want)
			}
		}
		if took := time.Since(began); took != 22*24*time.Hour+35*time.Second {
			t.Errorf("it took %s", took)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDelay(t *testing.T) {
	var o workflow.StepOptions
	for n, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 4: 40 * time.Second, 50: time.Hour} {
		if got := o.Delay(n); got != want {
			t.Errorf("after %d attempts: %s, want %s", n, got, want)
		}
	}
}

// Close gives up on a step that doesn't look at its context.
func TestMemoryCloseGivesUp(t *testing.T) {
	m := workflow.NewMemory(nil)
	inStep, goOn := make(chan struct{}), make(chan struct{})
	err := m.Start(t.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		return c.Step("deaf", func(context.Context) (json.RawMessage, error) {
			close(inStep)
			<-goOn
			return nil, nil
		}, workflow.StepOptions{})
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err == nil {
		t.Error("it starts twice")
	}
	if err := m.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	<-inStep
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	close(goOn)
	if err := m.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Types that don't fit what is stored are an error of the program.
func TestTyped(t *testing.T) {
	ended := make(chan workflow.Ended, 1)
	m := workflow.NewMemory(&workflow.MemoryOptions{OnEnd: func(e workflow.Ended) { ended <- e }})
	err := m.Start(t.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		if _, err := workflow.Step(c, "chan", func(context.Context) (chan int, error) { return make(chan int), nil }, nil); err == nil {
			t.Error("a channel is stored")
		}
		n, err := workflow.Wait[int](c, "number", time.Hour)
		if err == nil || n != 0 || !workflow.IsPermanent(err) {
			t.Errorf("a text as a number: %d, %v", n, err)
		}
		nothing, err := workflow.Wait[*int](c, "nothing", time.Hour)
		if err != nil || nothing != nil {
			t.Errorf("nothing: %v, %v", nothing, err)
		}
		return nil, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]json.RawMessage{"number": json.RawMessage(`"one"`), "nothing": nil} {
		if err := m.Signal(t.Context(), "ada", "work", "first", name, payload); err != nil {
			t.Fatal(err)
		}
	}
	if e := <-ended; e.Err != nil {
		t.Error(e.Err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
