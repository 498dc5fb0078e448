package stripebilling

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"

	"github.com/heycmo/heycmo-go/billing"
)

// referenceKey is the metadata of a subscription in which Checkout leaves its
// Reference.
const referenceKey = "heycmo_reference"

// Read asks for the object of ref, its customer and all subscriptions of the
// customer, ended ones included: at least two calls. An ID that can't be one of
// Stripe's is billing.ErrNotFound without a call.
func (p *Provider) Read(ctx context.Context, ref billing.Ref) (billing.Snapshot, error) {
	switch {
	case ref.Session != "":
		return p.readSession(ctx, ref.Session)
	case ref.Subscription != "":
		return p.readSubscription(ctx, ref.Subscription)
	case ref.Customer != "":
		return p.readCustomer(ctx, ref.Customer)
	}
	return billing.Snapshot{}, billing.ErrNotFound
}

func (p *Provider) readSession(ctx context.Context, id string) (billing.Snapshot, error) {
	if !sessionID.MatchString(id) {
		return billing.Snapshot{}, billing.ErrNotFound
	}
	params := &stripe.CheckoutSessionParams{Params: stripe.Params{Context: ctx}}
	params.AddExpand("customer")
	params.AddExpand("subscription")
	s, err := p.sessions.Get(id, params)
	if err != nil {
		return billing.Snapshot{}, err
	}
	if s.ID != id {
		return billing.Snapshot{}, unavailable(errNotStripe, 0)
	}
	snapshot := billing.Snapshot{Session: sessionState(s), Reference: s.ClientReferenceID, Email: s.CustomerEmail}
	if s.CustomerDetails != nil {
		snapshot.Email = cmp.Or(s.CustomerDetails.Email, snapshot.Email)
	}
	if s.Customer == nil {
		return snapshot, nil
	}
	return p.complete(ctx, snapshot, s.Customer, s.Subscription)
}

func (p *Provider) readSubscription(ctx context.Context, id string) (billing.Snapshot, error) {
	if !subscriptionID.MatchString(id) {
		return billing.Snapshot{}, billing.ErrNotFound
	}
	s, err := p.subscription(ctx, id)
	if err != nil {
		return billing.Snapshot{}, err
	}
	return p.complete(ctx, billing.Snapshot{Reference: s.Metadata[referenceKey]}, s.Customer, s)
}

// subscription gets one with its customer.
func (p *Provider) subscription(ctx context.Context, id string) (*stripe.Subscription, error) {
	params := &stripe.SubscriptionParams{Params: stripe.Params{Context: ctx}}
	params.AddExpand("customer")
	s, err := p.subscriptions.Get(id, params)
	if err != nil {
		return nil, err
	}
	if s.ID != id || s.Customer == nil {
		return nil, unavailable(errNotStripe, 0)
	}
	return s, nil
}

func (p *Provider) readCustomer(ctx context.Context, id string) (billing.Snapshot, error) {
	if !customerID.MatchString(id) {
		return billing.Snapshot{}, billing.ErrNotFound
	}
	c, err := p.customers.Get(id, &stripe.CustomerParams{Params: stripe.Params{Context: ctx}})
	if err != nil {
		return billing.Snapshot{}, err
	}
	if c.ID != id {
		return billing.Snapshot{}, unavailable(errNotStripe, 0)
	}
	return p.complete(ctx, billing.Snapshot{}, c, nil)
}

// complete adds the customer and all subscriptions. known is one that was read
// before; what the list says of it is newer.
func (p *Provider) complete(ctx context.Context, s billing.Snapshot, c *stripe.Customer, known *stripe.Subscription) (billing.Snapshot, error) {
	if !customerID.MatchString(c.ID) || c.Object != "customer" {
		return billing.Snapshot{}, unavailable(errNotStripe, 0)
	}
	s.Customer, s.Gone, s.Email = c.ID, c.Deleted, cmp.Or(c.Email, s.Email)
	query := &form.Values{}
	query.Add("customer", c.ID)
	query.Add("status", "all")
	for sub, err := range list(ctx, p, "/v1/subscriptions", query, func(s *stripe.Subscription) string { return s.ID }) {
		// Whether a deleted customer's are still listed, Stripe doesn't say.
		if c.Deleted && errors.Is(err, billing.ErrNotFound) {
			break
		}
		if err != nil {
			return billing.Snapshot{}, noEnd(err)
		}
		if sub.Customer == nil || sub.Customer.ID != c.ID {
			return billing.Snapshot{}, unavailable(errNotStripe, 0)
		}
		if known != nil && known.ID == sub.ID {
			known = nil
		}
		if s.Subscriptions, err = p.add(ctx, s.Subscriptions, sub); err != nil {
			return billing.Snapshot{}, err
		}
	}
	if known != nil {
		var err error
		if s.Subscriptions, err = p.add(ctx, s.Subscriptions, known); err != nil {
			return billing.Snapshot{}, err
		}
	}
	return s, nil
}

