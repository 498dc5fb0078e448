package billing

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Standing is what is remembered of one subscription.
type Standing struct {
	ID       string
	Customer string // the provider's ID
	Plan     string // the ID of our plan
	Phase    Phase
	Raw      string // the provider's own word
	// Confirmed says that it was paid, or in trial, once.
	Confirmed bool
	// Ended says that it is over for good.
	Ended bool
	// GraceUntil is until when it counts though it isn't paid; zero when it is paid.
	GraceUntil time.Time
	// PeriodStart and PeriodEnd bound what is paid; zero when not known.
	PeriodStart, PeriodEnd time.Time
	TrialEnd               time.Time // zero: no trial
	// TrialTold is the end of the trial of which an effect has told.
	TrialTold time.Time
	// CancelAtPeriodEnd says that it isn't renewed.
	CancelAtPeriodEnd bool
	// Alert is what is strange about it: AlertPhase, AlertPlan, AlertMissing, or empty.
	Alert string
}

// entitles reports whether the subscription lets its customer in.
func (s Standing) entitles(now time.Time) bool {
	if !s.Confirmed || s.Ended {
		return false
	}
	switch s.Phase {
	case PhaseActive, PhaseTrialing:
		return true
	case PhasePastDue:
		return now.Before(s.GraceUntil)
	default:
		return false
	}
}

// tellsTrial reports whether the end of the trial is still to be told.
func (s Standing) tellsTrial() bool {
	return s.Confirmed && !s.Ended && s.Phase == PhaseTrialing && !s.CancelAtPeriodEnd &&
		!s.TrialEnd.IsZero() && !s.TrialTold.Equal(s.TrialEnd)
}

// noticeAt is when to tell of the end of the trial.
func (s Standing) noticeAt(o *DecideOptions) time.Time {
	return whole(s.TrialEnd.Add(-o.trialNotice()))
}

// see brings what is told of one subscription into the account.
func (d *decision) see(sub Subscription, customer string) {
	plan, ours := PlanOf(d.plans, sub.Prices)
	i := d.find(sub.ID)
	if i < 0 {
		if !ours {
			return
		}
		d.Subscriptions = append(d.Subscriptions, Standing{ID: sub.ID, Customer: customer, Plan: plan.ID})
		i = len(d.Subscriptions) - 1
	}
	s := &d.Subscriptions[i]
	if s.Ended {
		return
	}
	phase := sub.Phase
	switch phase {
	case PhaseActive, PhaseTrialing:
		if sub.CollectionPaused && d.options != nil && d.options.SuspendPausedCollection {
			phase = PhasePaused
		}
	case PhasePastDue, PhaseUnpaid, PhasePaused, PhaseCanceled, PhaseIncompleteExpired:
	case PhaseIncomplete:
		if s.Phase != "" && s.Phase != PhaseUnknown {
			return
		}
	default:
		d.strange(s, AlertPhase, fmt.Sprintf("the subscription is in a phase that is not known: %q", sub.Raw))
		if s.Phase == "" {
			s.Phase, s.Raw = PhaseUnknown, sub.Raw
		}
		return
	}
	planned := sub.CancelAtPeriodEnd && !s.CancelAtPeriodEnd
	s.Phase, s.Raw, s.CancelAtPeriodEnd = phase, sub.Raw, sub.CancelAtPeriodEnd
	s.TrialEnd = whole(sub.TrialEnd)
	if !sub.PeriodEnd.IsZero() {
		s.PeriodStart, s.PeriodEnd = whole(sub.PeriodStart), whole(sub.PeriodEnd)
	}
	if ours {
		s.Plan, s.Alert = plan.ID, ""
	}
	d.enter(s)
	if s.Ended {
		s.Alert = ""
		return
	}
	if !ours {
		d.strange(s, AlertPlan, fmt.Sprintf("the price of the subscription is in no plan any more: %q", sub.Prices))
	}
	if planned && s.Confirmed {
		d.tell(Effect{
			ID:   effectID("cancel_planned", d.Customer, s.ID, unix(s.PeriodEnd)),
			Kind: EffectCancelPlanned, Subscription: s.ID, Plan: s.Plan, Until: s.PeriodEnd,
		})
	}
}

// enter does what the phase of a subscription asks for.
func (d *decision) enter(s *Standing) {
	switch s.Phase {
	case PhaseActive, PhaseTrialing:
		s.Confirmed = s.Confirmed || d.paid()
		s.GraceUntil = time.Time{}
	case PhasePastDue:
		if !s.GraceUntil.IsZero() {
			return
		}
		s.GraceUntil = whole(d.now.Add(d.options.grace()))
		if s.Confirmed {
			d.tell(Effect{
				ID:   effectID("payment_failed", d.Customer, s.ID, unix(s.GraceUntil)),
				Kind: EffectPaymentFailed, Subscription: s.ID, Plan: s.Plan, Until: s.GraceUntil,
			})
		}
	case PhaseUnpaid, PhasePaused:
		// There is no grace after this, should an old snapshot call it past due.
		if s.GraceUntil.IsZero() || s.GraceUntil.After(d.now) {
			s.GraceUntil = d.now
		}
	case PhaseCanceled, PhaseIncompleteExpired:
		s.Ended = true
	}
}

// trial tells of the end of a trial, once and beforehand.
func (d *decision) trial(s *Standing) {
	if !s.tellsTrial() || d.now.Before(s.noticeAt(d.options)) {
		return
	}
	s.TrialTold = s.TrialEnd
	if d.now.Before(s.TrialEnd) {
		d.tell(Effect{
			ID:   effectID("trial_ending", d.Customer, s.ID, unix(s.TrialEnd)),
			Kind: EffectTrialEnding, Subscription: s.ID, Plan: s.Plan, Until: s.TrialEnd,
		})
	}
}

// phaseOrder orders phases by what they give.
func phaseOrder(p Phase) int {
	order := []Phase{
		PhaseCanceled, PhaseIncompleteExpired, PhaseUnknown, PhaseIncomplete,
		PhasePaused, PhaseUnpaid, PhasePastDue, PhaseTrialing, PhaseActive,
	}
	if i := slices.Index(order, p); i >= 0 {
		return i
	}
	return slices.Index(order, PhaseUnknown)
}

// sort puts the subscription that counts first: one that is paid, then one in
// grace, then one that can be cured, then what is over, then what never was.
func (d *decision) sort() {
	rank := func(s Standing) int {
		switch {
		case !s.Confirmed:
			return 4
		case s.Ended:
			return 3
		case !s.entitles(d.now):
			return 2
		case s.Phase == PhasePastDue:
			return 1
		default:
			return 0
		}
	}
	plan := func(s Standing) int {
		return slices.IndexFunc(d.plans, func(p Plan) bool { return p.ID == s.Plan })
	}
	slices.SortStableFunc(d.Subscriptions, func(a, b Standing) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(plan(b), plan(a)),
			b.GraceUntil.Compare(a.GraceUntil),
			b.PeriodEnd.Compare(a.PeriodEnd),
			cmp.Compare(a.ID, b.ID),
		)
	})
}
