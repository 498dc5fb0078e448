package runner

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// Record is the data of a run of a workflow.
type Record struct {
	Title  string          `json:"title"`
	Key    string          `json:"key,omitempty"` // of the wish; empty: none
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
	Error  string          `json:"error,omitempty"` // why it failed, for the customer
	Steps  []Step          `json:"steps"`
	// Waiting is what it waits for; nil: it works, or has ended.
	Waiting *Waiting `json:"waiting,omitempty"`
	// Volatile names the process with which the run ends; empty: it doesn't.
	Volatile string `json:"volatile,omitempty"`
}

// Step is what is kept of a step, in the order in which steps began.
type Step struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	// Attempts is how often it was tried in the process that carried it out.
	Attempts  int       `json:"attempts,omitempty"`
	StartedAt time.Time `json:"startedAt"`
	// Millis is how long it took, pauses between attempts included.
	Millis int64 `json:"ms"`
	// Error is the last one, for the customer.
	Error string `json:"error,omitempty"`
	// Message is the last one of its progress.
	Message string `json:"message,omitempty"`
}

// The states of steps.
const (
	StepRunning = "running"
	StepWaiting = "waiting"
	StepDone    = "done"
	StepFailed  = "failed"
)

// Waiting says what a run waits for.
type Waiting struct {
	Kind string `json:"kind"`
	// ID is that of the approval or the errand; empty for others.
	ID    string `json:"id,omitempty"`
	Title string `json:"title,omitempty"`
}

// waitingFor says by the kind of a document what a run waits for that asks it.
var waitingFor = map[string]string{KindApproval: WaitingApproval, KindErrand: WaitingWork}

// Document returns the kind of the document that has what the run asked; empty: it
// asked nothing.
func (w *Waiting) Document() string {
	for kind, waiting := range waitingFor {
		if w.Kind == waiting && w.ID != "" {
			return kind
		}
	}
	return ""
}

// What a run can wait for.
const (
	WaitingTime     = "time"
	WaitingSignal   = "signal"
	WaitingApproval = "approval"
	WaitingWork     = "work" // of the customer's model
)

// How much is kept.
const (
	maxError  = 1 << 10
	maxOutput = 64 << 10
	maxSteps  = 500
)

func short(text string, size int) string { return plain.Cut(plain.Clean(text), size) }

// RecordOf returns the record of a run.
func RecordOf(r storage.Run) (rec Record, err error) {
	if err = json.Unmarshal(r.Data, &rec); err != nil {
		err = fmt.Errorf("runner: run %s: %w", r.ID, err)
	}
	return rec, err
}

// StatusOf returns a run's state as this process knows it.
func (r *Runner) StatusOf(run storage.Run, rec Record) string {
	if run.EndedAt.IsZero() && rec.Volatile != r.volatile {
		return StatusInterrupted
	}
	return run.Status
}

// end closes the record.
func (rec *Record) end(e ending, now time.Time) {
	rec.Waiting, rec.Error = nil, e.reason
	if rec.Output = e.output; len(rec.Output) > maxOutput {
		rec.Output, _ = json.Marshal(map[string]string{"note": "the output is too large to be kept here"})
	}
	for i, s := range rec.Steps {
		if s.Status == StepRunning || s.Status == StepWaiting {
			rec.Steps[i].Status = StepDone
			if e.status != StatusCompleted {
				rec.Steps[i].Status = StepFailed
			}
			rec.Steps[i].Millis = now.Sub(s.StartedAt).Milliseconds()
		}
	}
}

// merge brings what a process knows of the run's steps into the record, which may
// have been begun by another.
func (rec *Record) merge(steps []Step, waiting *Waiting) {
	for _, s := range steps {
		i := slices.IndexFunc(rec.Steps, func(old Step) bool { return old.Name == s.Name })
		switch {
		case i < 0 && len(rec.Steps) < maxSteps:
			rec.Steps = append(rec.Steps, s)
		case i < 0:
		case s.Attempts == 0 && (rec.Steps[i].Status == StepDone || rec.Steps[i].Status == StepFailed): // it is only remembered here
		case s.Attempts == 0 && rec.Steps[i].Attempts > 0 && s.Status == StepDone:
			rec.Steps[i].Status = StepDone
		default:
			if s.Attempts == 0 { // a wait that goes on
				s.Millis += s.StartedAt.Sub(rec.Steps[i].StartedAt).Milliseconds()
				s.StartedAt = rec.Steps[i].StartedAt
			}
			rec.Steps[i] = s
		}
	}
	rec.Waiting = waiting
}

// callerText is what a customer may see of an error.
func callerText(err error) string {
	if text, ok := agent.CallerText(err); ok {
		return short(text, maxError)
	}
	return "something went wrong on our side"
}

// Now says in a line what the run does.
func (rec *Record) Now() string {
	if w := rec.Waiting; w != nil && w.Title != "" {
		return rec.Title + " waits: " + w.Title
	}
	for _, s := range slices.Backward(rec.Steps) {
		if s.Status == StepRunning && s.Message != "" {
			return rec.Title + ": " + s.Name + ": " + s.Message
		}
		if s.Status == StepRunning || s.Status == StepWaiting {
			return rec.Title + ": " + s.Name
		}
	}
	return rec.Title
}

// Took is how long the step took; at is the time until which one counts that goes on.
func (s Step) Took(at time.Time) time.Duration {
	if s.Status == StepRunning || s.Status == StepWaiting {
		return max(at.Sub(s.StartedAt), 0)
	}
	return time.Duration(s.Millis) * time.Millisecond
}
