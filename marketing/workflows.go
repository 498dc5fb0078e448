package marketing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// maxRounds is how often a draft is made again because the customer wants it changed.
const maxRounds = 3

// workflows are what the team does in runs. Those that need a role which the store
// doesn't have are left out.
func (t *team) workflows() []*agent.Workflow {
	list := []*agent.Workflow{
		t.onboardingWorkflow(), t.productionWorkflow(), t.snapshotWorkflow(), t.reportWorkflow(),
		t.citationsWorkflow(), t.engagementWorkflow(),
	}
	if t.memory != nil {
		list = append(list, t.optimizationWorkflow())
	}
	if t.reaches(mailboxes...) {
		list = append(list, t.coldMailWorkflow())
	}
	return list
}

// chore is work of an agent in a run.
type chore struct {
	name, title string
	agent       string // its ID; the CMO does it in a team without that agent
	task        string // ours: nothing of others
	given       string // what others wrote and the work is about; may be empty
}

// assign has an agent do a chore in a run, and returns what it hands in.
func assign[T any](c workflow.Context, t *team, work chore) (T, error) {
	brief := func(ctx context.Context) (brief, error) {
		b, err := t.brief(ctx, c.Customer(), t.present(work.agent), work.task)
		return b.within(work.given), err
	}
	return agent.Assign[T](c, agent.Assignment{
		Name: work.name, Title: work.title,
		Job: func(ctx context.Context) (agent.Job, error) {
			b, err := brief(ctx)
			return agent.Job{Agent: b.agent, System: b.system(), Context: b.context(), Known: b.known(), Task: b.task}, err
		},
		Brief: func(ctx context.Context) (string, error) {
			b, err := brief(ctx)
			return b.markdown(), err
		},
	})
}

// present returns the ID if there is such an agent, and else that of the CMO.
func (t *team) present(id string) string {
	if slices.ContainsFunc(t.agents, func(a agent.Agent) bool { return a.ID == id }) {
		return id
	}
	return cmoID
}

// maxGiven is how many bytes of what others wrote a brief in a run has.
const maxGiven = 12_000

// kept are the tools that an agent has in a run, where others store what it makes.
var kept = []string{"get_brand", "recall", "read_page", "scan_page", "list_content", "get_content", "list_events"}

// within returns the brief of work in a run.
func (b brief) within(given string) brief {
	b.inRun, b.others = true, nil
	if given != "" {
		b.given = cut(clean(given), maxGiven)
	}
	b.agent.Tools = slices.DeleteFunc(slices.Clone(b.agent.Tools), func(tool string) bool { return !slices.Contains(kept, tool) })
	b.agent.Output = "What hand_in asks for."
	return b
}

// again is the name of a step in a round: steps have names of their own.
func again(name string, round int) string {
	if round == 0 {
		return name
	}
	return fmt.Sprintf("%s, round %d", name, round+1)
}

// step is a step that stores or reads something, for which the defaults are right.
func step[T any](c workflow.Context, name string, fn func(ctx context.Context) (T, error)) (T, error) {
	return workflow.Step(c, name, fn, nil)
}

// newID is an ID that a run gives to what it will store, so that it stores it once.
func newID(c workflow.Context, name string) (string, error) {
	return step(c, name, func(context.Context) (string, error) { return storage.NewID(), nil })
}

// asLines writes fields as a list, without those that are empty.
func asLines(fields ...[2]string) string {
	var w strings.Builder
	for _, f := range fields {
		if f[1] != "" {
			fmt.Fprintf(&w, "- **%s**: %s\n", f[0], oneLine(f[1]))
		}
	}
	return w.String()
}

func sentences(list []string) string { return strings.Join(list, "; ") }

// keep stores a document of a run, once.
func (t *team) keep(ctx context.Context, customer storage.CustomerID, kind, id, status string, at time.Time, data any, event string, particulars map[string]any) error {
	encoded, err := encode(data)
	if err != nil {
		return err
	}
	return t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		err := tx.CreateDocument(ctx, storage.Document{
			CustomerID: customer, Kind: kind, ID: id, Status: status, Data: encoded, CreatedAt: at, UpdatedAt: at,
		})
		if isDone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, event, particulars)
	})
}

// documents returns the data of the newest documents of a kind that was kept, at most n.
func documents[T any](ctx context.Context, store storage.Documents, customer storage.CustomerID, kind, status string, n int) ([]T, error) {
	return pageOf[T](ctx, store, customer, storage.DocumentQuery{Kind: kind, Status: status, Page: storage.Page{Limit: n}})
}

// pageOf returns the data of a page of documents.
func pageOf[T any](ctx context.Context, store storage.Documents, customer storage.CustomerID, q storage.DocumentQuery) ([]T, error) {
	list, err := store.Documents(ctx, customer, q)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, d := range list {
		one, err := decode[T](d.Data)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// hasAny returns what tells whether a customer has a document of a kind in a state.
func (t *team) hasAny(kind, status string) func(context.Context, storage.CustomerID) (bool, error) {
	return func(ctx context.Context, customer storage.CustomerID) (bool, error) {
		list, err := t.store.Documents(ctx, customer, storage.DocumentQuery{Kind: kind, Status: status, Page: storage.Page{Limit: 1}})
		return len(list) > 0, err
	}
}

// given is what others wrote, as data in JSON.
func given(v any) (string, error) {
	var w strings.Builder
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(false) // models read it
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("marketing: %w", err)
	}
	return w.String(), nil
}

// orElse is the first text that isn't empty.
func orElse(text, otherwise string) string { return cmp.Or(strings.TrimSpace(text), otherwise) }
