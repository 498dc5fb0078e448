package billing_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

var (
	start = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	day   = 24 * time.Hour
	plans = []billing.Plan{
		{ID: "free", Name: "Free"},
		{ID: "basic", Name: "Basic", Price: "price_basic", Prices: []string{"price_basic_2025"}},
		{ID: "pro", Name: "Pro", Price: "price_pro", TrialDays: 14},
	}
)

// at is the text of a time in the IDs of effects.
func at(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// sub is a subscription to basic.
func sub(id string, phase billing.Phase) billing.Subscription {
	return billing.Subscription{
		ID: id, Phase: phase, Raw: string(phase), Prices: []string{"price_basic"},
		PeriodStart: start, PeriodEnd: start.AddDate(0, 1, 0),
	}
}

func with(s billing.Subscription, change func(*billing.Subscription)) billing.Subscription {
	change(&s)
	return s
}

// of is what the provider tells of cus_1.
func of(subs ...billing.Subscription) billing.Snapshot {
	return billing.Snapshot{Customer: "cus_1", Subscriptions: subs}
}

func in(session billing.SessionState, s billing.Snapshot) billing.Snapshot {
	s.Session, s.Reference = session, "c1"
	return s
}

// life is the account of c1 as time goes by.
type life struct {
	t       *testing.T
	account billing.Account
	now     time.Time
	options *billing.DecideOptions
}

// begin is a customer whose checkout is open.
func begin(t *testing.T) *life {
	return &life{t: t, account: billing.Account{Customer: "c1", Session: billing.SessionOpen}, now: start}
}

// paying is a customer with an active subscription A.
func paying(t *testing.T) *life {
	l := begin(t)
	l.hears(in(billing.SessionPaid, of(sub("A", billing.PhaseActive))), "onboard:c1")
	return l
}

// hears takes a snapshot and compares the IDs of all effects. It takes it twice,
// and once more from JSON.
func (l *life) hears(s billing.Snapshot, effects ...string) *life {
	l.t.Helper()
	was := clone(l.t, l.account)
	got, told := billing.Decide(l.account, s, plans, l.options, l.now)
	if !reflect.DeepEqual(was, clone(l.t, l.account)) {
		l.t.Errorf("Decide changed its argument to %+v", l.account)
	}
	if ids := ids(told); !slices.Equal(ids, effects) {
		l.t.Errorf("effects are %q, want %q", ids, effects)
	}
	again, more := billing.Decide(clone(l.t, got), s, plans, l.options, l.now)
	if !reflect.DeepEqual(again, got) || len(more) > 0 {
		l.t.Errorf("the same again gives %+v, %+v, after %+v", again, more, got)
	}
	l.account = got
	return l
}

// passes lets time go by without news.
func (l *life) passes(d time.Duration, effects ...string) *life {
	l.t.Helper()
	l.now = l.now.Add(d)
	return l.hears(billing.Snapshot{}, effects...)
}

func (l *life) is(state billing.State, plan string) *life {
	l.t.Helper()
	if l.account.State != state || l.account.StateAt(l.now) != state || l.account.Plan != plan {
		l.t.Errorf("state %q, now %q, plan %q; want %q, %q",
			l.account.State, l.account.StateAt(l.now), l.account.Plan, state, plan)
	}
	if got, want := l.account.Entitled(l.now), state == billing.StateEntitled; got != want {
		l.t.Errorf("entitled: %v, want %v", got, want)
	}
	return l
}

func clone(t *testing.T, a billing.Account) billing.Account {
	t.Helper()
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var b billing.Account
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func ids(effects []billing.Effect) []string {
	var ids []string
	for _, e := range effects {
		ids = append(ids, e.ID)
	}
	return ids
}

// Every row of what the provider may say, before the first payment.
func TestBeforeTheFirstPayment(t *testing.T) {
	type snapshot = billing.Snapshot
	active := of(sub("A", billing.PhaseActive))
	for name, c := range map[string]struct {
		says    snapshot
		state   billing.State
		effects []string
	}{
		"session open":                 {in(billing.SessionOpen, snapshot{}), billing.StatePending, nil},
		"session unpaid":               {in(billing.SessionUnpaid, active), billing.StatePending, nil},
		"session expired":              {in(billing.SessionExpired, snapshot{}), billing.StateClosed, nil},
		"active, session not asked":    {active, billing.StatePending, nil},
		"active, session open":         {in(billing.SessionOpen, active), billing.StatePending, nil},
		"active and paid":              {in(billing.SessionPaid, active), billing.StateEntitled, []string{"onboard:c1"}},
		"paid, nothing listed":         {in(billing.SessionPaid, of()), billing.StatePending, nil},
		"paid, a foreign price":        {in(billing.SessionPaid, of(foreign("F", billing.PhaseActive))), billing.StatePending, nil},
		"trialing and nothing to pay":  {in(billing.SessionPaid, of(sub("A", billing.PhaseTrialing))), billing.StateEntitled, []string{"onboard:c1"}},
		"incomplete":                   {in(billing.SessionPaid, of(sub("A", billing.PhaseIncomplete))), billing.StatePending, nil},
		"incomplete expired":           {in(billing.SessionPaid, of(sub("A", billing.PhaseIncompleteExpired))), billing.StateClosed, nil},
		"incomplete expired, one more": {in(billing.SessionPaid, of(sub("A", billing.PhaseIncompleteExpired), sub("B", billing.PhaseIncomplete))), billing.StatePending, nil},
		"incomplete expired, open":     {in(billing.SessionOpen, of(sub("A", billing.PhaseIncompleteExpired))), billing.StatePending, nil},
		"canceled":                     {in(billing.SessionPaid, of(sub("A", billing.PhaseCanceled))), billing.StateClosed, nil},
		"canceled after a late refusal": {
			in(billing.SessionUnpaid, of(sub("A", billing.PhaseCanceled))), billing.StateClosed, nil,
		},
		"past due":      {in(billing.SessionPaid, of(sub("A", billing.PhasePastDue))), billing.StatePending, nil},
		"unpaid":        {in(billing.SessionPaid, of(sub("A", billing.PhaseUnpaid))), billing.StatePending, nil},
		"paused":        {in(billing.SessionPaid, of(sub("A", billing.PhasePaused))), billing.StatePending, nil},
		"unknown phase": {in(billing.SessionPaid, of(sub("A", "dormant"))), billing.StatePending, []string{"alert:c1:A:phase"}},
		"deleted":       {in(billing.SessionPaid, snapshot{Customer: "cus_1", Gone: true}), billing.StateClosed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			plan := ""
			if c.state == billing.StateEntitled {
				plan = "basic"
			}
			begin(t).hears(c.says, c.effects...).is(c.state, plan)
		})
	}
}

func foreign(id string, phase billing.Phase) billing.Subscription {
	return with(sub(id, phase), func(s *billing.Subscription) { s.Prices = []string{"price_shoes"} })
}

// Every row again, for a customer with an active subscription.
func TestLater(t *testing.T) {
	grace := at(start.Add(7 * day))
	for name, c := range map[string]struct {
		says    billing.Snapshot
		state   billing.State
		effects []string
	}{
		"nothing":            {billing.Snapshot{}, billing.StateEntitled, nil},
		"only an address":    {billing.Snapshot{Email: "ada@example.com"}, billing.StateEntitled, nil},
		"active":             {of(sub("A", billing.PhaseActive)), billing.StateEntitled, nil},
		"trialing":           {of(sub("A", billing.PhaseTrialing)), billing.StateEntitled, nil},
		"past due":           {of(sub("A", billing.PhasePastDue)), billing.StateEntitled, []string{"payment_failed:c1:A:" + grace}},
		"unpaid":             {of(sub("A", billing.PhaseUnpaid)), billing.StateSuspended, []string{"suspended:c1:A:" + at(start)}},
		"paused":             {of(sub("A", billing.PhasePaused)), billing.StateSuspended, []string{"suspended:c1:A:" + at(start)}},
		"canceled":           {of(sub("A", billing.PhaseCanceled)), billing.StateEnded, []string{"ended:c1:A:" + at(start)}},
		"incomplete expired": {of(sub("A", billing.PhaseIncompleteExpired)), billing.StateEnded, []string{"ended:c1:A:" + at(start)}},
		"incomplete":         {of(sub("A", billing.PhaseIncomplete)), billing.StateEntitled, nil},
		"unknown phase":      {of(sub("A", "dormant")), billing.StateEntitled, []string{"alert:c1:A:phase"}},
		"no phase":           {of(sub("A", "")), billing.StateEntitled, []string{"alert:c1:A:phase"}},
		"not listed":         {of(), billing.StateEntitled, []string{"alert:c1:A:missing"}},
		"a foreign price":    {of(foreign("A", billing.PhaseActive)), billing.StateEntitled, []string{"alert:c1:A:plan"}},
		"a foreign one too":  {of(sub("A", billing.PhaseActive), foreign("F", billing.PhaseUnpaid)), billing.StateEntitled, nil},
		"a foreign canceled": {of(foreign("A", billing.PhaseCanceled)), billing.StateEnded, []string{"ended:c1:A:" + at(start)}},
		"twice, once canceled": {
			of(sub("A", billing.PhaseCanceled), sub("A", billing.PhaseActive)),
			billing.StateEnded, []string{"ended:c1:A:" + at(start)},
		},
		"without an ID": {
			of(sub("A", billing.PhaseActive), with(sub("", billing.PhaseActive), func(s *billing.Subscription) { s.Prices = []string{"price_pro"} })),
			billing.StateEntitled, nil,
		},
		"another session":     {in(billing.SessionExpired, billing.Snapshot{}), billing.StateEntitled, nil},
		"deleted":             {billing.Snapshot{Customer: "cus_1", Gone: true}, billing.StateEnded, []string{"ended:c1:A:" + at(start)}},
		"deleted, nobody":     {billing.Snapshot{Gone: true}, billing.StateEntitled, []string{"alert:c1::unnamed"}},
		"deleted, another":    {billing.Snapshot{Customer: "cus_2", Gone: true}, billing.StateEntitled, []string{"alert:c1::other"}},
		"another's":           {billing.Snapshot{Customer: "cus_2", Subscriptions: []billing.Subscription{sub("X", billing.PhaseCanceled)}}, billing.StateEntitled, []string{"alert:c1::other"}},
		"another's reference": {billing.Snapshot{Reference: "c2", Customer: "cus_1", Subscriptions: []billing.Subscription{sub("A", billing.PhaseCanceled)}}, billing.StateEntitled, []string{"alert:c1::other"}},
		"collection paused":   {of(with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.CollectionPaused = true })), billing.StateEntitled, nil},
		"cancel at the end": {
			of(with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.CancelAtPeriodEnd = true })),
			billing.StateEntitled, []string{"cancel_planned:c1:A:" + at(start.AddDate(0, 1, 0))},
		},
		"another plan": {
			of(with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.Prices = []string{"price_pro"} })),
			billing.StateEntitled, []string{"plan_changed:c1:pro:" + at(start)},
		},
		"a former price": {
			of(with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.Prices = []string{"price_basic_2025"} })),
			billing.StateEntitled, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := "basic"
			if name == "another plan" {
				plan = "pro"
			}
			paying(t).hears(c.says, c.effects...).is(c.state, plan)
		})
	}
}

