package research

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

type doneIn struct {
	Answer        string    `json:"answer" jsonschema:"the answer in about three sentences"`
	Findings      []finding `json:"findings,omitempty" jsonschema:"what it rests on; none only when it is incomplete"`
	Disagreements []string  `json:"disagreements,omitempty" jsonschema:"where sources disagree"`
	NotFound      []string  `json:"notFound,omitempty" jsonschema:"what was looked for and not found"`
	Meaning       string    `json:"meaning" jsonschema:"what it means for this brand: what to do, stop or test"`
	Incomplete    string    `json:"incomplete,omitempty" jsonschema:"why there are fewer sources than there should be; left out when there are enough"`
}

type finding struct {
	Claim      string   `json:"claim" jsonschema:"one statement that can be checked"`
	Evidence   string   `json:"evidence" jsonschema:"the figure with unit, year and sample, or a literal quotation in quotation marks"`
	Sources    []string `json:"sources" jsonschema:"the addresses where it stands, at least two independent ones where there are"`
	Confidence string   `json:"confidence" jsonschema:"high: two independent sources, one of them first-hand. medium: one good source or two that may share an origin. low: opinion or inference"`
}

type doneOut struct {
	Accepted bool `json:"accepted"`
}

func (p *Protocol) doneTool() *agent.Tool {
	return agent.NewTool(toolDone, "Hands the research in. Call it alone, when every angle is covered.",
		func(_ context.Context, _ storage.CustomerID, in doneIn) (doneOut, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.dossier = p.render(in)
			return doneOut{true}, nil
		},
		&agent.ToolOptions{Title: "Done", Uses: map[string]int64{}, Input: func(s *jsonschema.Schema) {
			text := func(s *jsonschema.Schema, low, high int) { s.MinLength, s.MaxLength = &low, &high }
			text(s.Properties["answer"], 1, 3000)
			text(s.Properties["meaning"], 1, 3000)
			text(s.Properties["incomplete"], 1, 1000)
			s.Properties["findings"].MaxItems = new(40)
			f := s.Properties["findings"].Items
			text(f.Properties["claim"], 1, 1000)
			text(f.Properties["evidence"], 1, 2000)
			f.Properties["sources"].MaxItems = new(10)
			f.Properties["confidence"].Enum = []any{"high", "medium", "low"}
			for _, list := range []string{"disagreements", "notFound"} {
				s.Properties[list].MaxItems = new(20)
				text(s.Properties[list].Items, 1, 1000)
			}
		}})
}

// render writes the dossier.
func (p *Protocol) render(in doneIn) string {
	var w strings.Builder
	if in.Incomplete != "" {
		fmt.Fprintf(&w, "**Incomplete:** %s\n\n", markdown(in.Incomplete))
	}
	fmt.Fprintf(&w, "## Answer\n\n%s\n\n## Findings\n", markdown(in.Answer))
	if len(in.Findings) == 0 {
		w.WriteString("\nNone.\n")
	}
	for i, f := range in.Findings {
		confidence, sites := f.Confidence, map[string]bool{}
		for _, u := range f.Sources {
			if s := p.sources[normalised(u)]; s != nil {
				sites[siteOf(s.url)] = true
			}
		}
		if len(sites) < 2 {
			confidence = "low (one source)"
		}
		fmt.Fprintf(&w, "\n%d. **%s**\n   - Evidence: %s\n   - Confidence: %s\n", i+1, markdown(f.Claim), markdown(f.Evidence), confidence)
		for _, u := range f.Sources {
			if s := p.sources[normalised(u)]; s != nil {
				w.WriteString("   - Source: " + p.cite(s) + "\n")
			}
		}
	}
	list := func(title string, items []string) {
		if len(items) == 0 {
			return
		}
		fmt.Fprintf(&w, "\n## %s\n\n", title)
		for _, item := range items {
			fmt.Fprintf(&w, "- %s\n", markdown(item))
		}
	}
	list("Where sources disagree", in.Disagreements)
	list("Not found", in.NotFound)
	fmt.Fprintf(&w, "\n## What it means\n\n%s\n\nSearches: %d. Sources found: %d.\n", markdown(in.Meaning), p.searches, len(p.sources))
	return w.String()
}

// cite writes a source. Its address is one that was found, so it can't have been made
// up.
func (p *Protocol) cite(s *source) string {
	text := "<" + strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20").Replace(s.url) + ">"
	if s.title != "" {
		text = markdown(s.title) + ", " + text
	}
	if s.published != "" {
		text += ", " + markdown(s.published)
	}
	return text
}

// Partial is what there is of a research that ended before it was done: a dossier of
// the sources alone. It is empty when there are none.
func (p *Protocol) Partial() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.order) == 0 {
		return ""
	}
	var w strings.Builder
	w.WriteString("**Incomplete:** the research ended before its findings were handed in. These sources were found.\n\n")
	for _, key := range p.order {
		s := p.sources[key]
		fmt.Fprintf(&w, "- %s\n", p.cite(s))
		if s.text != "" {
			fmt.Fprintf(&w, "  > %s\n", markdown(short(s.text, 300)))
		}
	}
	return w.String()
}
