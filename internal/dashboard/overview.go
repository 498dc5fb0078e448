package dashboard

import (
	"net/http"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
)

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
			case connection.StatusConnected:
				d.Connected++
			case connection.StatusNeedsReconnect:
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
