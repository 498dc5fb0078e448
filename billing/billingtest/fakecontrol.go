package billingtest

import (
	"errors"
	"fmt"
	"time"
)

// Pay finishes a checkout as a person with a good card does, or one who takes a
// trial. The customer and the subscription exist afterwards.
func (f *Fake) Pay(session string) error { return f.finish(session, "", true) }

// PayWith is Pay with a promotion code.
func (f *Fake) PayWith(session, code string) error { return f.finish(session, code, true) }

// PayLater finishes a checkout with a method that takes days. The session is
// complete and unpaid, the subscription incomplete, until Settle.
func (f *Fake) PayLater(session string) error { return f.finish(session, "", false) }

var errState = errors.New("billingtest: the fake's object is not in a state for that")

func (f *Fake) finish(id, code string, now bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions.byID[id]
	if s == nil {
		return errNoSuch
	}
	if s.status != "open" {
		return errState
	}
	if code != "" {
		percent := -1
		for _, c := range f.codes.byID {
			if c.code == code {
				percent = c.percent
			}
		}
		if !s.codesAllowed || percent < 0 {
			return fmt.Errorf("%w: no such promotion code, or none allowed", errState)
		}
		s.code, s.total = code, s.amount*int64(100-percent)/100
	}
	at := f.now()
	if s.customer == "" {
		c := &customer{email: s.email}
		f.addCustomer(c)
		s.customer = c.id
	}
	sub := &subscription{
		id: newID("sub_", 24), customer: s.customer, item: newID("si_", 14), price: s.price, created: at, start: at,
		metadata: s.subscriptionMetadata,
	}
	sub.end = f.periodAfter(sub, at)
	s.status, s.subscription = "complete", sub.id
	switch {
	case s.trialDays > 0:
		sub.status, s.payment = "trialing", "no_payment_required"
		sub.trialEnd = at.AddDate(0, 0, int(s.trialDays))
		sub.end = sub.trialEnd
	case s.total == 0:
		sub.status, s.payment = "active", "no_payment_required"
	case now:
		sub.status, s.payment = "active", "paid"
	default:
		sub.status, s.payment = "incomplete", "unpaid"
	}
	f.subscriptions.add(sub.id, sub)
	f.tell("customer.subscription.created", f.renderSubscription(sub, nil))
	if s.payment != "unpaid" {
		f.tell("invoice.paid", f.renderInvoice(sub, "paid"))
	}
	f.tell("checkout.session.completed", f.renderSession(s, nil))
	return nil
}

// Settle ends what PayLater began: the money came, or it didn't.
func (f *Fake) Settle(session string, paid bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions.byID[session]
	if s == nil {
		return errNoSuch
	}
	sub := f.subscriptions.byID[s.subscription]
	if s.status != "complete" || s.payment != "unpaid" || sub.status != "incomplete" {
		return errState
	}
	if paid {
		s.payment, sub.status = "paid", "active"
		f.tell("invoice.paid", f.renderInvoice(sub, "paid"))
		f.updated(sub)
		f.tell("checkout.session.async_payment_succeeded", f.renderSession(s, nil))
		return nil
	}
	sub.status, sub.ended = "incomplete_expired", f.now()
	f.updated(sub)
	f.tell("checkout.session.async_payment_failed", f.renderSession(s, nil))
	return nil
}

// Expire ends an open checkout.
func (f *Fake) Expire(session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions.byID[session]
	if s == nil {
		return errNoSuch
	}
	if s.status != "open" {
		return errState
	}
	f.expire(s)
	return nil
}

func (f *Fake) expire(s *session) {
	s.status = "expired"
	f.tell("checkout.session.expired", f.renderSession(s, nil))
}

// change changes a subscription that has not ended and tells of it.
func (f *Fake) change(id string, do func(s *subscription)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.subscriptions.byID[id]
	if s == nil {
		return errNoSuch
	}
	if !s.ended.IsZero() {
		return errState
	}
	do(s)
	return nil
}

func (f *Fake) updated(s *subscription) {
	f.tell("customer.subscription.updated", f.renderSubscription(s, nil))
}

// Renew pays for the next period, which follows the one so far wherever the clock
// stands. A trial, or a subscription that was past due before, is active then.
func (f *Fake) Renew(sub string) error {
	return f.change(sub, func(s *subscription) {
		s.start, s.end = s.end, f.periodAfter(s, s.end)
		s.status = "active"
		f.tell("invoice.paid", f.renderInvoice(s, "paid"))
		f.updated(s)
	})
}

// FailRenewal begins the next period without money: past due.
func (f *Fake) FailRenewal(sub string) error {
	return f.change(sub, func(s *subscription) {
		s.start, s.end = s.end, f.periodAfter(s, s.end)
		s.status = "past_due"
		f.tell("invoice.payment_failed", f.renderInvoice(s, "open"))
		f.updated(s)
	})
}

// Recover pays what is due: active again.
func (f *Fake) Recover(sub string) error {
	return f.change(sub, func(s *subscription) {
		s.status = "active"
		f.tell("invoice.paid", f.renderInvoice(s, "paid"))
		f.updated(s)
	})
}

// SetStatus gives a subscription any status, such as "unpaid", or one that no
// version of the API knows.
func (f *Fake) SetStatus(sub, status string) error {
	return f.change(sub, func(s *subscription) {
		s.status = status
		f.updated(s)
	})
}

