package workflowtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

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
