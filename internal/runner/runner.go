// Package runner runs the workflows of a catalog for a host: it begins runs together
// with their cause, records them, asks people, and keeps schedules.
//
//	r, err := runner.New(runner.Config{Store: store, Engine: engine, Workflows: catalog.Workflows, ...})
//	err = r.Start(ctx)
//	run, err := r.Begin(ctx, store, customer, runner.Wish{Workflow: "onboarding", Input: input})
//	go r.Run(ctx)
//
// What begins, wakes or ends a run is an effect in the outbox, stored in the same
// transaction as its cause. The engine decides what was done; the row of the run shows
// it, a moment later at most.
package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Config is what a Runner works with. Every field is set but those that say they may
// be empty.
type Config struct {
	Store     storage.Store // with the roles storage.Runs and storage.Effects
	Engine    workflow.Engine
	Workflows []*agent.Workflow
	// Models says that agents do their work by themselves.
	Models bool
	// StepContext returns the context in which a step of the customer's run works, or
	// the reason why it may not. done is called after it.
	StepContext func(ctx context.Context, customer storage.CustomerID, run storage.RunID) (inner context.Context, done func(), err error)
	// Notify says that notices are stored for the customers' eyes.
	Notify bool
	// Wake has the outbox look for effects at once; may be nil.
	Wake func()
	Log  *zap.Logger
}

// Runner runs workflows.
type Runner struct {
	Config
	workflows map[string]*agent.Workflow
	schedules []schedule
	volatile  string // names this process where runs end with it; else empty
	now       func() time.Time
	recorder  *recorder

	mu      sync.Mutex
	started bool
}

type schedule struct {
	workflow *agent.Workflow
	cron     cron.Schedule
}

// New returns a Runner. It starts nothing. The error names a schedule that is wrong,
// or what the store lacks.
func New(c Config) (*Runner, error) {
	if c.Wake == nil {
		c.Wake = func() {}
	}
	r := &Runner{Config: c, workflows: map[string]*agent.Workflow{}, now: storage.Now}
	if !CanRun(c.Store) {
		return nil, errors.New("the store has no storage.Runs and storage.Effects, which workflows need")
	}
	if _, ok := c.Engine.(*workflow.Memory); ok {
		r.volatile = storage.NewID()
	}
	for _, w := range c.Workflows {
		r.workflows[w.Name] = w
		if w.Schedule == "" {
			continue
		}
		parsed, err := cron.ParseStandard(w.Schedule)
		if err != nil {
			return nil, fmt.Errorf("workflow %q: the schedule must be a cron expression with five fields: %w", w.Name, err)
		}
		r.schedules = append(r.schedules, schedule{w, parsed})
	}
	r.recorder = newRecorder(r)
	return r, nil
}

// CanRun reports whether the store remembers what workflows need.
func CanRun(store storage.Store) bool {
	_, runs := storage.RoleOf[storage.Runs](store)
	_, effects := storage.RoleOf[storage.Effects](store)
	return runs && effects
}

func runsOf(s storage.Store) storage.Runs {
	r, _ := storage.RoleOf[storage.Runs](s) // New has looked
	return r
}

func effectsOf(s storage.Store) storage.Effects {
	e, _ := storage.RoleOf[storage.Effects](s) // New has looked
	return e
}

// Start starts the engine, which goes on with what was under way. Starting twice does
// nothing.
func (r *Runner) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return nil
	}
	var definitions []workflow.Definition
	for _, w := range r.Workflows {
		definitions = append(definitions, workflow.Definition{
			Name: w.Name,
			Run: func(c workflow.Context, order json.RawMessage) (json.RawMessage, error) {
				return r.carryOut(c, w, order)
			},
		})
	}
	if keeper, ok := r.Engine.(workflow.Scheduler); ok {
		for _, s := range r.schedules {
			keeper.Schedule(workflow.Schedule{Name: s.workflow.Name, Cron: s.workflow.Schedule, Tick: func(ctx context.Context, slot time.Time) error {
				return r.tick(ctx, s, slot)
			}})
		}
	}
	if err := r.Engine.Start(ctx, definitions...); err != nil {
		return err
	}
	r.started = true
	return nil
}

// Run records what runs do and keeps the schedules, until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.recorder.run(ctx) })
	if _, ok := r.Engine.(workflow.Scheduler); !ok {
		wg.Go(func() { r.keepTime(ctx) })
	}
}

// Close ends the engine and stores what was not recorded yet.
func (r *Runner) Close(ctx context.Context) error {
	return errors.Join(r.Engine.Close(ctx), r.recorder.flush(ctx))
}

// Volatile reports whether runs end with the process.
func (r *Runner) Volatile() bool { return r.volatile != "" }

// Workflow returns the workflow with this name.
func (r *Runner) Workflow(name string) (*agent.Workflow, bool) {
	w, ok := r.workflows[name]
	return w, ok
}

// Onboarding returns the workflow that new customers begin with; nil: there is none.
func (r *Runner) Onboarding() *agent.Workflow {
	for _, w := range r.Workflows {
		if w.Onboarding {
			return w
		}
	}
	return nil
}
