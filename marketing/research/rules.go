package research

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/heycmo/heycmo-go/agent"
)

var (
	errPlan    = errors.New("think first: call thinking with your plan, the angles and the first queries")
	errThink   = errors.New("think between searches: call thinking, say what came back, what contradicts and what is missing, and then search")
	errAlone   = errors.New("done must be the only call of its turn; call it when everything else has answered")
	errUseDone = errors.New("every step must be a call of a tool. Go on, or hand in with done")
)

// Check implements [agent.Loop].Check: it judges the calls of a turn by the protocol.
func (p *Protocol) Check(calls []agent.ToolCall) []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := make([]error, len(calls))
	thought, searched := p.thought, false
	for i, call := range calls {
		switch call.Name {
		case toolThinking:
			p.planned, thought = true, true
			if searched {
				p.thought = true
			}
		case toolSearch, toolX:
			switch {
			case !p.planned:
				refused[i] = errPlan
			case !thought:
				refused[i] = errThink
			default:
				searched, p.thought = true, false
			}
		case toolDone:
			refused[i] = p.judge(call, len(calls))
		default:
			if !p.planned {
				refused[i] = errPlan
			}
		}
		if refused[i] == nil && call.Name != toolDone {
			p.calls++
		}
	}
	if !searched {
		p.thought = thought
	}
	return refused
}

// judge reports why the research isn't done yet. Arguments that don't fit the schema
// are the tool's own affair.
func (p *Protocol) judge(call agent.ToolCall, together int) error {
	if together > 1 {
		return errAlone
	}
	var in doneIn
	if json.Unmarshal(call.Arguments, &in) != nil {
		return nil
	}
	searchable := p.options.Search != nil || p.options.XSearch != nil
	if p.calls < MinCalls && (in.Incomplete == "" || searchable) {
		return fmt.Errorf("too early: there were %d calls, and at least %d must come before done. Take another angle, open sources, check claims", p.calls, MinCalls)
	}
	sites := map[string]bool{}
	for i, f := range in.Findings {
		if err := p.judgeFinding(f, sites); err != nil {
			return fmt.Errorf("finding %d: %w", i+1, err)
		}
	}
	if len(sites) < MinSources && in.Incomplete == "" {
		return fmt.Errorf("too few sources: the findings rest on %d independent ones, and at least %d must be cited. Search on, or, if there are no more, say why in incomplete", len(sites), MinSources)
	}
	return nil
}

// judgeFinding reports what a finding lacks, and adds the sites of its sources.
func (p *Protocol) judgeFinding(f finding, sites map[string]bool) error {
	if len(f.Sources) == 0 {
		return errors.New("it has no source; leave it out, or find one")
	}
	var texts strings.Builder
	for _, u := range f.Sources {
		s := p.sources[normalised(u)]
		if s == nil {
			return fmt.Errorf("the source %q was neither found nor opened in this research; cite only what was", short(u, 200))
		}
		sites[siteOf(s.url)] = true
		texts.WriteString(s.title + "\n" + s.text + "\n")
	}
	for _, quote := range quotes(f.Evidence) {
		if !strings.Contains(squeezed(texts.String()), squeezed(quote)) {
			return fmt.Errorf("the quotation %q stands in none of its sources as far as they were read; open them with %s and quote word for word, or take the quotation marks away", short(quote, 200), toolExtract)
		}
	}
	return nil
}

// Accept implements [agent.Loop].Accept: an answer without a call is none.
func (p *Protocol) Accept(_ context.Context, o agent.Outcome) error { return errUseDone }

// Done implements [agent.Loop].Done.
func (p *Protocol) Done() (text string, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dossier, p.dossier != ""
}

// mayOpen reports whether an address was given: by a search, a page, or the task.
func (p *Protocol) mayOpen(ctx context.Context, address string) bool {
	key := normalised(address)
	p.mu.Lock()
	known := p.known[key]
	p.mu.Unlock()
	if known || key == "" {
		return known
	}
	if strings.Contains(p.task, strings.TrimSuffix(address, "/")) {
		return true
	}
	w, ok := agent.WorkingFrom(ctx)
	return ok && w.Given(address)
}

// normalised is an address as it is compared: without fragment, default port, and the
// slash at the end; "" for what is none.
func normalised(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	host := strings.TrimPrefix(strings.ToLower(u.Host), "www.")
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
	return host + strings.TrimSuffix(u.EscapedPath(), "/") + "?" + u.RawQuery
}

// siteOf names who is behind an address.
func siteOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	host := strings.ToLower(u.Hostname())
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		host = site
	}
	if host == "x.com" || host == "twitter.com" {
		author, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		return "x.com/" + strings.ToLower(author)
	}
	return host
}
