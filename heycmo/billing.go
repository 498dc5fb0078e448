package heycmo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
)

// Billing says what customers pay for, and to whom. The zero value of every field
// is its default.
type Billing struct {
	// Provider is the payment company; package stripebilling has one. Default:
	// none, nothing can be bought, and admins give plans.
	Provider billing.Provider

	// Plans go from the smallest to the largest. The first with a price is what a
	// checkout buys that names none. A customer without a plan, and one whose plan
	// is not in the list any more, has no quotas: keep former plans in it.
	Plans []billing.Plan

	// Policy says how long unpaid customers are let in, among others.
	Policy billing.DecideOptions

	// SuccessURL is where buyers return to. It must hold {CHECKOUT_SESSION_ID}.
	// Default: /welcome under [Options].PublicURL.
	SuccessURL string
	// CancelURL is where they go when they give up, and when they leave the
	// billing portal. Default: [Options].PublicURL.
	CancelURL string

	// ManageURL is a page of yours on which customers choose a plan and manage what
	// they pay. Notices and used-up quotas name it. Default: none.
	ManageURL string

	// Meters has usage reported to Reporter: for each metric, the name under which
	// it is counted there, such as the event name of a Stripe meter. What is used is
	// reported within minutes, at least once, and with an ID that counts once.
	// Default: nothing is reported.
	Meters map[string]string
	// Reporter is who bills for usage. Default: the Provider, if it can. See also
	// [LogUsage].
	Reporter billing.Reporter

	// PromotionCodes lets buyers enter one, and AutomaticTax has the provider add
	// taxes.
	PromotionCodes, AutomaticTax bool

	// ClaimWindow is how long a buyer's first key can be claimed after the payment
	// was seen. The browser that began the checkout has 30 days. Default: one hour.
	ClaimWindow time.Duration
	// RequireClaim lets only the browser claim the key that began the checkout, or
	// a client with its claim secret. It keeps out who learns the checkout's ID,
	// and also a buyer who pays on another device. Default: they are preferred:
	// only they get another key if the first answer was lost. A page on another
	// origin that begins checkouts doesn't get the cookie, and sends the secret.
	RequireClaim bool
}

const sessionPlaceholder = "{CHECKOUT_SESSION_ID}"

// validate reports everything that makes no sense.
func (b *Billing) validate(publicURL string) error {
	if b == nil {
		return nil
	}
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf("Billing."+format, args...)) }
	if err := billing.ValidatePlans(b.Plans); err != nil {
		report("Plans: %w", err)
	}
	for _, field := range []struct{ name, value string }{
		{"SuccessURL", b.SuccessURL}, {"CancelURL", b.CancelURL}, {"ManageURL", b.ManageURL},
	} {
		u, err := url.Parse(field.value)
		if field.value != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
			report("%s must be an http or https address", field.name)
		}
	}
	if b.SuccessURL != "" && !strings.Contains(b.SuccessURL, sessionPlaceholder) {
		report("SuccessURL must hold %s", sessionPlaceholder)
	}
	if b.Provider != nil && publicURL == "" && (b.SuccessURL == "" || b.CancelURL == "") {
		report("Provider needs PublicURL, or SuccessURL and CancelURL: buyers return there")
	}
	if _, ok := b.Provider.(billing.Reporter); len(b.Meters) > 0 && b.Reporter == nil && !ok {
		report("Meters needs a Reporter, or a Provider that is one")
	}
	for metric, name := range b.Meters {
		if metric == "" || name == "" {
			report("Meters must have a name for each metric: %q is reported as %q", metric, name)
		}
	}
	if b.ClaimWindow < 0 {
		report("ClaimWindow must not be negative")
	}
	return errors.Join(errs...)
}

