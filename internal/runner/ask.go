package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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
