package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// What a run asks is a document: the truth is there, and a signal only wakes the run.
const (
	KindApproval = "approval"
	KindErrand   = "errand"
)

// The states of approvals and errands.
const (
	StatePending   = "pending"
	StateApproved  = "approved"
	StateRejected  = "rejected"
	StateRevised   = "revised"
	StateDone      = "done" // of errands
	StateExpired   = "expired"
	StateWithdrawn = "withdrawn" // its run has ended otherwise
)

const (
	defaultExpiry = 14 * 24 * time.Hour
	defaultRemind = 3 * 24 * time.Hour
	maxTitle      = 200
	maxAskedText  = 256 << 10
	maxNote       = 2000 // characters
)

// Asked is the data of an approval or an errand.
type Asked struct {
	RunID    storage.RunID `json:"runId"`
	Workflow string        `json:"workflow"`
	Title    string        `json:"title"`
	// Text is what would be done, or the brief.
	Text    string          `json:"text,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Schema  json.RawMessage `json:"schema,omitempty"` // of an errand's result
	Expires time.Time       `json:"expiresAt"`

	Note      string          `json:"note,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	DecidedAt time.Time       `json:"decidedAt,omitzero"`
}

// AskedOf returns the data of an approval's or errand's document.
func AskedOf(d storage.Document) (a Asked, err error) {
	if err = json.Unmarshal(d.Data, &a); err != nil {
		err = fmt.Errorf("runner: %s %s: %w", d.Kind, d.ID, err)
	}
	return a, err
}

// asking is something that a run asks, as its engine remembers it.
type asking struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
}

// Ask implements [workflow.Host].
func (r *run) Ask(q workflow.Question) (workflow.Answer, error) {
	a, err := r.ask(KindApproval, q.Name, func(context.Context) (Asked, error) {
		return Asked{Title: q.Title, Text: q.Text, Subject: q.Subject}, nil
	}, q.Expires)
	if err != nil {
		return workflow.Answer{}, err
	}
	l, err := r.await(KindApproval, q.Name, q.Title, a, orDefault(q.Remind, defaultRemind))
	decision := map[string]workflow.Decision{
		StateApproved: workflow.DecisionApprove, StateRejected: workflow.DecisionReject, StateRevised: workflow.DecisionRevise,
	}[l.State]
	if decision == "" {
		decision = workflow.DecisionExpired
	}
	return workflow.Answer{Decision: decision, Note: l.Note}, err
}

// HandOver implements [workflow.Host].
func (r *run) HandOver(e workflow.Errand) (json.RawMessage, error) {
	a, err := r.ask(KindErrand, e.Name, func(ctx context.Context) (Asked, error) {
		text, err := e.Brief(ctx)
		return Asked{Title: e.Title, Text: text, Schema: e.Schema}, err
	}, e.Expires)
	if err != nil {
		return nil, err
	}
	l, err := r.await(KindErrand, e.Name, e.Title, a, -1)
	if err == nil && l.State != StateDone {
		err = workflow.ErrTimeout
	}
	return l.Result, err
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// ask stores what is asked, in a step of its own.
func (r *run) ask(kind, name string, what func(context.Context) (Asked, error), expires time.Duration) (a asking, err error) {
	customer := r.Customer()
	r.rec.begin(name)
	data, err := r.Context.Step(name, func(ctx context.Context) (json.RawMessage, error) {
		return r.attempt(ctx, name, func(ctx context.Context) (json.RawMessage, error) {
			asked, err := what(ctx)
			if err != nil {
				return nil, err
			}
			a := asking{ID: storage.NewID(), At: r.now()}
			a.Expires = a.At.Add(orDefault(expires, defaultExpiry))
			asked.RunID, asked.Workflow, asked.Expires = r.id, r.name, a.Expires
			asked.Title, asked.Text = short(asked.Title, maxTitle), short(asked.Text, maxAskedText)
			return encode(a), r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
				err := tx.CreateDocument(ctx, storage.Document{
					CustomerID: r.Customer(), Kind: kind, ID: a.ID, Status: StatePending, Data: encode(asked), CreatedAt: a.At, UpdatedAt: a.At,
				})
				if err != nil {
					return err
				}
				return r.tell(ctx, tx, customer, kind, verbRequested, a.ID, asked)
			})
		})
	}, workflow.StepOptions{Attempts: 10})
	if err != nil {
		r.rec.end(name, err)
		return a, err
	}
	return a, json.Unmarshal(data, &a)
}

