package stripebilling

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/stripe/stripe-go/v76"

	"github.com/heycmo/heycmo-go/billing"
)

const reporters = 4 // calls at once; Stripe takes 1000 meter events a second

// ReportUsage sends one meter event for each item
// (https://docs.stripe.com/api/billing/meter-event/create): the metric is the
// event's name, the value stands in payload[value]. Stripe remembers identifiers
// for 24 hours and takes times of the last 35 days and 5 minutes ahead; resend
// within a day. When Stripe can't be asked for one item, the rest isn't tried.
func (p *Provider) ReportUsage(ctx context.Context, batch []billing.UsageReport) []error {
	errs := make([]error, len(batch))
	var next atomic.Int64
	var down atomic.Pointer[billing.UnavailableError]
	var all sync.WaitGroup
	for range min(reporters, len(batch)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(batch); i = int(next.Add(1)) - 1 {
				if e := down.Load(); e != nil {
					errs[i] = e
					continue
				}
				errs[i] = p.report(ctx, batch[i])
				if e, ok := errors.AsType[*billing.UnavailableError](errs[i]); ok {
					down.Store(e)
				}
			}
		})
	}
	all.Wait()
	return errs
}

func (p *Provider) report(ctx context.Context, u billing.UsageReport) error {
	switch {
	case u.ID == "" || len(u.ID) > 100:
		return refused("usage_id_invalid")
	case u.Metric == "" || len(u.Metric) > 100:
		return refused("usage_metric_invalid")
	case u.Quantity < 1:
		return refused("usage_quantity_invalid")
	case u.At.IsZero():
		return refused("usage_time_missing")
	case !customerID.MatchString(u.Customer):
		return billing.ErrNotFound
	}
	_, err := p.meters.New(&stripe.BillingMeterEventParams{
		Params:     stripe.Params{Context: ctx},
		EventName:  &u.Metric,
		Identifier: &u.ID,
		Timestamp:  new(u.At.Unix()),
		Payload:    map[string]string{"stripe_customer_id": u.Customer, "value": strconv.FormatInt(u.Quantity, 10)},
	})
	if errors.Is(err, errDuplicate) {
		return nil // it counts, once
	}
	return err
}
