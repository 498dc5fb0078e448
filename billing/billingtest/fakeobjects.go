package billingtest

import (
	"strconv"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

type price struct {
	billing.Price

	created time.Time
}

type session struct {
	id, status, payment            string
	customer, subscription         string // IDs; empty until it is finished
	email, reference, price        string
	success, cancel, code          string
	trialDays                      int64
	codesAllowed, automaticTax     bool
	metadata, subscriptionMetadata map[string]string
	amount, total                  int64
	created, expires               time.Time
}

type customer struct {
	id, email string
	deleted   bool
	created   time.Time
	metadata  map[string]string
}

type subscription struct {
	id, customer, status, item, price string
	start, end, trialEnd              time.Time
	created, canceled, ended          time.Time
	cancelAtEnd, collectionPaused     bool
	metadata                          map[string]string
}

type promotionCode struct {
	id, coupon, code string
	percent          int
	created          time.Time
}

type meterEvent struct {
	name, customer, identifier string
	value                      int64
	at, created                time.Time
}

type endpoint struct {
	id, url, secret, version string
	events                   []string
	created                  time.Time
}

// unix is a time as Stripe writes it, or null.
func unix(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

// orNull is s, or null if it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func rendered(m map[string]string) obj {
	out := obj{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func (f *Fake) renderPrice(p *price) obj {
	return obj{
		"id": p.ID, "object": "price", "active": true, "billing_scheme": "per_unit", "created": unix(p.created),
		"currency": p.Currency, "custom_unit_amount": nil, "livemode": f.opts.Live, "lookup_key": nil, "metadata": obj{}, "nickname": nil,
		"product": "prod_" + p.ID, "recurring": obj{
			"aggregate_usage": nil, "interval": p.Interval, "interval_count": p.Count, "trial_period_days": nil, "usage_type": "licensed",
		},
		"tax_behavior": "unspecified", "tiers_mode": nil, "transform_quantity": nil, "type": "recurring",
		"unit_amount": p.Amount, "unit_amount_decimal": strconv.FormatInt(p.Amount, 10),
	}
}

func (f *Fake) renderSession(s *session, expand map[string]bool) obj {
	var details any
	if s.status == "complete" {
		details = obj{"address": nil, "email": s.email, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}
	}
	customer, subscription := orNull(s.customer), orNull(s.subscription)
	if c := f.customers.byID[s.customer]; c != nil && expand["customer"] {
		customer = f.renderCustomer(c)
	}
	if sub := f.subscriptions.byID[s.subscription]; sub != nil && expand["subscription"] {
		subscription = f.renderSubscription(sub, nil)
	}
	url := any(nil)
	if s.status == "open" {
		url = f.opts.URL + pagePath + s.id
	}
	given := any(nil) // the address that the form began with
	if s.customer == "" || s.status != "open" {
		given = orNull(s.email)
	}
	return obj{
		"id": s.id, "object": "checkout.session", "allow_promotion_codes": s.codesAllowed, "amount_subtotal": s.amount, "amount_total": s.total,
		"automatic_tax": obj{"enabled": s.automaticTax, "status": nil}, "cancel_url": orNull(s.cancel), "client_reference_id": orNull(s.reference),
		"created": unix(s.created), "currency": f.prices.byID[s.price].Currency, "customer": customer, "customer_creation": "always", "customer_details": details,
		"customer_email": given, "expires_at": unix(s.expires), "invoice": nil, "livemode": f.opts.Live, "locale": nil,
		"metadata": rendered(s.metadata), "mode": "subscription", "payment_intent": nil, "payment_method_collection": "always",
		"payment_method_types": []string{"card"}, "payment_status": s.payment, "setup_intent": nil, "status": s.status, "submit_type": nil,
		"subscription": subscription, "success_url": s.success, "ui_mode": "hosted", "url": url,
	}
}

func (f *Fake) renderCustomer(c *customer) obj {
	if c.deleted {
		return obj{"id": c.id, "object": "customer", "deleted": true}
	}
	return obj{
		"id": c.id, "object": "customer", "address": nil, "balance": 0, "created": unix(c.created), "currency": nil, "default_source": nil,
		"delinquent": false, "description": nil, "discount": nil, "email": orNull(c.email), "invoice_prefix": "FAKE", "livemode": f.opts.Live,
		"metadata": rendered(c.metadata), "name": nil, "phone": nil, "preferred_locales": []any{}, "shipping": nil, "tax_exempt": "none", "test_clock": nil,
	}
}

func (f *Fake) renderItem(s *subscription) obj {
	return obj{
		"id": s.item, "object": "subscription_item", "created": unix(s.created), "metadata": obj{}, "price": f.renderPrice(f.prices.byID[s.price]), "quantity": 1,
		"subscription": s.id, "tax_rates": []any{},
	}
}

func (f *Fake) renderSubscription(s *subscription, expand map[string]bool) obj {
	var pause, trialStart, cancelAt any
	customer := any(s.customer)
	if expand["customer"] {
		customer = f.renderCustomer(f.customers.byID[s.customer])
	}
	if s.collectionPaused {
		pause = obj{"behavior": "void", "resumes_at": nil}
	}
	if !s.trialEnd.IsZero() {
		trialStart = unix(s.created)
	}
	if s.cancelAtEnd {
		cancelAt = unix(s.end)
	}
	return obj{
		"id": s.id, "object": "subscription", "application": nil, "automatic_tax": obj{"enabled": false}, "billing_cycle_anchor": unix(s.created),
		"cancel_at": cancelAt, "cancel_at_period_end": s.cancelAtEnd, "canceled_at": unix(s.canceled), "collection_method": "charge_automatically",
		"created": unix(s.created), "currency": f.prices.byID[s.price].Currency, "current_period_end": unix(s.end), "current_period_start": unix(s.start), "customer": customer,
		"default_payment_method": nil, "description": nil, "discount": nil, "ended_at": unix(s.ended),
		"items": obj{
			"object": "list", "data": []any{f.renderItem(s)}, "has_more": false, "total_count": 1, "url": "/v1/subscription_items?subscription=" + s.id,
		},
		"latest_invoice": nil, "livemode": f.opts.Live, "metadata": rendered(s.metadata), "pause_collection": pause, "pending_update": nil,
		"schedule": nil, "start_date": unix(s.created), "status": s.status, "test_clock": nil, "trial_end": unix(s.trialEnd), "trial_start": trialStart,
	}
}

func (f *Fake) renderCode(c *promotionCode) obj {
	return obj{
		"id": c.id, "object": "promotion_code", "active": true, "code": c.code, "coupon": obj{
			"id": c.coupon, "object": "coupon", "amount_off": nil, "duration": "once", "percent_off": c.percent, "valid": true,
		},
		"created": unix(c.created), "customer": nil, "expires_at": nil, "livemode": f.opts.Live, "max_redemptions": nil, "metadata": obj{},
		"restrictions": obj{"first_time_transaction": false, "minimum_amount": nil, "minimum_amount_currency": nil}, "times_redeemed": 0,
	}
}

// renderEndpoint shows the secret only to who makes it.
func (f *Fake) renderEndpoint(e *endpoint, secret bool) obj {
	out := obj{
		"id": e.id, "object": "webhook_endpoint", "api_version": orNull(e.version), "application": nil, "created": unix(e.created), "description": nil,
		"enabled_events": e.events, "livemode": f.opts.Live, "metadata": obj{}, "status": "enabled", "url": e.url,
	}
	if secret {
		out["secret"] = e.secret
	}
	return out
}

func (f *Fake) renderInvoice(s *subscription, status string) obj {
	p := f.prices.byID[s.price]
	return obj{
		"id": newID("in_", 24), "object": "invoice", "amount_due": p.Amount, "attempt_count": 1, "attempted": true, "billing_reason": "subscription_cycle",
		"created": unix(f.now()), "currency": p.Currency, "customer": s.customer, "customer_email": orNull(f.customers.byID[s.customer].email), "livemode": f.opts.Live,
		"metadata": obj{}, "paid": status == "paid", "period_end": unix(s.end), "period_start": unix(s.start), "status": status, "subscription": s.id,
	}
}
