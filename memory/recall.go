package memory

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// Query is something to look for.
type Query struct {
	Text string
	// Layers are where to look; empty: in all.
	Layers []string
	// Conversation is whose Working notes are looked at; empty: [DefaultConversation].
	// For an agent at work it is always its own.
	Conversation string
	// Limit is how many to return at most, 1 to [MaxRecall]; 0: 8.
	Limit int
}

// DefaultConversation is the conversation of who names none.
const DefaultConversation = "default"

// MaxRecall is how many items can be recalled at once.
const MaxRecall = 50

const (
	defaultRecall = 8
	// depth is how far down each list is read before they are merged.
	depth = 100
	// rankConstant is k of reciprocal rank fusion.
	rankConstant = 60
)

// Recall returns what fits best, the best first, and no two parts of the same
// [Item].Ref. Nothing found is an empty list.
func (m *Memory) Recall(ctx context.Context, customer storage.CustomerID, q Query) ([]Item, error) {
	if q.Limit < 0 || q.Limit > MaxRecall {
		return nil, storage.Invalid("limit", "between 1 and %d", MaxRecall)
	}
	for _, layer := range q.Layers {
		if !slices.Contains(Layers, layer) {
			return nil, errLayer
		}
	}
	lists, err := m.search(ctx, customer, q)
	if err != nil {
		return nil, err
	}
	items, err := itemsOf(fuse(lists))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	items = slices.DeleteFunc(items, func(i Item) bool {
		again := i.Ref != "" && seen[i.Ref]
		seen[i.Ref] = true
		return again
	})
	return items[:min(len(items), cmp.Or(q.Limit, defaultRecall))], nil
}

// search returns lists of what fits, each with the best first.
func (m *Memory) search(ctx context.Context, customer storage.CustomerID, q Query) ([][]storage.MemoryHit, error) {
	lasting, working := slices.Clone(q.Layers), len(q.Layers) == 0 || slices.Contains(q.Layers, Working)
	if len(lasting) == 0 {
		lasting = slices.Clone(Layers)
	}
	lasting = slices.DeleteFunc(lasting, func(layer string) bool { return layer == Working })
	conversation := cmp.Or(q.Conversation, DefaultConversation)
	if w, ok := agent.WorkingFrom(ctx); ok {
		conversation = string(w.Root)
	}

	base := storage.MemorySearch{Text: q.Text, At: m.now(), Limit: depth}
	ways := []storage.MemorySearch{base}
	if vectors := m.embed(ctx, q.Text); vectors != nil {
		byMeaning := base
		byMeaning.Vector, byMeaning.Space = vectors[0], m.embedder.Space()
		ways = append(ways, byMeaning)
	}
	var lists [][]storage.MemoryHit
	for _, way := range ways {
		var searches []storage.MemorySearch
		if len(lasting) > 0 {
			way.Layers, way.Topic = lasting, ""
			searches = append(searches, way)
		}
		if working {
			way.Layers, way.Topic = []string{Working}, conversation
			searches = append(searches, way)
		}
		for _, s := range searches {
			hits, err := m.memories.SearchMemories(ctx, customer, s)
			if errors.Is(err, errors.ErrUnsupported) {
				continue // its words will have to do
			}
			if err != nil {
				return nil, err
			}
			lists = append(lists, hits)
		}
	}
	return lists, nil
}

// fuse makes one list of several by where in them an item stands: its score is the sum
// of 1 / (60 + rank).
func fuse(lists [][]storage.MemoryHit) []storage.Memory {
	scores, byID := map[string]float64{}, map[string]storage.Memory{}
	for _, list := range lists {
		for rank, hit := range list {
			scores[hit.ID] += 1 / float64(rankConstant+rank+1)
			byID[hit.ID] = hit.Memory
		}
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b storage.Memory) int {
		return cmp.Or(cmp.Compare(scores[b.ID], scores[a.ID]), cmp.Compare(b.ID, a.ID))
	})
}
