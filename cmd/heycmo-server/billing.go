package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/internal/rest"
)

type billingCommand struct {
	Plans           billingPlans     `cmd:"" help:"Show the plans, with their prices as Stripe tells them."`
	Reconcile       billingReconcile `cmd:"" help:"Read from Stripe what is true of everybody who ever bought something, and store that."`
	WebhookEndpoint struct {
		Create webhookEndpointCreate `cmd:"" help:"Make Stripe deliver its events to the server; the secret is shown this one time."`
	} `cmd:"" help:"Stripe's webhook endpoint."`
}

// stripe returns what asks Stripe.
func (c console) stripe(s *settings) (*stripebilling.Provider, error) {
	if s.StripeKey == "" {
		return nil, fmt.Errorf("%s is missing", variable("stripe-key"))
	}
	var f faults
	provider := s.provider(s.logger(c.err), &f)
	return provider, errors.Join(f...)
}

type billingPlans struct{}

func (billingPlans) Run(ctx context.Context, c console, s *settings) error {
	var f faults
	plans := s.plans(&f)
	if err := errors.Join(f...); err != nil {
		return err
	}
	known := map[string]billing.Price{}
	if s.StripeKey != "" {
		provider, err := c.stripe(s)
		if err != nil {
			return err
		}
		if known, err = pricesOf(ctx, provider, plans); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLAN\tNAME\tPRICE\tAMOUNT\tTRIAL\tQUOTAS")
	missing := 0
	for _, p := range plans {
		trial := "-"
		if p.TrialDays > 0 {
			trial = fmt.Sprint(p.TrialDays, " days")
		}
		var quotas []string
		for _, metric := range slices.Sorted(maps.Keys(p.Quotas)) {
			if limit, ok := p.Limit(metric); ok {
				quotas = append(quotas, fmt.Sprintf("%s %d", metric, limit))
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Name, cmp.Or(p.Price, "-"), amountOf(p.Price, known, s), trial, cmp.Or(strings.Join(quotas, ", "), "-"))
		for _, price := range p.Prices {
			fmt.Fprintf(w, "\t\t%s\t%s\t\t\n", price, amountOf(price, known, s))
		}
		for _, price := range pricesIn(p) {
			if _, ok := known[price]; !ok && s.StripeKey != "" {
				missing++
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("prices that can't be used: %d", missing)
	}
	return nil
}

// amountOf is what a price costs, in the smallest unit of its currency, as Stripe
// has it.
func amountOf(id string, known map[string]billing.Price, s *settings) string {
	price, ok := known[id]
	switch {
	case id == "":
		return "an admin gives it"
	case s.StripeKey == "":
		return "not asked"
	case !ok:
		return "unknown to Stripe, or without a fixed amount"
	case price.Count == 1:
		return fmt.Sprintf("%d %s a %s", price.Amount, price.Currency, price.Interval)
	case price.Count == 0:
		return fmt.Sprintf("%d %s once: it can't be subscribed to", price.Amount, price.Currency)
	default:
		return fmt.Sprintf("%d %s every %d %ss", price.Amount, price.Currency, price.Count, price.Interval)
	}
}

func pricesIn(p billing.Plan) []string {
	if p.Price == "" {
		return p.Prices
	}
	return append([]string{p.Price}, p.Prices...)
}

func pricesOf(ctx context.Context, pricer billing.Pricer, plans []billing.Plan) (map[string]billing.Price, error) {
	var ids []string
	for _, p := range plans {
		ids = append(ids, pricesIn(p)...)
	}
	list, err := pricer.Prices(ctx, ids)
	known := map[string]billing.Price{}
	for _, price := range list {
		known[price.ID] = price
	}
	return known, err
}

type billingReconcile struct {
	format
	DryRun bool `help:"Change nothing."`
	Force  bool `help:"Go on however many customers would be shut out."`
}

func (f billingReconcile) Run(ctx context.Context, c console, s *settings) error {
	if s.StripeKey == "" {
		return fmt.Errorf("%s is missing", variable("stripe-key"))
	}
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		differ, failed := 0, 0
		var printing error
		err := admin.Reconcile(ctx, heycmo.Reconciliation{DryRun: f.DryRun, Force: f.Force, Report: func(d heycmo.Difference) {
			if d.Err != nil {
				failed++
			} else {
				differ++
			}
			printing = errors.Join(printing, f.print(c, d))
		}})
		if err = errors.Join(err, printing); err != nil {
			return err
		}
		if !f.JSON {
			unchanged := ""
			if f.DryRun {
				unchanged = "; nothing was changed"
			}
			if _, err := fmt.Fprintf(c.out, "customers that differ: %d%s\n", differ, unchanged); err != nil {
				return err
			}
		}
		if failed > 0 {
			return fmt.Errorf("customers that could not be read or stored: %d; they are as they were", failed)
		}
		return nil
	})
}

func (f billingReconcile) print(c console, d heycmo.Difference) error {
	if f.JSON {
		out := map[string]any{"customer": d.Customer}
		if d.Err != nil {
			out["error"] = d.Err.Error()
		} else {
			out["before"], out["after"], out["cut"] = stateText(d.Before), stateText(d.After), d.Cut
			out["planBefore"], out["planAfter"] = d.PlanBefore, d.PlanAfter
		}
		return c.json(out)
	}
	if d.Err != nil {
		_, err := fmt.Fprintf(c.out, "%s  failed: %v\n", d.Customer, d.Err)
		return err
	}
	plan := planText(d.PlanAfter)
	if d.PlanBefore != d.PlanAfter {
		plan = planText(d.PlanBefore) + " → " + planText(d.PlanAfter)
	}
	_, err := fmt.Fprintf(c.out, "%s  %s → %s  %s\n", d.Customer, stateText(d.Before), stateText(d.After), plan)
	return err
}

func stateText(s billing.State) string { return cmp.Or(string(s), "pending") }

func planText(id string) string {
	if id == "" {
		return "no plan"
	}
	return "plan " + id
}

type webhookEndpointCreate struct {
	URL string `help:"Where Stripe delivers to. Default: /api/webhooks/stripe under the public address."`
}

func (f webhookEndpointCreate) Run(ctx context.Context, c console, s *settings) error {
	provider, err := c.stripe(s)
	if err != nil {
		return err
	}
	if f.URL == "" && s.PublicURL == "" {
		return fmt.Errorf("%s or --url is missing: Stripe has to know where to deliver to", variable("public-url"))
	}
	url := cmp.Or(f.URL, s.base("")+"/api/webhooks/stripe")
	secret, err := billing.Installer(provider).InstallWebhook(ctx, url)
	if err != nil && strings.Contains(err.Error(), "webhook_endpoint_exists") {
		return fmt.Errorf("%s is an endpoint at Stripe already, whose secret it doesn't tell again: reveal or roll it in Stripe's dashboard", url)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "Stripe delivers to %s. The secret is shown this one time; set it, in front of one that is there:\n\n%s=%s\n",
		url, variable("stripe-webhook-secrets"), secret)
	return err
}

// accountOf is what an operator sees of an account.
func accountOf(a billing.Account, now time.Time) map[string]any {
	list := make([]any, len(a.Subscriptions))
	for i, s := range a.Subscriptions {
		one := map[string]any{"id": s.ID, "plan": s.Plan, "status": cmp.Or(s.Raw, string(s.Phase)), "cancelAtPeriodEnd": s.CancelAtPeriodEnd}
		for name, t := range map[string]time.Time{"currentPeriodEnd": s.PeriodEnd, "graceUntil": s.GraceUntil, "trialEnd": s.TrialEnd} {
			if !t.IsZero() {
				one[name] = rest.Time{Time: t}
			}
		}
		if s.Alert != "" {
			one["alert"] = s.Alert
		}
		list[i] = one
	}
	out := map[string]any{"state": stateText(a.StateAt(now)), "granted": a.Granted, "plan": a.Plan, "subscriptions": list}
	if a.ProviderCustomer != "" {
		out["stripeCustomer"] = a.ProviderCustomer
	}
	if a.Alert != "" {
		out["alert"] = a.Alert
	}
	return out
}
