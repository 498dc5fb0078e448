package stripebilling

import (
	"context"
	"errors"

	"github.com/stripe/stripe-go/v76"

	"github.com/heycmo/heycmo-go/billing"
)

// Checkout makes a Checkout Session in mode subscription, for one unit of the
// price (https://docs.stripe.com/api/checkout/sessions/create). The reference is
// its client_reference_id, and stands in the metadata of the subscription.
// Stripe forgets idempotency keys after 24 hours at the earliest. A price or a
// customer that Stripe doesn't know is billing.ErrNotFound.
func (p *Provider) Checkout(ctx context.Context, r billing.CheckoutRequest) (billing.Checkout, error) {
	switch {
	case !idempotencyKey.MatchString(r.IdempotencyKey):
		return billing.Checkout{}, refused("idempotency_key_invalid")
	case !priceID.MatchString(r.Price):
		return billing.Checkout{}, billing.ErrNotFound
	case r.Customer != "" && !customerID.MatchString(r.Customer):
		return billing.Checkout{}, billing.ErrNotFound
	case r.Customer == "" && r.Email == "":
		return billing.Checkout{}, refused("email_missing")
	case !webURL(r.SuccessURL), r.CancelURL != "" && !webURL(r.CancelURL):
		return billing.Checkout{}, refused("url_invalid")
	case r.TrialDays < 0:
		return billing.Checkout{}, refused("trial_days_negative")
	}
	params := &stripe.CheckoutSessionParams{
		Params:           stripe.Params{Context: ctx, IdempotencyKey: &r.IdempotencyKey},
		Mode:             new(string(stripe.CheckoutSessionModeSubscription)),
		LineItems:        []*stripe.CheckoutSessionLineItemParams{{Price: &r.Price, Quantity: new(int64(1))}},
		SuccessURL:       &r.SuccessURL,
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{},
	}
	if r.CancelURL != "" {
		params.CancelURL = &r.CancelURL
	}
	if r.Reference != "" {
		params.ClientReferenceID = &r.Reference
		params.SubscriptionData.Metadata = map[string]string{referenceKey: r.Reference}
	}
	if r.Customer != "" {
		params.Customer = &r.Customer
	} else {
		params.CustomerEmail = &r.Email
	}
	if r.TrialDays > 0 {
		params.SubscriptionData.TrialPeriodDays = new(int64(r.TrialDays))
	}
	if r.PromotionCodes {
		params.AllowPromotionCodes = new(true)
	}
	if r.AutomaticTax {
		params.AutomaticTax = &stripe.CheckoutSessionAutomaticTaxParams{Enabled: new(true)}
		if r.Customer != "" {
			// Taxes need an address, which a known customer may lack.
			params.CustomerUpdate = &stripe.CheckoutSessionCustomerUpdateParams{Address: new("auto")}
		}
	}
	s, err := p.sessions.New(params)
	if err != nil {
		return billing.Checkout{}, err
	}
	if !sessionID.MatchString(s.ID) || !webURL(s.URL) {
		return billing.Checkout{}, unavailable(errNotStripe, 0)
	}
	return billing.Checkout{ID: s.ID, URL: s.URL, ExpiresAt: at(s.ExpiresAt)}, nil
}

// Portal makes a session of the customer portal, whose link lives for minutes
// (https://docs.stripe.com/api/customer_portal/sessions/create).
func (p *Provider) Portal(ctx context.Context, r billing.PortalRequest) (string, error) {
	if !customerID.MatchString(r.Customer) {
		return "", billing.ErrNotFound
	}
	if !webURL(r.ReturnURL) {
		return "", refused("url_invalid")
	}
	s, err := p.portals.New(&stripe.BillingPortalSessionParams{
		Params: stripe.Params{Context: ctx}, Customer: &r.Customer, ReturnURL: &r.ReturnURL,
	})
	if err != nil {
		return "", err
	}
	if !webURL(s.URL) {
		return "", unavailable(errNotStripe, 0)
	}
	return s.URL, nil
}

// Prices asks for one price after the other. Those without a single amount
// (tiers, parts of a cent) are left out like unknown ones.
func (p *Provider) Prices(ctx context.Context, ids []string) ([]billing.Price, error) {
	var out []billing.Price
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] || !priceID.MatchString(id) {
			continue
		}
		seen[id] = true
		got, err := p.prices.Get(id, &stripe.PriceParams{Params: stripe.Params{Context: ctx}})
		if errors.Is(err, billing.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if got.ID != id {
			return nil, unavailable(errNotStripe, 0)
		}
		if got.Deleted || got.BillingScheme == stripe.PriceBillingSchemeTiered || (got.UnitAmount == 0 && got.UnitAmountDecimal != 0) {
			continue
		}
		one := billing.Price{ID: got.ID, Currency: string(got.Currency), Amount: got.UnitAmount}
		if got.Recurring != nil {
			one.Interval, one.Count = string(got.Recurring.Interval), int(got.Recurring.IntervalCount)
		}
		out = append(out, one)
	}
	return out, nil
}

// Change changes the only price of a subscription, with Stripe's default
// prorations, or ends it (https://docs.stripe.com/api/subscriptions/update).
// Ending one that has ended is no error.
func (p *Provider) Change(ctx context.Context, id string, c billing.Change) error {
	switch {
	case !subscriptionID.MatchString(id):
		return billing.ErrNotFound
	case !idempotencyKey.MatchString(c.IdempotencyKey):
		return refused("idempotency_key_invalid")
	case c.CancelNow:
		if c.Price != "" {
			return refused("change_contradictory")
		}
		return p.cancel(ctx, id)
	case c.Price == "" && !c.CancelAtPeriodEnd:
		return refused("change_empty")
	case c.Price != "" && !priceID.MatchString(c.Price):
		return billing.ErrNotFound
	}
	params := &stripe.SubscriptionParams{Params: stripe.Params{Context: ctx, IdempotencyKey: &c.IdempotencyKey}}
	if c.CancelAtPeriodEnd {
		params.CancelAtPeriodEnd = new(true)
	}
	if c.Price != "" {
		s, err := p.subscription(ctx, id)
		if err != nil {
			return err
		}
		if s.Items == nil || len(s.Items.Data) != 1 || s.Items.Data[0] == nil {
			return refused("not_one_price")
		}
		params.Items = []*stripe.SubscriptionItemsParams{{ID: &s.Items.Data[0].ID, Price: &c.Price}}
	}
	s, err := p.subscriptions.Update(id, params)
	if err == nil && s.ID != id {
		err = unavailable(errNotStripe, 0)
	}
	return err
}

// cancel takes no idempotency key: Stripe answers a second time that there is
// nothing to cancel.
func (p *Provider) cancel(ctx context.Context, id string) error {
	_, err := p.subscriptions.Cancel(id, &stripe.SubscriptionCancelParams{Params: stripe.Params{Context: ctx}})
	if !errors.Is(err, billing.ErrNotFound) {
		return err
	}
	s, getErr := p.subscription(ctx, id)
	if getErr != nil {
		return getErr
	}
	if s.Status != stripe.SubscriptionStatusCanceled && s.Status != stripe.SubscriptionStatusIncompleteExpired {
		return err
	}
	return nil
}
