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
	"slices"
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

// failing returns a workflow with one step that does what fn does.
func failing(did *counter, o workflow.StepOptions, fn func(ctx context.Context, n int) error) func(workflow.Context, json.RawMessage) (json.RawMessage, error) {
	return func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		return c.Step("try", func(ctx context.Context) (json.RawMessage, error) {
			return json.RawMessage(`"done"`), fn(ctx, did.add("try"))
		}, o)
	}
}

func testRetries(t *testing.T, d *desk) {
	var did counter
	d.start(failing(&did, quick, func(_ context.Context, n int) error {
		if n < 3 {
			return errors.New("not yet")
		}
		return nil
	}))
	d.trigger("first")
	if e := d.end(); e.err != nil || string(e.result) != `"done"` || did.list() != "try try try" {
		t.Errorf("%s, %v after %q", e.result, e.err, did.list())
	}
}

func testExhausted(t *testing.T, d *desk) {
	var did counter
	d.start(failing(&did, quick, func(context.Context, int) error { return errors.New("never") }))
	d.trigger("first")
	if e := d.end(); e.err == nil || !strings.Contains(e.err.Error(), "never") || did.list() != "try try try" {
		t.Errorf("%v after %q", e.err, did.list())
	}
}

func testPermanent(t *testing.T, d *desk) {
	var did counter
	d.start(failing(&did, quick, func(context.Context, int) error {
		return fmt.Errorf("wrapped: %w", workflow.Permanent(errors.New("no use")))
	}))
	d.trigger("first")
	if e := d.end(); e.err == nil || !strings.Contains(e.err.Error(), "no use") || did.list() != "try" {
		t.Errorf("%v after %q", e.err, did.list())
	}
}

func testPanic(t *testing.T, d *desk) {
	var did counter
	d.start(failing(&did, quick, func(_ context.Context, n int) error {
		if n == 1 {
			panic("a fault")
		}
		return nil
	}))
	d.trigger("first")
	if e := d.end(); e.err != nil || did.list() != "try try" {
		t.Errorf("%v after %q", e.err, did.list())
	}
}

func testStepTimeout(t *testing.T, d *desk) {
	var did counter
	o := quick
	o.Timeout, o.Attempts = 10*time.Millisecond, 2
	d.start(failing(&did, o, func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}))
	d.trigger("first")
	if e := d.end(); !strings.Contains(fmt.Sprint(e.err), context.DeadlineExceeded.Error()) || did.list() != "try try" {
		t.Errorf("%v after %q", e.err, did.list())
	}
}

func testFailed(t *testing.T, d *desk) {
	d.start(func(workflow.Context, json.RawMessage) (json.RawMessage, error) {
		return nil, errors.New("my own reason")
	})
	d.trigger("first")
	d.end()
	d.trigger("first") // a failed run has had its chance
	d.trigger("second")
	if e := d.end(); e.id != "second" {
		t.Errorf("%s ran again", e.id)
	}
}

func testPanickingRun(t *testing.T, d *desk) {
	got := make(chan struct{}, 10)
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		if c.RunID() == "bad" {
			got <- struct{}{}
			panic("a fault")
		}
		return nil, nil
	})
	d.trigger("bad")
	begun(t, got)
	d.trigger("good")
	if e := d.end(); e.id != "good" || e.err != nil {
		t.Errorf("%s: %v", e.id, e.err)
	}
}

func testEarlySignal(t *testing.T, d *desk) {
	inStep, goOn := make(chan struct{}, 1), make(chan struct{})
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		_, err := c.Step("before", func(context.Context) (json.RawMessage, error) {
			inStep <- struct{}{}
			<-goOn
			return nil, nil
		}, quick)
		if err != nil {
			return nil, err
		}
		return c.Wait("decided", time.Hour)
	})
	d.trigger("first")
	begun(t, inStep)
	d.signal("first", "decided", `{"yes":true}`)
	close(goOn)
	if e := d.end(); e.err != nil || string(e.result) != `{"yes":true}` {
		t.Errorf("%s, %v", e.result, e.err)
	}
}

func testSignals(t *testing.T, d *desk) {
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		var got []string
		for range 3 {
			word, err := workflow.Wait[string](c, "word", time.Hour)
			if err != nil {
				return nil, err
			}
			got = append(got, word)
		}
		return json.Marshal(got)
	})
	d.trigger("first")
	d.signal("first", "other", `"not this"`)
	for _, word := range []string{`"a"`, `"b"`, `"c"`} {
		d.signal("first", "word", word)
	}
	if e := d.end(); e.err != nil || string(e.result) != `["a","b","c"]` {
		t.Errorf("%s, %v", e.result, e.err)
	}
}

func testWaitTimeout(t *testing.T, d *desk) {
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		return c.Wait("never", 10*time.Millisecond)
	})
	d.trigger("first")
	if e := d.end(); !errors.Is(e.err, workflow.ErrTimeout) {
		t.Errorf("%v", e.err)
	}
}

func testSleep(t *testing.T, d *desk) {
	var began time.Time
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		if began.IsZero() { // an engine may run the function again after the sleep
			began = time.Now()
		}
		err := c.Sleep("a while", 50*time.Millisecond)
		if slept := time.Since(began); slept < 50*time.Millisecond {
			t.Errorf("slept for %s", slept)
		}
		return nil, err
	})
	d.trigger("first")
	if e := d.end(); e.err != nil {
		t.Error(e.err)
	}
}

