package marketing

import (
	"context"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

const maxTask = 4000 // characters

// MetricAgentCalls counts calls of ask_cmo and ask_agent, beside
// [agent.MetricToolCalls], which counts those of every tool.
const MetricAgentCalls = "agent_calls"

var usesOfAsking = map[string]int64{agent.MetricToolCalls: 1, MetricAgentCalls: 1}

type agentInfo struct {
	ID     string     `json:"id" jsonschema:"the name by which ask_agent knows it"`
	Title  string     `json:"title" jsonschema:"its title"`
	Role   string     `json:"role" jsonschema:"what it is for"`
	Tools  []string   `json:"tools" jsonschema:"the tools it works with"`
	Tier   agent.Tier `json:"tier" jsonschema:"how capable a model its work needs: fast, standard or research"`
	Output string     `json:"output" jsonschema:"what its finished work looks like"`
}

type listAgentsOut struct {
	Agents []agentInfo `json:"agents" jsonschema:"the team, its leader first"`
}

type askCMOIn struct {
	Task string `json:"task" jsonschema:"what the customer wants, in full: the occasion, the aim, what is given and what is not wanted"`
}

type askAgentIn struct {
	Agent string `json:"agent" jsonschema:"id of the agent"`
	Task  string `json:"task" jsonschema:"what to make, in full: for whom, for which aim, with which facts, and what is not wanted"`
}

func (t *team) listAgentsTool() *agent.Tool {
	return agent.NewTool("list_agents",
		"The agents of the marketing team: what each is for and what it hands in.",
		func(context.Context, storage.CustomerID, struct{}) (listAgentsOut, error) {
			out := listAgentsOut{Agents: make([]agentInfo, len(t.agents))}
			for i, a := range t.agents {
				out.Agents[i] = agentInfo{ID: a.ID, Title: a.Title, Role: a.Role, Tools: append([]string{}, a.Tools...), Tier: a.Tier, Output: a.Output}
			}
			return out, nil
		},
		&agent.ToolOptions{Title: "List agents", ReadOnly: true, Idempotent: true})
}

// Descriptions of what asking gives.
const (
	givesBrief = "The answer is a brief for you to carry out now: it says how the agent works, what is known about the brand and the work so far, and how to hand the result in."
	givesWork  = "The agent does the work by itself, which can take some minutes. The answer is what it made, who did what, and what a person has to decide."
)

func (t *team) askCMOTool() *agent.Tool {
	return agent.NewTool("ask_cmo", "Asks the CMO, who leads the marketing team. Use it for any marketing wish. "+t.gives(),
		func(ctx context.Context, customer storage.CustomerID, in askCMOIn) (answer, error) {
			return t.ask(ctx, customer, cmoID, in.Task)
		},
		t.askOptions("Ask the CMO", func(s *jsonschema.Schema) { boundText(s, "task", 1, maxTask) }))
}

func (t *team) askAgentTool() *agent.Tool {
	return agent.NewTool("ask_agent", "Asks one specialist of the marketing team for a piece of work. "+t.gives(),
		func(ctx context.Context, customer storage.CustomerID, in askAgentIn) (answer, error) {
			return t.ask(ctx, customer, in.Agent, in.Task)
		},
		t.askOptions("Ask an agent", func(s *jsonschema.Schema) {
			oneOf(s, "agent", t.ids()...)
			boundText(s, "task", 1, maxTask)
		}))
}

// gives says what asking gives.
func (t *team) gives() string {
	if t.models {
		return givesWork
	}
	return givesBrief
}

func (t *team) askOptions(title string, input func(*jsonschema.Schema)) *agent.ToolOptions {
	// A brief changes nothing; at work, an agent saves what it makes.
	return &agent.ToolOptions{Title: title, ReadOnly: !t.models, Idempotent: !t.models, Uses: usesOfAsking, Input: input}
}

// ask has the agent do the work, or returns a brief where there is no model.
func (t *team) ask(ctx context.Context, customer storage.CustomerID, id, task string) (answer, error) {
	if err := checkText("task", task); err != nil {
		return answer{}, err
	}
	b, err := t.brief(ctx, customer, id, task)
	if err != nil {
		return answer{}, err
	}
	if w, ok := agent.WorkerFrom(ctx); ok {
		return t.work(ctx, w, customer, b)
	}
	return b.answer(), nil
}

// agent returns the agent with this ID. The error names those there are.
func (t *team) agent(id string) (agent.Agent, error) {
	for _, a := range t.agents {
		if a.ID == id {
			return a, nil
		}
	}
	return agent.Agent{}, agent.Errorf("there is no such agent; there are %s", strings.Join(t.ids(), ", "))
}

func (t *team) ids() []string {
	ids := make([]string, len(t.agents))
	for i, a := range t.agents {
		ids[i] = a.ID
	}
	return ids
}

// has reports whether the agent works with the tool.
func has(a agent.Agent, tool string) bool { return slices.Contains(a.Tools, tool) }
