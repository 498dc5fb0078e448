package billing

import (
	"fmt"
	"slices"
	"time"
)

// DecideOptions are the host's policies. Nil and the zero value are the defaults.
type DecideOptions struct {
	// Grace is how long a customer whose payment failed is still let in, from the
	// first time that it was seen; 0: 7 days, negative: not at all.
	Grace time.Duration
	// TrialNotice is how long before its end a trial is told of; 0: 3 days.
	TrialNotice time.Duration
	// SuspendPausedCollection shuts out customers of whom nothing is charged for
	// now. By default they are let in.
	SuspendPausedCollection bool
}

func (o *DecideOptions) grace() time.Duration {
	switch {
	case o == nil || o.Grace == 0:
		return 7 * 24 * time.Hour
	default:
		return max(o.Grace, 0)
	}
}

func (o *DecideOptions) trialNotice() time.Duration {
	if o == nil || o.TrialNotice <= 0 {
		return 3 * 24 * time.Hour
	}
	return o.TrialNotice
}

// Decide returns the account as it is after a snapshot, and what is to be done
// about the change. It has no other inputs and no side effects. The same snapshot
// again changes nothing. An old one can't bring back what has ended, but may undo a
// later change until the next is read: read and store under one lease.
//
//   - Subscriptions count when a price of theirs is in plans. Of several, one that
//     lets the customer in is enough. The plan is that of one that is paid rather
//     than in grace, and of these the last in the list.
//   - A customer comes in for the first time by a subscription that is active or in
//     trial, once the checkout is paid, or by an admin.
//   - A payment that failed leaves DecideOptions.Grace. Later failures don't begin it
//     anew; only a subscription that is active or in trial again ends it.
//   - Unpaid and paused subscriptions shut out at once, and can be cured.
//   - Canceled and expired ones are over for good, whatever is said of them later.
//     So are all of a customer that the provider deleted.
//   - Incomplete ones and those in a phase that is not known stay as they were.
//
// Nobody is shut out by something that isn't there. A subscription that a snapshot
// doesn't list stays as it was, and the zero Snapshot, which may also be given for
// an error of the provider such as [ErrNotFound], tells nothing: Decide then only
// looks at the clock. Times are kept in whole seconds, UTC.
func Decide(was Account, s Snapshot, plans []Plan, o *DecideOptions, now time.Time) (Account, []Effect) {
	d := decision{Account: was, plans: plans, options: o, now: whole(now)}
	d.Subscriptions = slices.Clone(was.Subscriptions)
	if len(was.Subscriptions) > 0 && was.Subscriptions[0].Confirmed {
		d.counted = was.Subscriptions[0].ID
	}
	if !isZero(s) {
		d.take(s)
	}
	d.conclude()
	return d.Account, d.effects
}

func isZero(s Snapshot) bool {
	return s.Session == SessionNone && s.Reference == "" && s.Customer == "" && !s.Gone && len(s.Subscriptions) == 0
}

// whole strips what storage and comparisons would trip over.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// decision is an account on its way from one state to the next.
type decision struct {
	Account
	plans   []Plan
	options *DecideOptions
	now     time.Time
	counted string // the subscription that counted before
	effects []Effect
}

func (d *decision) tell(e Effect) {
	e.Customer = d.Customer
	d.effects = append(d.effects, e)
}

func (d *decision) alert(reason, subscription, text string) {
	d.tell(Effect{
		ID: effectID("alert", d.Customer, subscription, reason), Kind: EffectAlert,
		Subscription: subscription, Text: text,
	})
}

// take brings what the snapshot tells into the account.
func (d *decision) take(s Snapshot) {
	if reason, text := d.refuses(s); reason != "" {
		if d.Alert != reason {
			d.alert(reason, "", text)
		}
		d.Alert = reason
		return
	}
	d.Alert = ""
	d.session(s.Session)
	if d.Gone && (s.Customer == "" || s.Customer == d.ProviderCustomer) {
		return // what was deleted doesn't come back
	}
	if d.adopts(s) {
		d.ProviderCustomer, d.Gone = s.Customer, false
	}
	if s.Gone {
		d.gone(s.Customer)
		return
	}
	seen := worst(s.Subscriptions)
	for _, sub := range seen {
		d.see(sub, s.Customer)
	}
	d.missing(s.Customer, seen)
}

// refuses says why a snapshot is not about this account.
func (d *decision) refuses(s Snapshot) (reason, text string) {
	ours := func(sub Subscription) bool { return d.find(sub.ID) >= 0 }
	switch {
	case d.Customer == "":
		return AlertUnnamed, "the account has no customer ID"
	case s.Gone && s.Customer == "":
		return AlertUnnamed, "a deleted customer without an ID"
	case s.Reference != "" && s.Reference != d.Customer:
		return AlertOther, fmt.Sprintf("the snapshot is of customer %q", s.Reference)
	case s.Reference == "" && s.Customer != "" && d.ProviderCustomer != "" && s.Customer != d.ProviderCustomer &&
		!slices.ContainsFunc(s.Subscriptions, ours):
		return AlertOther, fmt.Sprintf("the snapshot is of the provider's customer %q, not %q", s.Customer, d.ProviderCustomer)
	default:
		return "", ""
	}
}

