package marketing

import (
	"context"
	"fmt"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	markdown = "text/markdown"
	brandURI = "heycmo://brand"
)

func contentURI(id string) string { return "heycmo://content/" + id }

func (t *team) resources() []agent.Resource {
	return []agent.Resource{
		{
			URI: brandURI, Name: "brand", Title: "Brand", MIMEType: markdown,
			Description: "What is known about the customer's brand.",
			Read:        t.readBrand,
		},
		{
			URI: contentURI("{id}"), Name: "content", Title: "Content", MIMEType: markdown,
			Description: "One piece of content.",
			Read:        t.readContent,
			List:        t.listNewest,
		},
		{
			URI: "heycmo://agents/{id}", Name: "agent", Title: "Agent", MIMEType: markdown,
			Description: "How one agent of the team works.",
			Read:        t.readAgent,
			List:        t.listTeam,
		},
	}
}

func (t *team) readBrand(ctx context.Context, customer storage.CustomerID, _ string) (agent.Result, error) {
	b, err := loadBrand(ctx, t.store, customer)
	if err != nil {
		return agent.Result{}, err
	}
	return agent.Text("# Brand\n\n- " + strings.Join(b.clean().lines(maxResourceField), "\n- ") + "\n"), nil
}

// maxResourceField is more than any field of a brand has.
const maxResourceField = 1 << 20

func (t *team) readContent(ctx context.Context, customer storage.CustomerID, id string) (agent.Result, error) {
	p, err := loadPiece(ctx, t.store, customer, id, 0)
	if err != nil {
		return agent.Result{}, err
	}
	return agent.Text(fmt.Sprintf("# %s\n\n%s by %s, version %d, %s, saved %s\n\n%s\n",
		oneLine(p.Title), p.Type, p.Agent, p.Version, p.State, p.UpdatedAt, p.Body)), nil
}

func (t *team) listNewest(ctx context.Context, customer storage.CustomerID) ([]agent.ResourceInfo, error) {
	newest, err := t.listContent(ctx, customer, listContentIn{})
	if err != nil {
		return nil, err
	}
	infos := make([]agent.ResourceInfo, len(newest.Pieces))
	for i, p := range newest.Pieces {
		infos[i] = agent.ResourceInfo{
			Variable:    p.ID,
			Title:       oneLine(p.Title),
			Description: fmt.Sprintf("%s by %s, version %d, %s", p.Type, p.Agent, p.Version, p.State),
		}
	}
	return infos, nil
}

func (t *team) readAgent(_ context.Context, _ storage.CustomerID, id string) (agent.Result, error) {
	a, err := t.agent(id)
	if err != nil {
		return agent.Result{}, storage.ErrNotFound
	}
	return agent.Text(fmt.Sprintf("# %s\n\n%s\n\n%s\n\nOutput form: %s\n", a.Title, a.Role, a.Instructions, a.Output)), nil
}

func (t *team) listTeam(context.Context, storage.CustomerID) ([]agent.ResourceInfo, error) {
	infos := make([]agent.ResourceInfo, len(t.agents))
	for i, a := range t.agents {
		infos[i] = agent.ResourceInfo{Variable: a.ID, Title: a.Title, Description: a.Role}
	}
	return infos, nil
}
