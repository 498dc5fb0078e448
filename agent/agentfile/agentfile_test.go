package agentfile_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agentfile"
)

const goodAgent = `---
id: cmo
title: CMO
role: Leads.
tools: [get_brand, save_content]
tier: fast
output: A plan.
---

Lead well.
`

func TestRead(t *testing.T) {
	full := strings.NewReplacer("id: cmo", "id: b\nbar: 0.7\nprotocol: research", "\n", "\r\n").Replace(goodAgent)
	agents, err := agentfile.Read(fstest.MapFS{
		"cmo.md": {Data: []byte(goodAgent)}, "b.md": {Data: []byte(full)}, "notes.txt": {}, "old/a.md": {},
	})
	if err != nil || len(agents) != 2 {
		t.Fatalf("%d agents, %v", len(agents), err)
	}
	want := agent.Agent{
		ID: "b", Title: "CMO", Role: "Leads.", Tools: []string{"get_brand", "save_content"}, Tier: agent.TierFast,
		Output: "A plan.", Instructions: "Lead well.", Bar: 0.7, Protocol: "research",
	}
	if got := agents[0]; !slices.Equal(got.Tools, want.Tools) || got.ID != want.ID || got.Bar != want.Bar || got.Protocol != want.Protocol ||
		got.Instructions != want.Instructions || got.Tier != want.Tier || got.Role != want.Role || got.Output != want.Output || got.Title != want.Title {
		t.Errorf("agent %+v, want %+v", got, want)
	}
	if agents[1].ID != "cmo" || agents[1].Bar != 0 {
		t.Errorf("agent %+v", agents[1])
	}
}

func TestErrors(t *testing.T) {
	replace := func(old, with string) string {
		if !strings.Contains(goodAgent, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(goodAgent, old, with, 1)
	}
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "first line"},
		{"no front matter", "# CMO", "first line"},
		{"front matter without an end", "---\nid: cmo\n", "must end"},
		{"not YAML", replace("id: cmo", "id: [cmo"), "front matter: yaml"},
		{"not a mapping", "---\n- id\n---\nbody", "front matter: yaml"},
		{"field twice", replace("id: cmo", "id: cmo\nid: cmo"), `key "id" already defined`},
		{"unknown field", replace("tier", "teir"), `field "teir" is unknown; expected id, title, role`},
		{"missing id", replace("id: cmo\n", ""), `field "id" is missing`},
		{"missing title", replace("title: CMO\n", ""), `field "title" is missing`},
		{"missing role", replace("role: Leads.\n", ""), `field "role" is missing`},
		{"missing tools", replace("tools: [get_brand, save_content]\n", ""), `field "tools" is missing`},
		{"missing tier", replace("tier: fast\n", ""), `field "tier" is missing`},
		{"missing output", replace("output: A plan.\n", ""), `field "output" is missing`},
		{"empty field", replace("role: Leads.", "role: ' '"), `field "role" is missing`},
		{"null", replace("role: Leads.", "role:"), `field "role" is missing`},
		{"wrong kind", replace("title: CMO", "title: [CMO]"), `field "title" must be a text`},
		{"more than one line", replace("role: Leads.", "role: \"a\\nb\""), `field "role" must be one line`},
		{"hidden characters", replace("role: Leads.", "role: \"a\\u200bb\""), `field "role" must be one line`},
		{"bad tier", replace("tier: fast", "tier: huge"), `field "tier" must be fast, standard or research`},
		{"id of another file", replace("id: cmo", "id: email"), `field "id" must be "cmo"`},
		{"tools not a list", replace("[get_brand, save_content]", "get_brand"), `field "tools" must be a list`},
		{"tool twice", replace("save_content]", "get_brand]"), `"get_brand" is not`},
		{"tool without a good name", replace("save_content]", "'save content']"), `"save content" is not`},
		{"no instructions", replace("Lead well.", " "), "instructions below the front matter are missing"},
		{"not UTF-8", replace("Lead", "\xff"), "must be UTF-8"},
		{"bar too high", replace("tier: fast", "tier: fast\nbar: 1.5"), `field "bar" must be a number from 0 to 1`},
		{"bar not a number", replace("tier: fast", "tier: fast\nbar: .nan"), `field "bar" must be a number from 0 to 1`},
		{"empty protocol", replace("tier: fast", "tier: fast\nprotocol:"), `field "protocol" is missing`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := agentfile.Parse("cmo.md", test.file)
			if err == nil || !strings.HasPrefix(err.Error(), "cmo.md: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want it to begin with cmo.md and to contain %q", err, test.want)
			}
		})
	}
}