// noEnd keeps a list that is missing from looking like a customer that is: the
// customer was there a moment ago.
func noEnd(err error) error {
	if errors.Is(err, billing.ErrNotFound) {
		return unavailable(errNotStripe, 0)
	}
	return err
}

func (p *Provider) add(ctx context.Context, all []billing.Subscription, s *stripe.Subscription) ([]billing.Subscription, error) {
	out := billing.Subscription{
		ID:                s.ID,
		Phase:             phase(s.Status),
		Raw:               string(s.Status[:min(len(s.Status), 40)]),
		PeriodStart:       at(s.CurrentPeriodStart),
		PeriodEnd:         at(s.CurrentPeriodEnd),
		TrialEnd:          at(s.TrialEnd),
		CancelAtPeriodEnd: s.CancelAtPeriodEnd || (s.CancelAt > 0 && s.CancelAt <= s.CurrentPeriodEnd),
		EndedAt:           at(s.EndedAt),
		CollectionPaused:  s.PauseCollection != nil,
	}
	if s.Items == nil {
		return nil, unavailable(errNotStripe, 0)
	}
	for _, item := range s.Items.Data {
		if item != nil && item.Price != nil {
			out.Prices = append(out.Prices, item.Price.ID)
		}
	}
	if s.Items.HasMore {
		out.Prices = nil
		query := &form.Values{}
		query.Add("subscription", s.ID)
		for item, err := range list(ctx, p, "/v1/subscription_items", query, func(i *stripe.SubscriptionItem) string { return i.ID }) {
			if err != nil {
				return nil, noEnd(err)
			}
			if item.Price != nil {
				out.Prices = append(out.Prices, item.Price.ID)
			}
		}
	}
	return append(all, out), nil
}

func at(seconds int64) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// sessionState is the state of a checkout
// (https://docs.stripe.com/api/checkout/sessions/object). What isn't known counts
// as not paid.
func sessionState(s *stripe.CheckoutSession) billing.SessionState {
	switch s.Status {
	case stripe.CheckoutSessionStatusExpired:
		return billing.SessionExpired
	case stripe.CheckoutSessionStatusComplete:
		switch s.PaymentStatus {
		case stripe.CheckoutSessionPaymentStatusPaid, stripe.CheckoutSessionPaymentStatusNoPaymentRequired:
			return billing.SessionPaid
		}
		return billing.SessionUnpaid
	}
	return billing.SessionOpen
}

// phase is the status of a subscription
// (https://docs.stripe.com/api/subscriptions/object#subscription_object-status).
func phase(s stripe.SubscriptionStatus) billing.Phase {
	switch p := billing.Phase(s); p {
	case billing.PhaseIncomplete, billing.PhaseIncompleteExpired, billing.PhaseTrialing, billing.PhaseActive,
		billing.PhasePastDue, billing.PhaseUnpaid, billing.PhasePaused, billing.PhaseCanceled:
		return p
	}
	return billing.PhaseUnknown
}

// page is one page of a list (https://docs.stripe.com/api/pagination).
type page[T any] struct {
	stripe.APIResource

	Object  string `json:"object"`
	HasMore bool   `json:"has_more"`
	Data    []*T   `json:"data"`
}

const (
	pageSize = "100" // Stripe's maximum
	maxPages = 100
)

// list goes through all pages. The library's iterator panics on a null in the
// data and takes any object for an empty list, which would look like "nothing
// is subscribed".
func list[T any](ctx context.Context, p *Provider, path string, query *form.Values, id func(*T) string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		query.Set("limit", pageSize)
		for range maxPages {
			var got page[T]
			err := p.api.CallRaw("GET", path, p.key, query, &stripe.Params{Context: ctx}, &got)
			if err == nil && (got.Object != "list" || got.Data == nil || (got.HasMore && len(got.Data) == 0)) {
				err = unavailable(errNotStripe, 0)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			last := ""
			for _, item := range got.Data {
				if item == nil || id(item) == "" {
					yield(nil, unavailable(errNotStripe, 0))
					return
				}
				last = id(item)
				if !yield(item, nil) {
					return
				}
			}
			if !got.HasMore {
				return
			}
			query.Set("starting_after", last)
		}
		yield(nil, unavailable(errEndless, 0))
	}
}
