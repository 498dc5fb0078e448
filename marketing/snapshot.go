package marketing

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

const snapshotKind = "performance_snapshot"

// Periods of snapshots.
var snapshotPeriods = map[string]time.Duration{"day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour}

type snapshotIn struct {
	Period string `json:"period,omitempty" jsonschema:"the time that it covers, up to now: day, week or month; week when left out"`
}

// snapshot is what a period brought. What isn't known is not there.
type snapshot struct {
	ID         string  `json:"id" jsonschema:"its id"`
	Period     string  `json:"period" jsonschema:"day, week or month"`
	CapturedAt string  `json:"capturedAt" jsonschema:"when it was taken, in UTC: the end of the period"`
	KPIs       kpis    `json:"kpis" jsonschema:"the figures; what is not known is not there"`
	Deltas     []delta `json:"deltas,omitempty" jsonschema:"against the snapshot before of the same period"`
	Before     string  `json:"before,omitempty" jsonschema:"id of that snapshot"`
}

type kpis struct {
	Saved      *float64 `json:"saved,omitempty" jsonschema:"pieces that were begun"`
	Approved   *float64 `json:"approved,omitempty" jsonschema:"pieces that were approved"`
	Rejected   *float64 `json:"rejected,omitempty" jsonschema:"pieces that were rejected or sent back"`
	BrandVoice *float64 `json:"brandVoice,omitempty" jsonschema:"mean score of what was begun, 0 to 1"`
	Quality    *float64 `json:"quality,omitempty" jsonschema:"the same for quality"`
	Citability *float64 `json:"citability,omitempty" jsonschema:"the same for citability"`
	Leads      *float64 `json:"leads,omitempty" jsonschema:"leads that were logged"`
	Cited      *float64 `json:"cited,omitempty" jsonschema:"share of answers of engines in which the brand appears, 0 to 1"`
	Runs       *float64 `json:"runs,omitempty" jsonschema:"runs of agents and workflows that ended"`
	Failed     *float64 `json:"failed,omitempty" jsonschema:"share of them that failed, 0 to 1"`
	Minutes    *float64 `json:"minutes,omitempty" jsonschema:"median time of a run of an agent, in minutes"`

	Engagement  *float64 `json:"engagementRate,omitempty" jsonschema:"reactions, comments and shares for each impression of posts, 0 to 1; once X is connected"`
	CTR         *float64 `json:"ctr,omitempty" jsonschema:"clicks for each impression on Google, 0 to 1; once Search Console is connected"`
	Conversions *float64 `json:"conversions,omitempty" jsonschema:"key events of the website; once Google Analytics is connected"`
}

// figure is a KPI with its name.
type figure struct {
	name  string
	value *float64
	share bool // from 0 to 1
}

func (k kpis) figures() []figure {
	return []figure{
		{"saved", k.Saved, false}, {"approved", k.Approved, false}, {"rejected", k.Rejected, false},
		{"brandVoice", k.BrandVoice, true}, {"quality", k.Quality, true}, {"citability", k.Citability, true},
		{"leads", k.Leads, false}, {"cited", k.Cited, true}, {"runs", k.Runs, false}, {"failed", k.Failed, true}, {"minutes", k.Minutes, false},
		{"engagementRate", k.Engagement, true}, {"ctr", k.CTR, true}, {"conversions", k.Conversions, false},
	}
}

type delta struct {
	KPI         string  `json:"kpi" jsonschema:"its name"`
	Before      float64 `json:"before" jsonschema:"the value before"`
	Now         float64 `json:"now" jsonschema:"the value now"`
	Change      float64 `json:"change" jsonschema:"now minus before"`
	Significant bool    `json:"significant" jsonschema:"whether it is more than chance is likely to make it: a share by 0.05, a number by a fifth and by 3"`
}

func (t *team) snapshotWorkflow() *agent.Workflow {
	return agent.NewWorkflow("performance-snapshot",
		"Takes the figures of a day, a week or a month, and compares them with those before.",
		func(c workflow.Context, in snapshotIn) (snapshot, error) {
			return t.takeSnapshot(c, orElse(in.Period, "week"))
		},
		&agent.WorkflowOptions{Title: "Performance snapshot", Schedule: "0 6 * * 1", Spread: time.Hour, Input: func(s *jsonschema.Schema) {
			oneOf(s, "period", "day", "week", "month")
		}})
}

func (t *team) takeSnapshot(c workflow.Context, period string) (snapshot, error) {
	id, err := newID(c, "name the snapshot")
	if err != nil {
		return snapshot{}, err
	}
	taken, err := step(c, "collect the figures", func(ctx context.Context) (snapshot, error) {
		now := t.now()
		k, err := t.collect(ctx, c.Customer(), now.Add(-snapshotPeriods[period]), now)
		if err != nil {
			return snapshot{}, err
		}
		others, err := t.outside(ctx, c.Customer(), snapshotPeriods[period])
		k.fromOutside(others)
		return snapshot{ID: id, Period: period, CapturedAt: storage.FormatTime(now), KPIs: k}, err
	})
	if err != nil {
		return snapshot{}, err
	}
	taken, err = step(c, "compare with those before", func(ctx context.Context) (snapshot, error) {
		before, err := documents[snapshot](ctx, t.store, c.Customer(), snapshotKind, period, 2)
		for _, b := range before {
			if b.ID != id {
				taken.Before, taken.Deltas = b.ID, deltas(b.KPIs, taken.KPIs)
				break
			}
		}
		return taken, err
	})
	if err != nil {
		return snapshot{}, err
	}
	_, err = step(c, "store the snapshot", func(ctx context.Context) (bool, error) {
		at, err := time.Parse(time.RFC3339, taken.CapturedAt)
		if err != nil {
			return false, err
		}
		return true, t.keep(ctx, c.Customer(), snapshotKind, id, period, at, taken, "performance.captured", map[string]any{"id": id, "period": period})
	})
	return taken, err
}

// deltas compares what is known of both.
func deltas(before, now kpis) []delta {
	var list []delta
	earlier := before.figures()
	for i, f := range now.figures() {
		was := earlier[i].value
		if f.value == nil || was == nil {
			continue
		}
		d := delta{KPI: f.name, Before: *was, Now: *f.value, Change: *f.value - *was}
		size := math.Abs(d.Change)
		if f.share {
			d.Significant = size >= 0.05
		} else {
			d.Significant = size >= 3 && size >= math.Abs(d.Before)/5
		}
		list = append(list, d)
	}
	return list
}

// maxCollected is how many records of a kind a snapshot looks at.
const maxCollected = 5000

// collect counts what happened from one time until another.
func (t *team) collect(ctx context.Context, customer storage.CustomerID, from, until time.Time) (kpis, error) {
	k := kpis{Saved: new(0.0), Approved: new(0.0), Rejected: new(0.0), Leads: new(0.0)}
	var voice, quality, citability mean
	err := eachPiece(ctx, t.store, customer, from, func(p piece, created time.Time) {
		if created.After(until) {
			return
		}
		*k.Saved++
		if e := p.Evaluation; e != nil {
			voice.add(e.BrandVoice)
			quality.add(e.Quality)
			citability.add(e.Citability)
		}
	})
	if err != nil {
		return k, err
	}
	k.BrandVoice, k.Quality, k.Citability = voice.value(), quality.value(), citability.value()
	err = eachEvent(ctx, t.store, customer, from, func(e storage.Event) {
		if e.CreatedAt.After(until) {
			return
		}
		switch e.Type {
		case "content." + stateApproved:
			*k.Approved++
		case "content." + stateRejected, "content." + stateRevisionRequested:
			*k.Rejected++
		case "lead.logged":
			*k.Leads++
		}
	})
	if err != nil {
		return k, err
	}
	if err := t.collectRuns(ctx, customer, from, until, &k); err != nil {
		return k, err
	}
	k.Cited, err = t.citedShare(ctx, customer, from)
	return k, err
}

// mean adds scores up.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(s *score) {
	if s != nil {
		m.sum += s.Score
		m.n++
	}
}

