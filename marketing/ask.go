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

func (t *team) askCMOTool() *agent.Tool {
	return agent.NewTool("ask_cmo",
		"Asks the CMO, who leads the marketing team. Use it for any marketing wish. The answer is a brief for you to carry out now: it says how the CMO works, what is known about the brand and the work so far, and how to hand the result in.",
		func(ctx context.Context, customer storage.CustomerID, in askCMOIn) (briefing, error) {
			return t.ask(ctx, customer, cmoID, in.Task)
		},
		&agent.ToolOptions{Title: "Ask the CMO", ReadOnly: true, Idempotent: true, Uses: usesOfAsking, Input: func(s *jsonschema.Schema) {
			boundText(s, "task", 1, maxTask)
		}})
}

func (t *team) askAgentTool() *agent.Tool {
	return agent.NewTool("ask_agent",
		"Asks one specialist of the marketing team for a piece of work. The answer is a brief for you to carry out now: it says how that specialist works, what is known about the brand and the work so far, and how to hand the result in.",
		func(ctx context.Context, customer storage.CustomerID, in askAgentIn) (briefing, error) {
			return t.ask(ctx, customer, in.Agent, in.Task)
		},
		&agent.ToolOptions{Title: "Ask an agent", ReadOnly: true, Idempotent: true, Uses: usesOfAsking, Input: func(s *jsonschema.Schema) {
			oneOf(s, "agent", t.ids()...)
			boundText(s, "task", 1, maxTask)
		}})
}

func (t *team) ask(ctx context.Context, customer storage.CustomerID, id, task string) (briefing, error) {
	if err := checkText("task", task); err != nil {
		return briefing{}, err
	}
	b, err := t.brief(ctx, customer, id, task)
	if err != nil {
		return briefing{}, err
	}
	return b.result(), nil
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
