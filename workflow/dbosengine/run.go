package dbosengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// run is the one workflow that the library knows: it does what the order names.
func (e *Engine) run(c dbos.Context, o order) (json.RawMessage, error) {
	d, ok := e.definitions[o.Run.Workflow]
	if !ok {
		return nil, fmt.Errorf("dbosengine: this program has no workflow %q", o.Run.Workflow)
	}
	ctx, cancel := dbos.WithCancelCause(c)
	defer cancel(nil)
	id, err := dbos.GetWorkflowID(c)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	if e.closed {
		cancel(workflow.ErrClosed)
	}
	e.running[id] = cancel
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.running, id)
		e.mu.Unlock()
	}()
	result, err := d.Run(&runContext{Context: ctx, dbos: ctx, order: o, names: workflow.Names{}}, o.Run.Input)
	if errors.Is(context.Cause(ctx), workflow.ErrClosed) {
		<-c.Done() // until then the library would take this for the end of the run
	}
	if err != nil && c.Err() != nil {
		// It may still be about to notice, and then takes any error for the end but the context's.
		err = fmt.Errorf("%w: %w", c.Err(), err)
	}
	return result, err
}

// runContext is a [workflow.Context].
type runContext struct {
	context.Context
	dbos  dbos.Context
	order order
	names workflow.Names
}

var _ workflow.Context = (*runContext)(nil)

func (c *runContext) Customer() storage.CustomerID { return c.order.Customer }
func (c *runContext) RunID() string                { return c.order.Run.ID }

// begin takes the name of something that the run does, which must be new.
func (c *runContext) begin(name string) error {
	if err := c.over(nil); err != nil {
		return err
	}
	return c.names.Take(name)
}

// over returns the engine's error when the run was cancelled or the engine closes, and
// err otherwise.
func (c *runContext) over(err error) error {
	switch cause := context.Cause(c.Context); {
	case workflow.IsEngine(cause):
		return cause
	case cause != nil: // the library shuts down
		return workflow.ErrClosed
	case errors.Is(err, dbos.ErrWorkflowCancelled):
		return workflow.ErrCancelled
	}
	return err
}

// outcome is the result of a step as it is stored: the library keeps no result beside
// an error, and of an error the text alone.
type outcome struct {
	Result json.RawMessage
	Error  string
}

// Step implements [workflow.Context]. Attempts are made here, so that what is stored is
// how the step ended.
func (c *runContext) Step(name string, fn func(context.Context) (json.RawMessage, error), o workflow.StepOptions) (json.RawMessage, error) {
	if err := c.begin(name); err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	var failed error
	done, err := dbos.RunAsStep(c.dbos, func(ctx context.Context) (outcome, error) {
		var result json.RawMessage
		result, failed = attempts(ctx, fn, o)
		if err := ctx.Err(); err != nil {
			return outcome{}, err // nothing is stored, and the step is carried out again
		}
		if failed != nil {
			return outcome{Error: failed.Error()}, nil
		}
		return outcome{Result: result}, nil
	}, dbos.WithStepName(name))
	switch {
	case c.over(err) != nil:
		return nil, c.over(err)
	case failed != nil: // it keeps its type as long as the process lives
		return nil, fmt.Errorf("workflow: step %q: %w", name, failed)
	case done.Error != "":
		return nil, fmt.Errorf("workflow: step %q: %s", name, done.Error)
	}
	return done.Result, nil
}

// attempts tries until it succeeds, or is of no more use.
func attempts(ctx context.Context, fn func(context.Context) (json.RawMessage, error), o workflow.StepOptions) (json.RawMessage, error) {
	for n := 1; ; n++ {
		result, err := o.Attempt(ctx, fn)
		if err == nil || n == o.Attempts || workflow.IsPermanent(err) || ctx.Err() != nil {
			return result, err
		}
		timer := time.NewTimer(o.Delay(n))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// Sleep implements [workflow.Context].
func (c *runContext) Sleep(name string, d time.Duration) error {
	if err := c.begin(name); err != nil {
		return err
	}
	// The time to wake up is kept in whole milliseconds, cut.
	_, err := dbos.Sleep(c.dbos, d+time.Millisecond)
	return c.over(err)
}

// Wait implements [workflow.Context].
func (c *runContext) Wait(name string, timeout time.Duration) (json.RawMessage, error) {
	if err := c.over(nil); err != nil {
		return nil, err
	}
	payload, err := dbos.Recv[json.RawMessage](c.dbos, topicOf(name), timeout)
	if over := c.over(err); over != nil && errors.Is(over, dbos.ErrTimeout) {
		return nil, workflow.ErrTimeout
	} else if over != nil {
		return nil, over
	}
	return payload, nil
}
