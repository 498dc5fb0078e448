package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// The kinds of the effects that a Runner has the outbox do.
const (
	KindBegin  = "workflow.begin"
	KindSignal = "workflow.signal"
	KindFanOut = "workflow.fanout"
)

// Kind is the kind of runs of workflows.
const Kind = "workflow"

// States are the states that a run of a workflow can be in, as rows have them.
var States = []string{StatusQueued, StatusRunning, StatusWaiting, StatusCompleted, StatusFailed, StatusCancelled}

// The states of runs of workflows.
const (
	StatusQueued      = "queued"
	StatusRunning     = "running"
	StatusWaiting     = "waiting" // for a time, a person or a model
	StatusCompleted   = "completed"
	StatusFailed      = "failed"
	StatusCancelled   = "cancelled"
	StatusInterrupted = "interrupted" // its process has gone, and the engine forgets
)

// Wish is a run to begin.
type Wish struct {
	Workflow string
	// Key names the wish: the same one begins one run. 1 to 200 characters; empty:
	// each begins one of its own.
	Key   string
	Input json.RawMessage // a JSON object; nil: an empty one
	// At is when to begin; zero: at once.
	At time.Time
	// AtMost is how many runs of the customer may be under way with this one; 0: any.
	AtMost int
}

// order is the input of an engine's run.
type order struct {
	Input  json.RawMessage `json:"input"`
	Models bool            `json:"models"`
}

// beginning is the data of an effect of KindBegin.
type beginning struct {
	RunID storage.RunID `json:"runId"`
	order
	Workflow string `json:"workflow"`
}

// Begin stores a run and the effect that begins it, in the transaction tx where there
// is one. The run is the one that the wish's key began already, if there is one;
// begun says whether it is new. Call [Config].Wake once tx is committed, or let the
// outbox find it.
//
// It returns [workflow.ErrUnknown] when there is no such workflow, what is wrong
// with the input as [agent.Workflow.Check] does, and an error that wraps
// [storage.ErrConflict] when the wish's AtMost are under way.
func (r *Runner) Begin(ctx context.Context, tx storage.Store, customer storage.CustomerID, wish Wish) (run storage.Run, begun bool, err error) {
	w, ok := r.workflows[wish.Workflow]
	if !ok {
		return run, false, workflow.ErrUnknown
	}
	input, err := w.Check(wish.Input)
	if err != nil {
		return run, false, err
	}
	now := r.now()
	at := wish.At
	if at.IsZero() {
		at = now
	}
	run = storage.Run{
		CustomerID: customer, ID: storage.RunID(storage.NewID()), Kind: Kind, Name: w.Name, Status: StatusQueued,
		Data:      encode(Record{Title: w.Title, Key: wish.Key, Input: input, Steps: []Step{}, Volatile: r.volatile}),
		CreatedAt: now, UpdatedAt: now,
	}
	key := wish.Key
	if key == "" {
		key = string(run.ID)
	}
	if err := (workflow.Run{ID: key}).Check(); err != nil {
		return run, false, storage.Invalid("key", "1 to 200 characters without control characters")
	}
	effect := storage.Effect{
		ID: fmt.Sprintf("%s:%s:%s:%s", KindBegin, customer, w.Name, key), Kind: KindBegin, Customer: customer,
		Data: encode(beginning{run.ID, order{input, r.Models}, w.Name}), CreatedAt: now, DueAt: at,
	}
	err = tx.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := runsOf(tx).CreateRun(ctx, run); err != nil {
			return err
		}
		if err := effectsOf(tx).CreateEffect(ctx, effect); err != nil {
			return err
		}
		return checkUnderWay(ctx, tx, customer, wish.AtMost)
	})
	if !errors.Is(err, storage.ErrExists) {
		return run, err == nil, err
	}
	stored, err := effectsOf(tx).UpdateEffect(ctx, effect.ID, func(*storage.Effect) error { return nil })
	if err != nil {
		return run, false, err
	}
	var first beginning
	if err := json.Unmarshal(stored.Data, &first); err != nil {
		return run, false, fmt.Errorf("runner: effect %s: %w", stored.ID, err)
	}
	run, err = runsOf(tx).Run(ctx, customer, first.RunID)
	return run, false, err
}

// checkUnderWay refuses when more than limit runs of the customer are under way.
func checkUnderWay(ctx context.Context, tx storage.Store, customer storage.CustomerID, limit int) error {
	if limit == 0 {
		return nil
	}
	// Who begins runs of one customer waits for the others.
	if _, err := tx.UpdateCustomer(ctx, customer, func(*storage.Customer) error { return nil }); err != nil {
		return err
	}
	underWay := 0
	for _, status := range []string{StatusQueued, StatusRunning, StatusWaiting} {
		runs, err := runsOf(tx).Runs(ctx, customer, storage.RunQuery{Kind: Kind, Status: status, Page: storage.Page{Limit: limit + 1}})
		if err != nil {
			return err
		}
		underWay += len(runs)
	}
	if underWay > limit {
		return storage.Conflict("%d runs are under way, which is the most there can be; wait for one or cancel one", limit)
	}
	return nil
}

