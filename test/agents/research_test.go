package agents_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing/research/exasearch"
	"github.com/heycmo/heycmo-go/marketing/research/researchtest"
)

// TestResearcher: whoever is in a hurry is sent back to work, and what comes of it is
// saved with sources that were really found.
func TestResearcher(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<title>The panel</title><h1>The panel</h1><p>We asked 312 firms about their invoices, and most of them were late by a week or more.</p>")
	}))
	defer page.Close()
	docs := []researchtest.Doc{{URL: page.URL + "/panel", Title: "The panel", Text: "We asked 312 firms"}}
	var sources []string
	for _, site := range []string{"alpha.com", "beta.org", "gamma.net", "delta.io"} {
		docs = append(docs, researchtest.Doc{URL: "https://" + site + "/a", Title: site, Text: "Late invoices cost money"})
		sources = append(sources, "https://"+site+"/a")
	}
	web := researchtest.StartExa(t, docs...)
	search, err := exasearch.New(researchtest.Key, &exasearch.Options{BaseURL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	thoughts := 0
	think := func() []agent.ToolCall {
		thoughts++
		return calls("thinking", object{"thought": fmt.Sprint("thought ", thoughts)})
	}
	done := func(sources ...string) []agent.ToolCall {
		return calls("done", object{"answer": "Most are late.", "meaning": "Offer reminders.", "findings": []object{
			{"claim": "Most invoices are late", "evidence": `"most of them were late by a week or more"`, "sources": append([]string{page.URL + "/panel"}, sources...), "confidence": "high"},
		}})
	}
	steps := [][]agent.ToolCall{
		done(sources...), // at once, from memory
		think(), calls("exa_web_search", object{"query": "late invoices"}, object{"query": "asked firms"}),
		done(sources...), // too early
		think(), calls("web_extract", object{"url": page.URL + "/panel"}), think(), calls("exa_web_search", object{"query": "cost of late invoices"}), think(),
		done(sources[:2]...), // with too few sources
		done(append(sources[:3:3], "https://made-up.example/x")...), // with one that nobody has found
		calls("x_search", object{"query": "late invoices"}),         // which isn't set up
		done(sources...),
	}
	var told []string
	n := 0
	m := agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		if last := r.Messages[len(r.Messages)-1]; last.Role == agent.RoleTool {
			for _, result := range last.Results {
				if result.IsError {
					told = append(told, result.Text)
				}
			}
		}
		if !r.MustCall || n == len(steps) {
			t.Errorf("step %d, must call: %t", n, r.MustCall)
			return agenttest.Answer{Text: "over"}, nil
		}
		n++
		return agenttest.Answer{Calls: steps[n-1]}, nil
	})
	h := newHouse(t, m, func(o *heycmo.Options) { o.Marketing.Search = search })
	ada := h.overHTTP(t, h.ada)
	result, _ := ada.call(t, "ask_agent", object{"agent": "researcher", "task": "How late are invoices?"})
	out := structured[handedOver](t, result)
	wants := []string{"too early: there were 0 calls", "too early: there were 3 calls", "rest on 3 independent ones", "was neither found nor opened", "HEYCMO_X_TOKEN"}
	if len(told) != len(wants) {
		t.Fatalf("it was told %q", told)
	}
	for i, want := range wants {
		if !strings.Contains(told[i], want) {
			t.Errorf("it was told %q, want %q", told[i], want)
		}
	}
	if !strings.HasPrefix(out.Text, "## Answer\n\nMost are late.") || !strings.Contains(out.Text, "<"+page.URL+"/panel>") || len(out.Notes) != 2 || !strings.Contains(out.Notes[0], "HEYCMO_X_TOKEN") {
		t.Errorf("it hands over %+v", out)
	}
	list, _ := ada.call(t, "list_content", object{"type": "research"})
	pieces := structured[struct {
		Pieces []struct{ ID, Title, State string }
	}](t, list).Pieces
	if len(pieces) != 1 || pieces[0].Title != "How late are invoices?" || pieces[0].State != "draft" || !strings.Contains(out.Notes[1], pieces[0].ID) {
		t.Errorf("saved %+v, notes %q", pieces, out.Notes)
	}
}

// Nothing can be searched: the research says so, and doesn't go on for ever.
func TestResearcherWithoutSearch(t *testing.T) {
	n := 0
	m := agenttest.ScriptFunc(func(int, agent.ModelRequest) (agenttest.Answer, error) {
		n++
		switch n {
		case 1, 3:
			return agenttest.Answer{Calls: calls("thinking", object{"thought": "next"})}, nil
		case 2:
			return agenttest.Answer{Calls: calls("exa_web_search", object{"query": "late invoices"})}, nil
		}
		return agenttest.Answer{Calls: calls("done", object{"answer": "It can't be said.", "meaning": "Set up a search.", "incomplete": "nothing can be searched"})}, nil
	})
	h := newHouse(t, m, nil)
	result, _ := h.overHTTP(t, h.ada).call(t, "ask_agent", object{"agent": "researcher", "task": "How late are invoices?"})
	out := structured[handedOver](t, result)
	if !strings.HasPrefix(out.Text, "**Incomplete:** nothing can be searched") || len(out.Notes) == 0 || !strings.Contains(out.Notes[0], "HEYCMO_EXA_KEY") {
		t.Errorf("it hands over %+v", out)
	}
}
