// Package worker has agents do their work: it picks the model, gives them their
// tools, keeps them within budgets, and records each run.
//
//	w := worker.New(worker.Config{Models: models, Runs: runs, Tools: tools, Call: call})
//	report, err := w.Work(ctx, customer, agent.Job{Agent: writer, Task: task})
package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// How far agents may go in having others work.
const (
	maxDepth = 2 // of runs below one that a customer asked for
	maxAsked = 8 // runs right below another one
)

// Config is what a Worker works with. Every field is set but those that say they
// may be empty.
type Config struct {
	Models agent.Models
	Budget agent.Budget
	Runs   storage.Runs
	// Tools are the catalog's, by name.
	Tools map[string]*agent.Tool
	// Call calls a tool for an agent at work. An error it returns has an
	// [agent.CallerText].
	Call func(ctx context.Context, customer storage.CustomerID, t *agent.Tool, args json.RawMessage) (agent.Result, error)
	Log  *zap.Logger
}

// Worker is an [agent.Worker].
type Worker struct {
	Config
	now func() time.Time
}

var _ agent.Worker = (*Worker)(nil)

// New returns a Worker. It starts nothing.
func New(c Config) *Worker {
	c.Budget.RunTokens = cmp.Or(c.Budget.RunTokens, 500_000)
	c.Budget.DayTokens = cmp.Or(c.Budget.DayTokens, 5_000_000)
	return &Worker{Config: c, now: storage.Now}
}

// Work is described at [agent.Worker].
func (w *Worker) Work(ctx context.Context, customer storage.CustomerID, j agent.Job) (agent.Report, error) {
	if strings.TrimSpace(j.Task) == "" {
		return agent.Report{}, storage.Invalid("task", "given")
	}
	choice, ok := w.Models.For(cmp.Or(j.Agent.Tier, agent.TierStandard))
	if !ok {
		return agent.Report{}, errors.New("worker: there are no models")
	}
	tools, err := w.toolsOf(j)
	if err != nil {
		return agent.Report{}, err
	}
	r := &run{
		Worker: w, customer: customer, job: j, choice: choice,
		id: storage.RunID(storage.NewID()), began: w.now(),
	}
	if err := r.join(ctx); err != nil {
		return agent.Report{}, err
	}
	if err := r.create(ctx); err != nil {
		return agent.Report{}, err
	}
	return r.work(ctx, tools), nil
}

// toolsOf returns what the agent may call in this job.
func (w *Worker) toolsOf(j agent.Job) ([]*agent.Tool, error) {
	tools := slices.Clone(j.Tools)
	for _, name := range j.Agent.Tools {
		if slices.ContainsFunc(j.Tools, func(t *agent.Tool) bool { return t.Name == name }) {
			continue
		}
		t, ok := w.Tools[name]
		if !ok {
			return nil, errors.New("worker: agent " + j.Agent.ID + ": there is no tool " + name)
		}
		tools = append(tools, t)
	}
	return tools, nil
}
