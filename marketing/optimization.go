package marketing

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/memory"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

const changeKind = "weight_change"

// The states of changes.
const (
	changeApplied    = "applied"
	changeRolledBack = "rolled_back"
)

const (
	week         = 7 * 24 * time.Hour
	weeks        = 4 // that are looked at
	maxProposals = 5
	maxMove      = 0.2 // of a weight at once
	unweighed    = 0.5 // what a weight is that was never set
	minDecisions = 3
)

var (
	categories  = []string{"format_weights", "posting_times", "topic_focus", "voice_refinement", "channel_strategy"}
	weightedKey = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)
)

// The severities of patterns.
const (
	severityCritical = "critical"
	severityHigh     = "high"
	severityMedium   = "medium"
	severityLow      = "low"
)

// pattern is what a row of weeks shows.
type pattern struct {
	Severity string    `json:"severity" jsonschema:"critical or high: it gets worse. medium: nothing moves. low: it gets better"`
	Trend    string    `json:"trend" jsonschema:"declining, stable or improving"`
	KPI      string    `json:"kpi" jsonschema:"the figure that it is about"`
	Text     string    `json:"text" jsonschema:"what it is, with the figures"`
	Weeks    []float64 `json:"weeks" jsonschema:"the figure week by week, oldest first"`
}

// proposed is a change of a weight as an agent proposes it.
type proposed struct {
	Category   string  `json:"category" jsonschema:"format_weights, posting_times, topic_focus, voice_refinement or channel_strategy"`
	Key        string  `json:"key" jsonschema:"what is weighed, in lower-case letters, digits, _ or -, such as blog"`
	Value      float64 `json:"proposedValue" jsonschema:"the weight that you propose, from 0 to 1"`
	Why        string  `json:"rationale" jsonschema:"why, with the figures"`
	Impact     string  `json:"expectedImpact" jsonschema:"what should change, and by how much"`
	Confidence float64 `json:"confidence" jsonschema:"how sure you are, from 0 to 1"`
}

type proposedWeights struct {
	Proposals []proposed `json:"proposals" jsonschema:"at most 5; none where the figures don't speak for a change"`
}

// change is a weight that was changed, with what it was before.
type change struct {
	ID       string   `json:"id" jsonschema:"for roll_back_change"`
	Key      string   `json:"key" jsonschema:"the weight, such as format_weights.blog"`
	Previous *float64 `json:"previousValue,omitempty" jsonschema:"what it was; not there when it was never set"`
	Value    float64  `json:"value" jsonschema:"what it is now"`
	Why      string   `json:"rationale" jsonschema:"why it was changed"`
	At       string   `json:"at" jsonschema:"when, in UTC"`
	RunID    string   `json:"runId" jsonschema:"id of the run that proposed it"`
}

type optimizationOut struct {
	Patterns []pattern `json:"patterns" jsonschema:"what was found, the most serious first"`
	Applied  []change  `json:"applied" jsonschema:"the changes that the customer approved"`
	Rejected int       `json:"rejected" jsonschema:"how many they did not"`
}

func (t *team) optimizationWorkflow() *agent.Workflow {
	return agent.NewWorkflow("self-optimization",
		"Looks for patterns in four weeks of figures, proposes other weights for the team's work, and applies those that the customer approves. Each can be rolled back.",
		t.optimize,
		&agent.WorkflowOptions{Title: "Self-optimization", Schedule: "0 7 * * 1", Spread: time.Hour})
}

func (t *team) optimize(c workflow.Context, _ struct{}) (optimizationOut, error) {
	out := optimizationOut{Patterns: []pattern{}, Applied: []change{}}
	patterns, err := step(c, "look for patterns", func(ctx context.Context) ([]pattern, error) {
		history, err := t.history(ctx, c.Customer())
		return patternsOf(history), err
	})
	if err != nil || len(patterns) == 0 {
		return out, err
	}
	out.Patterns = patterns
	weights, err := step(c, "read the weights", func(ctx context.Context) (map[string]float64, error) { return t.weights(ctx, c.Customer()) })
	if err != nil {
		return out, err
	}
	about, err := given(map[string]any{"patterns": patterns, "weights": weights})
	if err != nil {
		return out, err
	}
	drafted, err := assign[proposedWeights](c, t, chore{
		name: "propose", title: "Propose other weights", agent: "analyst", given: about,
		task: "Propose changes of the team's weights that the patterns below speak for, each by 0.2 at most. A weight that isn't there is 0.5. Where the figures are too few, propose nothing.",
	})
	if err != nil {
		return out, err
	}
	for i, p := range sensible(drafted.Proposals, weights) {
		applied, err := t.decideOnWeight(c, i, p, weights)
		if err != nil {
			return out, err
		}
		if applied == nil {
			out.Rejected++
			continue
		}
		out.Applied = append(out.Applied, *applied)
	}
	return out, nil
}

