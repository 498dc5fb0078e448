package billing_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// dice makes choices from bytes, so that the fuzzer can steer them.
type dice struct{ data []byte }

func (d *dice) below(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

func randomBytes(random *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

func pick[T any](d *dice, of ...T) T { return of[d.below(len(of))] }

var phases = []billing.Phase{
	billing.PhaseActive, billing.PhaseTrialing, billing.PhasePastDue, billing.PhaseUnpaid,
	billing.PhasePaused, billing.PhaseCanceled, billing.PhaseIncomplete, billing.PhaseIncompleteExpired,
	billing.PhaseUnknown, "dormant", "",
}

func (d *dice) subscription(now time.Time, id string) billing.Subscription {
	return billing.Subscription{
		ID: id, Phase: pick(d, phases...), Raw: pick(d, "", "raw", "\x00\xff:"),
		Prices:            pick(d, []string{"price_basic"}, []string{"price_pro", "price_tax"}, []string{"price_basic_2025"}, []string{"price_shoes"}, nil),
		PeriodStart:       now.Add(-time.Duration(d.below(40)) * day),
		PeriodEnd:         pick(d, time.Time{}, now.Add(time.Duration(d.below(40))*day), now.Add(-time.Second)),
		TrialEnd:          pick(d, time.Time{}, now.Add(2*day), now.Add(10*day), now.Add(-day), time.Unix(1<<40, 7)),
		CancelAtPeriodEnd: d.below(4) == 1,
		CollectionPaused:  d.below(4) == 1,
	}
}

// snapshot lists each of some subscriptions once. A wild one is of anybody, and says
// anything.
func (d *dice) snapshot(now time.Time, wild bool) billing.Snapshot {
	s := billing.Snapshot{Customer: "cus_1", Session: pick(d, billing.SessionNone, billing.SessionPaid, billing.SessionOpen)}
	for _, id := range []string{"A", "B", "C"} {
		if d.below(3) > 0 {
			s.Subscriptions = append(s.Subscriptions, d.subscription(now, id))
		}
	}
	if wild {
		s.Session = pick(d, billing.SessionPaid, billing.SessionNone, billing.SessionOpen, billing.SessionUnpaid, billing.SessionExpired, "lost")
		s.Customer = pick(d, "cus_1", "", "cus_2", "cus_3")
		s.Reference = pick(d, "", "c1", "c1", "c2")
		s.Gone = d.below(12) == 11
		for range d.below(3) {
			s.Subscriptions = append(s.Subscriptions, d.subscription(now, pick(d, "A", "B", "", "\xff")))
		}
	}
	return s
}

// step decides, and checks what must hold whatever was and is.
func step(t *testing.T, was billing.Account, s billing.Snapshot, o *billing.DecideOptions, now time.Time) (billing.Account, []billing.Effect) {
	t.Helper()
	got, effects := billing.Decide(was, s, plans, o, now)
	if again, more := billing.Decide(got, s, plans, o, now); !reflect.DeepEqual(again, got) || len(more) > 0 {
		t.Fatalf("the same again changes\n%+v to\n%+v with %+v", got, again, more)
	}
	if got.State != got.StateAt(now) {
		t.Fatalf("state is %q, at its moment %q", got.State, got.StateAt(now))
	}
	if next := got.Next(o); !next.IsZero() && !next.After(now) {
		t.Fatalf("next is %v, not after %v", next, now)
	}
	for _, old := range was.Subscriptions {
		i := slices.IndexFunc(got.Subscriptions, func(n billing.Standing) bool { return n.ID == old.ID })
		if i < 0 {
			t.Fatalf("subscription %q was forgotten", old.ID)
		}
		grown(t, old, got.Subscriptions[i], s)
	}
	turns := 0
	for _, e := range effects {
		switch e.Kind {
		case billing.EffectOpened, billing.EffectResumed, billing.EffectSuspended, billing.EffectEnded:
			turns++
			if (e.Kind == billing.EffectOpened) != was.OpenedAt.IsZero() {
				t.Fatalf("%q for an account that was opened %v", e.ID, was.OpenedAt)
			}
		}
		if e.Customer != got.Customer || e.ID == "" {
			t.Fatalf("effect is %+v", e)
		}
	}
	closed := got.State == billing.StateClosed || got.State == billing.StatePending
	if want := was.State != got.State && !closed; (turns == 1) != want || turns > 1 {
		t.Fatalf("from %q to %q with %+v", was.State, got.State, effects)
	}
	return got, effects
}

// grown checks what may become of a subscription.
func grown(t *testing.T, old, now billing.Standing, s billing.Snapshot) {
	t.Helper()
	if old.Ended && !now.Ended {
		t.Fatalf("subscription %q came back", old.ID)
	}
	paid := slices.ContainsFunc(s.Subscriptions, func(sub billing.Subscription) bool {
		return sub.ID == old.ID && (sub.Phase == billing.PhaseActive || sub.Phase == billing.PhaseTrialing)
	})
	switch {
	case old.GraceUntil.IsZero() || paid:
	case now.GraceUntil.IsZero() || now.GraceUntil.After(old.GraceUntil):
		t.Fatalf("the grace of %q was until %v, is until %v", old.ID, old.GraceUntil, now.GraceUntil)
	}
	if old.Confirmed && !now.Confirmed {
		t.Fatalf("subscription %q was paid no longer", old.ID)
	}
}

// model says who is entitled, in another way than Decide.
type model map[string]*told

// told is what was said of a subscription, without what changes nothing.
type told struct {
	good, bad, over, ever bool
	failed                time.Time
}

func (m model) hear(s billing.Snapshot, now time.Time) {
	for _, sub := range s.Subscriptions {
		x := m[sub.ID]
		if x == nil {
			if _, ours := billing.PlanOf(plans, sub.Prices); !ours {
				continue
			}
			x = &told{}
			m[sub.ID] = x
		}
		switch sub.Phase {
		case billing.PhaseActive, billing.PhaseTrialing:
			*x = told{good: true, ever: true, over: x.over}
		case billing.PhasePastDue:
			x.good = false
			if x.failed.IsZero() {
				x.failed = now
			}
		case billing.PhaseUnpaid, billing.PhasePaused:
			x.good, x.bad = false, true
		case billing.PhaseCanceled, billing.PhaseIncompleteExpired:
			x.over = true
		}
	}
}

func (m model) entitled(now time.Time) bool {
	for _, x := range m {
		grace := !x.bad && now.Before(x.failed.Add(7*day))
		if x.ever && !x.over && (x.good || grace) {
			return true
		}
	}
	return false
}

func TestRandomHistories(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	entitled, lapsed := 0, 0
	for range 2000 {
		d, now, m := &dice{randomBytes(random, 600)}, start, model{}
		account := billing.Account{Customer: "c1", Session: billing.SessionPaid}
		seen := map[string]bool{}
		for range 20 {
			now = now.Add(time.Duration(1+d.below(4)*d.below(256)) * time.Hour)
			s := d.snapshot(now, false)
			var effects []billing.Effect
			shuffled := s
			shuffled.Subscriptions = slices.Clone(s.Subscriptions)
			slices.Reverse(shuffled.Subscriptions)
			other, _ := billing.Decide(account, shuffled, plans, nil, now)
			account, effects = step(t, account, s, nil, now)
			if !reflect.DeepEqual(other, account) {
				t.Fatalf("in another order it is %+v, not %+v", other, account)
			}
			for _, e := range effects {
				repeats := e.Kind == billing.EffectAlert || e.Kind == billing.EffectCancelPlanned
				if seen[e.ID] && !repeats {
					t.Fatalf("%q came twice", e.ID)
				}
				seen[e.ID] = true
			}
			m.hear(s, now)
			for _, moment := range []time.Time{now, now.Add(day), now.Add(8 * day)} {
				if got, want := account.Entitled(moment), m.entitled(moment); got != want {
					t.Fatalf("entitled is %v, want %v, after %+v: %+v", got, want, s, account)
				}
			}
			if account.Entitled(now) {
				entitled++
			} else if !account.OpenedAt.IsZero() {
				lapsed++
			}
		}
	}
	if entitled < 1000 || lapsed < 1000 {
		t.Errorf("the histories are not worth much: %d entitled, %d no longer", entitled, lapsed)
	}
}

// Snapshots from before an end, in any order, don't bring back what has ended.
func TestOldSnapshotsDoNotResurrect(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		l := paying(t)
		d := &dice{randomBytes(random, 400)}
		var old []billing.Snapshot
		for range 8 {
			s := of(d.subscription(start, "A"))
			if s.Subscriptions[0].Phase != billing.PhaseCanceled && s.Subscriptions[0].Phase != billing.PhaseIncompleteExpired {
				old = append(old, s)
				l.account, _ = step(t, l.account, s, nil, start)
			}
		}
		l.account, _ = step(t, l.account, of(sub("A", billing.PhaseCanceled)), nil, start.Add(day))
		random.Shuffle(len(old), func(i, j int) { old[i], old[j] = old[j], old[i] })
		ended := clone(t, l.account)
		for _, s := range old {
			var effects []billing.Effect
			l.account, effects = step(t, l.account, s, nil, start.Add(2*day))
			if l.account.Entitled(start.Add(2*day)) || len(effects) > 0 || !reflect.DeepEqual(l.account, ended) {
				t.Fatalf("%+v gives %+v and changes\n%+v to\n%+v", s, effects, ended, l.account)
			}
		}
	}
}

func FuzzDecide(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(randomBytes(rand.New(rand.NewPCG(seed, 0)), 500), seed%4 == 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, granted bool) {
		d, now := &dice{data}, start
		options := pick(d, nil, &billing.DecideOptions{Grace: -1, SuspendPausedCollection: true},
			&billing.DecideOptions{Grace: 36*time.Hour + time.Millisecond, TrialNotice: time.Hour})
		account := billing.Account{
			Customer: pick(d, "c1", "c1", "c1", ""), Granted: granted,
			Session: pick(d, billing.SessionOpen, billing.SessionPaid, billing.SessionNone),
		}
		for range min(len(data)/8, 40) {
			now = now.Add(time.Duration(d.below(250)) * time.Hour)
			was, s := account, billing.Snapshot{}
			if d.below(8) > 0 {
				s = d.snapshot(now, true)
			}
			was.Granted = was.Granted != (d.below(16) == 15)
			account, _ = step(t, was, s, options, now)
			account.Period(now)
			account.Subscription(now)
			switch {
			case account.Customer == "" && (account.State == billing.StateEntitled) != account.Granted:
				t.Fatalf("an account without a customer is %+v", account)
			case s.Customer == "" && len(s.Subscriptions) == 0 && was.Entitled(now) && !account.Entitled(now):
				t.Fatalf("cut by %+v, which names nothing: %+v", s, account)
			}
		}
	})
}
