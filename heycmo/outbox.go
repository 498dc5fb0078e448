package heycmo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// outbox returns what does the host's effects, or nil when there can be none.
func (o *Options) outbox(a *app.App, store storage.Store, s *subscription.Service, r *runner.Runner, c *connection.Service, product string) *outbox.Worker {
	effects, ok := storage.RoleOf[storage.Effects](store)
	if !ok || o.OnEvent == nil && o.Notifier == nil && o.Billing == nil && r == nil && c == nil {
		return nil
	}
	handlers := map[string]outbox.Handler{}
	if o.OnEvent != nil {
		handlers[outbox.KindEvent] = func(ctx context.Context, e storage.Effect) error {
			event, err := outbox.EventOf(e)
			if err != nil {
				return err
			}
			return o.OnEvent(ctx, event)
		}
	}
	if r != nil {
		handlers[runner.KindBegin], handlers[runner.KindSignal], handlers[runner.KindFanOut] = r.DoBegin, r.DoSignal, r.DoFanOut
	}
	if c != nil {
		maps.Copy(handlers, c.Handlers())
	}
	if o.Notifier != nil {
		handlers[outbox.KindNotice] = func(ctx context.Context, e storage.Effect) error {
			return o.sendNotice(ctx, a, store, e, product)
		}
	}
	if s != nil && len(o.Billing.Meters) > 0 {
		reporter := o.Billing.Reporter
		if reporter == nil {
			reporter, _ = o.Billing.Provider.(billing.Reporter) // validate has looked
		}
		handlers[usage.KindReport] = func(ctx context.Context, e storage.Effect) error {
			return o.reportUsage(ctx, s, reporter, e)
		}
	}
	return outbox.New(effects, handlers, o.Log)
}

// reportUsage sends a stored report under the provider's names. Who never bought
// anything isn't billed for usage.
func (o *Options) reportUsage(ctx context.Context, s *subscription.Service, reporter billing.Reporter, e storage.Effect) error {
	var r usage.Report
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	account, err := s.Account(ctx, e.Customer)
	if err != nil {
		return err
	}
	name := o.Billing.Meters[r.Metric]
	if account.ProviderCustomer == "" || account.Gone || name == "" {
		return nil
	}
	errs := reporter.ReportUsage(ctx, []billing.UsageReport{{
		ID: r.ID, Customer: account.ProviderCustomer, Metric: name, Quantity: r.Quantity, At: r.At,
	}})
	return errors.Join(errs...)
}

// sendNotice fills a stored notice in with what is known today, and sends it.
func (o *Options) sendNotice(ctx context.Context, a *app.App, store storage.Store, e storage.Effect, product string) error {
	var n notify.Notice
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	c, err := store.Customer(ctx, e.Customer)
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	if err != nil {
		return err
	}
	unwanted, err := a.UnwantedNotices(ctx, e.Customer)
	if err != nil {
		return err
	}
	if slices.Contains(unwanted, n.Kind) {
		return nil
	}
	n.Email, n.BrandName, n.Product = c.Email, c.BrandName, product
	if o.Billing != nil && n.Kind != notify.KindKeyIssued && n.Kind != notify.KindPaymentArrived {
		n.URL = o.Billing.ManageURL
	}
	err = o.Notifier.Notify(ctx, n)
	if errors.Is(err, notify.ErrPermanent) {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	return err
}
