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

// ApprovalStates are the states that an approval can be in.
var ApprovalStates = []string{StatePending, StateApproved, StateRejected, StateRevised, StateExpired, StateWithdrawn}

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
)

// MaxNote is how many characters the note to a decision has at most.
const MaxNote = 2000

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

// ask stores what is asked, in a step of its own. Its ID is taken before, so that a step
// that is carried out again asks nothing a second time.
func (r *run) ask(kind, name string, what func(context.Context) (Asked, error), expires time.Duration) (a asking, err error) {
	r.rec.begin(name)
	id, err := r.Context.Step(name+": id", func(context.Context) (json.RawMessage, error) {
		return encode(storage.NewID()), nil
	}, certain)
	if err != nil {
		r.rec.end(name, err)
		return a, err
	}
	if err := json.Unmarshal(id, &a.ID); err != nil {
		return a, err
	}
	data, err := r.Context.Step(name, func(ctx context.Context) (json.RawMessage, error) {
		return r.attempt(ctx, name, func(ctx context.Context) (json.RawMessage, error) {
			asked, err := what(ctx)
			if err != nil {
				return nil, err
			}
			asked.RunID, asked.Workflow, asked.Expires = r.id, r.name, r.now().Add(orDefault(expires, defaultExpiry))
			asked.Title, asked.Text = short(asked.Title, maxTitle), short(asked.Text, maxAskedText)
			stored, err := r.store(ctx, r.Customer(), kind, a.ID, asked)
			return encode(stored), err
		})
	}, workflow.StepOptions{Attempts: 10})
	if err != nil {
		r.rec.end(name, err)
		return a, err
	}
	return a, json.Unmarshal(data, &a)
}

// store stores what is asked, or returns what is there already.
func (r *Runner) store(ctx context.Context, customer storage.CustomerID, kind, id string, asked Asked) (asking, error) {
	now := r.now()
	err := r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		err := tx.CreateDocument(ctx, storage.Document{
			CustomerID: customer, Kind: kind, ID: id, Status: StatePending, Data: encode(asked), CreatedAt: now, UpdatedAt: now,
		})
		if err != nil {
			return err
		}
		return r.tell(ctx, tx, customer, kind, verbRequested, id, asked)
	})
	if !errors.Is(err, storage.ErrExists) {
		return asking{id, now, asked.Expires}, err
	}
	d, err := r.Store.Document(ctx, customer, kind, id)
	if err != nil {
		return asking{}, err
	}
	asked, err = AskedOf(d)
	return asking{id, d.CreatedAt, asked.Expires}, err
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