func testCancelWaiting(t *testing.T, d *desk) {
	waiting := make(chan struct{}, 10)
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		waiting <- struct{}{}
		var err error
		if c.RunID() == "sleeps" {
			err = c.Sleep("long", time.Hour)
		} else {
			_, err = c.Wait("never", time.Hour)
		}
		if _, again := c.Step("after", func(context.Context) (json.RawMessage, error) {
			t.Error("a step is carried out after the run was cancelled")
			return nil, nil
		}, quick); !errors.Is(again, workflow.ErrCancelled) {
			t.Errorf("a step after the run was cancelled: %v", again)
		}
		return nil, err
	})
	for _, id := range []string{"waits", "sleeps"} {
		d.trigger(id)
		begun(t, waiting)
		if err := d.Cancel(t.Context(), "ada", "work", id); err != nil {
			t.Fatal(err)
		}
		if e := d.end(); e.id != id || !errors.Is(e.err, workflow.ErrCancelled) || !workflow.IsEngine(e.err) {
			t.Errorf("%s: %v", e.id, e.err)
		}
	}
}

func testCancelStep(t *testing.T, d *desk) {
	inStep := make(chan struct{}, 1)
	var did counter
	d.start(failing(&did, quick, func(ctx context.Context, _ int) error {
		inStep <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}))
	d.trigger("first")
	begun(t, inStep)
	if err := d.Cancel(t.Context(), "ada", "work", "first"); err != nil {
		t.Fatal(err)
	}
	if e := d.end(); !errors.Is(e.err, workflow.ErrCancelled) || did.list() != "try" {
		t.Errorf("%v after %q", e.err, did.list())
	}
}

func testForeign(t *testing.T, d *desk) {
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) { return c.Wait("word", time.Hour) })
	d.trigger("same")
	for _, who := range []storage.CustomerID{"bob", "Ada", "", "ada "} {
		if err := d.Signal(t.Context(), who, "work", "same", "word", json.RawMessage(`"of another"`)); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("signal of %q: %v", who, err)
		}
		if err := d.Cancel(t.Context(), who, "work", "same"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("cancel of %q: %v", who, err)
		}
	}
	// The ID is the customer's own.
	if err := d.Trigger(t.Context(), "bob", workflow.Run{Workflow: "work", ID: "same"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Signal(t.Context(), "bob", "work", "same", "word", json.RawMessage(`"bob's"`)); err != nil {
		t.Fatal(err)
	}
	if e := d.end(); string(e.result) != `"bob's"` {
		t.Errorf("%s", e.result)
	}
	d.signal("same", "word", `"ada's"`)
	if e := d.end(); string(e.result) != `"ada's"` {
		t.Errorf("%s", e.result)
	}
}

func testEnded(t *testing.T, d *desk) {
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) { return c.Wait("word", time.Hour) })
	d.trigger("first")
	d.signal("first", "word", `1`)
	d.end()
	for what, err := range map[string]error{
		"signal to one that doesn't exist": d.Signal(t.Context(), "ada", "work", "absent", "word", nil),
		"cancel of one that doesn't exist": d.Cancel(t.Context(), "ada", "work", "absent"),
		"signal of an unknown workflow":    d.Signal(t.Context(), "ada", "absent", "first", "word", nil),
	} {
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := d.Signal(t.Context(), "ada", "work", "first", "word", json.RawMessage(`{`)); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("a payload that is no JSON: %v", err)
	}
}

func testLarge(t *testing.T, d *desk) {
	large := strings.Repeat("x", 1<<20)
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		total := 0
		for i := range 5 {
			text, err := workflow.Step(c, fmt.Sprint(i), func(context.Context) (string, error) { return large, nil }, nil)
			if err != nil {
				return nil, err
			}
			total += len(text)
		}
		return json.RawMessage(fmt.Sprint(total)), nil
	})
	d.trigger("first")
	if e := d.end(); e.err != nil || string(e.result) != fmt.Sprint(5<<20) {
		t.Errorf("%s, %v", e.result, e.err)
	}
}

func testMany(t *testing.T, d *desk) {
	const n = 50
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		if _, err := c.Step("one", func(context.Context) (json.RawMessage, error) { return nil, nil }, quick); err != nil {
			return nil, err
		}
		return c.Wait("word", time.Hour)
	})
	var want, got []string
	for i := range n {
		want = append(want, fmt.Sprint(i))
		d.trigger(fmt.Sprint(i))
	}
	for i := range n { // all wait at the same time
		d.signal(fmt.Sprint(i), "word", fmt.Sprint(i))
	}
	for range n {
		e := d.end()
		if e.err != nil || string(e.result) != e.id {
			t.Errorf("%s: %s, %v", e.id, e.result, e.err)
		}
		got = append(got, e.id)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d runs ended, some of them twice", len(got))
	}
}

func testClose(t *testing.T, d *desk) {
	inStep, left := make(chan struct{}, 1), make(chan struct{}, 1)
	d.start(func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		return c.Step("long", func(ctx context.Context) (json.RawMessage, error) {
			inStep <- struct{}{}
			<-ctx.Done()
			left <- struct{}{}
			return nil, ctx.Err()
		}, quick)
	})
	d.trigger("first")
	begun(t, inStep)
	for range 2 {
		if err := d.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-left:
	default:
		t.Error("Close returned before the step did")
	}
	if err := d.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "late"}); !errors.Is(err, workflow.ErrClosed) {
		t.Errorf("a trigger afterwards: %v", err)
	}
	if err := d.Signal(t.Context(), "ada", "work", "first", "word", nil); !errors.Is(err, workflow.ErrClosed) {
		t.Errorf("a signal afterwards: %v", err)
	}
}
