package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// run is the Context that a workflow works with: the engine's, with the host behind it.
type run struct {
	workflow.Context
	*Runner
	id     storage.RunID
	name   string // of the workflow
	models bool
	rec    *recording
}

var _ workflow.Host = (*run)(nil)

// certain are the options of the Runner's own steps, which only a database can fail.
var certain = workflow.StepOptions{Attempts: 100, Backoff: time.Second, Timeout: time.Minute}

// carryOut is a run, from its start or once more.
func (r *Runner) carryOut(c workflow.Context, w *agent.Workflow, input json.RawMessage) (json.RawMessage, error) {
	var o order
	if err := json.Unmarshal(input, &o); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	this := &run{Context: c, Runner: r, id: storage.RunID(c.RunID()), name: w.Name, models: o.Models}
	over, err := c.Step("heycmo: begin", func(ctx context.Context) (json.RawMessage, error) { return this.begin(ctx) }, certain)
	if err != nil || string(over) == "true" {
		return nil, err
	}
	this.rec = r.recorder.open(c.Customer(), this.id)
	defer r.recorder.close(this.rec)
	output, err := workflow.Guarded(func() (json.RawMessage, error) { return w.Run(this, o.Input) })
	switch {
	case errors.Is(err, workflow.ErrCancelled) || errors.Is(context.Cause(c), workflow.ErrCancelled):
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c), 10*time.Second)
		defer cancel()
		r.warn(ctx, "a cancelled run can't be recorded", c.Customer(), this.id, r.conclude(ctx, c.Customer(), this.id, ending{status: StatusCancelled}))
		return nil, workflow.ErrCancelled
	case workflow.IsEngine(err) || c.Err() != nil:
		return nil, workflow.ErrClosed
	}
	e := this.endingOf(output, err)
	_, failed := c.Step("heycmo: end", func(ctx context.Context) (json.RawMessage, error) {
		return nil, r.conclude(ctx, c.Customer(), this.id, e)
	}, certain)
	if failed != nil && !workflow.IsEngine(failed) && c.Err() == nil {
		// The engine no longer knows the run's steps, such as those of another version of
		// the program: that the run has ended must be seen all the same.
		failed = r.conclude(context.WithoutCancel(c), c.Customer(), this.id, e)
	}
	if failed != nil {
		return nil, failed
	}
	return output, err
}

// begin marks the run as running, and reports whether it has ended before it began.
func (r *run) begin(ctx context.Context) (over json.RawMessage, err error) {
	over = json.RawMessage("false")
	err = r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		first := false
		stored, err := runsOf(tx).UpdateRun(ctx, r.Customer(), r.id, func(s *storage.Run) error {
			if first = s.Status == StatusQueued; first {
				s.Status, s.UpdatedAt = StatusRunning, r.now()
			}
			return nil
		})
		if errors.Is(err, storage.ErrNotFound) || err == nil && !stored.EndedAt.IsZero() {
			over = json.RawMessage("true")
			return nil
		}
		if err != nil || !first {
			return err
		}
		return storage.Record(ctx, tx, r.Customer(), "workflow.started", map[string]any{"runId": r.id, "workflow": stored.Name})
	})
	return over, err
}

// endingOf says how the run ended, as far as the customer may know.
func (r *run) endingOf(output json.RawMessage, err error) ending {
	if err == nil {
		return ending{status: StatusCompleted, output: output}
	}
	reason, ok := agent.CallerText(err)
	if !ok {
		r.Log.Warn("a run failed", zap.String("customer", string(r.Customer())), zap.String("run", string(r.id)), zap.Error(err))
		// An error of a step that failed in an earlier process has lost its type.
		reason = r.rec.failure()
	}
	return ending{status: StatusFailed, reason: short(reason, maxError)}
}

// HasModels implements [workflow.Host].
func (r *run) HasModels() bool { return r.models }

// Step implements [workflow.Context].
func (r *run) Step(name string, fn func(context.Context) (json.RawMessage, error), o workflow.StepOptions) (json.RawMessage, error) {
	r.rec.begin(name)
	result, err := r.Context.Step(name, func(ctx context.Context) (json.RawMessage, error) { return r.attempt(ctx, name, fn) }, o)
	r.rec.end(name, err)
	return result, err
}

// attempt carries a step out in the context of the host.
func (r *run) attempt(ctx context.Context, name string, fn func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	inner, done, err := r.StepContext(ctx, r.Customer(), r.id)
	if err != nil {
		r.rec.attempted(name, err)
		return nil, err
	}
	defer done()
	r.rec.attempt(name)
	result, err := fn(agent.WithReporter(inner, reporter{r.rec, name}))
	r.rec.attempted(name, err)
	if err != nil && ctx.Err() == nil {
		r.Log.Info("a step failed", zap.String("customer", string(r.Customer())), zap.String("run", string(r.id)), zap.String("step", name), zap.Error(err))
	}
	return result, err
}

// Sleep implements [workflow.Context].
func (r *run) Sleep(name string, d time.Duration) error {
	r.rec.wait(name, Waiting{Kind: WaitingTime})
	err := r.Context.Sleep(name, d)
	r.rec.end(name, err)
	return err
}

// Wait implements [workflow.Context].
func (r *run) Wait(name string, timeout time.Duration) (json.RawMessage, error) {
	r.rec.wait(name, Waiting{Kind: WaitingSignal})
	payload, err := r.Context.Wait(name, timeout)
	if errors.Is(err, workflow.ErrTimeout) {
		r.rec.end(name, nil)
	} else {
		r.rec.end(name, err)
	}
	return payload, err
}

// reporter shows what a step tells of its progress in the run's record.
type reporter struct {
	rec  *recording
	step string
}

// Progress implements [agent.Reporter].
func (r reporter) Progress(_ context.Context, _, _ float64, message string) {
	r.rec.progress(r.step, message)
}

// Log implements [agent.Reporter].
func (r reporter) Log(context.Context, agent.Level, string) {}
