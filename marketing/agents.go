package marketing

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agentfile"
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

// protocolResearch is the protocol of agents that look things up.
const protocolResearch = "research"

// How long the parts of an agent may be, in bytes, so that a brief has room for
// the rest.
const (
	maxAgentTitle   = 60
	maxAgentRole    = 200
	maxAgentOutput  = 600
	maxInstructions = 3400
	maxAgentTools   = 12
)

var agentIDPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// teamOf returns the team: the CMO first, then the others of the folder by name, then
// those that join it.
func teamOf(folder fs.FS, joining []agent.Agent) ([]agent.Agent, error) {
	agents, err := agentfile.Read(folder)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(agents, func(a agent.Agent) bool { return a.ID == cmoID })
	if i < 0 {
		return nil, errors.New("agents: cmo.md is missing at the top of the folder; it leads the team")
	}
	agents = slices.Concat(agents[i:i+1], agents[:i], agents[i+1:], joining)
	var errs []error
	for i, a := range agents {
		name := a.ID + ".md"
		if i >= len(agents)-len(joining) {
			name = fmt.Sprintf("agent %q", a.ID)
		}
		if err := fits(a); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return agents, errors.Join(errs...)
}

// fits reports what of an agent doesn't fit into the team's briefs.
func fits(a agent.Agent) error {
	must := func(field, expected string, args ...any) error {
		return fmt.Errorf("field %q must be "+expected, append([]any{field}, args...)...)
	}
	lines := []struct {
		field, text string
		high        int
	}{{"title", a.Title, maxAgentTitle}, {"role", a.Role, maxAgentRole}, {"output", a.Output, maxAgentOutput}}
	for _, l := range lines {
		if l.text == "" || len(l.text) > l.high || oneLine(l.text) != l.text {
			return must(l.field, "one line of at most %d bytes", l.high)
		}
	}
	switch {
	case !agentIDPattern.MatchString(a.ID):
		return must("id", `lower-case letters, digits and "-", such as "seo-writer"`)
	case a.ID == startID:
		return must("id", "another name: %q is the prompt for new customers", startID)
	case a.Protocol != "" && a.Protocol != protocolResearch:
		return must("protocol", "%s, or left out", protocolResearch)
	case len(a.Tools) > maxAgentTools:
		return must("tools", "at most %d names of tools", maxAgentTools)
	case a.Instructions == "" || len(a.Instructions) > maxInstructions:
		return fmt.Errorf("the instructions must have 1 to %d bytes, not %d", maxInstructions, len(a.Instructions))
	}
	return nil
}
