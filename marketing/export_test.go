package marketing

import (
	"context"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// NewAt returns the catalog of the built-in team for whom it is always now.
func NewAt(store storage.Store, now time.Time) (*agent.Catalog, error) {
	agents, err := teamOf(Agents(), nil)
	t := &team{store: store, agents: agents, now: func() time.Time { return now }}
	return t.catalog(), err
}

// StartText is the prompt to start with for a catalog with these tools.
func StartText(website, brandName string, canRead, canScan bool) string {
	return startText(website, brand{BrandName: brandName}, canRead, canScan)
}

// KPIs are the figures of a week.
type KPIs = kpis

// Proposed is a change of a weight as an agent proposes it.
type Proposed = proposed

// Patterns returns severity and figure of what weeks show.
func Patterns(history ...KPIs) (found []string) {
	for _, p := range patternsOf(history) {
		found = append(found, p.Severity+" "+p.KPI)
	}
	return found
}

// Sensible returns the proposals that make sense, with their values.
func Sensible(weights map[string]float64, list ...Proposed) (good []string) {
	for _, p := range sensible(list, weights) {
		good = append(good, fmt.Sprintf("%s %g", p.key(), p.Value))
	}
	return good
}

// Outside returns what platforms know of a time, and the figures of a snapshot made of it.
func Outside(ctx context.Context, store storage.Store, platforms []string, customer storage.CustomerID, length time.Duration) (map[string]map[string]float64, KPIs, error) {
	t := &team{store: store, platforms: platforms, now: storage.Now}
	list, err := t.outside(ctx, customer, length)
	found := map[string]map[string]float64{}
	for _, c := range list {
		found[c.Channel] = c.Metrics
	}
	var k kpis
	k.fromOutside(list)
	return found, k, err
}

// Drained is what came of sending what is due.
type Drained = drainedOut

// NewOutreach returns a catalog with a clock of its own, and what sends the mails that are
// due.
func NewOutreach(store storage.Store, platforms []string, now func() time.Time) (*agent.Catalog, func(context.Context, storage.CustomerID) (Drained, error)) {
	t := &team{store: store, platforms: platforms, now: now}
	return t.catalog(), t.drain
}