// adopts reports whether the provider's customer becomes the account's: the first
// one, and one that a new checkout has made. What is told of others counts too, but
// they are not who pays from now on.
func (d *decision) adopts(s Snapshot) bool {
	switch {
	case s.Customer == "" || s.Customer == d.ProviderCustomer:
		return false
	case d.ProviderCustomer == "":
		return true
	default:
		return s.Reference != "" && !s.Gone && (d.Gone || s.Session != SessionNone)
	}
}

// How far a checkout is; it only goes forward.
var sessionOrder = []SessionState{SessionNone, SessionOpen, SessionUnpaid, SessionExpired, SessionPaid}

func (d *decision) session(s SessionState) {
	if slices.Index(sessionOrder, s) > slices.Index(sessionOrder, d.Session) {
		d.Session = s
	}
}

// paid reports whether no checkout is in the way of a new subscription. The
// provider may call one active while the money is on its way.
func (d *decision) paid() bool {
	if d.OpenedAt.IsZero() && !d.Granted {
		return d.Session == SessionPaid
	}
	return d.Session != SessionOpen && d.Session != SessionUnpaid
}

func (d *decision) gone(customer string) {
	d.Gone = d.Gone || customer == d.ProviderCustomer
	for i := range d.Subscriptions {
		if s := &d.Subscriptions[i]; s.Customer == customer || s.Customer == "" {
			s.Ended, s.Alert = true, ""
		}
	}
}

// worst leaves one subscription for each ID, the one that gives least.
func worst(subs []Subscription) []Subscription {
	kept := make([]Subscription, 0, len(subs))
	for _, sub := range subs {
		i := slices.IndexFunc(kept, func(k Subscription) bool { return k.ID == sub.ID })
		switch {
		case sub.ID == "":
		case i < 0:
			kept = append(kept, sub)
		case phaseOrder(sub.Phase) < phaseOrder(kept[i].Phase):
			kept[i] = sub
		}
	}
	return kept
}

// missing alerts of subscriptions that the provider should list.
func (d *decision) missing(customer string, seen []Subscription) {
	for i := range d.Subscriptions {
		s := &d.Subscriptions[i]
		listed := slices.ContainsFunc(seen, func(sub Subscription) bool { return sub.ID == s.ID })
		if !listed && s.Confirmed && !s.Ended && customer != "" && s.Customer == customer {
			d.strange(s, AlertMissing, "the provider doesn't list the subscription any more")
		}
	}
}

// strange alerts once, until the subscription is as it should be.
func (d *decision) strange(s *Standing, reason, text string) {
	if s.Alert != reason {
		d.alert(reason, s.ID, text)
	}
	s.Alert = reason
}

func (d *decision) find(id string) int {
	return slices.IndexFunc(d.Subscriptions, func(s Standing) bool { return s.ID == id })
}

// conclude says where the customer stands now, and tells what has changed.
func (d *decision) conclude() {
	d.sort()
	was, state := d.Account, d.StateAt(d.now)
	current, paying := d.entitling(d.now)
	switch {
	case paying:
		d.Plan = current.Plan
	case d.Granted && d.GrantedPlan != "":
		d.Plan = d.GrantedPlan
	}
	if d.Plan != was.Plan {
		d.PlanSince = d.now
	}
	switch {
	case state != was.State:
		d.turn(was, state, current.ID)
	case state == StateEntitled && d.Plan != was.Plan:
		d.tell(Effect{
			ID:   effectID("plan_changed", d.Customer, d.Plan, unix(was.PlanSince)),
			Kind: EffectPlanChanged, Subscription: current.ID, Plan: d.Plan, Before: was.Plan,
		})
	}
	for i := range d.Subscriptions {
		d.trial(&d.Subscriptions[i])
	}
}

// turn changes the state.
func (d *decision) turn(was Account, state State, subscription string) {
	d.State, d.Since = state, d.now
	switch {
	case state == StateSuspended:
		subscription = d.Subscriptions[0].ID
	case subscription == "":
		subscription = d.counted
	}
	e := Effect{Subscription: subscription, Plan: d.Plan, Before: was.Plan}
	switch state {
	case StateEntitled:
		e.Kind = EffectResumed
		e.ID = effectID("resumed", d.Customer, subscription, unix(was.Since))
		if d.OpenedAt.IsZero() {
			d.OpenedAt = d.now
			e.Kind, e.ID = EffectOpened, effectID("onboard", d.Customer)
		}
	case StateSuspended:
		// It began when the grace ended, which may be a while ago.
		if until := d.Subscriptions[0].GraceUntil; until.After(was.Since) {
			d.Since = until
		}
		e.Kind = EffectSuspended
		e.ID = effectID("suspended", d.Customer, subscription, unix(d.Since))
	case StateEnded:
		e.Kind = EffectEnded
		e.ID = effectID("ended", d.Customer, subscription, unix(was.Since))
	default:
		return
	}
	d.tell(e)
}
