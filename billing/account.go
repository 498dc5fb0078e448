package billing

import (
	"slices"
	"time"
)

// Account is what is remembered of one customer between two decisions. [Decide]
// makes each from the one before; a new one needs only Customer, and Session or
// Granted. It keeps no more than encoding/json carries, so it can be stored as
// JSON.
type Account struct {
	// Customer is our customer's ID. It is part of the IDs of effects, and nothing
	// is decided without it.
	Customer string
	// ProviderCustomer is the provider's ID of the customer; empty: none yet.
	ProviderCustomer string
	// Gone says that the provider deleted ProviderCustomer.
	Gone bool
	// Session is how far the last checkout is. Set it to SessionOpen when one is
	// started, also for a customer who pays again: a subscription that is new then
	// gives nothing until the checkout is paid. Set it to SessionPaid to take over
	// a subscription that wasn't bought through a checkout of ours.
	Session SessionState
	// Granted says that an admin lets the customer in, whatever the provider says
	// and without one, until an admin takes it back. GrantedPlan is the plan's ID;
	// empty: Plan stays. The plan of a subscription that lets in comes before it.
	Granted     bool
	GrantedPlan string
	// Subscriptions are those of ours that were ever seen, the one that counts
	// first. Those that have ended stay: an end is final.
	Subscriptions []Standing
	// Plan is the ID of the plan, also after its end; empty: none yet.
	Plan string
	// State is what was last decided and told by effects, since Since. A grace may
	// have run out in the meantime: StateAt knows.
	State State
	Since time.Time
	// PlanSince is when Plan last changed.
	PlanSince time.Time
	// OpenedAt is when the customer was entitled for the first time.
	OpenedAt time.Time
	// Alert is why the last snapshot was not taken; empty: it was.
	Alert string
}

// State is where a customer stands.
type State string

// The states of accounts. Only entitled customers may be let in.
const (
	StatePending   State = ""          // never entitled; a checkout may be on its way
	StateClosed    State = "closed"    // never entitled; the checkout came to nothing
	StateEntitled  State = "entitled"  //
	StateSuspended State = "suspended" // was entitled; paying makes it so again
	StateEnded     State = "ended"     // was entitled; takes a new checkout
)

// Entitled reports whether the customer may be let in. It looks at the grace of an
// unpaid subscription at this moment, so nothing needs to run when it ends.
func (a Account) Entitled(now time.Time) bool {
	_, ok := a.entitling(now)
	return ok || a.Granted
}

// Until returns when Entitled ends by itself, because nothing but the grace of an
// unpaid subscription lets the customer in; zero: it doesn't, or it is over.
func (a Account) Until(now time.Time) (end time.Time) {
	if a.Granted {
		return time.Time{}
	}
	for _, s := range a.Subscriptions {
		switch {
		case !s.entitles(now):
		case s.Phase != PhasePastDue:
			return time.Time{}
		case s.GraceUntil.After(end):
			end = s.GraceUntil
		}
	}
	return end
}

// entitling returns the subscription by which the customer is entitled.
func (a Account) entitling(now time.Time) (Standing, bool) {
	i := slices.IndexFunc(a.Subscriptions, func(s Standing) bool { return s.entitles(now) })
	if i < 0 {
		return Standing{}, false
	}
	return a.Subscriptions[i], true
}

// StateAt returns where the customer stands now.
func (a Account) StateAt(now time.Time) State {
	over := func(s Standing) bool { return s.Ended }
	curable := func(s Standing) bool { return s.Confirmed && !s.Ended }
	switch {
	case a.Entitled(now):
		return StateEntitled
	case !a.OpenedAt.IsZero() && slices.ContainsFunc(a.Subscriptions, curable):
		return StateSuspended
	case !a.OpenedAt.IsZero():
		return StateEnded
	case a.Gone || a.Session == SessionExpired:
		return StateClosed
	case a.Session != SessionOpen && len(a.Subscriptions) > 0 && !slices.ContainsFunc(a.Subscriptions, not(over)):
		return StateClosed
	default:
		return StatePending
	}
}

func not(f func(Standing) bool) func(Standing) bool {
	return func(s Standing) bool { return !f(s) }
}

// Next returns when to ask [Decide] again though nothing was heard, because the
// last grace or a trial comes to its end; zero: never. After a decision it is later
// than that decision.
func (a Account) Next(o *DecideOptions) time.Time {
	var next, grace time.Time
	paid := a.Granted || a.State != StateEntitled
	for _, s := range a.Subscriptions {
		if told := s.noticeAt(o); s.tellsTrial() && (next.IsZero() || told.Before(next)) {
			next = told
		}
		switch {
		case !s.entitles(time.Time{}):
		case s.Phase != PhasePastDue:
			paid = true
		case s.GraceUntil.After(grace):
			grace = s.GraceUntil
		}
	}
	if !paid && (next.IsZero() || grace.Before(next)) {
		next = grace
	}
	return next
}

// SubscriptionStatus is what a customer may see of the subscription.
type SubscriptionStatus struct {
	// Status is the provider's own word.
	Status string
	// CurrentPeriodEnd is until when it is paid; zero when not known.
	CurrentPeriodEnd time.Time
	// CancelAtPeriodEnd says that it ends then.
	CancelAtPeriodEnd bool
}

// Subscription returns the subscription that counts, and false for an account that
// has none, or none yet that was paid.
func (a Account) Subscription(now time.Time) (SubscriptionStatus, bool) {
	s, ok := a.entitling(now)
	if !ok {
		i := slices.IndexFunc(a.Subscriptions, func(s Standing) bool { return s.Confirmed })
		if i < 0 {
			return SubscriptionStatus{}, false
		}
		s = a.Subscriptions[i]
	}
	status := s.Raw
	if status == "" {
		status = string(s.Phase)
	}
	return SubscriptionStatus{
		Status:            status,
		CurrentPeriodEnd:  s.PeriodEnd,
		CancelAtPeriodEnd: s.CancelAtPeriodEnd && !s.Ended,
	}, true
}
