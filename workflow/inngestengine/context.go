package inngestengine

import (
	"context"
	"crypto/sha1" //nolint:gosec // the SDK specification, section 5.1.2, wants it
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// runContext is the Context that a workflow works with.
type runContext struct{ call *call }

var _ workflow.Context = (*runContext)(nil)

func (c *runContext) Deadline() (time.Time, bool) { return c.call.ctx.Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.call.ctx.Done() }
func (c *runContext) Err() error                  { return c.call.ctx.Err() }
func (c *runContext) Value(key any) any           { return c.call.ctx.Value(key) }

func (c *runContext) Customer() storage.CustomerID { return c.call.customer }
func (c *runContext) RunID() string                { return c.call.run.ID }

// begin takes the name of something that the run does, which must be new.
func (c *runContext) begin(name string) error {
	if err := c.over(); err != nil {
		return err
	}
	return c.call.names.Take(name)
}

// over returns why nothing more is done.
func (c *runContext) over() error {
	switch cause := context.Cause(c.call.ctx); {
	case workflow.IsEngine(cause):
		return cause
	case cause != nil: // Inngest has gone
		return workflow.ErrClosed
	}
	return nil
}

// leave ends the function here: the call reports o, and Inngest calls again.
func (c *runContext) leave(o op) {
	c.call.report = &o
	runtime.Goexit()
}

func hashed(name string) string {
	hash := sha1.Sum([]byte(name)) //nolint:gosec // see the import
	return hex.EncodeToString(hash[:])
}

// memo is what Inngest remembers of a step.
type memo struct {
	Data  json.RawMessage `json:"data"`
	Error *failure        `json:"error"`
}

// Step implements [workflow.Context].
func (c *runContext) Step(name string, fn func(context.Context) (json.RawMessage, error), o workflow.StepOptions) (json.RawMessage, error) {
	if err := c.begin(name); err != nil {
		return nil, err
	}
	id := hashed(name)
	if known, ok := c.call.steps[id]; ok {
		var m memo
		if err := json.Unmarshal(known, &m); err != nil {
			return nil, workflow.Permanent(fmt.Errorf("workflow: step %q: what Inngest remembers: %w", name, err))
		}
		if m.Error != nil {
			return nil, fmt.Errorf("workflow: step %q: %s", name, m.Error.Message)
		}
		return m.Data, nil
	}
	o = o.WithDefaults()
	result, err := o.Attempt(c.call.ctx, fn)
	if over := c.over(); over != nil {
		return nil, over
	}
	report := op{ID: id, Op: "StepRun", Name: name, DisplayName: name, Data: result}
	switch n := c.call.attempt + 1; {
	case err == nil && len(result) == 0:
		report.Data = json.RawMessage("null")
	case err == nil:
	case workflow.IsPermanent(err) || n >= min(o.Attempts, attempts):
		report.Op, report.Data, report.Error = "StepFailed", nil, &failure{"Error", err.Error()}
	default:
		report.Op, report.Data, report.Error = "StepError", nil, &failure{"Error", err.Error()}
		c.call.retryAfter = time.Now().Add(o.Delay(n))
	}
	c.leave(report)
	return nil, nil
}

// Sleep implements [workflow.Context]. It is made of waits that only a cancellation ends
// early: Inngest's own sleep would not be woken. After each of them the call looks
// whether the run was cancelled in the moment before it listened.
func (c *runContext) Sleep(name string, d time.Duration) error {
	if err := c.begin(name); err != nil {
		return err
	}
	for part, pause := 1, firstLook; d > 0; part, pause = part+1, min(6*pause, lastLook) {
		c.listen(fmt.Sprintf("%s: part %d", name, part), cancelSignal, min(pause, d))
		if err := c.over(); err != nil {
			return err
		}
		d -= min(pause, d)
	}
	return nil
}

// listen has Inngest call again when the signal comes, or after d. It returns once that
// has happened.
func (c *runContext) listen(name, signal string, d time.Duration) {
	id := hashed(name)
	if _, ok := c.call.steps[id]; ok {
		return
	}
	run := strconv.Quote(wholeID(c.call.customer, c.call.run.Workflow, c.call.run.ID))
	c.leave(op{ID: id, Op: "WaitForEvent", Name: name, DisplayName: name, Opts: map[string]any{
		"event": signalEvent(c.call.engine.options.App), "timeout": timeString(d),
		"if": fmt.Sprintf("async.data.run == %s && (async.data.signal == %s || async.data.signal == %s)", run, encode(signal), encode(cancelSignal)),
	}})
}

// timeString is a duration in whole milliseconds, and at least one, as the SDK
// specification, section 1.3.2, writes it.
func timeString(d time.Duration) string {
	return strconv.FormatInt(max((d+time.Millisecond-1).Milliseconds(), 1), 10) + "ms"
}

// firstLook and lastLook bound how long a run listens before it looks for a signal by
// itself, should both events that told of it be lost.
const (
	firstLook = 10 * time.Second
	lastLook  = 12 * time.Hour
)

// looked is what a look for a signal found.
type looked struct {
	Sent    bool            `json:"sent"`
	Payload json.RawMessage `json:"payload,omitempty"`
	At      time.Time       `json:"at"`
}

// Wait implements [workflow.Context]: it looks into the store and listens in turn.
func (c *runContext) Wait(name string, timeout time.Duration) (json.RawMessage, error) {
	if err := c.over(); err != nil {
		return nil, err
	}
	nth := c.call.waits[name] // each signal is returned once
	c.call.waits[name]++
	var until time.Time
	for look, pause := 0, firstLook; ; look, pause = look+1, min(6*pause, lastLook) {
		l, err := workflow.Step(c, fmt.Sprintf("wait for %s %d: look %d", name, nth+1, look+1), func(ctx context.Context) (looked, error) {
			_, sent, err := c.call.engine.runs.look(ctx, c.call.customer, c.call.run.Workflow, c.call.run.ID, name)
			l := looked{At: time.Now().UTC()}
			if err == nil && nth < len(sent) {
				l.Sent, l.Payload = true, sent[nth]
			}
			return l, err
		}, &workflow.StepOptions{Attempts: attempts, Backoff: time.Second})
		switch {
		case err != nil:
			return nil, err
		case l.Sent && string(l.Payload) == "null":
			return nil, nil
		case l.Sent:
			return l.Payload, nil
		case look == 0:
			until = l.At.Add(timeout)
		case !l.At.Before(until):
			return nil, workflow.ErrTimeout
		}
		c.listen(fmt.Sprintf("wait for %s %d: listen %d", name, nth+1, look+1), name, min(pause, until.Sub(l.At)))
		if err := c.over(); err != nil {
			return nil, err
		}
	}
}
