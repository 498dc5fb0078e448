package dashboard

import (
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/storage"
)

// usageDays is how far back usage is shown.
const usageDays = 30

// quota is what was used of what a plan has.
type quota struct {
	Metric  string
	Used    int64
	Limit   int64 // negative: none
	Percent int64
	Resets  time.Time
	Upgrade string
}

func quotasOf(u app.Usage) (list []quota) {
	for _, q := range u.Quotas {
		one := quota{Metric: q.Metric, Used: q.Used, Limit: q.Limit, Resets: q.Period.End, Upgrade: q.Upgrade}
		if q.Limit > 0 {
			one.Percent = min(100, q.Used*100/q.Limit)
		}
		list = append(list, one)
	}
	return list
}

// usageChart shows calls of tools by tool.
func usageChart(list []storage.DayUsage) chart {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	days := make([]bar, usageDays)
	for i := range days {
		days[i] = bar{today.AddDate(0, 0, i+1-usageDays), map[string]int64{}}
	}
	for _, d := range list {
		if i := usageDays - 1 - int(today.Sub(d.Day)/(24*time.Hour)); d.Metric == agent.MetricToolCalls && i >= 0 && i < usageDays {
			days[i].Parts[d.Source] += d.Used
		}
	}
	return stacked(days, "Calls of tools")
}
