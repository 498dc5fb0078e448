package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
)

const usageToolName = "get_usage"

type usageIn struct {
	Days int `json:"days,omitempty" jsonschema:"how many days to show, today included; 30 when left out"`
}

type usageOut struct {
	Plan    string        `json:"plan,omitempty" jsonschema:"name of the customer's plan; left out when there is none"`
	Upgrade string        `json:"upgrade,omitempty" jsonschema:"address of a page with larger plans"`
	Metrics []metricUsage `json:"metrics" jsonschema:"what was used of each metric in its present period"`
	Days    []dayUsage    `json:"days" jsonschema:"what was used on each day (UTC) by each tool, from the oldest"`

	days int
}

type metricUsage struct {
	Metric string `json:"metric" jsonschema:"what is counted"`
	Used   int64  `json:"used" jsonschema:"how much was used in this period"`
	Limit  *int64 `json:"limit,omitempty" jsonschema:"how much the plan allows in a period; left out when it sets no limit"`
	Resets string `json:"resets,omitempty" jsonschema:"when the next period begins, RFC 3339"`
}

type dayUsage struct {
	Day    string `json:"day" jsonschema:"the day in UTC, such as 2026-05-17"`
	Metric string `json:"metric" jsonschema:"what is counted"`
	Tool   string `json:"tool" jsonschema:"what used it"`
	Used   int64  `json:"used" jsonschema:"how much"`
}

// offerUsage adds the host's own tool to the catalog when usage is counted.
func (a *App) offerUsage() {
	if a.Usage != nil {
		a.offer(a.usageTool())
	}
}

func (a *App) usageTool() *agent.Tool {
	return agent.NewTool(usageToolName,
		"What the customer used: the plan, what is left of its quotas and when they reset, and the use by day and tool. It is free.",
		a.getUsage,
		&agent.ToolOptions{
			Title: "Get usage", ReadOnly: true, Idempotent: true, Uses: map[string]int64{},
			Input: func(s *jsonschema.Schema) {
				s.Properties["days"].Minimum, s.Properties["days"].Maximum = new(1.0), new(float64(MaxUsageDays))
			},
		})
}

func (a *App) getUsage(ctx context.Context, customer storage.CustomerID, in usageIn) (usageOut, error) {
	if in.Days == 0 {
		in.Days = DefaultUsageDays
	}
	u, err := a.UsageOf(ctx, customer, in.Days)
	if err != nil {
		return usageOut{}, err
	}
	out := usageOut{Plan: u.Plan.Name, Metrics: []metricUsage{}, Days: []dayUsage{}, days: in.Days}
	for _, d := range u.Days {
		out.Days = append(out.Days, dayUsage{d.Day.Format(time.DateOnly), d.Metric, d.Source, d.Used})
	}
	for _, q := range u.Quotas {
		out.Upgrade = q.Upgrade
		out.Metrics = append(out.Metrics, newMetricUsage(q.Metric, q.Balance))
	}
	return out, nil
}

func newMetricUsage(metric string, b usage.Balance) metricUsage {
	m := metricUsage{Metric: metric, Used: b.Used}
	if b.Limit >= 0 {
		m.Limit = &b.Limit
	}
	if !b.Period.End.IsZero() {
		m.Resets = storage.FormatTime(b.Period.End)
	}
	return m
}

// ReadableText is for models and people.
func (u usageOut) ReadableText() string {
	var w strings.Builder
	if u.Plan != "" {
		fmt.Fprintf(&w, "Plan: %s\n\n", u.Plan)
	}
	w.WriteString("| metric | used in this period | limit | resets |\n|---|---|---|---|\n")
	for _, m := range u.Metrics {
		limit := "none"
		if m.Limit != nil {
			limit = strconv.FormatInt(*m.Limit, 10)
		}
		fmt.Fprintf(&w, "| %s | %d | %s | %s |\n", m.Metric, m.Used, limit, m.Resets)
	}
	if u.Upgrade != "" {
		fmt.Fprintf(&w, "\nLarger plans: %s\n", u.Upgrade)
	}
	if len(u.Days) == 0 {
		fmt.Fprintf(&w, "\nNothing was used in the last %d days.\n", u.days)
		return w.String()
	}
	fmt.Fprintf(&w, "\nThe last %d days, in UTC; days without use are left out:\n\n| day | metric | used | by tool |\n|---|---|---|---|\n", u.days)
	for rest := u.Days; len(rest) > 0; {
		n, used, tools := 0, int64(0), []string{}
		for ; n < len(rest) && rest[n].Day == rest[0].Day && rest[n].Metric == rest[0].Metric; n++ {
			used += rest[n].Used
			tools = append(tools, fmt.Sprintf("%s %d", rest[n].Tool, rest[n].Used))
		}
		fmt.Fprintf(&w, "| %s | %s | %d | %s |\n", rest[0].Day, rest[0].Metric, used, strings.Join(tools, ", "))
		rest = rest[n:]
	}
	return w.String()
}
