package agents_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/agent/anthropicmodel"
	"github.com/heycmo/heycmo-go/agent/openaimodel"
)

// specialists are whom the CMO of these tests asks.
var specialists = []string{"seo-writer", "social", "email"}

func calls(tool string, args ...object) []agent.ToolCall {
	var list []agent.ToolCall
	for _, a := range args {
		data, _ := json.Marshal(a)
		list = append(list, agent.ToolCall{ID: fmt.Sprint("call_", called.Add(1)), Name: tool, Arguments: data})
	}
	return list
}

// called makes the IDs of calls different.
var called atomic.Int64

// company is a model that is the CMO and its specialists: the CMO asks three at once,
// each of them saves a piece, and the CMO puts it together.
func company(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
	last := r.Messages[len(r.Messages)-1]
	if strings.HasPrefix(r.System, "You grade ") {
		return agenttest.Answer{Calls: grading(0.9)}, nil
	}
	if strings.HasPrefix(r.System, "You are CMO ") {
		if last.Role == agent.RoleUser {
			var tasks []object
			for _, id := range specialists {
				tasks = append(tasks, object{"agent": id, "task": "The launch, for " + id})
			}
			return agenttest.Answer{Text: "First a plan.", Calls: calls("ask_agent", tasks...)}, nil
		}
		answer := "The launch is ready."
		for _, result := range last.Results {
			if result.IsError {
				answer += " Missing: " + result.Text
			}
			answer += " " + result.Text
		}
		return agenttest.Answer{Text: answer}, nil
	}
	for _, id := range specialists {
		if !strings.Contains(r.System, fmt.Sprintf("`agent` %q", id)) {
			continue
		}
		if last.Role == agent.RoleUser {
			return agenttest.Answer{Calls: calls("save_content", object{"agent": id, "type": "note", "title": "By " + id, "body": "The launch is on 4 June, and it is for you."})}, nil
		}
		return agenttest.Answer{Text: "Saved by " + id + "."}, nil
	}
	return agenttest.Answer{Text: "I am not asked."}, nil
}

// grading is what an evaluator calls who finds all scores alike.
func grading(score float64) []agent.ToolCall {
	g := object{"score": score, "reason": "because"}
	return calls("grade", object{"brandVoice": g, "quality": g, "citability": g, "improve": []string{"Name the price."}})
}

type handedOver struct {
	RunID string `json:"runId"`
	Text  string `json:"text"`
	Team  []struct {
		Agent, Title, Task, Outcome, RunID string
	} `json:"team"`
	Notes     []string `json:"notes"`
	Proposals []struct {
		Tool      string `json:"tool"`
		Arguments object `json:"arguments"`
	} `json:"proposals"`
}

// rounds is how often the CMO is asked over each transport.
const rounds = 200

// The CMO has three specialists work, and whoever waits hears of it before the result,
// every time.
func TestDelegation(t *testing.T) {
	h := newHouse(t, agenttest.ScriptFunc(company), nil)
	for name, c := range map[string]client{"SSE": h.overSSE(t, h.ada), "HTTP": h.overHTTP(t, h.ada)} {
		t.Run(name, func(t *testing.T) {
			n := rounds
			if testing.Short() {
				n = 10
			}
			for range n {
				result, progress := c.call(t, "ask_cmo", object{"task": "Our launch"})
				out := structured[handedOver](t, result)
				var did []string
				for _, part := range out.Team {
					did = append(did, part.Agent+" "+part.Outcome)
				}
				slices.Sort(did)
				if !slices.Equal(did, []string{"email done", "seo-writer done", "social done"}) || !strings.HasPrefix(out.Text, "The launch is ready.") ||
					!strings.Contains(out.Text, "Saved by social.") || len(out.Notes) > 0 {
					t.Fatalf("the CMO hands over %+v", out)
				}
				// It begins, asks three, each begins, saves, is graded in three steps and
				// finishes, and it finishes.
				if len(progress) != 1+3+3*6+1 {
					t.Fatalf("%d messages of progress before the result: %+v", len(progress), progress)
				}
				for i, p := range progress {
					if p.Params.Progress != float64(i+1) {
						t.Fatalf("progress %d says %v", i+1, p.Params)
					}
				}
			}
		})
	}
}

type runInfo struct {
	ID, Parent, Name, Status, Task string
	Tokens                         int64
	Seconds                        float64
}

