package marketing_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing"
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

func TestBuiltInAgents(t *testing.T) {
	d := newDesk(t)
	var ids []string
	for _, a := range d.catalog.Agents {
		ids = append(ids, a.ID)
		for _, part := range []string{"### ", "### Never", "- "} {
			if !strings.Contains(a.Instructions, part) {
				t.Errorf("%s has no %q", a.ID, part)
			}
		}
		if slices.Contains(a.Tools, "review_content") {
			t.Errorf("%s may decide about its own work", a.ID)
		}
	}
	want := []string{
		"cmo", "ads", "analyst", "brand-strategist", "cro", "customer-marketer", "designer", "email", "engagement",
		"growth", "pr", "product-marketer", "researcher", "sales", "seo-writer", "social", "video",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("agents %v, want %v", ids, want)
	}
	agents := d.call("list_agents", object{})["agents"].([]any)
	if len(agents) != len(ids) || agents[0].(object)["id"] != "cmo" || agents[0].(object)["role"] == "" {
		t.Errorf("list_agents: %v", agents)
	}
}

var quotedName = regexp.MustCompile("`([a-z]+_[a-z_]+)`")

// TestAgentsHaveTheToolsTheyName: an agent that is told to call a tool must have
// it among its own, once the catalog has it. Types of content are no tools.
func TestAgentsHaveTheToolsTheyName(t *testing.T) {
	catalog := newDesk(t).catalog
	for _, a := range catalog.Agents {
		for _, name := range quotedName.FindAllStringSubmatch(a.Instructions, -1) {
			exists := slices.ContainsFunc(catalog.Tools, func(tool *agent.Tool) bool { return tool.Name == name[1] })
			// The CMO says of this one that it isn't its own.
			if exists && !slices.Contains(a.Tools, name[1]) && name[1] != "review_content" {
				t.Errorf("%s is told to call %s, which is not among its tools", a.ID, name[1])
			}
		}
	}
}

// TestAgentsDiffer: no two agents ask the same, so that one who chooses among
// them has something to choose by.
func TestAgentsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, a := range newDesk(t).catalog.Agents {
		if len(a.Role) > 80 {
			t.Errorf("%s: the role has %d bytes, too many for the roster in the CMO's brief", a.ID, len(a.Role))
		}
		for line := range strings.SplitSeq(a.Instructions, "\n") {
			line = strings.TrimLeft(line, "-0123456789. ")
			if strings.HasPrefix(line, "#") || len(line) < 30 {
				continue
			}
			if other, twice := seen[line]; twice {
				t.Errorf("%s and %s both say %q", other, a.ID, line)
			}
			seen[line] = a.ID
		}
	}
}

// TestWholeRoster: the CMO sees every specialist, in whatever order they come.
func TestWholeRoster(t *testing.T) {
	d := newDesk(t)
	brief := d.call("ask_cmo", object{"task": "More leads"})["brief"].(string)
	for _, a := range d.catalog.Agents[1:] {
		if !strings.Contains(brief, fmt.Sprintf("- `%s`: %s\n", a.ID, a.Role)) {
			t.Errorf("the CMO's brief doesn't show %s", a.ID)
		}
	}
}

// TestOwnTeam goes the way of an embedder: copy the built-in folder, drop one
// agent, change one, add one.
func TestOwnTeam(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "agents")
	if err := os.CopyFS(folder, marketing.Agents()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "email.md")); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("poet.md", strings.Replace(goodAgent, "id: cmo", "id: poet", 1))
	write("social.md", strings.NewReplacer("id: cmo", "id: social", "\n", "\r\n").Replace(goodAgent))
	write("notes.txt", "not an agent")

	d := newDesk(t)
	catalog, err := marketing.New(d.store, &marketing.Options{Agents: os.DirFS(folder)})
	if err != nil {
		t.Fatal(err)
	}
	d.catalog = catalog
	if err := catalog.Validate(); err != nil {
		t.Error(err)
	}
	var ids []string
	for _, a := range catalog.Agents {
		ids = append(ids, a.ID)
	}
	if len(ids) != 17 || !slices.Contains(ids, "poet") || slices.Contains(ids, "email") {
		t.Errorf("agents %v, want the built-in ones with poet and without email", ids)
	}
	brief := d.call("ask_agent", object{"agent": "social", "task": "a post"})["brief"].(string)
	if !strings.Contains(brief, "Lead well.") || strings.Contains(brief, "\r") {
		t.Errorf("brief of the changed agent: %s", brief)
	}
	d.refuse("ask_agent", object{"agent": "email", "task": "a mail"}, `expected one of "cmo", "ads"`)
}

