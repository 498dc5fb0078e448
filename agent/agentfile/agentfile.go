// Package agentfile reads agents from Markdown files: what an agent is in the front
// matter, in YAML, and how it works below.
//
//	agents, err := agentfile.Read(os.DirFS("agents"))
//
// A file:
//
//	---
//	id: pr
//	title: PR
//	role: Wins the attention of journalists.
//	tools: [list_content, save_content]
//	tier: standard
//	output: One press release, type press_release.
//	---
//
//	### First
//	...
//
// The id is the file's name. The tier is fast, standard or research. Two fields may be
// left out: bar, how good the work must be, a number from 0 to 1, and protocol, the
// name of rules that whoever has the agent work sees to. There are no other fields.
package agentfile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/plain"
)

// Read reads every file NAME.md at the top of a folder, in the order of the names.
// Other files and folders are passed over. The error names each file that is wrong,
// the field, and what was expected.
func Read(folder fs.FS) ([]agent.Agent, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("agentfile: %w", err)
	}
	var agents []agent.Agent
	var errs []error
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".md" {
			continue
		}
		text, err := fs.ReadFile(folder, e.Name())
		if err != nil {
			return nil, fmt.Errorf("agentfile: %w", err)
		}
		a, err := Parse(e.Name(), string(text))
		errs = append(errs, err)
		agents = append(agents, a)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return agents, nil
}

// Parse reads one file. The error begins with its name.
func Parse(name, text string) (agent.Agent, error) {
	a, err := parse(text)
	if err == nil && a.ID+".md" != name {
		err = fieldError("id", "%q, as the file's name", strings.TrimSuffix(name, ".md"))
	}
	if err != nil {
		return agent.Agent{}, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

func parse(text string) (agent.Agent, error) {
	if !utf8.ValidString(text) {
		return agent.Agent{}, errors.New("the file must be UTF-8")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	front, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return agent.Agent{}, errors.New(`the first line must be "---", the begin of the front matter`)
	}
	front, body, ok := strings.Cut(front, "\n---\n")
	if !ok {
		return agent.Agent{}, errors.New(`the front matter must end with a line "---"`)
	}
	f, err := parseFields(front)
	if err != nil {
		return agent.Agent{}, err
	}
	a := agent.Agent{
		ID:           f.text("id"),
		Title:        f.text("title"),
		Role:         f.text("role"),
		Tools:        f.tools("tools"),
		Tier:         agent.Tier(f.text("tier")),
		Output:       f.text("output"),
		Bar:          f.score("bar"),
		Instructions: strings.TrimSpace(body),
	}
	if f.has("protocol") {
		a.Protocol = f.text("protocol")
	}
	switch {
	case f.err != nil:
		return agent.Agent{}, f.err
	case a.Tier != agent.TierFast && a.Tier != agent.TierStandard && a.Tier != agent.TierResearch:
		return agent.Agent{}, fieldError("tier", "%s, %s or %s", agent.TierFast, agent.TierStandard, agent.TierResearch)
	case a.Instructions == "":
		return agent.Agent{}, errors.New("the instructions below the front matter are missing")
	}
	return a, nil
}

// namePattern is that of tools in a catalog.
var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

var fields = []string{"id", "title", "role", "tools", "tier", "output", "bar", "protocol"}

// frontMatter reads fields and keeps the first error.
type frontMatter struct {
	nodes map[string]yaml.Node
	err   error
}

func parseFields(front string) (*frontMatter, error) {
	f := &frontMatter{}
	if err := yaml.Unmarshal([]byte(front), &f.nodes); err != nil {
		return nil, fmt.Errorf("front matter: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(f.nodes)) {
		if !slices.Contains(fields, name) {
			return nil, fmt.Errorf("field %q is unknown; expected %s", name, strings.Join(fields, ", "))
		}
	}
	return f, nil
}

func (f *frontMatter) has(name string) bool {
	_, ok := f.nodes[name]
	return ok
}

// text returns the field's text, which must be one line.
func (f *frontMatter) text(name string) string {
	node := f.nodes[name]
	var text string
	if err := node.Decode(&text); err != nil {
		f.fail(fieldError(name, "a text"))
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		f.fail(fmt.Errorf("field %q is missing", name))
	case plain.Line(text) != text:
		f.fail(fieldError(name, "one line"))
	}
	return text
}

func (f *frontMatter) tools(name string) []string {
	node, ok := f.nodes[name]
	if !ok {
		f.fail(fmt.Errorf("field %q is missing", name))
	}
	var tools []string
	if err := node.Decode(&tools); err != nil {
		f.fail(fieldError(name, "a list of names of tools"))
	}
	for i, tool := range tools {
		if !namePattern.MatchString(tool) || slices.Contains(tools[:i], tool) {
			f.fail(fieldError(name, "a list of different names of tools; %q is not", tool))
		}
	}
	return tools
}

func (f *frontMatter) score(name string) float64 {
	if !f.has(name) {
		return 0
	}
	node := f.nodes[name]
	var n float64
	if err := node.Decode(&n); err != nil || !(n >= 0 && n <= 1) {
		f.fail(fieldError(name, "a number from 0 to 1"))
	}
	return n
}

func (f *frontMatter) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func fieldError(name, expected string, args ...any) error {
	return fmt.Errorf("field %q must be "+expected, append([]any{name}, args...)...)
}