// history returns the figures of the last weeks, oldest first.
func (t *team) history(ctx context.Context, customer storage.CustomerID) ([]kpis, error) {
	now := t.now()
	var list []kpis
	for i := weeks; i > 0; i-- {
		k, err := t.collect(ctx, customer, now.Add(-time.Duration(i)*week), now.Add(-time.Duration(i-1)*week))
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

// row is a figure week by week.
func row(history []kpis, of func(kpis) *float64) (values []float64, known bool) {
	for _, k := range history {
		v := of(k)
		if v == nil {
			return nil, false
		}
		values = append(values, *v)
	}
	return values, true
}

// patternsOf finds what the weeks show, the most serious first. It only speaks of figures
// that are known in all of them.
func patternsOf(history []kpis) []pattern {
	var list []pattern
	if len(history) < weeks {
		return nil
	}
	add := func(severity, trend, kpi, text string, values []float64) {
		list = append(list, pattern{severity, trend, kpi, text, values})
	}
	if v, ok := row(history, func(k kpis) *float64 { return k.BrandVoice }); ok && v[3] < defaultBar && v[3] < v[2] {
		add(severityCritical, "declining", "brandVoice", fmt.Sprintf("the brand voice is at %.2f, below %.1f, and falls", v[3], defaultBar), v)
	}
	if v, ok := row(history, refused); ok && v[3] >= v[2]+0.1 {
		add(severityHigh, "declining", "rejected", fmt.Sprintf("%.0f %% of the decisions were not yes, after %.0f %%", 100*v[3], 100*v[2]), v)
	}
	if v, ok := row(history, func(k kpis) *float64 { return k.Failed }); ok && v[3] >= v[2]+0.1 {
		add(severityHigh, "declining", "failed", fmt.Sprintf("%.0f %% of the runs failed, after %.0f %%", 100*v[3], 100*v[2]), v)
	}
	for _, f := range []struct {
		kpi string
		of  func(kpis) *float64
	}{{"engagementRate", func(k kpis) *float64 { return k.Engagement }}, {"quality", func(k kpis) *float64 { return k.Quality }}} {
		if v, ok := row(history, f.of); ok && slices.Max(v[1:])-slices.Min(v[1:]) < 0.02 {
			add(severityMedium, "stable", f.kpi, fmt.Sprintf("%s has not moved for three weeks, at %.2f", f.kpi, v[3]), v)
		}
	}
	if v, ok := row(history, func(k kpis) *float64 { return k.Leads }); ok && v[3] >= v[2]+3 && v[3] >= v[2]*1.2 {
		add(severityLow, "improving", "leads", fmt.Sprintf("%g leads, after %g", v[3], v[2]), v)
	}
	if v, ok := row(history, func(k kpis) *float64 { return k.BrandVoice }); ok && v[3] >= v[2]+0.05 {
		add(severityLow, "improving", "brandVoice", fmt.Sprintf("the brand voice rises, from %.2f to %.2f", v[2], v[3]), v)
	}
	return list
}

// refused is the share of decisions that were not yes; nil when there are too few.
func refused(k kpis) *float64 {
	if n := *k.Approved + *k.Rejected; n >= minDecisions {
		return new(*k.Rejected / n)
	}
	return nil
}

// weights returns the team's weights by key.
func (t *team) weights(ctx context.Context, customer storage.CustomerID) (map[string]float64, error) {
	lessons, err := t.memory.Lessons(ctx, customer, "")
	weights := map[string]float64{}
	for _, l := range lessons {
		if l.Weight != nil && l.Topic == "" {
			weights[l.Key] = *l.Weight
		}
	}
	return weights, err
}

func (p proposed) key() string { return p.Category + "." + p.Key }

// sensible returns the proposals that make sense, with small moves, those that their
// author is surest of first.
func sensible(list []proposed, weights map[string]float64) []proposed {
	var good []proposed
	seen := map[string]bool{}
	for _, p := range list {
		if !slices.Contains(categories, p.Category) || !weightedKey.MatchString(p.Key) || seen[p.key()] || math.IsNaN(p.Value) {
			continue
		}
		seen[p.key()] = true
		now := current(weights, p.key())
		p.Value = rounded(min(max(p.Value, now-maxMove, 0), now+maxMove, 1))
		p.Confidence = min(max(p.Confidence, 0), 1)
		if p.Value != now {
			good = append(good, p)
		}
	}
	slices.SortStableFunc(good, func(a, b proposed) int {
		switch {
		case a.Confidence > b.Confidence:
			return -1
		case a.Confidence < b.Confidence:
			return 1
		}
		return 0
	})
	return good[:min(len(good), maxProposals)]
}

func current(weights map[string]float64, key string) float64 {
	if w, ok := weights[key]; ok {
		return w
	}
	return unweighed
}

// decideOnWeight asks the customer, and applies what they approve.
func (t *team) decideOnWeight(c workflow.Context, i int, p proposed, weights map[string]float64) (*change, error) {
	key := p.key()
	a, err := workflow.Ask(c, workflow.Question{
		Name:  fmt.Sprintf("approve change %d", i+1),
		Title: fmt.Sprintf("Move %s from %g to %g?", key, current(weights, key), p.Value),
		Text: asLines(
			[2]string{"Weight", key}, [2]string{"Now", fmt.Sprint(current(weights, key))}, [2]string{"Proposed", fmt.Sprint(p.Value)},
			[2]string{"Why", cutRunes(p.Why, 1000)}, [2]string{"Expected", cutRunes(p.Impact, 500)}, [2]string{"Confidence", fmt.Sprintf("%.0f %%", 100*p.Confidence)},
		),
	})
	if err != nil {
		return nil, err
	}
	if a.Decision != workflow.DecisionApprove {
		_, err := step(c, fmt.Sprintf("remember the answer to change %d", i+1), func(ctx context.Context) (bool, error) {
			if a.Decision == workflow.DecisionExpired {
				return true, nil
			}
			return true, t.learn(ctx, c.Customer(), fmt.Sprintf("Observation: the customer did not want %s moved to %g. %s", key, p.Value, cutRunes(oneLine(a.Note), 500)))
		})
		return nil, err
	}
	id, err := newID(c, fmt.Sprintf("name change %d", i+1))
	if err != nil {
		return nil, err
	}
	applied, err := step(c, fmt.Sprintf("apply change %d", i+1), func(ctx context.Context) (change, error) {
		made := change{ID: id, Key: key, Value: p.Value, Why: cutRunes(oneLine(p.Why), 1000), At: storage.FormatTime(t.now()), RunID: c.RunID()}
		if w, ok := weights[key]; ok {
			made.Previous = &w
		}
		return made, t.applyWeight(ctx, c.Customer(), made)
	})
	return &applied, err
}

// applyWeight sets a weight, after what undoes it was stored.
func (t *team) applyWeight(ctx context.Context, customer storage.CustomerID, made change) error {
	err := t.keep(ctx, customer, changeKind, made.ID, changeApplied, t.now(), made, "optimization.applied", map[string]any{"id": made.ID, "key": made.Key, "value": made.Value})
	if err != nil {
		return err
	}
	_, err = t.memory.Remember(ctx, customer, memory.Note{
		Layer: memory.Procedural, Key: made.Key, Weight: &made.Value, Text: "Correction: " + made.Why,
	})
	return final(err)
}

func (t *team) learn(ctx context.Context, customer storage.CustomerID, lesson string) error {
	_, err := t.memory.Remember(ctx, customer, memory.Note{Layer: memory.Procedural, Text: lesson})
	return final(err)
}

type rollBackIn struct {
	ID string `json:"id" jsonschema:"id of the change, as the run of self-optimization showed it"`
}

func (t *team) rollBackTool() *agent.Tool {
	return agent.NewTool("roll_back_change", "Takes back a change of a weight that self-optimization applied: the weight is again what it was before.",
		func(ctx context.Context, customer storage.CustomerID, in rollBackIn) (change, error) {
			return t.rollBack(ctx, customer, in.ID)
		},
		&agent.ToolOptions{Title: "Roll back a change", Destructive: true, NeedsPerson: true, Input: func(s *jsonschema.Schema) { boundText(s, "id", 1, maxID) }})
}

func (t *team) rollBack(ctx context.Context, customer storage.CustomerID, id string) (change, error) {
	var made change
	err := t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		_, err := tx.UpdateDocument(ctx, customer, changeKind, id, func(d *storage.Document) (err error) {
			if made, err = decode[change](d.Data); err != nil {
				return err
			}
			if d.Status != changeApplied {
				return agent.Errorf("this change was rolled back already")
			}
			d.Status, d.UpdatedAt = changeRolledBack, t.now()
			return nil
		})
		if errors.Is(err, storage.ErrNotFound) {
			return agent.Errorf("there is no such change; list_runs with the workflow self-optimization shows the runs that made some")
		}
		if err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "optimization.rolled_back", map[string]any{"id": id, "key": made.Key})
	})
	if err != nil {
		return made, err
	}
	back := current(map[string]float64{}, made.Key)
	if made.Previous != nil {
		back = *made.Previous
	}
	_, err = t.memory.Remember(ctx, customer, memory.Note{
		Layer: memory.Procedural, Key: made.Key, Weight: &back, Text: "Failure: rolled back by the customer. It was changed because: " + cutRunes(made.Why, 1000),
	})
	return made, err
}
