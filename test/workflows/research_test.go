package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing/research/exasearch"
	"github.com/heycmo/heycmo-go/marketing/research/researchtest"
)

// searcher looks things up by the researcher's protocol, and hands the rest in.
func searcher(t *testing.T, sources []string, wrote *string) agent.Model {
	n := 0
	call := func(tool string, args object) agent.ToolCall {
		n++
		data, err := json.Marshal(args)
		if err != nil {
			t.Error(err)
		}
		return agent.ToolCall{ID: fmt.Sprint(n), Name: tool, Arguments: data}
	}
	step := 0
	do := client(t, map[string]string{})
	return agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		has := func(name string) int {
			return slices.IndexFunc(r.Tools, func(tool *agent.Tool) bool { return tool.Name == name })
		}
		if i := has("hand_in"); i >= 0 {
			args := do("Write the piece", "")
			if _, plans := r.Tools[i].InputSchema().Properties["outline"]; plans {
				args = object{"agent": "seo-writer", "type": "article", "angle": "Engines save time", "outline": []string{"Why"}, "research": "How much time do engines save?"}
			} else {
				*wrote = r.Messages[0].Text
			}
			return agenttest.Answer{Calls: []agent.ToolCall{call("hand_in", args.(object))}}, nil
		}
		if has("done") < 0 { // grading
			return agenttest.Answer{Text: "{}"}, nil
		}
		for _, result := range r.Messages[len(r.Messages)-1].Results {
			if result.IsError {
				t.Errorf("step %d was refused: %s", step, result.Text)
			}
		}
		step++
		switch step {
		case 2, 4, 6:
			return agenttest.Answer{Calls: []agent.ToolCall{
				call("exa_web_search", object{"query": fmt.Sprint("engines save time ", step)}), call("exa_web_search", object{"query": fmt.Sprint("engines cost ", step)}),
			}}, nil
		case 8:
			return agenttest.Answer{Calls: []agent.ToolCall{call("done", object{"answer": "Half of it.", "meaning": "Say so.", "findings": []object{
				{"claim": "They save half the time", "evidence": `"Engines save time"`, "sources": sources, "confidence": "high"},
			}})}}, nil
		}
		return agenttest.Answer{Calls: []agent.ToolCall{call("thinking", object{"thought": fmt.Sprint("thought ", step)})}}, nil
	})
}

// With a search set up, the researcher of a production looks things up, and the writer
// gets what it found.
func TestContentProductionWithResearch(t *testing.T) {
	var docs []researchtest.Doc
	var sources []string
	for _, site := range []string{"alpha.com", "beta.org", "gamma.net", "delta.io", "epsilon.dev"} {
		docs = append(docs, researchtest.Doc{URL: "https://" + site + "/a", Title: site, Text: "Engines save time and cost"})
		sources = append(sources, "https://"+site+"/a")
	}
	web := researchtest.StartExa(t, docs...)
	search, err := exasearch.New(researchtest.Key, &exasearch.Options{BaseURL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	wrote := ""
	h := newHouse(t, func(o *heycmo.Options) {
		o.Models = agent.Models{agent.TierStandard: {Model: searcher(t, sources, &wrote), Name: "m-1"}}
		o.Marketing.Search = search
	})
	var started seen
	h.call("start_workflow", object{"workflow": "content-production", "input": object{"task": "An article on engines"}, "wait": 1}, &started)
	run := h.follow(started.ID, nobody(t), approveAll)
	if run.Status != "completed" {
		t.Fatalf("it is %s: %s", run.Status, run.Error)
	}
	if !strings.Contains(wrote, "Half of it.") || !strings.Contains(wrote, "alpha.com") {
		t.Errorf("the writer was not told what was found:\n%s", wrote)
	}
}
