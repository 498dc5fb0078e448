// Package workflow describes long work as steps, for engines that carry each of them
// out once, however often a process dies in between.
//
//	onboarding := workflow.Definition{Name: "onboarding", Run: func(c workflow.Context, input json.RawMessage) (json.RawMessage, error) {
//		page, err := workflow.Step(c, "read the site", func(ctx context.Context) (Page, error) { return read(ctx, input) }, nil)
//		if err != nil {
//			return nil, err
//		}
//		decision, err := workflow.Wait[Decision](c, "decided", 14*24*time.Hour)
//		...
//	}}
//	engine := workflow.NewMemory(nil)
//	err := engine.Start(ctx, onboarding)
//	err = engine.Trigger(ctx, customer, workflow.Run{Workflow: "onboarding", ID: "first", Input: input})
//
// # Writing a workflow
//
// An engine may run the function again from its start, with the results of the steps
// that were done. So between steps it must do the same each time: what takes long, fails,
// reads a clock, a random number or a database, or changes anything belongs into a step.
// A step may be carried out more than once if the process dies in it; give what it changes
// outside an ID made of [Context].RunID and the step's name. Steps come one after the
// other, from the function's own goroutine, and have names that are unique in a run and
// stay the same from version to version. Results are small: store a document, and return
// its ID.
package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Definition is a workflow.
type Definition struct {
	// Name has 1 to 64 lower-case letters, digits and "-", and begins with a letter.
	Name string
	// Run is what it does. Its error ends the run as failed.
	Run func(c Context, input json.RawMessage) (json.RawMessage, error)
}

// Context is what a run does its work through. Its methods, but those of
// [context.Context], are called by the function's own goroutine alone. Once one of them
// has returned an error of the engine, [IsEngine] says so, the function must return it.
type Context interface {
	context.Context

	Customer() storage.CustomerID
	// RunID is the ID that the run was triggered with.
	RunID() string

	// Step carries fn out, unless it was done already, and returns its result. See
	// [StepOptions] for what happens when it fails. [Step] is the typed way.
	Step(name string, fn func(ctx context.Context) (json.RawMessage, error), o StepOptions) (json.RawMessage, error)

	// Sleep returns after d, however often the process was started meanwhile.
	Sleep(name string, d time.Duration) error

	// Wait returns what was sent by [Engine].Signal under the name, also before it was
	// called, or ErrTimeout. Each signal is returned once, in the order in which they
	// came. [Wait] is the typed way.
	Wait(name string, timeout time.Duration) (json.RawMessage, error)
}

// StepOptions say what happens when a step fails. 0 is the default.
type StepOptions struct {
	// Attempts is how often the step is tried in all; default 4. A [Permanent] error
	// isn't tried again.
	Attempts int
	// Backoff is how long to wait before the second attempt; it doubles from then on,
	// up to an hour. Default 5 s.
	Backoff time.Duration
	// Timeout ends the context of an attempt; default 10 minutes.
	Timeout time.Duration
}

// WithDefaults returns the options with their defaults filled in, for engines.
func (o StepOptions) WithDefaults() StepOptions {
	if o.Attempts <= 0 {
		o.Attempts = 4
	}
	if o.Backoff <= 0 {
		o.Backoff = 5 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Minute
	}
	return o
}

const maxBackoff = time.Hour

// Delay returns how long to wait after the n-th attempt, counted from 1.
func (o StepOptions) Delay(n int) time.Duration {
	d := o.WithDefaults().Backoff
	for ; n > 1 && d < maxBackoff; n-- {
		d *= 2
	}
	return min(d, maxBackoff)
}

// Run is a run to begin.
type Run struct {
	Workflow string
	// ID is unique for the customer and the workflow together; 1 to 200 characters
	// without control characters.
	ID    string
	Input json.RawMessage // JSON; nil: null
}

// Engine runs workflows. It may be used by many goroutines.
type Engine interface {
	// Start takes the definitions and goes on with the runs that were under way. It is
	// called once, before the other methods. The error names the definition that is
	// wrong.
	Start(ctx context.Context, definitions ...Definition) error

	// Trigger begins a run. When there is one with its ID already, also one that has
	// ended, nothing happens. It returns ErrUnknown when there is no such workflow, and
	// an error that wraps [storage.ErrInvalid] for an ID or an input that can't be.
	Trigger(ctx context.Context, customer storage.CustomerID, r Run) error

	// Signal sends something to a run, which may not wait for it yet. It returns
	// [storage.ErrNotFound] when the customer has no such run or it has ended.
	Signal(ctx context.Context, customer storage.CustomerID, workflow, id, name string, payload json.RawMessage) error

	// Cancel ends a run: its context ends, and what it does next fails with
	// ErrCancelled. It returns [storage.ErrNotFound] as Signal does.
	Cancel(ctx context.Context, customer storage.CustomerID, workflow, id string) error

	// Close takes nothing new and ends the contexts of steps that are under way. It
	// returns when they have returned, or with ctx's error. Runs are as they would be
	// after a crash. It may be called often.
	Close(ctx context.Context) error
}

// Errors of engines.
var (
	ErrUnknown   = errors.New("workflow: there is no such workflow")
	ErrTimeout   = errors.New("workflow: nothing came in time")
	ErrCancelled = errors.New("workflow: the run was cancelled")
	ErrClosed    = errors.New("workflow: the engine is closed")
)

// IsEngine reports whether an error is one of the engine, after which the function of a
// workflow must return: the run was cancelled, or the engine is closing.
func IsEngine(err error) bool { return errors.Is(err, ErrCancelled) || errors.Is(err, ErrClosed) }

// permanent is an error that trying again doesn't help against.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error of a step as one that trying again doesn't help against.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether an error is marked so, or is one of the engine.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[permanent](err)
	return ok || IsEngine(err)
}

// Step carries fn out as a step of c, unless it was done already. Nil options are all
// defaults. T is kept as JSON.
func Step[T any](c Context, name string, fn func(ctx context.Context) (T, error), o *StepOptions) (result T, err error) {
	var opts StepOptions
	if o != nil {
		opts = *o
	}
	data, err := c.Step(name, func(ctx context.Context) (json.RawMessage, error) {
		value, err := fn(ctx)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(value)
		if err != nil {
			return nil, Permanent(fmt.Errorf("workflow: step %q: %w", name, err))
		}
		return data, nil
	}, opts)
	if err != nil {
		return result, err
	}
	return decode[T]("step", name, data)
}

// Wait returns what was sent to the run of c under the name.
func Wait[T any](c Context, name string, timeout time.Duration) (payload T, err error) {
	data, err := c.Wait(name, timeout)
	if err != nil {
		return payload, err
	}
	return decode[T]("signal", name, data)
}

func decode[T any](what, name string, data json.RawMessage) (v T, err error) {
	if len(data) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, Permanent(fmt.Errorf("workflow: %s %q: %w", what, name, err))
	}
	return v, nil
}