// What was done can be read afterwards, by the customer whose it is.
func TestRunsCanBeRead(t *testing.T) {
	h := newHouse(t, agenttest.ScriptFunc(company), nil)
	ada, bob := h.overHTTP(t, h.ada), h.overHTTP(t, h.bob)
	result, _ := ada.call(t, "ask_cmo", object{"task": "Our launch"})
	out := structured[handedOver](t, result)

	result, _ = ada.call(t, "list_runs", object{})
	list := structured[struct{ Runs []runInfo }](t, result)
	if len(list.Runs) != 7 || list.Runs[6].Name != "cmo" || list.Runs[6].ID != out.RunID || list.Runs[6].Task != "Our launch" || list.Runs[6].Parent != "" {
		t.Errorf("runs %+v", list.Runs)
	}
	result, _ = ada.call(t, "list_runs", object{"agent": "evaluator"})
	if graded := structured[struct{ Runs []runInfo }](t, result).Runs; len(graded) != 3 || graded[0].Parent == "" || graded[0].Status != "completed" {
		t.Errorf("runs of the evaluator: %+v", graded)
	}
	result, _ = ada.call(t, "get_run", object{"id": out.RunID})
	run := structured[struct {
		runInfo
		Outcome, Model, Text string
		Turns                []struct {
			Text  string
			Calls []struct{ Tool, Error string }
		}
		Asked []runInfo
	}](t, result)
	if run.Status != "completed" || run.Outcome != "done" || run.Model != "m-1" || run.Tokens != 30 || len(run.Turns) != 2 || len(run.Turns[0].Calls) != 3 ||
		run.Turns[0].Text != "First a plan." || len(run.Asked) != 3 || run.Text != out.Text {
		t.Errorf("the run is %+v", run)
	}
	if !strings.Contains(result.text(), "`ask_agent`") {
		t.Errorf("to read: %s", result.text())
	}
	result, _ = ada.call(t, "list_content", object{})
	if pieces := structured[struct{ Pieces []object }](t, result); len(pieces.Pieces) != 3 {
		t.Errorf("%d pieces were saved", len(pieces.Pieces))
	}
	// To others it doesn't exist.
	unknown, _ := bob.call(t, "get_run", object{"id": "0197c1de-0000-7000-8000-000000000000"})
	foreign, _ := bob.call(t, "get_run", object{"id": out.RunID})
	if !foreign.Result.IsError || foreign.text() != unknown.text() {
		t.Errorf("a foreign run is answered with %q, an unknown one with %q", foreign.text(), unknown.text())
	}
	result, _ = bob.call(t, "list_runs", object{})
	if list := structured[struct{ Runs []runInfo }](t, result); len(list.Runs) != 0 {
		t.Errorf("bob sees %+v", list.Runs)
	}
}

// The same through the drivers of both vendors, over the wire.
func TestDelegationThroughDrivers(t *testing.T) {
	answer := func(n int, r agenttest.Request) agenttest.Answer {
		a, _ := company(n, r.ModelRequest)
		return a
	}
	gpt := agenttest.StartOpenAI(t)
	gpt.AnswerWith(answer)
	claude := agenttest.StartAnthropic(t)
	claude.AnswerWith(answer)
	openai, err := openaimodel.New(agenttest.Key, &openaimodel.Options{BaseURL: gpt.URL})
	if err != nil {
		t.Fatal(err)
	}
	anthropic, err := anthropicmodel.New(agenttest.Key, &anthropicmodel.Options{BaseURL: claude.URL})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]agent.Model{"OpenAI": openai, "Anthropic": anthropic} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, m, nil)
			result, progress := h.overSSE(t, h.ada).call(t, "ask_cmo", object{"task": "Our launch"})
			out := structured[handedOver](t, result)
			if len(out.Team) != 3 || !strings.HasPrefix(out.Text, "The launch is ready.") || len(progress) != 23 {
				t.Errorf("after %d messages: %+v", len(progress), out)
			}
		})
	}
}

// The leader fails after its specialists have worked: what they made isn't lost.
func TestLeaderFails(t *testing.T) {
	h := newHouse(t, agenttest.ScriptFunc(func(n int, r agent.ModelRequest) (agenttest.Answer, error) {
		if strings.HasPrefix(r.System, "You are CMO ") && len(r.Messages) > 1 {
			return agenttest.Answer{Status: 429}, nil
		}
		a, err := company(n, r)
		if strings.HasPrefix(r.System, "You are CMO ") {
			a.Text = ""
		}
		return a, err
	}), nil)
	result, _ := h.overHTTP(t, h.ada).call(t, "ask_cmo", object{"task": "Our launch"})
	out := structured[handedOver](t, result)
	if len(out.Team) != 3 || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "too busy") {
		t.Errorf("it hands over %+v", out)
	}
	if text := result.text(); !strings.Contains(text, "> Saved by social.") || !strings.Contains(text, "> Saved by email.") {
		t.Errorf("to read: %s", text)
	}
}

// Without models, nothing of this is there, and asking gives a brief as ever.
func TestBriefsWithoutModels(t *testing.T) {
	h := newHouse(t, nil, noModels)
	c := h.overHTTP(t, h.ada)
	result, _ := c.call(t, "ask_cmo", object{"task": "Our launch"})
	out := structured[struct{ Brief, RunID, Text string }](t, result)
	if !strings.HasPrefix(out.Brief, "# Brief: CMO") || out.RunID != "" || out.Text != "" {
		t.Errorf("asking gives %+v", out)
	}
	if result, _ := c.call(t, "list_runs", object{}); !strings.Contains(result.text(), `"runs":[]`) {
		t.Errorf("there are runs: %s", result.text())
	}
}
