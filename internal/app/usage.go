package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
)

// How many days of usage can be asked for.
const (
	DefaultUsageDays = 30
	MaxUsageDays     = 90
)

// Usage is what a customer used.
type Usage struct {
	Plan billing.Plan // zero: none
	// Quotas are the metrics of the plan and those that were used, by name.
	Quotas []Quota
	// Days are from the oldest.
	Days []storage.DayUsage
}

// Quota is how far a metric is used up in the present period.
type Quota struct {
	Metric string
	usage.Balance
}

// UsageOf returns what the customer used in the last so many days, today included,
// and in the present period.
func (a *App) UsageOf(ctx context.Context, customer storage.CustomerID, days int) (Usage, error) {
	plan, err := a.PlanOf(ctx, customer)
	if err != nil {
		return Usage{}, err
	}
	tomorrow := storage.Now().Truncate(24*time.Hour).AddDate(0, 0, 1)
	u := Usage{Plan: plan}
	if u.Days, err = a.Usage.Days(ctx, customer, tomorrow.AddDate(0, 0, -days), tomorrow); err != nil {
		return Usage{}, err
	}
	metrics := map[string]bool{agent.MetricToolCalls: true}
	for metric := range plan.Quotas {
		metrics[metric] = true
	}
	for _, d := range u.Days {
		metrics[d.Metric] = true
	}
	for _, metric := range slices.Sorted(maps.Keys(metrics)) {
		b, err := a.Usage.Balance(ctx, customer, metric)
		if err != nil {
			return Usage{}, err
		}
		u.Quotas = append(u.Quotas, Quota{metric, b})
	}
	return u, nil
}
