package marketing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/workflow"
)

// footerStep returns the footer of an approved piece.
func (t *team) footerStep(c workflow.Context, id string) (string, error) {
	return step(c, "write the footer", func(ctx context.Context) (string, error) {
		p, err := loadPiece(ctx, t.store, c.Customer(), id, 0)
		return t.footer(p), final(err)
	})
}

// footer says in Markdown who made an approved piece and who let it out; empty before.
func (t *team) footer(p fullPiece) string {
	if p.State != stateApproved || p.ShownVersion != p.Version {
		return ""
	}
	by := p.Agent
	if i := slices.IndexFunc(t.agents, func(a agent.Agent) bool { return a.ID == p.Agent }); i >= 0 {
		by = fmt.Sprintf("%s (%s)", t.agents[i].Title, t.agents[i].ID)
	}
	var w strings.Builder
	w.WriteString("---\n\n**Built by HeyCMO.** Drafted by " + by + ".")
	if p.HumanEdited {
		w.WriteString(" A person edited it.")
	}
	for _, d := range p.History {
		if d.State != stateApproved || d.Version != p.Version {
			continue
		}
		w.WriteString(" Approved on " + d.At[:min(len(d.At), len("2006-01-02"))])
		if d.Reviewer != "" {
			w.WriteString(" by " + oneLine(d.Reviewer))
		}
		w.WriteString(".")
	}
	if p.RunID != "" {
		w.WriteString(" Run " + p.RunID[:min(len(p.RunID), 12)] + ".")
	}
	return w.String() + "\n"
}