func (m *mean) value() *float64 {
	if m.n == 0 {
		return nil
	}
	return new(rounded(m.sum / float64(m.n)))
}

func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// collectRuns counts runs, where they are remembered.
func (t *team) collectRuns(ctx context.Context, customer storage.CustomerID, from, until time.Time, k *kpis) error {
	runs, ok := storage.RoleOf[storage.Runs](t.store)
	if !ok {
		return nil
	}
	ended, failed := 0.0, 0.0
	var took []time.Duration
	q := storage.RunQuery{Page: storage.Page{Limit: storage.MaxLimit}}
	for range maxCollected / storage.MaxLimit {
		page, err := runs.Runs(ctx, customer, q)
		if err != nil {
			return err
		}
		for _, r := range page {
			if r.EndedAt.IsZero() || r.EndedAt.Before(from) || r.EndedAt.After(until) {
				continue
			}
			ended++
			if r.Status == "failed" {
				failed++
			}
			if r.Kind == "agent" {
				took = append(took, r.EndedAt.Sub(r.CreatedAt))
			}
		}
		// One that began long before the period may have ended in it; an approval is
		// waited for two weeks.
		if len(page) < q.Limit || page[len(page)-1].CreatedAt.Before(from.Add(-15*24*time.Hour)) {
			break
		}
		q.Before = string(page[len(page)-1].ID)
	}
	k.Runs = &ended
	if ended > 0 {
		k.Failed = new(rounded(failed / ended))
	}
	if len(took) > 0 {
		k.Minutes = new(rounded(median(took).Minutes()))
	}
	return nil
}