// tell records what became of an approval or an errand.
func (r *Runner) tell(ctx context.Context, tx storage.Store, customer storage.CustomerID, kind, verb, id string, a Asked) error {
	err := storage.Record(ctx, tx, customer, kind+"."+verb, map[string]any{"id": id, "runId": a.RunID, "workflow": a.Workflow, "title": a.Title})
	if err != nil || !r.Notify || kind != KindApproval || verb != verbRequested && verb != verbReminded {
		return err
	}
	now := r.now()
	n := notify.Notice{
		ID: fmt.Sprintf("approval:%s:%d", id, now.UnixMicro()), Kind: notify.KindApprovalWaiting,
		CustomerID: string(customer), Note: a.Title, Until: a.Expires,
	}
	return effectsOf(tx).CreateEffect(ctx, storage.Effect{
		ID: "notice:" + n.ID, Kind: outbox.KindNotice, Customer: customer, Data: encode(n), CreatedAt: now, DueAt: now,
	})
}

// What becomes of an approval or an errand, as events name it.
const (
	verbRequested = "requested"
	verbReminded  = "reminded"
	verbExpired   = "expired"
	verbDecided   = "decided"
	verbDone      = "done"
)

// look is what the engine remembers of a look at what was asked.
type look struct {
	State  string          `json:"state"`
	Note   string          `json:"note,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	At     time.Time       `json:"at"`
}

// await waits until what was asked is answered. An engine may leave it in the middle, so
// nothing is deferred.
func (r *run) await(kind, name, title string, a asking, remind time.Duration) (look, error) {
	l, err := r.answered(kind, name, title, a, remind)
	r.rec.end(name, err)
	return l, err
}

// answered returns the answer, and reminds of the question meanwhile.
func (r *run) answered(kind, name, title string, a asking, remind time.Duration) (l look, err error) {
	for n := 0; ; n++ {
		data, err := r.Context.Step(fmt.Sprintf("%s: look %d", name, n), func(ctx context.Context) (json.RawMessage, error) {
			return r.look(ctx, kind, a, n, remind)
		}, certain)
		if err != nil {
			return look{}, err
		}
		l = look{}
		if err := json.Unmarshal(data, &l); err != nil || l.State != StatePending {
			return l, err
		}
		r.rec.wait(name, Waiting{Kind: waitingFor[kind], ID: a.ID, Title: title})
		until := a.Expires
		if next := l.At.Add(remind); remind > 0 && next.Before(until) {
			until = next
		}
		if _, err := r.Context.Wait(signalOf(a.ID), max(until.Sub(l.At), time.Millisecond)); err != nil && !errors.Is(err, workflow.ErrTimeout) {
			return look{}, err
		}
	}
}

var waitingFor = map[string]string{KindApproval: WaitingApproval, KindErrand: WaitingWork}

func signalOf(id string) string { return "asked:" + id }

// look reads what became of what was asked. What is too late expires.
func (r *run) look(ctx context.Context, kind string, a asking, n int, remind time.Duration) (json.RawMessage, error) {
	customer, now := r.Customer(), r.now()
	var l look
	err := r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		expired := false
		d, err := tx.UpdateDocument(ctx, r.Customer(), kind, a.ID, func(d *storage.Document) error {
			if expired = d.Status == StatePending && !now.Before(a.Expires); expired {
				d.Status, d.UpdatedAt = StateExpired, now
			}
			return nil
		})
		if errors.Is(err, storage.ErrNotFound) {
			return workflow.Permanent(err)
		}
		if err != nil {
			return err
		}
		asked, err := AskedOf(d)
		l = look{d.Status, asked.Note, asked.Result, now}
		switch {
		case err != nil:
			return workflow.Permanent(err)
		case expired:
			return r.tell(ctx, tx, customer, kind, verbExpired, a.ID, asked)
		case n > 0 && remind > 0 && d.Status == StatePending && now.Sub(a.At) >= remind*time.Duration(n):
			return r.tell(ctx, tx, customer, kind, verbReminded, a.ID, asked)
		}
		return nil
	})
	return encode(l), err
}

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
	case len([]rune(a.Note)) > maxNote:
		return storage.Document{}, storage.Invalid("note", "a text of at most %d characters", maxNote)
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
				return agent.Errorf("this was answered or is over already: it is %s: %w", d.Status, storage.ErrConflict)
			case !now.Before(asked.Expires):
				return agent.Errorf("this has expired: %w", storage.ErrConflict)
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
		return err
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
	if w == nil || w.ID == "" {
		return nil
	}
	kind := KindApproval
	if w.Kind == WaitingWork {
		kind = KindErrand
	}
	_, err := tx.UpdateDocument(ctx, customer, kind, w.ID, func(d *storage.Document) error {
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
