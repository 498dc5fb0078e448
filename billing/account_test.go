package billing_test

import (
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

func TestGrace(t *testing.T) {
	l := paying(t)
	until := start.Add(9 * day)
	l.passes(2*day).hears(of(sub("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(until))
	l.passes(6*day).hears(of(sub("A", billing.PhasePastDue))).is(billing.StateEntitled, "basic")
	if l.account.Entitled(until) || !l.account.Entitled(until.Add(-time.Nanosecond)) {
		t.Error("the grace doesn't end 7 days after the first failure")
	}
	if got := l.account.StateAt(until); got != billing.StateSuspended {
		t.Errorf("when the grace ends, the state is %q", got)
	}
	if got := l.account.Next(nil); !got.Equal(until) {
		t.Errorf("next is %v, want %v", got, until)
	}
	// Nobody looks for a day; the grace ended on time all the same.
	l.passes(2*day, "suspended:c1:A:"+at(until)).is(billing.StateSuspended, "basic")
	if !l.account.Since.Equal(until) {
		t.Errorf("suspended since %v, want %v", l.account.Since, until)
	}
	l.hears(of(sub("A", billing.PhasePastDue))).is(billing.StateSuspended, "basic")
	l.hears(of(sub("A", billing.PhaseUnpaid))).is(billing.StateSuspended, "basic")
	l.hears(of(sub("A", billing.PhasePastDue))).is(billing.StateSuspended, "basic")
	l.passes(day).hears(of(sub("A", billing.PhaseActive)), "resumed:c1:A:"+at(until)).is(billing.StateEntitled, "basic")

	// What fails after it was paid has a grace of its own.
	l.hears(of(sub("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(l.now.Add(7*day))).is(billing.StateEntitled, "basic")
}

func TestUnpaidEndsTheGrace(t *testing.T) {
	for _, phase := range []billing.Phase{billing.PhaseUnpaid, billing.PhasePaused} {
		l := paying(t).hears(of(sub("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(start.Add(7*day)))
		l.passes(day).hears(of(sub("A", phase)), "suspended:c1:A:"+at(l.now)).is(billing.StateSuspended, "basic")
		l.hears(of(sub("A", billing.PhasePastDue))).is(billing.StateSuspended, "basic")
		l.passes(day).hears(of(sub("A", billing.PhaseTrialing)), "resumed:c1:A:"+at(start.Add(day))).is(billing.StateEntitled, "basic")
	}
}

func TestGraceIsThePolicyOfTheHost(t *testing.T) {
	l := paying(t)
	l.options = &billing.DecideOptions{Grace: day}
	l.hears(of(sub("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(start.Add(day)))
	l.passes(day, "suspended:c1:A:"+at(start.Add(day)))

	l = paying(t)
	l.options = &billing.DecideOptions{Grace: -1}
	l.hears(of(sub("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(start), "suspended:c1:A:"+at(start))
}

func TestPausedCollectionIsThePolicyOfTheHost(t *testing.T) {
	paused := of(with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.CollectionPaused = true }))
	l := paying(t)
	l.options = &billing.DecideOptions{SuspendPausedCollection: true}
	l.hears(paused, "suspended:c1:A:"+at(start)).is(billing.StateSuspended, "basic")
	l.passes(day).hears(of(sub("A", billing.PhaseActive)), "resumed:c1:A:"+at(start)).is(billing.StateEntitled, "basic")

	l.options = &billing.DecideOptions{}
	l.hears(paused).is(billing.StateEntitled, "basic")
}

func TestAnEndIsFinal(t *testing.T) {
	for _, end := range []billing.Snapshot{
		of(sub("A", billing.PhaseCanceled)),
		of(sub("A", billing.PhaseIncompleteExpired)),
		{Customer: "cus_1", Gone: true},
	} {
		l := paying(t).passes(day).hears(end, "ended:c1:A:"+at(start))
		for _, old := range []billing.Phase{"active", "trialing", "past_due", "unpaid", "incomplete", "dormant"} {
			l.hears(of(sub("A", old))).is(billing.StateEnded, "basic")
			l.hears(in(billing.SessionPaid, of(sub("A", old)))).is(billing.StateEnded, "basic")
		}
		l.hears(of()) // nobody misses it
	}
}

func TestPayingAgain(t *testing.T) {
	l := paying(t).passes(day).hears(of(sub("A", billing.PhaseCanceled)), "ended:c1:A:"+at(start))
	ended := sub("A", billing.PhaseCanceled)
	pro := with(sub("B", billing.PhaseActive), func(s *billing.Subscription) { s.Prices = []string{"price_pro"} })

	l.account.Session = billing.SessionOpen
	l.passes(day).hears(in(billing.SessionUnpaid, of(ended, pro))).is(billing.StateEnded, "basic")
	l.hears(of(ended, pro)).is(billing.StateEnded, "basic") // the money is still on its way
	l.hears(in(billing.SessionPaid, of(ended, pro)), "resumed:c1:B:"+at(start.Add(day))).is(billing.StateEntitled, "pro")
	opened := l.account.OpenedAt
	if !opened.Equal(start) {
		t.Errorf("opened at %v, want %v", opened, start)
	}
	l.passes(day).hears(of(ended, with(pro, func(s *billing.Subscription) { s.Phase = billing.PhaseCanceled })), "ended:c1:B:"+at(start.Add(2*day)))
}

func TestACheckoutThatWasStartedCutsNobody(t *testing.T) {
	l := paying(t)
	l.account.Session = billing.SessionOpen
	l.hears(in(billing.SessionOpen, of(sub("A", billing.PhaseActive)))).is(billing.StateEntitled, "basic")
	l.hears(in(billing.SessionExpired, of(sub("A", billing.PhaseActive)))).is(billing.StateEntitled, "basic")
}

func TestACheckoutGoesForward(t *testing.T) {
	active := of(sub("A", billing.PhaseActive))
	l := begin(t).hears(in(billing.SessionPaid, of())).is(billing.StatePending, "")
	l.hears(in(billing.SessionOpen, billing.Snapshot{})).hears(active, "onboard:c1").is(billing.StateEntitled, "basic")

	l = begin(t).hears(in(billing.SessionExpired, billing.Snapshot{})).is(billing.StateClosed, "")
	l.hears(in(billing.SessionOpen, billing.Snapshot{})).is(billing.StateClosed, "")
	// Who has paid gets what was paid for.
	l.hears(in(billing.SessionPaid, active), "onboard:c1").is(billing.StateEntitled, "basic")
}

func TestTakingOverASubscription(t *testing.T) {
	l := &life{t: t, account: billing.Account{Customer: "c1"}, now: start}
	l.hears(of(sub("A", billing.PhaseActive))).is(billing.StatePending, "")
	l.account.Session = billing.SessionPaid
	l.hears(of(sub("A", billing.PhaseActive)), "onboard:c1").is(billing.StateEntitled, "basic")
}

func TestSeveralSubscriptions(t *testing.T) {
	pro := func(phase billing.Phase) billing.Subscription {
		return with(sub("B", phase), func(s *billing.Subscription) { s.Prices = []string{"price_pro"} })
	}
	l := paying(t)
	l.passes(day).hears(of(pro(billing.PhaseActive), sub("A", billing.PhaseActive)), "plan_changed:c1:pro:"+at(start))
	l.hears(of(pro(billing.PhaseActive), sub("A", billing.PhaseCanceled))).is(billing.StateEntitled, "pro")
	l.hears(of(pro(billing.PhaseCanceled), sub("A", billing.PhaseActive)), "ended:c1:B:"+at(start)).is(billing.StateEnded, "pro")

	// What is paid comes before what is in grace, and a grace goes on meanwhile.
	l = paying(t).hears(of(sub("A", billing.PhaseActive), pro(billing.PhaseActive)), "plan_changed:c1:pro:"+at(start))
	l.passes(day).hears(of(sub("A", billing.PhaseActive), pro(billing.PhasePastDue)),
		"payment_failed:c1:B:"+at(start.Add(8*day)), "plan_changed:c1:basic:"+at(start))
	if next := l.account.Next(nil); !next.IsZero() {
		t.Errorf("next is %v, though A is paid", next)
	}
	l.passes(8*day).is(billing.StateEntitled, "basic")
	l.hears(of(sub("A", billing.PhaseCanceled), pro(billing.PhasePastDue)), "suspended:c1:B:"+at(start.Add(8*day)))
	l.hears(of(sub("A", billing.PhaseCanceled), pro(billing.PhaseCanceled)), "ended:c1:B:"+at(start.Add(8*day)))
}

func TestAdminsGrant(t *testing.T) {
	l := &life{t: t, account: billing.Account{Customer: "c1", Granted: true, GrantedPlan: "free"}, now: start}
	l.passes(0, "onboard:c1").is(billing.StateEntitled, "free")
	if _, ok := l.account.Subscription(l.now); ok {
		t.Error("there is a subscription")
	}
	l.passes(400*day).is(billing.StateEntitled, "free")

	// A subscription counts more than the grant, as long as it lets in.
	l.hears(in(billing.SessionPaid, of(sub("A", billing.PhaseActive))), "plan_changed:c1:basic:"+at(start))
	l.passes(day).hears(of(sub("A", billing.PhaseCanceled)), "plan_changed:c1:free:"+at(start.Add(400*day)))
	l.hears(billing.Snapshot{Customer: "cus_1", Gone: true}).is(billing.StateEntitled, "free")

	l.account.GrantedPlan = "pro"
	l.passes(0, "plan_changed:c1:pro:"+at(l.now)).is(billing.StateEntitled, "pro")
	l.account.Granted = false
	l.passes(day, "ended:c1:A:"+at(start)).is(billing.StateEnded, "pro")
	l.account.Granted = true
	l.passes(day, "resumed:c1:A:"+at(l.now)).is(billing.StateEntitled, "pro")
}

// The ID of a suspension must not be that of the one before.
func TestAGrantWithinASuspension(t *testing.T) {
	l := paying(t).hears(of(sub("A", billing.PhaseUnpaid)), "suspended:c1:A:"+at(start))
	l.account.Granted = true
	l.passes(day, "resumed:c1:A:"+at(start)).is(billing.StateEntitled, "basic")
	l.account.Granted = false
	l.passes(day, "suspended:c1:A:"+at(start.Add(2*day))).is(billing.StateSuspended, "basic")
}

func TestTrialEnding(t *testing.T) {
	end := start.Add(14 * day)
	trial := with(sub("A", billing.PhaseTrialing), func(s *billing.Subscription) { s.TrialEnd = end })
	l := begin(t).hears(in(billing.SessionPaid, of(trial)), "onboard:c1")
	if got := l.account.Next(nil); !got.Equal(end.Add(-3 * day)) {
		t.Errorf("next is %v, want three days before %v", got, end)
	}
	l.passes(11*day-time.Second).passes(time.Second, "trial_ending:c1:A:"+at(end))
	if got := l.account.Next(nil); !got.IsZero() {
		t.Errorf("next is %v after it was told", got)
	}
	later := with(trial, func(s *billing.Subscription) { s.TrialEnd = end.Add(10 * day) })
	l.passes(day).hears(of(later)).passes(9*day, "trial_ending:c1:A:"+at(end.Add(10*day)))

	// Too late, or nothing will be charged.
	begin(t).hears(in(billing.SessionPaid, of(trial)), "onboard:c1").passes(15 * day)
	canceled := with(trial, func(s *billing.Subscription) { s.CancelAtPeriodEnd = true })
	begin(t).hears(in(billing.SessionPaid, of(canceled)), "cancel_planned:c1:A:"+at(start.AddDate(0, 1, 0)), "onboard:c1").passes(13 * day)

	l = begin(t)
	l.options = &billing.DecideOptions{TrialNotice: 5 * day}
	l.hears(in(billing.SessionPaid, of(trial)), "onboard:c1").passes(9*day, "trial_ending:c1:A:"+at(end))
}

func TestANewCustomerAtTheProvider(t *testing.T) {
	second := func(session billing.SessionState, reference string, subs ...billing.Subscription) billing.Snapshot {
		return billing.Snapshot{Session: session, Reference: reference, Customer: "cus_2", Subscriptions: subs}
	}
	b := sub("B", billing.PhaseActive)
	l := paying(t).hears(billing.Snapshot{Customer: "cus_1", Gone: true}, "ended:c1:A:"+at(start))
	l.hears(of(sub("C", billing.PhaseActive))).is(billing.StateEnded, "basic") // an old snapshot
	l.hears(second(billing.SessionNone, "", b), "alert:c1::other").is(billing.StateEnded, "basic")
	l.hears(second(billing.SessionPaid, "c1", b), "resumed:c1:B:"+at(start)).is(billing.StateEntitled, "basic")
	if l.account.ProviderCustomer != "cus_2" || l.account.Gone || l.account.Alert != "" {
		t.Errorf("the account is %+v", l.account)
	}

	// With two that are alive, both count, and each may go without the other.
	l = paying(t).hears(second(billing.SessionPaid, "c1", b))
	failed := of(sub("A", billing.PhasePastDue))
	l.hears(failed, "payment_failed:c1:A:"+at(start.Add(7*day))).is(billing.StateEntitled, "basic")
	now := func(want string) {
		t.Helper()
		if got := l.account.ProviderCustomer; got != want {
			t.Errorf("the customer is %q, want %q", got, want)
		}
	}
	now("cus_2")
	l.hears(in(billing.SessionNone, failed))
	now("cus_2") // not from a checkout
	failed.Session = billing.SessionPaid
	l.hears(failed)
	now("cus_2") // not from a checkout of ours
	l.hears(billing.Snapshot{Customer: "cus_1", Reference: "c1", Gone: true}).is(billing.StateEntitled, "basic")
	l.hears(billing.Snapshot{Customer: "cus_2", Gone: true}, "ended:c1:B:"+at(start)).is(billing.StateEnded, "basic")
	l.hears(billing.Snapshot{Customer: "cus_1", Reference: "c1", Gone: true})
	now("cus_2") // not one that is gone
	l.hears(billing.Snapshot{Customer: "cus_3", Reference: "c1"})
	now("cus_3")
}

func TestAlertsComeOnce(t *testing.T) {
	l := paying(t).hears(of(sub("A", "dormant")), "alert:c1:A:phase")
	l.passes(day).hears(of(sub("A", "dormant"))).hears(of(sub("A", billing.PhaseActive)))
	l.hears(of(sub("A", "dormant")), "alert:c1:A:phase").hears(of(), "alert:c1:A:missing").hears(of())
	other := billing.Snapshot{Customer: "cus_2"}
	l.hears(other, "alert:c1::other").passes(day).hears(other)
	if !l.account.Entitled(l.now) {
		t.Error("alerts shut the customer out")
	}

	unnamed := &life{t: t, now: start}
	unnamed.hears(in(billing.SessionPaid, of(sub("A", billing.PhaseActive))), "alert:::unnamed").is(billing.StatePending, "")
}

// A price that left the plans is a mistake of the operator's, not an end.
func TestAPriceLeavesThePlans(t *testing.T) {
	l := paying(t).hears(of(foreign("A", billing.PhaseActive)), "alert:c1:A:plan").is(billing.StateEntitled, "basic")
	l.hears(of(foreign("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(start.Add(7*day))).is(billing.StateEntitled, "basic")
	l.hears(of(foreign("A", billing.PhaseCanceled)), "ended:c1:A:"+at(start)).is(billing.StateEnded, "basic")
	if alert := l.account.Subscriptions[0].Alert; alert != "" {
		t.Errorf("after the end there is still an alert, %q", alert)
	}
}

func TestTheSubscriptionThatACustomerSees(t *testing.T) {
	end := start.AddDate(0, 1, 0)
	canceling := with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.CancelAtPeriodEnd = true })
	l := paying(t).hears(of(canceling), "cancel_planned:c1:A:"+at(end))
	check := func(want billing.SubscriptionStatus) {
		t.Helper()
		if got, ok := l.account.Subscription(l.now); !ok || got != want {
			t.Errorf("got %+v, %v; want %+v", got, ok, want)
		}
	}
	check(billing.SubscriptionStatus{Status: "active", CurrentPeriodEnd: end, CancelAtPeriodEnd: true})
	// What isn't known leaves what was known.
	l.hears(of(with(canceling, func(s *billing.Subscription) {
		s.Raw, s.PeriodStart, s.PeriodEnd = "", time.Time{}, time.Time{}
	})))
	check(billing.SubscriptionStatus{Status: "active", CurrentPeriodEnd: end, CancelAtPeriodEnd: true})
	l.hears(of(with(canceling, func(s *billing.Subscription) { s.Phase, s.Raw = billing.PhaseCanceled, "canceled" })), "ended:c1:A:"+at(start))
	check(billing.SubscriptionStatus{Status: "canceled", CurrentPeriodEnd: end})

	if _, ok := begin(t).hears(in(billing.SessionOpen, of(sub("A", billing.PhaseIncomplete)))).account.Subscription(start); ok {
		t.Error("a subscription that was never paid is shown")
	}
}

func TestTimesAreWholeSecondsInUTC(t *testing.T) {
	zone := time.FixedZone("east", 3600)
	l := begin(t)
	l.now = start.Add(300 * time.Millisecond).In(zone)
	l.hears(in(billing.SessionPaid, of(with(sub("A", billing.PhaseActive), func(s *billing.Subscription) {
		s.PeriodEnd = s.PeriodEnd.Add(time.Millisecond).In(zone)
	}))), "onboard:c1")
	if got := l.account.Subscriptions[0].PeriodEnd; got != start.AddDate(0, 1, 0) {
		t.Errorf("the period ends %v", got)
	}
	if l.account.Since != start || l.account.OpenedAt != start || l.account.PlanSince != start {
		t.Errorf("the account is %+v", l.account)
	}
}

func TestUntil(t *testing.T) {
	l := paying(t)
	if got := l.account.Until(l.now); !got.IsZero() {
		t.Errorf("a paid subscription lets in until %v", got)
	}
	until := start.Add(7 * day)
	l.hears(of(sub("A", billing.PhasePastDue)), "payment_failed:c1:A:"+at(until))
	if got := l.account.Until(l.now); !got.Equal(until) {
		t.Errorf("in grace: until %v, want %v", got, until)
	}
	if got := l.account.Until(until); !got.IsZero() {
		t.Errorf("after the grace: until %v", got)
	}
	granted := l.account
	granted.Granted = true
	if got := granted.Until(l.now); !got.IsZero() {
		t.Errorf("granted: until %v", got)
	}
	other := l.account
	other.Subscriptions = append(other.Subscriptions, billing.Standing{ID: "B", Phase: billing.PhaseActive, Confirmed: true})
	if got := other.Until(l.now); !got.IsZero() {
		t.Errorf("with another that is paid: until %v", got)
	}
}