func TestAgentsThatDontFit(t *testing.T) {
	replace := func(old, with string) string {
		if !strings.Contains(goodAgent, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(goodAgent, old, with, 1)
	}
	for _, test := range []struct{ name, file, want string }{
		{"nothing", "", "first line"},
		{"too long", replace("role: Leads.", "role: "+strings.Repeat("a", 201)), `field "role" must be one line of at most 200 bytes`},
		{"long instructions", replace("Lead well.", strings.Repeat("a", 3401)), "1 to 3400 bytes, not 3401"},
		{"unknown protocol", replace("tier: fast", "tier: fast\nprotocol: chess"), `field "protocol" must be research, or left out`},
		{"too many tools", replace("save_content]", "a, b, c, d, e, f, g, h, i, j, k, l]"), `field "tools" must be at most 12`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := marketing.New(newDesk(t).store, &marketing.Options{Agents: fstest.MapFS{"cmo.md": {Data: []byte(test.file)}}})
			if err == nil || !strings.Contains(err.Error(), "cmo.md: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want it to name cmo.md and to contain %q", err, test.want)
			}
		})
	}
}

// TestJoiningAgents are Go values, held to the same.
func TestJoiningAgents(t *testing.T) {
	poet := agent.Agent{ID: "poet", Title: "Poet", Role: "Writes verses.", Output: "A verse.", Instructions: "Rhyme."}
	d := newDesk(t)
	catalog, err := marketing.New(d.store, &marketing.Options{MoreAgents: []agent.Agent{poet}})
	if err != nil {
		t.Fatal(err)
	}
	d.catalog = catalog
	if brief := d.call("ask_agent", object{"agent": "poet", "task": "a verse"})["brief"].(string); !strings.Contains(brief, "Rhyme.") {
		t.Errorf("brief of the poet: %s", brief)
	}
	for want, change := range map[string]func(*agent.Agent){
		`agent "start": field "id" must be another name`:           func(a *agent.Agent) { a.ID = "start" },
		`agent "Poet": field "id" must be lower-case letters`:      func(a *agent.Agent) { a.ID = "Poet" },
		`agent "poet": field "role" must be one line of at most`:   func(a *agent.Agent) { a.Role = "two\nlines" },
		`agent "poet": the instructions must have 1 to 3400 bytes`: func(a *agent.Agent) { a.Instructions = "" },
	} {
		bad := poet
		change(&bad)
		if _, err := marketing.New(d.store, &marketing.Options{MoreAgents: []agent.Agent{bad}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestAllBadAgentFilesAreNamed(t *testing.T) {
	_, err := marketing.New(newDesk(t).store, &marketing.Options{Agents: fstest.MapFS{"a.md": {}, "b.md": {}}})
	if err == nil || !strings.Contains(err.Error(), "a.md") || !strings.Contains(err.Error(), "b.md") {
		t.Errorf("error %v, want it to name both files", err)
	}
	_, err = marketing.New(newDesk(t).store, &marketing.Options{Agents: os.DirFS(filepath.Join(t.TempDir(), "absent"))})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that wraps fs.ErrNotExist", err)
	}
}

// TestUnknownTool is about a tool that the host may add, so only the whole
// catalog can tell.
func TestUnknownTool(t *testing.T) {
	file := strings.Replace(goodAgent, "save_content]", "send_mail]", 1)
	catalog, err := marketing.New(newDesk(t).store, &marketing.Options{Agents: fstest.MapFS{"cmo.md": {Data: []byte(file)}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := catalog.Validate(); err == nil || !strings.Contains(err.Error(), `agent "cmo": there is no tool "send_mail"`) {
		t.Errorf("Validate: %v", err)
	}
}
