package storagetest_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// runs and memories show the role of the store that they wrap.
type runs struct {
	storage.Store
	storage.Runs
}

type memories struct {
	storage.Store
	storage.Memories
}

func inRuns(check string, wrap func(runs) storage.Store) fault {
	return fault{"Runs/" + check, func(s storage.Store) storage.Store {
		role, _ := storage.RoleOf[storage.Runs](s)
		return wrap(runs{s, role})
	}}
}

func inMemories(check string, wrap func(memories) storage.Store) fault {
	return fault{check, func(s storage.Store) storage.Store {
		role, _ := storage.RoleOf[storage.Memories](s)
		return wrap(memories{s, role})
	}}
}

// connections show the role of the store that they wrap.
type connections struct {
	storage.Store
	storage.Connections
}

func inConnections(check string, wrap func(connections) storage.Store) fault {
	return fault{"Connections/" + check, func(s storage.Store) storage.Store {
		role, _ := storage.RoleOf[storage.Connections](s)
		return wrap(connections{s, role})
	}}
}

var agentFaults = map[string]fault{
	"an account is found in another case": inConnections("ConnectionByAccount", func(c connections) storage.Store { return lowersAccounts{c} }),
	"what is sealed anew comes again":     inConnections("StaleConnections", func(c connections) storage.Store { return neverFresh{c} }),
	"a run changes its parent":            inRuns("UpdateRun", func(r runs) storage.Store { return loosesParent{r} }),
	"runs of a moment ago don't count":    inRuns("RunsSpent", func(r runs) storage.Store { return countsAfter{r} }),
	"everybody's runs count":              inRuns("ForeignCustomer", func(r runs) storage.Store { return countsAll{r} }),
	"runs are deleted a moment early":     inRuns("DeleteRuns", func(r runs) storage.Store { return deletesEarly{r} }),
	"what has ended is stalled":           inRuns("StalledRuns", func(r runs) storage.Store { return neverEnds{r} }),
	"another customer's text is found":    inMemories("Memories/ForeignCustomer", func(m memories) storage.Store { return findsForAll{m} }),
	"a search is a language":              inMemories("Memories/SearchTakesTextAsItIs", func(m memories) storage.Store { return speaksSQL{m} }),
	"what has expired is found":           inMemories("Memories/SearchIsSelective", func(m memories) storage.Store { return neverExpires{m} }),
	"putting a memory again keeps it":     inMemories("Memories/PutMemory", func(m memories) storage.Store { return putsOnce{m} }),
	"the nearest vector comes last":       inMemories("Vectors/SearchVectors", func(m memories) storage.Store { return farthestFirst{m} }),
	"spaces are the same in another case": inMemories("Vectors/VectorsOfOtherSpaces", func(m memories) storage.Store { return lowersSpaces{m} }),
}

type loosesParent struct{ runs }

func (s loosesParent) UpdateRun(ctx context.Context, customer storage.CustomerID, id storage.RunID, change func(*storage.Run) error) (storage.Run, error) {
	r, err := s.runs.UpdateRun(ctx, customer, id, change)
	r.Parent = ""
	return r, err
}

type countsAfter struct{ runs }

func (s countsAfter) RunsSpent(ctx context.Context, customer storage.CustomerID, since time.Time) (storage.Spent, error) {
	return s.runs.RunsSpent(ctx, customer, since.Add(time.Microsecond))
}

type countsAll struct{ runs }

func (s countsAll) RunsSpent(ctx context.Context, _ storage.CustomerID, since time.Time) (all storage.Spent, err error) {
	customers, err := everyone(ctx, s.Store)
	for _, c := range customers {
		spent, err := s.runs.RunsSpent(ctx, c.ID, since)
		if err != nil {
			return all, err
		}
		all.Tokens += spent.Tokens
	}
	return all, err
}

type neverEnds struct{ runs }

func (s neverEnds) StalledRuns(ctx context.Context, status string, before time.Time, limit int) (stalled []storage.Run, err error) {
	customers, err := everyone(ctx, s.Store)
	for _, c := range customers {
		list, err := s.Runs.Runs(ctx, c.ID, storage.RunQuery{Status: status, Page: storage.Page{Limit: storage.MaxLimit}})
		if err != nil {
			return nil, err
		}
		stalled = append(stalled, list...)
	}
	stalled = slices.DeleteFunc(stalled, func(r storage.Run) bool { return !r.UpdatedAt.Before(before) })
	slices.SortFunc(stalled, func(a, b storage.Run) int {
		return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID, b.ID))
	})
	return stalled[:min(limit, len(stalled))], err
}

type deletesEarly struct{ runs }

func (s deletesEarly) DeleteRuns(ctx context.Context, before time.Time) (int, error) {
	return s.runs.DeleteRuns(ctx, before.Add(time.Microsecond))
}

type findsForAll struct{ memories }

func (s findsForAll) SearchMemories(ctx context.Context, _ storage.CustomerID, search storage.MemorySearch) (found []storage.MemoryHit, err error) {
	customers, err := everyone(ctx, s.Store)
	for _, c := range customers {
		hits, err := s.memories.SearchMemories(ctx, c.ID, search)
		if err != nil {
			return nil, err
		}
		found = append(found, hits...)
	}
	return found, err
}

type speaksSQL struct{ memories }

func (s speaksSQL) SearchMemories(ctx context.Context, customer storage.CustomerID, search storage.MemorySearch) ([]storage.MemoryHit, error) {
	if strings.ContainsAny(search.Text, `"'`) {
		return nil, storage.ErrInvalid
	}
	return s.memories.SearchMemories(ctx, customer, search)
}

type neverExpires struct{ memories }

func (s neverExpires) SearchMemories(ctx context.Context, customer storage.CustomerID, search storage.MemorySearch) ([]storage.MemoryHit, error) {
	search.At = time.Time{}
	return s.memories.SearchMemories(ctx, customer, search)
}

type putsOnce struct{ memories }

func (s putsOnce) PutMemory(ctx context.Context, m storage.Memory) error {
	if _, err := s.Memory(ctx, m.CustomerID, m.ID); err == nil {
		return nil
	}
	return s.memories.PutMemory(ctx, m)
}

type farthestFirst struct{ memories }

func (s farthestFirst) SearchMemories(ctx context.Context, customer storage.CustomerID, search storage.MemorySearch) ([]storage.MemoryHit, error) {
	hits, err := s.memories.SearchMemories(ctx, customer, search)
	slices.Reverse(hits)
	return hits, err
}

type lowersSpaces struct{ memories }

func (s lowersSpaces) PutMemory(ctx context.Context, m storage.Memory) error {
	m.Space = strings.ToLower(m.Space)
	return s.memories.PutMemory(ctx, m)
}

type lowersAccounts struct{ connections }

func (s lowersAccounts) ConnectionByAccount(ctx context.Context, platform, account string) (storage.Connection, error) {
	return s.connections.ConnectionByAccount(ctx, platform, strings.ToLower(account))
}

type neverFresh struct{ connections }

func (s neverFresh) StaleConnections(ctx context.Context, _ string, after storage.ConnectionKey, limit int) ([]storage.Connection, error) {
	return s.connections.StaleConnections(ctx, "", after, limit)
}
