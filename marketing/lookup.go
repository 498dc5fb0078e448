package marketing

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing/research"
	"github.com/heycmo/heycmo-go/memory"
	"github.com/heycmo/heycmo-go/storage"
)

const howToResearch = `
You work with the tools of this service alone. Every step is a call: first ` + "`thinking`" + ` with the plan, then three to five searches at once with ` + "`exa_web_search`" + ` or ` + "`x_search`" + `, then ` + "`thinking`" + ` on what came back, then ` + "`web_extract`" + ` for the sources that carry weight, and so on for each angle. ` + "`done`" + ` hands in what you found, in the parts of the output form; nothing else is saved by you.
`

// research starts a research for a brief.
func (t *team) research(customer storage.CustomerID, b brief) *research.Protocol {
	return research.New(b.task, research.Options{
		Search: t.search, XSearch: t.xSearch, Read: t.readSource,
		PastContent: func(ctx context.Context, query string) (string, error) { return t.past(ctx, customer, query) },
		Performance: func(context.Context, string) (string, error) { return strings.Join(b.figures, "\n"), nil },
	})
}

// researchJob is the job of an agent that looks things up.
func researchJob(b brief, p *research.Protocol) agent.Job {
	a := b.agent
	a.Tools = slices.DeleteFunc(slices.Clone(a.Tools), func(tool string) bool {
		return tool == "save_content" || tool == "read_page" // done and web_extract do it
	})
	b.agent = a
	return agent.Job{
		Agent: a, System: b.system() + howToResearch, Context: b.context(), Known: b.known(), Task: b.task, Tools: p.Tools(),
		Loop: agent.Loop{
			MustCall: true, Check: p.Check, Done: p.Done, Accept: p.Accept,
			Limits: agent.LoopLimits{Turns: 40, Tokens: 400_000},
		},
	}
}

// handIn saves what a research found, also when it ended early.
func (t *team) handIn(ctx context.Context, customer storage.CustomerID, b brief, p *research.Protocol, text string) (savedPiece, error) {
	searches, sources := p.Searches()
	body := []rune(text)
	return t.saveContent(ctx, customer, saveContentIn{work: work{
		Agent: b.agent.ID, Type: "research", Title: oneLine(cutRunes(b.task, maxTitle)), Body: string(body[:min(len(body), maxBody)]),
		Meta: map[string]string{
			"question": cutRunes(b.task, maxMetaValue), "searched": strconv.Itoa(searches), "sources": strconv.Itoa(sources),
			"asOf": t.now().UTC().Format(time.DateOnly),
		},
	}})
}

// past finds what the team made before.
func (t *team) past(ctx context.Context, customer storage.CustomerID, query string) (string, error) {
	if t.memory == nil {
		return "", agent.Errorf("past content can't be searched on this service; use list_content")
	}
	items, err := t.memory.Recall(ctx, customer, memory.Query{Text: query, Layers: []string{memory.Semantic, memory.Brand}})
	if err != nil {
		return "", err
	}
	var texts []string
	for _, i := range items {
		texts = append(texts, i.Ref+": "+i.Text)
	}
	if len(texts) == 0 {
		return "Nothing of that kind was made before.", nil
	}
	return strings.Join(texts, "\n\n"), nil
}

// readSource opens a page for a research.
func (t *team) readSource(ctx context.Context, url string) (research.Page, error) {
	p, err := readPage(ctx, t.fetch, readPageIn{URL: url, MaxChars: maxPageText})
	if err != nil {
		return research.Page{}, err
	}
	page := research.Page{URL: p.URL, Title: p.Title, Published: p.Published, Text: p.Text}
	for _, l := range p.Links {
		page.Links = append(page.Links, l.URL)
	}
	return page, nil
}
