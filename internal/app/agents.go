package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/worker"
	"github.com/heycmo/heycmo-go/storage"
)

// employ makes the worker that has the catalog's agents work.
func (a *App) employ() {
	if len(a.Models) == 0 {
		return
	}
	a.worker = worker.New(worker.Config{
		Models: a.Models, Budget: a.Budget, Runs: a.Runs, Tools: a.tools, Call: a.callForAgent, Log: a.Log,
	})
}

// callForAgent is CallTool for an agent at work. It counts what the tool uses, apart
// from the call itself: that one wasn't the customer's.
func (a *App) callForAgent(ctx context.Context, customer storage.CustomerID, t *agent.Tool, args json.RawMessage) (result agent.Result, err error) {
	p, _ := auth.FromContext(ctx)
	p.Customer = customer
	err = a.guard(ctx, p, "tool "+t.Name, func() (err error) {
		if a.Usage == nil {
			result, err = t.Call(ctx, customer, args)
			return err
		}
		uses := slices.DeleteFunc(usesOf(t), func(u use) bool { return u.metric == agent.MetricToolCalls })
		result, err = a.callMetered(ctx, customer, t, uses, args)
		return err
	})
	return result, err
}

const (
	askAgentName   = "ask_agent"
	listAgentsName = "list_agents"
	maxTask        = 8000 // characters
)

// offerAgents adds the tools by which customers ask the catalog's agents, unless the
// catalog has its own.
func (a *App) offerAgents() {
	if len(a.Catalog.Agents) == 0 {
		return
	}
	a.offer(a.askAgentTool(a.Catalog.Agents))
	a.offer(listAgentsTool(a.Catalog.Agents))
}

// offer adds a tool of the host to the catalog, unless there is one of that name.
func (a *App) offer(t *agent.Tool) {
	if slices.ContainsFunc(a.Catalog.Tools, func(own *agent.Tool) bool { return own.Name == t.Name }) {
		return
	}
	catalog := *a.Catalog
	catalog.Tools = append(slices.Clone(catalog.Tools), t)
	a.Catalog = &catalog
}

type askIn struct {
	Agent string `json:"agent" jsonschema:"id of the agent"`
	Task  string `json:"task" jsonschema:"what is wanted, in full: the agent knows nothing else of it"`
}

// asked is what asking an agent gives: its work, or a brief.
type asked struct {
	Agent     string        `json:"agent" jsonschema:"id of the agent"`
	Brief     string        `json:"brief,omitempty" jsonschema:"how to do the work, for you to carry out now; there when this service has no model of its own"`
	Text      string        `json:"text,omitempty" jsonschema:"the finished work"`
	Note      string        `json:"note,omitempty" jsonschema:"why the work ended early"`
	RunID     storage.RunID `json:"runId,omitempty" jsonschema:"id of the run, for get_run"`
	Proposals []proposal    `json:"proposals,omitempty" jsonschema:"calls that were not made since a person must decide on them: show them to the customer, and make those that they approve"`
}

type proposal struct {
	Tool      string         `json:"tool" jsonschema:"name of the tool"`
	Arguments map[string]any `json:"arguments" jsonschema:"its arguments"`
}

func (a *App) askAgentTool(agents []agent.Agent) *agent.Tool {
	description := "Asks an agent for a piece of work. The answer is a brief for you to carry out now: how the agent works, and with which tools."
	if len(a.Models) > 0 {
		description = "Asks an agent for a piece of work, which it does by itself. The answer is the finished work."
	}
	description += " The agents are:"
	ids := make([]any, len(agents))
	for i, one := range agents {
		ids[i] = one.ID
		description += fmt.Sprintf("\n- %s: %s", one.ID, one.Role)
	}
	return agent.NewTool(askAgentName, description,
		func(ctx context.Context, customer storage.CustomerID, in askIn) (asked, error) {
			i := slices.IndexFunc(agents, func(one agent.Agent) bool { return one.ID == in.Agent })
			return ask(ctx, customer, agents[i], in.Task)
		},
		&agent.ToolOptions{Title: "Ask an agent", ReadOnly: len(a.Models) == 0, Input: func(s *jsonschema.Schema) {
			s.Properties["agent"].Enum = ids
			s.Properties["task"].MinLength, s.Properties["task"].MaxLength = new(1), new(maxTask)
		}})
}

func ask(ctx context.Context, customer storage.CustomerID, one agent.Agent, task string) (asked, error) {
	w, ok := agent.WorkerFrom(ctx)
	if !ok {
		return asked{Agent: one.ID, Brief: agent.Job{Agent: one, Task: task}.Brief()}, nil
	}
	report, err := w.Work(ctx, customer, agent.Job{Agent: one, Task: task})
	if err != nil {
		return asked{}, err
	}
	if report.Text == "" && len(report.Proposals) == 0 {
		return asked{}, agent.Errorf("%s has nothing to hand over. %s (run %s)", one.Title, report.Note, report.RunID)
	}
	out := asked{Agent: one.ID, Text: report.Text, Note: report.Note, RunID: report.RunID}
	for _, call := range report.Proposals {
		p := proposal{Tool: call.Name}
		_ = json.Unmarshal(call.Arguments, &p.Arguments) // they fit the tool's schema
		out.Proposals = append(out.Proposals, p)
	}
	return out, nil
}

// ReadableText implements [agent.Readable].
func (out asked) ReadableText() string {
	if out.Brief != "" {
		return out.Brief
	}
	parts := []string{out.Text, out.Note}
	for _, p := range out.Proposals {
		args, _ := json.Marshal(p.Arguments) // they came from JSON
		parts = append(parts, fmt.Sprintf("For a person to decide: `%s` with %s", p.Tool, args))
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "\n\n")
}

type agentInfo struct {
	ID    string     `json:"id" jsonschema:"the name by which ask_agent knows it"`
	Title string     `json:"title" jsonschema:"its title"`
	Role  string     `json:"role" jsonschema:"what it is for"`
	Tools []string   `json:"tools" jsonschema:"the tools it works with"`
	Tier  agent.Tier `json:"tier" jsonschema:"how capable a model its work needs: fast, standard or research"`
}

type listAgentsOut struct {
	Agents []agentInfo `json:"agents" jsonschema:"those that ask_agent knows"`
}

func listAgentsTool(agents []agent.Agent) *agent.Tool {
	return agent.NewTool(listAgentsName, "The agents that can be asked: what each is for.",
		func(context.Context, storage.CustomerID, struct{}) (listAgentsOut, error) {
			out := listAgentsOut{}
			for _, one := range agents {
				out.Agents = append(out.Agents, agentInfo{one.ID, one.Title, one.Role, append([]string{}, one.Tools...), one.Tier})
			}
			return out, nil
		},
		&agent.ToolOptions{Title: "List agents", ReadOnly: true, Idempotent: true})
}
