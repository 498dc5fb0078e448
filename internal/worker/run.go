package worker

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// run is a job at work.
type run struct {
	*Worker
	customer storage.CustomerID
	job      agent.Job
	choice   agent.Choice
	tools    map[string]*agent.Tool
	id       storage.RunID
	began    time.Time
	parent   *run // nil for what a customer asked for
	tree     *tree

	mu        sync.Mutex
	texts     []read // in the order in which they came up
	turns     []agent.Turn
	cost      int64
	asked     int // runs below this one
	proposals []agent.ToolCall
	parts     []agent.Report
}

// read is a text that the agent was given, or that it wrote itself.
type read struct {
	text string
	own  bool
}

// tree is what the runs below one wish of a customer share.
type tree struct {
	root     storage.RunID
	reporter agent.Reporter // to the customer's client; nil when nobody listens

	mu     sync.Mutex
	tokens int64 // used, and held by turns that are under way
	cost   int64

	telling sync.Mutex // a client may take its time
	steps   float64    // of progress
}

type runKey struct{}

type aboveKey struct{}

// Under returns a context in which agents work for a run that isn't one of an agent.
func Under(ctx context.Context, id storage.RunID) context.Context {
	return context.WithValue(ctx, aboveKey{}, id)
}

func above(ctx context.Context) storage.RunID {
	id, _ := ctx.Value(aboveKey{}).(storage.RunID)
	return id
}

// join finds the run's place below the one that asks for it.
func (r *run) join(ctx context.Context) error {
	r.parent, _ = ctx.Value(runKey{}).(*run)
	if r.parent == nil {
		r.tree = &tree{root: r.id, reporter: agent.ReporterFrom(ctx)}
		return nil
	}
	r.tree = r.parent.tree
	depth := 0
	for above := r.parent; above != nil; above = above.parent {
		if above.job.Agent.ID == r.job.Agent.ID {
			return agent.Errorf("%s is at work on this already; do it yourself", r.job.Agent.Title)
		}
		depth++
	}
	if depth > maxDepth {
		return agent.Errorf("you were asked yourself and can't ask others; do it yourself")
	}
	r.parent.mu.Lock()
	defer r.parent.mu.Unlock()
	if r.parent.asked >= maxAsked {
		return agent.Errorf("you asked others %d times, which is the limit; finish with what you have", maxAsked)
	}
	r.parent.asked++
	return nil
}

// work has the agent work, and records what comes of it.
func (r *run) work(ctx context.Context, tools []*agent.Tool) agent.Report {
	r.tools = map[string]*agent.Tool{}
	for _, t := range tools {
		r.tools[t.Name] = t
	}
	r.texts = []read{{text: r.job.Known}}
	if r.parent == nil {
		r.texts = append(r.texts, read{text: r.job.Task})
	}
	r.progress(ctx, "begins")
	loop := r.job.Loop
	loop.Model, loop.Name, loop.Tools = r.choice.Model, r.choice.Name, tools
	loop.Admit, loop.Call, loop.Turned = r.admit, r.call, r.turned
	system := r.job.System
	if system == "" {
		system = r.job.Agent.Instructions
	}
	task := r.job.Task
	if r.job.Context != "" {
		task = r.job.Context + "\n\n" + task
	}
	inner := context.WithValue(ctx, runKey{}, r)
	inner = agent.WithReporter(inner, reporter{r})
	inner = agent.WithWorking(inner, agent.Working{RunID: r.id, Root: r.tree.root, Agent: r.job.Agent, Given: r.wasGiven})
	outcome, err := loop.Run(inner, r.customer, system, task)
	outcome.Text = plain.WithoutImages(outcome.Text, r.wasGiven)

	r.mu.Lock()
	report := agent.Report{
		RunID: r.id, Agent: r.job.Agent.ID, Task: r.job.Task, Outcome: outcome,
		Cost: r.cost, Note: note(outcome, err), Proposals: r.proposals, Parts: r.parts,
	}
	r.turns = outcome.Turns
	r.mu.Unlock()
	r.finish(ctx, report, err)
	if r.parent != nil {
		r.parent.mu.Lock()
		r.parent.parts = append(r.parent.parts, report)
		r.parent.mu.Unlock()
	}
	r.progress(ctx, "has finished")
	return report
}

// call calls a tool for the agent.
func (r *run) call(ctx context.Context, customer storage.CustomerID, t *agent.Tool, call agent.ToolCall) (agent.Result, error) {
	if t.NeedsPerson {
		if err := t.Check(call.Arguments); err != nil {
			return agent.Result{}, err
		}
		r.mu.Lock()
		r.proposals = append(r.proposals, call)
		r.mu.Unlock()
		return agent.Text("This is for a person to decide. It is in your report as a proposal and was not done. Go on without it, and don't count on it."), nil
	}
	r.progress(ctx, "uses "+t.Title)
	return r.Call(ctx, customer, t, call.Arguments)
}

// turned takes note of a turn.
func (r *run) turned(ctx context.Context, t agent.Turn) {
	r.mu.Lock()
	r.turns = append(r.turns, t)
	r.texts = append(r.texts, read{t.Text, true})
	for _, call := range t.Calls {
		r.texts = append(r.texts, read{string(call.Arguments), true})
	}
	for _, call := range t.Calls {
		// What other tools return may be what this agent, or another one, has written.
		if tool := r.tools[call.Name]; tool != nil && tool.OpenWorld {
			r.texts = append(r.texts, read{text: call.Result})
		}
	}
	r.mu.Unlock()
	r.save(ctx)
}

func (r *run) wasGiven(text string) bool {
	if text == "" {
		return false
	}
	quoted, _ := json.Marshal(text) // results are often JSON, which writes & in another way
	inside := string(quoted[1 : len(quoted)-1])
	r.mu.Lock()
	i := slices.IndexFunc(r.texts, func(t read) bool { return strings.Contains(t.text, text) || strings.Contains(t.text, inside) })
	given := i >= 0 && !r.texts[i].own
	r.mu.Unlock()
	if given || r.parent == nil {
		return given
	}
	// A task of another agent gives what that one was given.
	return strings.Contains(r.job.Task, text) && r.parent.wasGiven(text)
}

// progress tells the customer's client that something goes on.
func (r *run) progress(ctx context.Context, what string) {
	t := r.tree
	if t.reporter == nil {
		return
	}
	t.telling.Lock()
	defer t.telling.Unlock()
	t.steps++
	t.reporter.Progress(ctx, t.steps, 0, r.job.Agent.Title+" "+what)
}

// reporter brings messages of tools to the customer's client, among those of all that
// goes on: each tool counts for itself, and the client wants one count.
type reporter struct{ *run }

func (r reporter) Progress(ctx context.Context, _, _ float64, message string) {
	r.progress(ctx, "reports: "+message)
}

func (r reporter) Log(ctx context.Context, level agent.Level, message string) {
	if to := r.tree.reporter; to != nil {
		to.Log(ctx, level, message)
	}
}
