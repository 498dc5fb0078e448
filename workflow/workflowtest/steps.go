package workflowtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/workflow"
)

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