// Cancel ends a subscription now.
func (f *Fake) Cancel(sub string) error { return f.change(sub, f.end) }

// CancelAtPeriodEnd lets a subscription end with its period, or not.
func (f *Fake) CancelAtPeriodEnd(sub string, on bool) error {
	return f.change(sub, func(s *subscription) {
		f.endLater(s, on)
		f.updated(s)
	})
}

func (f *Fake) endLater(s *subscription, on bool) {
	s.cancelAtEnd, s.canceled = on, time.Time{}
	if on {
		s.canceled = f.now()
	}
}

func (f *Fake) end(s *subscription) {
	s.status, s.ended = "canceled", f.now()
	if s.canceled.IsZero() {
		s.canceled = s.ended
	}
	f.tell("customer.subscription.deleted", f.renderSubscription(s, nil))
}

// Pause is the end of a trial for which there is no card.
func (f *Fake) Pause(sub string) error {
	return f.change(sub, func(s *subscription) {
		s.status = "paused"
		f.tell("customer.subscription.paused", f.renderSubscription(s, nil))
	})
}

// Resume ends Pause.
func (f *Fake) Resume(sub string) error {
	return f.change(sub, func(s *subscription) {
		s.status = "active"
		f.tell("customer.subscription.resumed", f.renderSubscription(s, nil))
	})
}

// PauseCollection stops charging without a change of the status, or ends that.
func (f *Fake) PauseCollection(sub string, on bool) error {
	return f.change(sub, func(s *subscription) {
		s.collectionPaused = on
		f.updated(s)
	})
}

// ChangePlan gives a subscription another price.
func (f *Fake) ChangePlan(sub, price string) error {
	f.mu.Lock()
	known := f.prices.byID[price] != nil
	f.mu.Unlock()
	if !known {
		return errNoSuch
	}
	return f.change(sub, func(s *subscription) {
		s.price = price
		f.updated(s)
	})
}

// TrialWillEnd tells what Stripe tells three days before a trial ends.
func (f *Fake) TrialWillEnd(sub string) error {
	return f.change(sub, func(s *subscription) { f.tell("customer.subscription.trial_will_end", f.renderSubscription(s, nil)) })
}

// RequireAction has a renewal wait for the bank's question to the person.
func (f *Fake) RequireAction(sub string) error {
	return f.change(sub, func(s *subscription) {
		s.status = "past_due"
		f.tell("invoice.payment_action_required", f.renderInvoice(s, "open"))
		f.updated(s)
	})
}

// Dispute has the card's holder dispute the last charge. The subscription stays
// as it is, and the event names the charge only, as Stripe's does.
func (f *Fake) Dispute(sub string) error {
	return f.change(sub, func(s *subscription) {
		p := f.prices.byID[s.price]
		f.tell("charge.dispute.created", obj{
			"id": newID("dp_", 24), "object": "dispute", "amount": p.Amount, "charge": newID("ch_", 24), "created": unix(f.now()), "currency": p.Currency,
			"livemode": f.opts.Live, "payment_intent": newID("pi_", 24), "reason": "fraudulent", "status": "needs_response",
		})
	})
}

// Refund gives the last payment back.
func (f *Fake) Refund(sub string) error {
	return f.change(sub, func(s *subscription) {
		p := f.prices.byID[s.price]
		f.tell("charge.refunded", obj{
			"id": newID("ch_", 24), "object": "charge", "amount": p.Amount, "amount_refunded": p.Amount, "created": unix(f.now()), "currency": p.Currency,
			"customer": s.customer, "livemode": f.opts.Live, "refunded": true, "status": "succeeded",
		})
	})
}

// DeleteCustomer deletes a customer, which ends the subscriptions.
func (f *Fake) DeleteCustomer(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.customers.byID[id]
	if c == nil || c.deleted {
		return errNoSuch
	}
	f.deleteCustomer(c)
	return nil
}

func (f *Fake) deleteCustomer(c *customer) {
	for _, id := range f.subscriptions.ids {
		if s := f.subscriptions.byID[id]; s.customer == c.id && s.ended.IsZero() {
			f.end(s)
		}
	}
	was := f.renderCustomer(c)
	c.deleted = true
	f.tell("customer.deleted", was)
}

func (f *Fake) addCustomer(c *customer) {
	c.id, c.created = newID("cus_", 14), f.now()
	f.customers.add(c.id, c)
	f.tell("customer.created", f.renderCustomer(c))
}

// CustomerOf is the customer of a checkout; empty before there is one.
func (f *Fake) CustomerOf(session string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.sessions.byID[session]; s != nil {
		return s.customer
	}
	return ""
}

// SubscriptionOf is the subscription that a checkout made; empty before.
func (f *Fake) SubscriptionOf(session string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.sessions.byID[session]; s != nil {
		return s.subscription
	}
	return ""
}

func (f *Fake) periodAfter(s *subscription, t time.Time) time.Time {
	p := f.prices.byID[s.price]
	n := max(p.Count, 1)
	switch p.Interval {
	case "day":
		return t.AddDate(0, 0, n)
	case "week":
		return t.AddDate(0, 0, 7*n)
	case "year":
		return t.AddDate(n, 0, 0)
	}
	return t.AddDate(0, n, 0)
}
