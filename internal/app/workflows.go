package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/internal/worker"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// maxUnderWay is how many runs that a customer wished for may be under way.
const maxUnderWay = 50

// maxAwait is how long a client can have a call wait for a run, in seconds. Clients
// give a call up after a minute.
const maxAwait = 50

// onboards reports whether new customers go through an onboarding.
func (a *App) onboards() bool { return a.Runner != nil && a.Runner.Onboarding() != nil }

// StepContext returns the context in which a step of a customer's run works.
func (a *App) StepContext(ctx context.Context, customer storage.CustomerID, run storage.RunID) (inner context.Context, done func(), err error) {
	c, err := a.Store.Customer(ctx, customer)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil, workflow.Permanent(err)
	}
	if err != nil {
		return nil, nil, err
	}
	status := c.StatusAt(time.Now())
	if !status.Entitled() {
		return nil, nil, workflow.Permanent(agent.Errorf("the account is %s, so nothing more is done for it", status))
	}
	ctx = auth.NewContext(ctx, auth.Principal{Customer: customer, Status: status})
	ctx = a.serving(ctx, customer)
	ctx = worker.Under(ctx, run)
	if a.Usage == nil {
		return ctx, func() {}, nil
	}
	b := &bill{meter: a.Usage, customer: customer, tool: "workflow"}
	return agent.WithSpend(ctx, b.spend), func() { b.end(true) }, nil
}

// serving returns a context in which the catalog's work finds the host.
func (a *App) serving(ctx context.Context, customer storage.CustomerID) context.Context {
	ctx = agent.WithUpdated(ctx, func(uri string) { a.ResourceUpdated(customer, uri) })
	// What stands in a mail must be good for long, so that the address of the request won't do.
	ctx = agent.WithLinks(ctx, func(_ context.Context, name, token string) (string, error) {
		if a.PublicURL == "" {
			return "", errors.New("app: the host doesn't know its public address")
		}
		return a.PublicURL + "/go/" + name + "?t=" + string(customer) + "." + token, nil
	})
	if a.Connections != nil {
		ctx = connect.WithDoer(ctx, func(ctx context.Context, platform string, r connect.Request) (connect.Response, error) {
			return a.Connections.Do(ctx, customer, platform, r)
		})
	}
	if a.worker != nil {
		ctx = agent.WithWorker(ctx, a.worker)
	}
	if a.Runner != nil {
		ctx = agent.WithDecided(ctx, func(ctx context.Context, subject string, answer workflow.Answer) error {
			return a.decided(ctx, customer, subject, answer)
		})
		ctx = agent.WithStart(ctx, func(ctx context.Context, name, key string, input json.RawMessage) error {
			_, err := a.StartWorkflow(ctx, customer, name, "tool:"+key, input)
			return err
		})
	}
	return ctx
}

// decided answers what runs ask about a thing.
func (a *App) decided(ctx context.Context, customer storage.CustomerID, subject string, answer workflow.Answer) error {
	pending, err := a.Runner.Pending(ctx, customer, subject)
	if err != nil {
		return err
	}
	for _, d := range pending {
		if _, err := a.Runner.Decide(ctx, customer, d.ID, answer); err != nil && !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return nil
}

// StartWorkflow begins a run that a customer wished for. Wishes with the same key are
// one; an empty key is a wish of its own.
func (a *App) StartWorkflow(ctx context.Context, customer storage.CustomerID, name, key string, input json.RawMessage) (storage.Run, error) {
	if key != "" {
		key = "wish:" + key
	}
	run, _, err := a.begin(ctx, customer, runner.Wish{Workflow: name, Key: key, Input: input, AtMost: maxUnderWay})
	return run, err
}

func (a *App) begin(ctx context.Context, customer storage.CustomerID, wish runner.Wish) (run storage.Run, begun bool, err error) {
	run, begun, err = a.Runner.Begin(ctx, a.Store, customer, wish)
	if err == nil && begun {
		a.Runner.Wake()
	}
	return run, begun, err
}

// Onboard begins the onboarding, or returns the run of it that is under way. The host
// has one.
func (a *App) Onboard(ctx context.Context, customer storage.CustomerID, input json.RawMessage) (run storage.Run, begun bool, err error) {
	name := a.Runner.Onboarding().Name
	if _, err := a.Runner.Onboarding().Check(input); err != nil {
		return run, false, err
	}
	last, err := a.Runs.Runs(ctx, customer, storage.RunQuery{Kind: runner.Kind, Name: name, Page: storage.Page{Limit: 1}})
	if err != nil {
		return run, false, err
	}
	key := "onboarding"
	if len(last) > 0 {
		if last[0].EndedAt.IsZero() {
			return last[0], false, nil
		}
		key += " after " + string(last[0].ID)
	}
	return a.begin(ctx, customer, runner.Wish{Workflow: name, Key: key, Input: input})
}

type workflowInfo struct {
	Name        string             `json:"name" jsonschema:"the name by which start_workflow knows it"`
	Title       string             `json:"title" jsonschema:"its title"`
	Description string             `json:"description" jsonschema:"what it does"`
	Schedule    string             `json:"schedule,omitempty" jsonschema:"when it begins by itself, as a cron expression in UTC"`
	Input       *jsonschema.Schema `json:"input" jsonschema:"JSON Schema of its input"`
}

type listWorkflowsOut struct {
	Workflows []workflowInfo `json:"workflows" jsonschema:"those that start_workflow knows"`
}

// offerWorkflows adds the tools by which customers run workflows.
func (a *App) offerWorkflows() {
	if a.Runner == nil {
		return
	}
	for _, t := range []*agent.Tool{
		a.listWorkflowsTool(), a.startWorkflowTool(), a.cancelRunTool(), a.listApprovalsTool(), a.decideTool(), a.handInTool(),
	} {
		a.offer(t)
	}
}

func (a *App) listWorkflowsTool() *agent.Tool {
	return agent.NewTool("list_workflows", "The workflows that can be run: what each does and what it needs to know.",
		func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) {
			out := listWorkflowsOut{}
			for _, w := range a.Runner.Workflows {
				out.Workflows = append(out.Workflows, workflowInfo{w.Name, w.Title, w.Description, w.Schedule, w.InputSchema()})
			}
			data, err := json.Marshal(out)
			return agent.Result{Content: agent.Text(string(data)).Content, Structured: data}, err
		},
		&agent.ToolOptions{Title: "List workflows", ReadOnly: true, Idempotent: true})
}

