package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Decide answers an approval. It returns [storage.ErrNotFound] when the customer has
// no such approval, and an error that wraps [storage.ErrConflict] when it is answered
// or over.
func (r *Runner) Decide(ctx context.Context, customer storage.CustomerID, id string, a workflow.Answer) (storage.Document, error) {
	state := map[workflow.Decision]string{
		workflow.DecisionApprove: StateApproved, workflow.DecisionReject: StateRejected, workflow.DecisionRevise: StateRevised,
	}[a.Decision]
	switch {
	case state == "":
		return storage.Document{}, storage.Invalid("decision", "approve, reject or revise")
	case len([]rune(a.Note)) > MaxNote:
		return storage.Document{}, storage.Invalid("note", "a text of at most %d characters", MaxNote)
	case a.Decision == workflow.DecisionRevise && short(a.Note, maxAskedText) == "":
		return storage.Document{}, storage.Invalid("note", "given with revise: it says what to change")
	}
	return r.answer(ctx, customer, KindApproval, id, verbDecided, func(_ Asked, change *Asked) (string, error) {
		change.Note = short(a.Note, maxAskedText)
		return state, nil
	})
}

// HandIn takes the result of an errand. Errors are those of Decide, and say what is
// wrong with a result that doesn't fit.
func (r *Runner) HandIn(ctx context.Context, customer storage.CustomerID, id string, result json.RawMessage) (storage.Document, error) {
	return r.answer(ctx, customer, KindErrand, id, verbDone, func(a Asked, change *Asked) (string, error) {
		if len(a.Schema) > 0 {
			if err := agent.CheckJSON(a.Schema, result); err != nil {
				return "", err
			}
		}
		change.Result = result
		return StateDone, nil
	})
}

// answer changes what was asked, and stores with it that the run is to be woken.
func (r *Runner) answer(ctx context.Context, customer storage.CustomerID, kind, id, verb string, change func(a Asked, to *Asked) (state string, err error)) (storage.Document, error) {
	var answered storage.Document
	var run storage.RunID
	err := r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		now := r.now()
		var asked Asked
		d, err := tx.UpdateDocument(ctx, customer, kind, id, func(d *storage.Document) error {
			var err error
			if asked, err = AskedOf(*d); err != nil {
				return err
			}
			switch {
			case d.Status != StatePending:
				return storage.Conflict("this was answered or is over already: it is %s", d.Status)
			case !now.Before(asked.Expires):
				return storage.Conflict("this has expired")
			}
			if d.Status, err = change(asked, &asked); err != nil {
				return err
			}
			asked.DecidedAt, d.UpdatedAt = now, now
			d.Data = encode(asked)
			return nil
		})
		if err != nil {
			return err
		}
		answered, run = d, asked.RunID
		if err := goesOn(ctx, tx, customer, asked.RunID, id); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, customer, kind, verb, id, asked); err != nil {
			return err
		}
		return effectsOf(tx).CreateEffect(ctx, storage.Effect{
			ID: KindSignal + ":" + id, Kind: KindSignal, Customer: customer, CreatedAt: now, DueAt: now,
			Data: encode(wakeUp{asked.RunID, asked.Workflow, id}),
		})
	})
	if err == nil {
		r.recorder.answered(run, id)
		r.Wake()
	}
	return answered, err
}

// goesOn takes from the run's record that it waits for what was answered.
func goesOn(ctx context.Context, tx storage.Store, customer storage.CustomerID, id storage.RunID, asked string) error {
	_, err := runsOf(tx).UpdateRun(ctx, customer, id, func(run *storage.Run) error {
		rec, err := RecordOf(*run)
		if err != nil || rec.Waiting == nil || rec.Waiting.ID != asked {
			return err
		}
		rec.Waiting = nil
		run.Status, run.Data, run.UpdatedAt = StatusRunning, encode(rec), storage.Now()
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil // it is no longer remembered
	}
	return err
}

// wakeUp is the data of an effect of KindSignal.
type wakeUp struct {
	RunID    storage.RunID `json:"runId"`
	Workflow string        `json:"workflow"`
	ID       string        `json:"id"`
}

// DoSignal does an effect of KindSignal: it wakes a run.
func (r *Runner) DoSignal(ctx context.Context, e storage.Effect) error {
	var w wakeUp
	if err := json.Unmarshal(e.Data, &w); err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	err := r.Engine.Signal(ctx, e.Customer, w.Workflow, string(w.RunID), signalOf(w.ID), json.RawMessage("{}"))
	if errors.Is(err, storage.ErrNotFound) {
		return nil // it has ended meanwhile
	}
	return err
}

// Pending returns what waits for an answer about the subject; the newest first.
func (r *Runner) Pending(ctx context.Context, customer storage.CustomerID, subject string) ([]storage.Document, error) {
	var found []storage.Document
	q := storage.DocumentQuery{Kind: KindApproval, Status: StatePending, Page: storage.Page{Limit: storage.MaxLimit}}
	for {
		page, err := r.Store.Documents(ctx, customer, q)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			a, err := AskedOf(d)
			if err != nil {
				return nil, err
			}
			if a.Subject == subject {
				found = append(found, d)
			}
		}
		if len(page) < q.Limit {
			return found, nil
		}
		q.Before = page[len(page)-1].ID
	}
}

// withdraw takes back what a run asked that has ended otherwise.
func withdraw(ctx context.Context, tx storage.Store, customer storage.CustomerID, w *Waiting) error {
	if w == nil || w.Document() == "" {
		return nil
	}
	_, err := tx.UpdateDocument(ctx, customer, w.Document(), w.ID, func(d *storage.Document) error {
		if d.Status == StatePending {
			d.Status, d.UpdatedAt = StateWithdrawn, storage.Now()
		}
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
