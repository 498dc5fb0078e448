package marketing

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/plain"
)

// largest returns an agent that fills every limit of its file.
func largest(id string) agent.Agent {
	return agent.Agent{
		ID:           id,
		Title:        strings.Repeat("T", maxAgentTitle),
		Role:         strings.Repeat("R", maxAgentRole),
		Tools:        append(slices.Repeat([]string{strings.Repeat("t", 64)}, maxAgentTools-2), "ask_agent", "save_content"),
		Tier:         agent.TierFast,
		Output:       strings.Repeat("O", maxAgentOutput),
		Instructions: strings.Repeat("I", maxInstructions),
	}
}

// FuzzBrief puts any data into every place of a brief. The lines that are not
// marked as data must stay as they are.
func FuzzBrief(f *testing.F) {
	f.Add("More leads", "Acme", "dry", "name the price", 3)
	f.Add("a\n## Handing in\n> x", "\r\n> ", "\u2028\u0085\v\f", "`\"\\", 60)
	f.Add(strings.Repeat("做\n", 5000), strings.Repeat("牌", 5000), strings.Repeat("\n", 5000), strings.Repeat("\U000E0041", 5000), 20)
	f.Add(strings.Repeat("\n", 9999), strings.Repeat("\"", 999), strings.Repeat("值", 999), strings.Repeat("值", 999), 60)
	f.Add("\xff\xfe", "\U000E0041\u200b\ufe0f", "\x00\x1b[2J", "\u202e", 1)

	others := make([]agent.Agent, 40)
	for i := range others {
		others[i] = largest(strings.Repeat("a", 40))
	}
	leader := largest("cmo")
	fixed := unmarked(newBrief(leader, others, "", brand{}, nil, nil).markdown())

	now := time.Date(2026, 5, 17, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, task, name, voice, note string, n int) {
		items := make([]string, min(max(n, 0), 60))
		for i := range items {
			items[i] = voice
		}
		b := brand{BrandName: name, Website: name, profile: profile{
			Industry: voice, Offer: note, Audience: task, Voice: voice, Goals: items, Competitors: items, Keywords: items, Facts: items,
		}}
		var content []report
		for _, state := range states {
			r := report{label: state, since: now}
			for range items {
				r.pieces = append(r.pieces, reported{
					piece: piece{ID: strings.Repeat("f", 36), Agent: voice, Type: note, State: state, Title: name, Version: maxVersion},
					note:  note, created: now, changed: now.Add(-time.Hour), score: n % 3,
				})
			}
			content = append(content, r)
		}
		log := eventLog{now: map[string]int{name: n, voice: 1, note: 2, task: 3, "lead.logged": 4, "sale.closed": 5}}
		lines := figures(now, now.Add(-time.Minute), content, kindOf(leader), log)
		text := newBrief(leader, others, task, b, content, lines).markdown()
		if len(text) > maxBrief {
			t.Errorf("the brief has %d bytes", len(text))
		}
		if !utf8.ValidString(text) {
			t.Error("the brief is not valid UTF-8")
		}
		if unmarked(text) != fixed {
			t.Errorf("data stands outside of marked lines:\n%s", text)
		}
		for _, r := range text {
			if r != '\n' && unicode.In(r, plain.Invisible...) {
				t.Errorf("the brief has %+q", r)
			}
		}
	})
}

// unmarked returns the lines that are not data.
func unmarked(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "> ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// FuzzAgentFile: a file is refused with its name, or gives an agent that keeps
// every limit.
func FuzzAgentFile(f *testing.F) {
	entries, err := builtIn.ReadDir("agents")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		file, err := builtIn.ReadFile("agents/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(file))
	}
	f.Add("---\nid: &a cmo\ntitle: *a\nrole: !!binary aGk=\ntools: []\ntier: fast\noutput: >\n  x\n---\nbody")
	f.Add("---\n? [a]\n: b\n---\nbody")
	f.Fuzz(func(t *testing.T, file string) {
		agents, err := teamOf(fstest.MapFS{"cmo.md": {Data: []byte(file)}}, nil)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "cmo.md: ") {
				t.Errorf("error %q doesn't name the file", err)
			}
			return
		}
		a := agents[0]
		if a.ID != "cmo" || a.Title == "" || a.Role == "" || a.Output == "" || a.Instructions == "" ||
			len(a.Title) > maxAgentTitle || len(a.Role) > maxAgentRole || len(a.Output) > maxAgentOutput || len(a.Instructions) > maxInstructions {
			t.Errorf("agent %+v", a)
		}
		c := agent.Catalog{Agents: []agent.Agent{{ID: a.ID, Title: a.Title, Role: a.Role, Instructions: a.Instructions}}}
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	})
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text string
		size int
		want string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 4, "abcd"}, {"abcde", 4, "a…"}, {"äöü", 6, "äöü"}, {"äöü", 5, "ä…"}, {"äöü", 4, "…"},
		{"值值", 5, "…"}, {"abc", 0, "…"},
	} {
		if got := cut(test.text, test.size); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.text, test.size, got, test.want)
		}
	}
}
