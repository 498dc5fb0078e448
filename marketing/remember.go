package marketing

import (
	"context"
	"fmt"
	"slices"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/memory"
	"github.com/heycmo/heycmo-go/storage"
)

// remembering returns what the team remembers with. A store without the role has none,
// and agents go without the tools.
func remembering(store storage.Store, e agent.Embedder, agents []agent.Agent) ([]agent.Agent, *memory.Memory, error) {
	if _, ok := storage.RoleOf[storage.Memories](store); ok {
		m, err := memory.New(store, &memory.Options{Embedder: e})
		return agents, m, err
	}
	without := slices.Clone(agents)
	for i := range without {
		without[i].Tools = slices.DeleteFunc(slices.Clone(without[i].Tools), func(tool string) bool {
			return tool == "remember" || tool == "recall"
		})
	}
	return without, nil, nil
}

// remembered is what was remembered about the brand and about how an agent works.
type remembered struct{ facts, lessons []string }

func (t *team) remembered(ctx context.Context, customer storage.CustomerID, agentID string) (r remembered, err error) {
	if t.memory == nil {
		return r, nil
	}
	facts, err := t.memory.Facts(ctx, customer)
	if err != nil {
		return r, err
	}
	for _, f := range facts {
		r.facts = append(r.facts, oneLine(f.Text))
	}
	lessons, err := t.memory.Lessons(ctx, customer, agentID)
	if err != nil {
		return r, err
	}
	for _, l := range lessons {
		line := oneLine(l.Text)
		if l.Weight != nil {
			line = fmt.Sprintf("%s = %g: %s", l.Key, *l.Weight, line)
		}
		r.lessons = append(r.lessons, line)
	}
	return r, nil
}