// DoBegin does an effect of KindBegin: it triggers the engine, which takes each run
// once.
func (r *Runner) DoBegin(ctx context.Context, e storage.Effect) error {
	var b beginning
	if err := json.Unmarshal(e.Data, &b); err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	run, err := runsOf(r.Store).Run(ctx, e.Customer, b.RunID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !run.EndedAt.IsZero() {
		return nil // cancelled, or forgotten
	}
	if err != nil {
		return err
	}
	if _, ok := r.workflows[b.Workflow]; !ok {
		return r.conclude(ctx, e.Customer, b.RunID, ending{status: StatusFailed, reason: "this service has no such workflow any more"})
	}
	return r.Engine.Trigger(ctx, e.Customer, workflow.Run{Workflow: b.Workflow, ID: string(b.RunID), Input: encode(b.order)})
}

// Cancel ends a run. It returns [storage.ErrNotFound] when the customer has no such
// run, and an error that wraps [storage.ErrConflict] when it has ended.
func (r *Runner) Cancel(ctx context.Context, customer storage.CustomerID, id storage.RunID) (storage.Run, error) {
	run, err := r.Get(ctx, customer, id)
	if err != nil {
		return run, err
	}
	if !run.EndedAt.IsZero() {
		return run, storage.Conflict("the run has ended already: it is %s", run.Status)
	}
	if err := r.Engine.Cancel(ctx, customer, run.Name, string(id)); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return run, err
	}
	if err := r.conclude(ctx, customer, id, ending{status: StatusCancelled}); err != nil {
		return run, err
	}
	return runsOf(r.Store).Run(ctx, customer, id)
}

// Get returns a run of a workflow, or [storage.ErrNotFound].
func (r *Runner) Get(ctx context.Context, customer storage.CustomerID, id storage.RunID) (storage.Run, error) {
	run, err := runsOf(r.Store).Run(ctx, customer, id)
	if err == nil && run.Kind != Kind {
		return storage.Run{}, storage.ErrNotFound
	}
	return run, err
}

// ending is how a run ended.
type ending struct {
	status string
	output json.RawMessage
	reason string // for the customer
}

// conclude stores how a run ended, with an event, unless it has ended before.
func (r *Runner) conclude(ctx context.Context, customer storage.CustomerID, id storage.RunID, e ending) error {
	err := r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		first := false
		var asked *Waiting
		run, err := runsOf(tx).UpdateRun(ctx, customer, id, func(run *storage.Run) error {
			if !run.EndedAt.IsZero() {
				return nil
			}
			first = true
			rec := r.recorder.merged(*run)
			asked = rec.Waiting
			rec.end(e, r.now())
			run.Status, run.Data, run.EndedAt, run.UpdatedAt = e.status, encode(rec), r.now(), r.now()
			return nil
		})
		if err != nil || !first {
			return err
		}
		if err := withdraw(ctx, tx, customer, asked); err != nil {
			return err
		}
		w := r.workflows[run.Name]
		if e.status == StatusCompleted && w != nil && w.Onboarding {
			if err := r.onboarded(ctx, tx, customer); err != nil {
				return err
			}
		}
		data := map[string]any{"runId": id, "workflow": run.Name}
		if e.reason != "" {
			data["error"] = e.reason
		}
		return storage.Record(ctx, tx, customer, "workflow."+e.status, data)
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // else the customer is gone, or the run forgotten
		return err
	}
	r.recorder.forget(id)
	return nil
}

// onboarded makes a new customer active.
func (r *Runner) onboarded(ctx context.Context, tx storage.Store, customer storage.CustomerID) error {
	var was bool
	_, err := tx.UpdateCustomer(ctx, customer, func(c *storage.Customer) error {
		if was = c.Onboarding; !was {
			return nil
		}
		c.Onboarding, c.UpdatedAt = false, r.now()
		if c.Status == storage.StatusOnboarding {
			c.Status = c.Admitted()
		}
		return nil
	})
	if err != nil || !was {
		return err
	}
	return storage.Record(ctx, tx, customer, "customer.onboarded", nil)
}

func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("runner: %T has no JSON: %v", v, err)) // records of ours always have
	}
	return data
}

// warn logs what went wrong in the background.
func (r *Runner) warn(ctx context.Context, what string, customer storage.CustomerID, run storage.RunID, err error) {
	if err != nil && ctx.Err() == nil {
		r.Log.Warn(what, zap.String("customer", string(customer)), zap.String("run", string(run)), zap.Error(err))
	}
}
