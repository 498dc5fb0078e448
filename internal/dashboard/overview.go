package dashboard

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
)

const usageDays = 30

// tool calls a tool for the visitor, and returns its result.
func (h *Handler) tool(r *http.Request, v visitor, tool string, args map[string]any) (map[string]any, error) {
	data, err := h.app.Show(r.Context(), v.Principal, tool, args)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(data, &out)
}

// overviewView is what a customer sees first.
type overviewView struct {
	Customer     storage.Customer
	Status       storage.Status
	Payment      bool // can be managed
	Plan         string
	Subscription *billing.SubscriptionStatus
	Quotas       []quota
	Chart        *chart
	Approvals    []app.Approval
	Drafts       []any
	Runs         []runRow
	Events       []eventRow
	Connected    int
	Configured   int
	Reconnect    []string
	HasRuns      bool // there can be runs
}

type quota struct {
	Metric  string
	Used    int64
	Limit   int64 // negative: none
	Percent int64
	Resets  time.Time
	Upgrade string
}

func (h *Handler) overview(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	ctx := r.Context()
	d := overviewView{Customer: v.customer, Status: v.Status, HasRuns: h.app.Runner != nil}
	sub, has, err := h.app.SubscriptionOf(ctx, v.Customer)
	if err != nil {
		return reply{}, err
	}
	if has {
		d.Subscription, d.Payment = &sub, h.hasPayment()
	}
	if h.app.Usage != nil {
		u, err := h.app.UsageOf(ctx, v.Customer, usageDays)
		if err != nil {
			return reply{}, err
		}
		d.Plan = u.Plan.Name
		d.Quotas = quotasOf(u)
		c := usageChart(u.Days)
		d.Chart = &c
	}
	if h.app.Runner != nil {
		if d.Approvals, _, err = h.app.Approvals(ctx, v.Customer, runner.StatePending, 10, ""); err != nil {
			return reply{}, err
		}
		if d.Runs, _, err = h.runRows(r, v.Customer, "", 5, ""); err != nil {
			return reply{}, err
		}
	}
	if h.app.HasTool("list_content") {
		drafts, err := h.tool(r, v, "list_content", map[string]any{"state": "draft", "limit": 5})
		if err != nil {
			return reply{}, err
		}
		d.Drafts, _ = drafts["pieces"].([]any)
	}
	if h.app.Connections != nil {
		list, err := h.app.Connections.List(ctx, v.Customer)
		if err != nil {
			return reply{}, err
		}
		for _, c := range list {
			switch c.Status {
			case "connected":
				d.Connected++
			case "needs_reconnect":
				d.Reconnect = append(d.Reconnect, c.Title)
			}
			if c.Configured {
				d.Configured++
			}
		}
	}
	events, _, err := h.app.Events(ctx, v.Customer, "", 8, "")
	d.Events = eventRows(events)
	return reply{page: "overview", title: "Overview", data: d}, err
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
