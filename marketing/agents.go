package marketing

import (
	"embed"
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
)

//go:embed agents/*.md
var builtIn embed.FS

// Agents returns the files of the built-in team. To change it, copy them with
// [os.CopyFS], edit the copy and give it as [Options].Agents.
func Agents() fs.FS {
	folder, err := fs.Sub(builtIn, "agents")
	if err != nil {
		panic(err) // the name is a valid path
	}
	return folder
}

// cmoID is the agent that leads the team.
const cmoID = "cmo"

// How long the parts of an agent may be, in bytes, so that a brief has room for
// the rest.
const (
	maxAgentTitle   = 60
	maxAgentRole    = 200
	maxAgentOutput  = 600
	maxInstructions = 3400
	maxAgentTools   = 12
)

var (
	agentIDPattern  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	toolNamePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

// readAgents reads the team: the CMO first, then by name.
func readAgents(folder fs.FS) ([]agent.Agent, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("agents: %w", err)
	}
	var agents []agent.Agent
	var errs []error
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".md" {
			continue
		}
		file, err := fs.ReadFile(folder, e.Name())
		if err != nil {
			return nil, fmt.Errorf("agents: %w", err)
		}
		a, err := parseAgent(e.Name(), string(file))
		switch {
		case err != nil:
			errs = append(errs, err)
		case a.ID == cmoID:
			agents = slices.Insert(agents, 0, a)
		default:
			agents = append(agents, a)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(agents) == 0 || agents[0].ID != cmoID {
		return nil, errors.New("agents: cmo.md is missing at the top of the folder; it leads the team")
	}
	return agents, nil
}

// parseAgent reads an agent's file: YAML front matter between lines of "---",
// then the instructions in Markdown.
func parseAgent(name, file string) (agent.Agent, error) {
	a, err := parseFile(file)
	if err == nil && a.ID+".md" != name {
		err = fieldError("id", "%q, as the file's name", strings.TrimSuffix(name, ".md"))
	}
	if err != nil {
		return agent.Agent{}, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

func parseFile(file string) (agent.Agent, error) {
	if !utf8.ValidString(file) {
		return agent.Agent{}, errors.New("the file must be UTF-8")
	}
	file = strings.ReplaceAll(file, "\r\n", "\n")
	front, ok := strings.CutPrefix(file, "---\n")
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
		ID:           f.text("id", 40),
		Title:        f.text("title", maxAgentTitle),
		Role:         f.text("role", maxAgentRole),
		Tools:        f.tools("tools"),
		Tier:         agent.Tier(f.text("tier", 40)),
		Output:       f.text("output", maxAgentOutput),
		Instructions: strings.TrimSpace(body),
	}
	switch {
	case f.err != nil:
		return agent.Agent{}, f.err
	case !agentIDPattern.MatchString(a.ID):
		return agent.Agent{}, fieldError("id", `lower-case letters, digits and "-", such as "seo-writer"`)
	case a.ID == startID:
		return agent.Agent{}, fieldError("id", "another name: %q is the prompt for new customers", startID)
	case a.Tier != agent.TierFast && a.Tier != agent.TierStandard && a.Tier != agent.TierResearch:
		return agent.Agent{}, fieldError("tier", "%s, %s or %s", agent.TierFast, agent.TierStandard, agent.TierResearch)
	case a.Instructions == "" || len(a.Instructions) > maxInstructions:
		return agent.Agent{}, fmt.Errorf("the instructions below the front matter must have 1 to %d bytes, not %d", maxInstructions, len(a.Instructions))
	}
	return a, nil
}

var agentFields = []string{"id", "title", "role", "tools", "tier", "output"}

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
		if !slices.Contains(agentFields, name) {
			return nil, fmt.Errorf("field %q is unknown; expected %s", name, strings.Join(agentFields, ", "))
		}
	}
	return f, nil
}

// text returns the field's text, which must be one line of at most high bytes.
func (f *frontMatter) text(name string, high int) string {
	node := f.nodes[name]
	var text string
	if err := node.Decode(&text); err != nil {
		f.fail(fieldError(name, "a text"))
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		f.fail(fmt.Errorf("field %q is missing", name))
	case len(text) > high || oneLine(text) != text:
		f.fail(fieldError(name, "one line of at most %d bytes", high))
	}
	return text
}

func (f *frontMatter) tools(name string) []string {
	node, ok := f.nodes[name]
	if !ok {
		f.fail(fmt.Errorf("field %q is missing", name))
	}
	var tools []string
	if err := node.Decode(&tools); err != nil || len(tools) > maxAgentTools {
		f.fail(fieldError(name, "a list of at most %d names of tools", maxAgentTools))
	}
	for i, tool := range tools {
		if !toolNamePattern.MatchString(tool) || slices.Contains(tools[:i], tool) {
			f.fail(fieldError(name, "a list of different names of tools; %q is not", tool))
		}
	}
	return tools
}

func (f *frontMatter) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func fieldError(name, expected string, args ...any) error {
	return fmt.Errorf("field %q must be "+expected, append([]any{name}, args...)...)
}
