// Package workflowtest checks that an engine keeps the contract in the comments of
// package workflow.
//
//	func TestEngine(t *testing.T) {
//		workflowtest.Run(t, func(t *testing.T) workflow.Engine { return myengine.New(…) })
//	}
//
// open is called for each check and returns an engine that is new, empty and not
// started. The suite closes it.
package workflowtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// patience bounds waits that end with a signal.
const patience = 30 * time.Second

// quick has failures tried again soon.
var quick = workflow.StepOptions{Attempts: 3, Backoff: time.Millisecond}

// Run checks an engine.
func Run(t *testing.T, open func(t *testing.T) workflow.Engine) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, d *desk)
	}{
		{"StepsInOrder", testOrder}, {"NamesAreUnique", testNames}, {"TriggerTwice", testTriggerTwice}, {"BadTriggers", testBadTriggers},
		{"StepIsTriedAgain", testRetries}, {"StepThatKeepsFailing", testExhausted}, {"PermanentError", testPermanent},
		{"PanickingStep", testPanic}, {"StepTimeout", testStepTimeout}, {"FailedRun", testFailed}, {"PanickingRun", testPanickingRun},
		{"EarlySignal", testEarlySignal}, {"SignalsInOrder", testSignals}, {"WaitTimeout", testWaitTimeout}, {"Sleep", testSleep},
		{"CancelWaiting", testCancelWaiting}, {"CancelStep", testCancelStep}, {"ForeignCustomer", testForeign}, {"EndedRun", testEnded},
		{"LargeResults", testLarge}, {"ManyRuns", testMany}, {"Close", testClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &desk{T: t, Engine: open(t), ended: make(chan ended, 1000)}
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
				defer cancel()
				if err := d.Close(ctx); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			c.run(t, d)
		})
	}
	t.Run("BadDefinitions", func(t *testing.T) { testBadDefinitions(t, open) })
}

// desk is an engine with one workflow, "work".
type desk struct {
	*testing.T
	workflow.Engine
	ended chan ended
}

type ended struct {
	id     string
	result json.RawMessage
	err    error
}

// start starts the engine with a workflow that runs fn.
func (d *desk) start(fn func(c workflow.Context, input json.RawMessage) (json.RawMessage, error)) {
	d.Helper()
	err := d.Start(d.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, input json.RawMessage) (json.RawMessage, error) {
		result, err := fn(c, input)
		if !errors.Is(err, workflow.ErrClosed) {
			d.ended <- ended{c.RunID(), result, err}
		}
		return result, err
	}})
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) trigger(id string) {
	d.Helper()
	if err := d.Trigger(d.Context(), "ada", workflow.Run{Workflow: "work", ID: id, Input: json.RawMessage(`{"n":1}`)}); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) signal(id, name, payload string) {
	d.Helper()
	if err := d.Signal(d.Context(), "ada", "work", id, name, json.RawMessage(payload)); err != nil {
		d.Fatal(err)
	}
}

// end waits for the end of a run.
func (d *desk) end() ended {
	d.Helper()
	select {
	case e := <-d.ended:
		return e
	case <-time.After(patience):
		d.Fatal("the run doesn't end")
		return ended{}
	}
}

// begun waits for a word of a run.
func begun(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal("the run doesn't get there")
	}
}

// counter counts what is called, by name.
type counter struct {
	mu    sync.Mutex
	calls []string
}

func (c *counter) add(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, name)
	n := 0
	for _, call := range c.calls {
		if call == name {
			n++
		}
	}
	return n
}

func (c *counter) list() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.calls, " ")
}

func testOrder(t *testing.T, d *desk) {
	var did counter
	d.start(func(c workflow.Context, input json.RawMessage) (json.RawMessage, error) {
		if string(input) != `{"n":1}` || c.Customer() != "ada" || c.RunID() != "first" {
			t.Errorf("run %s of %s with %s", c.RunID(), c.Customer(), input)
		}
		sum := 0
		for i := range 3 {
			n, err := workflow.Step(c, fmt.Sprint("step ", i), func(context.Context) (int, error) {
				did.add(fmt.Sprint(i))
				return i + 1, nil
			}, nil)
			if err != nil {
				return nil, err
			}
			sum = 10*sum + n
		}
		return json.RawMessage(fmt.Sprint(sum)), nil
	})
	d.trigger("first")
	if e := d.end(); e.err != nil || string(e.result) != "123" || did.list() != "0 1 2" {
		t.Errorf("%s, %v after %q", e.result, e.err, did.list())
	}
}

func testNames(t *testing.T, d *desk) {
	nothing := func(context.Context) (int, error) { return 0, nil }
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		if _, err := workflow.Step(c, "", nothing, nil); err == nil {
			t.Error("a step without a name is taken")
		}
		if _, err := workflow.Step(c, "twice", nothing, nil); err != nil {
			t.Error(err)
		}
		_, err := workflow.Step(c, "twice", nothing, nil)
		return nil, err
	})
	d.trigger("first")
	if e := d.end(); e.err == nil || !strings.Contains(e.err.Error(), `"twice"`) {
		t.Errorf("the same name again: %v", e.err)
	}
}

func testTriggerTwice(t *testing.T, d *desk) {
	var did counter
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		return c.Step("once", func(context.Context) (json.RawMessage, error) {
			did.add("once")
			return nil, nil
		}, quick)
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := d.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "same"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	d.end()
	d.trigger("same") // it has ended
	d.trigger("other")
	if e := d.end(); e.id != "other" || did.list() != "once once" {
		t.Errorf("%s ended, after %q", e.id, did.list())
	}
}

func testBadTriggers(t *testing.T, d *desk) {
	d.start(func(workflow.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil })
	for want, r := range map[error]workflow.Run{workflow.ErrUnknown: {Workflow: "absent", ID: "a"}} {
		if err := d.Trigger(t.Context(), "ada", r); !errors.Is(err, want) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for _, r := range []workflow.Run{
		{Workflow: "work"}, {Workflow: "work", ID: "a\x00"}, {Workflow: "work", ID: strings.Repeat("a", 201)}, {Workflow: "work", ID: "a", Input: json.RawMessage(`{`)},
	} {
		if err := d.Trigger(t.Context(), "ada", r); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("%.60v: %v", r, err)
		}
	}
}

func testBadDefinitions(t *testing.T, open func(t *testing.T) workflow.Engine) {
	run := func(workflow.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil }
	for want, list := range map[string][]workflow.Definition{
		`workflow "Big": the name`:       {{Name: "Big", Run: run}},
		`workflow "": the name`:          {{Run: run}},
		`workflow "a" is there twice`:    {{Name: "a", Run: run}, {Name: "a", Run: run}},
		`workflow "nothing": Run is nil`: {{Name: "nothing"}},
	} {
		e := open(t)
		if err := e.Start(t.Context(), list...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v, want %q", err, want)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
