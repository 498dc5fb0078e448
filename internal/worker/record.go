package worker

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// Kind is the kind of runs of agents.
const Kind = "agent"

// The states of runs of agents.
const (
	StatusRunning     = "running"
	StatusCompleted   = "completed"
	StatusPartial     = "partial" // a limit or a budget ended it
	StatusFailed      = "failed"
	StatusCancelled   = "cancelled"
	StatusInterrupted = "interrupted" // whoever ran it has gone
)

// silence is after how long a run that says nothing is taken for interrupted: more
// than a turn takes.
const silence = 15 * time.Minute

// StatusOf returns a run's state. Nobody marks a run whose process was killed.
func StatusOf(r storage.Run, now time.Time) string {
	if r.Status == StatusRunning && now.Sub(r.UpdatedAt) > silence {
		return StatusInterrupted
	}
	return r.Status
}

func statusOf(e agent.End) string {
	switch e {
	case agent.EndDone:
		return StatusCompleted
	case agent.EndFailed, agent.EndFilter:
		return StatusFailed
	case agent.EndStopped:
		return StatusCancelled
	}
	return StatusPartial
}

// Record is the data of a run.
type Record struct {
	Title   string    `json:"title"` // of the agent
	Task    string    `json:"task"`
	Model   string    `json:"model"`
	Outcome agent.End `json:"outcome,omitempty"` // none while it runs
	Text    string    `json:"text,omitempty"`    // the answer
	Note    string    `json:"note,omitempty"`    // why it ended early
	Turns   []Turn    `json:"turns"`
	// Proposals are calls that a person has to decide on.
	Proposals []Call `json:"proposals,omitempty"`
}

// Turn is what is kept of a turn.
type Turn struct {
	Text   string `json:"text,omitempty"`
	Calls  []Call `json:"calls,omitempty"`
	Input  int64  `json:"inputTokens"`
	Output int64  `json:"outputTokens"`
	Millis int64  `json:"ms"`
}

// Call is what is kept of a call. Results of tools are not.
type Call struct {
	Tool      string `json:"tool"`
	Arguments string `json:"arguments,omitempty"`
	Error     string `json:"error,omitempty"`
	Millis    int64  `json:"ms,omitempty"`
}

// How many bytes of a text are kept.
const (
	maxTask      = 8 << 10
	maxText      = 64 << 10
	maxTurnText  = 1 << 10
	maxArguments = 512
	maxError     = 512
	maxName      = 64
)

func (r *run) record(text, note string, end agent.End) json.RawMessage {
	r.mu.Lock()
	turns, proposals := slices.Clone(r.turns), slices.Clone(r.proposals)
	r.mu.Unlock()
	rec := Record{
		Title: r.job.Agent.Title, Task: short(r.job.Task, maxTask), Model: r.choice.Name,
		Outcome: end, Text: short(text, maxText), Note: note, Turns: []Turn{},
	}
	for _, t := range turns {
		turn := Turn{Text: short(plain.WithoutImages(t.Text, r.wasGiven), maxTurnText), Input: t.Tokens.Input, Output: t.Tokens.Output, Millis: t.Took.Milliseconds()}
		for _, c := range t.Calls {
			call := callOf(c.ToolCall)
			call.Millis = c.Took.Milliseconds()
			if c.IsError {
				call.Error = short(c.Result, maxError)
			}
			turn.Calls = append(turn.Calls, call)
		}
		rec.Turns = append(rec.Turns, turn)
	}
	for _, p := range proposals {
		call := callOf(p)
		call.Arguments = short(string(p.Arguments), maxText) // to be carried out as it is
		rec.Proposals = append(rec.Proposals, call)
	}
	data, _ := json.Marshal(rec) // never fails for a Record
	return data
}

func callOf(c agent.ToolCall) Call {
	return Call{Tool: short(c.Name, maxName), Arguments: short(string(c.Arguments), maxArguments)}
}

// short is text of a model or of others, as it can be stored.
func short(text string, size int) string { return plain.Cut(plain.Clean(text), size) }

func (r *run) create(ctx context.Context) error {
	parent := above(ctx)
	if r.parent != nil {
		parent = r.parent.id
	}
	return r.Runs.CreateRun(ctx, storage.Run{
		CustomerID: r.customer, ID: r.id, Parent: parent, Kind: Kind, Name: r.job.Agent.ID,
		Status: StatusRunning, Data: r.record("", "", ""), CreatedAt: r.began, UpdatedAt: r.began,
	})
}

// save stores how far the run is.
func (r *run) save(ctx context.Context) {
	data := r.record("", "", "")
	r.store(ctx, func(s *storage.Run) { s.Data = data })
}

// finish stores how the run ended.
func (r *run) finish(ctx context.Context, report agent.Report, err error) {
	if _, ok := agent.CallerText(err); err != nil && !ok && ctx.Err() == nil {
		r.Log.Warn("an agent's run failed", zap.String("customer", string(r.customer)), zap.String("run", string(r.id)),
			zap.String("agent", r.job.Agent.ID), zap.Error(err))
	}
	data := r.record(report.Text, report.Note, report.End)
	r.store(ctx, func(s *storage.Run) {
		s.Status, s.Data, s.EndedAt = statusOf(report.End), data, r.now()
	})
}

// storeTime is how long storing may take once nobody waits any more.
const storeTime = 5 * time.Second

// store changes the run's record, also when nobody waits for the run any more.
func (r *run) store(ctx context.Context, change func(*storage.Run)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	_, err := r.Runs.UpdateRun(ctx, r.customer, r.id, func(s *storage.Run) error {
		s.Tokens, s.Cost = r.used()
		s.UpdatedAt = r.now()
		change(s)
		return nil
	})
	if err != nil {
		r.Log.Error("a run can't be stored", zap.String("customer", string(r.customer)), zap.String("run", string(r.id)), zap.Error(err))
	}
}

// used returns what the run used itself, without the runs below it.
func (r *run) used() (tokens, cost int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.turns {
		tokens += t.Tokens.Input + t.Tokens.Output
	}
	return tokens, r.cost
}

// note says why a run ended early, for the customer.
func note(o agent.Outcome, err error) string {
	const handed = " What there is was handed over."
	switch o.End {
	case agent.EndDone:
		return ""
	case agent.EndTurns:
		return "The work took more steps than one run has." + handed
	case agent.EndTokens:
		return "The work used up the tokens of one run." + handed
	case agent.EndBudget:
		if text, ok := agent.CallerText(err); ok {
			return "The work was stopped: " + text + "." + handed
		}
		return "The work was stopped, since its use could not be counted." + handed
	case agent.EndTime:
		return "The work took too long and was stopped." + handed
	case agent.EndRepeats:
		return "The model went round in circles and was stopped." + handed
	case agent.EndFilter:
		return "The model refused to go on with this."
	case agent.EndStopped:
		return "The work was cancelled."
	}
	failed, ok := errors.AsType[*agent.ModelError](err)
	switch {
	case ok && failed.Kind == agent.ModelTooLong:
		return "The task has become too long for the model; ask for less at once."
	case ok && failed.Temporary():
		return "The model can't be reached or is too busy; try again later."
	}
	return "The model could not be asked; the operator of this service has to look at it."
}
