// Package research has an agent look things up by rules that it can't leave:
//
//	p := research.New(task, research.Options{Search: exa, Read: read})
//	report, err := worker.Work(ctx, customer, agent.Job{
//		Agent: researcher, Task: task, Tools: p.Tools(),
//		Loop: agent.Loop{MustCall: true, Check: p.Check, Done: p.Done, Accept: p.Accept},
//	})
//
// # The protocol
//
// Every step is a call of a tool. The first is thinking, and there is thinking between
// any two turns with searches; several searches in one turn are one step. Pages are
// opened only at addresses that the task, a search or a page opened before has given.
//
// done ends the research. It is refused with fewer than eight calls before it, thinking
// included, and with fewer than five independent sources behind its claims. Sources are
// independent when their sites are (the registrable domain, publicsuffix.org), and on X
// when their authors are. Each claim names sources that were found in this research; a
// literal quotation must stand in one of them. With one source a claim has the
// confidence low, whatever the agent says, and high takes two.
//
// A research that can't get so far is handed over as incomplete, with the reason on top:
// after the eight calls, or when nothing can be searched.
//
// A tool whose credential is missing stays, and says so to the model, and in
// [Protocol.Notes] to the customer.
package research

import (
	"context"
	"sync"
	"time"
)

// Searcher finds texts. Packages exasearch and xsearch have drivers.
type Searcher interface {
	// Search returns what was found, the best first. Nothing found is an empty list. A
	// failure of the service is an [*Error].
	Search(ctx context.Context, q Query) ([]Hit, error)
}

// Query is what to search for.
type Query struct {
	Text string // of 1 to 500 characters
	// Count is how many to return at most, 1 to 25.
	Count int
	// Since and Until bound the day of publication; zero: no bound.
	Since, Until time.Time
	// Domains are the only sites to search; empty: all.
	Domains []string
}

// Hit is something that was found.
type Hit struct {
	URL, Title, Author string
	// Published is zero when it isn't known.
	Published time.Time
	// Text is the beginning of it, or what of it fits.
	Text string
}

// Page is a page that was opened.
type Page struct {
	URL       string // after redirects
	Title     string
	Published string // as it says; may be empty
	Text      string
	Links     []string
}

// Options are what a research works with.
type Options struct {
	// Search searches the web, and XSearch X; nil: the credential is missing.
	Search, XSearch Searcher
	// Read opens a page. Callers see its error as far as [agent.CallerText] lets them.
	Read func(ctx context.Context, url string) (Page, error)
	// PastContent and Performance answer with what the customer has; nil: there is none.
	PastContent, Performance func(ctx context.Context, query string) (string, error)
}

// How much a research must have done.
const (
	MinCalls   = 8
	MinSources = 5
)

// Protocol is one research. It may be used by many goroutines.
type Protocol struct {
	options Options
	task    string

	mu       sync.Mutex
	calls    int  // that were let through
	planned  bool // there was thinking
	thought  bool // since the last search
	searches int
	sources  map[string]*source // by normalised URL
	known    map[string]bool    // addresses that may be opened
	order    []string           // of sources
	missing  map[string]bool    // credentials, as sentences
	dossier  string             // set by done
}

// source is what was found at an address.
type source struct {
	url, title, published string
	text                  string
	opened                bool
}

// New returns a research of a task.
func New(task string, o Options) *Protocol {
	return &Protocol{options: o, task: task, sources: map[string]*source{}, known: map[string]bool{}, missing: map[string]bool{}}
}

// found takes note of a source.
func (p *Protocol) found(s source) {
	key := normalised(s.url)
	if key == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[key] = true
	old, ok := p.sources[key]
	if !ok {
		p.sources[key], p.order = &s, append(p.order, key)
		return
	}
	old.text += "\n" + s.text
	old.opened = old.opened || s.opened
	if old.published == "" {
		old.published = s.published
	}
}

// What to do about a credential that is missing.
const (
	missingSearch = "Web search is not set up on this service: its operator has to set a key of Exa (HEYCMO_EXA_KEY)."
	missingX      = "Search on X is not set up on this service: its operator has to set a bearer token of X (HEYCMO_X_TOKEN)."
)

// Notes are sentences for the customer on what the research had to do without.
func (p *Protocol) Notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var notes []string
	for _, note := range []string{missingSearch, missingX} {
		if p.missing[note] {
			notes = append(notes, note)
		}
	}
	return notes
}

// Searches returns how many searches were made, and how many sources they found.
func (p *Protocol) Searches() (searches, sources int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.searches, len(p.sources)
}