type startWorkflowIn struct {
	Workflow string         `json:"workflow" jsonschema:"name of the workflow"`
	Input    map[string]any `json:"input,omitempty" jsonschema:"what it needs to know, as list_workflows says"`
	Key      string         `json:"key,omitempty" jsonschema:"a name for this wish: calling again with the same one begins nothing and returns the same run"`
	Wait     int            `json:"wait,omitempty" jsonschema:"how many seconds to wait for the run to end, or to need somebody; 0 when left out"`
}

func (a *App) startWorkflowTool() *agent.Tool {
	names := make([]string, len(a.Runner.Workflows))
	for i, w := range a.Runner.Workflows {
		names[i] = w.Name
	}
	return agent.NewTool("start_workflow",
		"Starts a workflow, which goes on by itself and survives restarts of this service. Follow it with get_run. The workflows are: "+strings.Join(names, ", ")+".",
		func(ctx context.Context, customer storage.CustomerID, in startWorkflowIn) (runDetail, error) {
			var input json.RawMessage
			if in.Input != nil {
				input, _ = json.Marshal(in.Input) // it came from JSON
			}
			run, err := a.StartWorkflow(ctx, customer, in.Workflow, in.Key, input)
			if errors.Is(err, workflow.ErrUnknown) {
				return runDetail{}, agent.Errorf("there is no workflow %q; there are %s", in.Workflow, strings.Join(names, ", "))
			}
			if err != nil {
				return runDetail{}, err
			}
			return a.awaitRun(ctx, customer, run.ID, in.Wait)
		},
		&agent.ToolOptions{Title: "Start workflow", Input: func(s *jsonschema.Schema) {
			s.Properties["workflow"].MinLength, s.Properties["workflow"].MaxLength = new(1), new(64)
			s.Properties["key"].MinLength, s.Properties["key"].MaxLength = new(1), new(100)
			boundWait(s)
		}})
}

func boundWait(s *jsonschema.Schema) {
	s.Properties["wait"].Minimum, s.Properties["wait"].Maximum = new(0.0), new(float64(maxAwait))
}

// awaitRun returns a run once it has ended, needs somebody, or the seconds are over.
func (a *App) awaitRun(ctx context.Context, customer storage.CustomerID, id storage.RunID, seconds int) (runDetail, error) {
	if a.Runner == nil || seconds == 0 {
		return a.runDetail(ctx, customer, id)
	}
	told := 0.0
	_, err := a.Runner.Await(ctx, customer, id, time.Duration(seconds)*time.Second, func(_ storage.Run, rec runner.Record) {
		told++
		agent.Progress(ctx, told, 0, rec.Now())
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // get_run also shows runs of agents
		return runDetail{}, err
	}
	return a.runDetail(ctx, customer, id)
}

// CancelRun ends a run of a workflow.
func (a *App) CancelRun(ctx context.Context, customer storage.CustomerID, id storage.RunID) (storage.Run, error) {
	return a.Runner.Cancel(ctx, customer, id)
}

type cancelRunIn struct {
	ID storage.RunID `json:"id" jsonschema:"the run's id"`
}

func (a *App) cancelRunTool() *agent.Tool {
	return agent.NewTool("cancel_run", "Ends a run of a workflow. What its steps have done stays done.",
		func(ctx context.Context, customer storage.CustomerID, in cancelRunIn) (runDetail, error) {
			_, err := a.CancelRun(ctx, customer, in.ID)
			if errors.Is(err, storage.ErrNotFound) {
				return runDetail{}, agent.Errorf("there is no such run of a workflow; list_runs shows those there are")
			}
			if err != nil {
				return runDetail{}, err
			}
			return a.runDetail(ctx, customer, in.ID)
		},
		&agent.ToolOptions{Title: "Cancel run", Destructive: true, Idempotent: true, NeedsPerson: true, Input: func(s *jsonschema.Schema) {
			s.Properties["id"].MinLength, s.Properties["id"].MaxLength = new(1), new(64)
		}})
}