func TestEffectsSayWhatTheyAreAbout(t *testing.T) {
	l := paying(t)
	_, effects := billing.Decide(l.account, of(sub("A", billing.PhasePastDue)), plans, nil, start)
	want := []billing.Effect{{
		ID: "payment_failed:c1:A:" + at(start.Add(7*day)), Kind: billing.EffectPaymentFailed,
		Customer: "c1", Subscription: "A", Plan: "basic", Until: start.Add(7 * day),
	}}
	if !reflect.DeepEqual(effects, want) {
		t.Errorf("got %+v, want %+v", effects, want)
	}
	_, effects = billing.Decide(l.account, of(with(sub("A", "dormant"), func(s *billing.Subscription) { s.Raw = "asleep" })), plans, nil, start)
	if len(effects) != 1 || effects[0].Kind != billing.EffectAlert || !strings.Contains(effects[0].Text, `"asleep"`) {
		t.Errorf("an unknown phase is told as %+v", effects)
	}
	pro := with(sub("A", billing.PhaseActive), func(s *billing.Subscription) { s.Prices = []string{"price_pro"} })
	_, effects = billing.Decide(l.account, of(pro), plans, nil, start)
	if len(effects) != 1 || effects[0].Plan != "pro" || effects[0].Before != "basic" {
		t.Errorf("another plan is told as %+v", effects)
	}
}

// IDs go into columns and logs, and names of subscriptions come from elsewhere.
func TestEffectIDsAreTame(t *testing.T) {
	wild := strings.Repeat("é\n:", 500)
	account := billing.Account{Customer: "c1", Session: billing.SessionPaid}
	_, effects := billing.Decide(account, of(sub(wild, "dormant")), plans, nil, start)
	if len(effects) != 1 {
		t.Fatalf("effects are %+v", effects)
	}
	id := effects[0].ID
	if len(id) > 600 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.Count(id, ":") != 3 {
		t.Errorf("ID is %q", id)
	}
}