// eachPiece calls back for the pieces that were begun since, newest first.
func eachPiece(ctx context.Context, store storage.Documents, customer storage.CustomerID, since time.Time, fn func(p piece, created time.Time)) error {
	q := storage.DocumentQuery{Kind: contentKind, Page: storage.Page{Limit: storage.MaxLimit}}
	for range maxCollected / storage.MaxLimit {
		page, err := store.Documents(ctx, customer, q)
		if err != nil {
			return err
		}
		for _, d := range page {
			if d.CreatedAt.Before(since) {
				return nil
			}
			p, _, err := pieceOf(d)
			if err != nil {
				return err
			}
			fn(p, d.CreatedAt)
		}
		if len(page) < q.Limit {
			return nil
		}
		q.Before = page[len(page)-1].ID
	}
	return nil
}

// eachEvent calls back for the events since, newest first.
func eachEvent(ctx context.Context, store storage.Events, customer storage.CustomerID, since time.Time, fn func(storage.Event)) error {
	q := storage.EventQuery{Page: storage.Page{Limit: eventPage}}
	for range maxCollected / eventPage {
		page, err := store.Events(ctx, customer, q)
		if err != nil {
			return err
		}
		for _, e := range page {
			if e.CreatedAt.Before(since) {
				return nil
			}
			fn(e)
		}
		if len(page) < q.Limit {
			return nil
		}
		q.Before = string(page[len(page)-1].ID)
	}
	return nil
}

type trendIn struct {
	Period string `json:"period,omitempty" jsonschema:"snapshots of a day, a week or a month; week when left out"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many to return at most; 12 when left out"`
}

type trendOut struct {
	Snapshots []snapshot `json:"snapshots" jsonschema:"newest first"`
}

func (t *team) trendTool() *agent.Tool {
	return agent.NewTool("get_performance_trend",
		"The customer's performance snapshots, newest first, each with what changed. The workflow performance-snapshot takes them, every week by itself.",
		func(ctx context.Context, customer storage.CustomerID, in trendIn) (trendOut, error) {
			n := in.Limit
			if n == 0 {
				n = 12
			}
			list, err := documents[snapshot](ctx, t.store, customer, snapshotKind, orElse(in.Period, "week"), n)
			return trendOut{append([]snapshot{}, list...)}, err
		},
		&agent.ToolOptions{Title: "Performance trend", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			oneOf(s, "period", "day", "week", "month")
			boundNumber(s, "limit", 1, storage.MaxLimit)
		}})
}

// ReadableText implements [agent.Readable].
func (o trendOut) ReadableText() string {
	if len(o.Snapshots) == 0 {
		return "There is no snapshot yet. Start the workflow performance-snapshot to take one."
	}
	var w strings.Builder
	for _, s := range o.Snapshots {
		fmt.Fprintf(&w, "## %s, %s\n\n", s.Period, s.CapturedAt)
		for _, f := range s.KPIs.figures() {
			if f.value == nil {
				continue
			}
			fmt.Fprintf(&w, "- %s: %g", f.name, *f.value)
			if i := slices.IndexFunc(s.Deltas, func(d delta) bool { return d.KPI == f.name }); i >= 0 && s.Deltas[i].Change != 0 {
				fmt.Fprintf(&w, " (%+g)", rounded(s.Deltas[i].Change))
				if s.Deltas[i].Significant {
					w.WriteString(" significant")
				}
			}
			w.WriteString("\n")
		}
		w.WriteString("\n")
	}
	return w.String()
}