// subscriptions returns the part of the host that sells, or nil.
func (o *Options) subscriptions(s *Server, store storage.Store, onboards bool) (*subscription.Service, error) {
	b := o.Billing
	if b == nil {
		return nil, nil
	}
	public := strings.TrimSuffix(o.PublicURL, "/")
	return subscription.New(subscription.Config{
		Store:          store,
		Provider:       b.Provider,
		Plans:          b.Plans,
		Policy:         b.Policy,
		SuccessURL:     cmp.Or(b.SuccessURL, public+"/welcome?session="+sessionPlaceholder),
		CancelURL:      cmp.Or(b.CancelURL, public+"/"),
		PromotionCodes: b.PromotionCodes,
		AutomaticTax:   b.AutomaticTax,
		ClaimWindow:    cmp.Or(b.ClaimWindow, time.Hour),
		RequireNonce:   b.RequireClaim,
		Notify:         o.Notifier != nil,
		Onboards:       onboards,
		Lost:           func(id storage.CustomerID) { s.app.Lost(id) },
		FlushKeyUse:    func(ctx context.Context) error { return s.app.FlushKeyUse(ctx) },
		Log:            o.Log,
	})
}

// meter returns what counts the use of the host that sells, or nil.
func (o *Options) meter(store storage.Store, s *subscription.Service) (*usage.Meter, error) {
	if s == nil {
		return nil, nil
	}
	return usage.New(usage.Config{
		Store: store,
		Allowance: func(ctx context.Context, customer storage.CustomerID, metric string) (usage.Allowance, error) {
			limit, period, err := s.Allowance(ctx, customer, metric)
			return usage.Allowance{Limit: limit, Period: period, Upgrade: o.Billing.ManageURL}, err
		},
		Log: o.Log,
	})
}

// reporting returns what makes reports of usage, or nil.
func (o *Options) reporting(store storage.Store, s *subscription.Service) *usage.Reporting {
	if s == nil || len(o.Billing.Meters) == 0 {
		return nil
	}
	return &usage.Reporting{
		Store:   store,
		Metrics: slices.Sorted(maps.Keys(o.Billing.Meters)),
		Period: func(ctx context.Context, customer storage.CustomerID) (billing.Period, error) {
			account, err := s.Account(ctx, customer)
			return account.Period(time.Now()), err
		},
		Log: o.Log,
	}
}

// LogUsage returns a Reporter that writes reports to a log.
func LogUsage(log *zap.Logger) billing.Reporter { return logReporter{log} }

type logReporter struct{ log *zap.Logger }

func (l logReporter) ReportUsage(_ context.Context, batch []billing.UsageReport) []error {
	for _, r := range batch {
		l.log.Info("usage", zap.String("id", r.ID), zap.String("customer", r.Customer), zap.String("metric", r.Metric),
			zap.Int64("quantity", r.Quantity), zap.Time("at", r.At))
	}
	return make([]error, len(batch))
}

// Reconciliation says how [Admin.Reconcile] works.
type Reconciliation struct {
	// DryRun only reports.
	DryRun bool
	// Force goes on however many customers would be shut out. Without it, more than
	// 5 % of them, though 3 always may be and 10 at most, stop the run before it
	// changes anything: that many at once are rarely right.
	Force bool
	// Report is called for each customer that differs from what the payment
	// provider says, or can't be read.
	Report func(Difference)
}

// Difference is what the payment provider says otherwise of one customer.
type Difference struct {
	Customer storage.CustomerID
	// Before and After are the states of the account, PlanBefore and PlanAfter the
	// IDs of its plan.
	Before, After         billing.State
	PlanBefore, PlanAfter string
	// Cut says that the customer may come in no longer.
	Cut bool
	// Err says why the customer was left as it is.
	Err error
}

// Reconcile reads from the payment provider what is true of everybody who ever
// bought something, and stores that. The host does this by itself, a day after the
// last reading at the latest; the command is for after a fault.
func (a *Admin) Reconcile(ctx context.Context, r Reconciliation) error {
	if !a.app.Sells() {
		return errors.New("heycmo: this host has no payment provider")
	}
	err := a.app.Subscriptions.Reconcile(ctx, subscription.ReconcileOptions{DryRun: r.DryRun, Force: r.Force}, func(d subscription.Difference) {
		if r.Report != nil {
			r.Report(Difference(d))
		}
	})
	if err != nil {
		return fmt.Errorf("heycmo: reconcile: %w", err)
	}
	return nil
}
