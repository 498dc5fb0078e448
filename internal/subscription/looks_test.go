package subscription_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// ended is a customer whose subscription has ended.
func (s *shop) ended() storage.CustomerID {
	s.Helper()
	customer, sub := s.buys()
	s.ok(s.fake.Cancel(sub))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	if s.status(customer) != storage.StatusInactive {
		s.Fatal("not ended")
	}
	return customer
}

// only is the account of a shop with one customer, the newest.
func (s *shop) only() storage.Account {
	s.Helper()
	list, err := s.keeps.Accounts(s.Context(), storage.Page{Limit: 1})
	s.ok(err)
	return list[0]
}

// first runs do in the first reading after now.
func (s *shop) first(do func()) {
	var readings atomic.Int32
	s.Provider = slowly{s.provider(), func() {
		if readings.Add(1) == 1 {
			do()
		}
	}}
}

// Of several checkouts that are open, the one that is paid counts, also when a later
// one was never answered.
func TestSeveralCheckouts(t *testing.T) {
	s := newShop(t, nil)
	for _, later := range []func(storage.CustomerID){
		func(id storage.CustomerID) {
			_, err := s.CheckoutAgain(t.Context(), id, "")
			s.ok(err)
		},
		func(id storage.CustomerID) {
			s.fake.Outage(true)
			defer s.fake.Outage(false)
			if _, err := s.CheckoutAgain(t.Context(), id, ""); err == nil {
				t.Error("a checkout without a provider")
			}
		},
	} {
		customer := s.ended()
		started, err := s.CheckoutAgain(t.Context(), customer, "")
		s.ok(err)
		later(customer)
		s.ok(s.fake.Pay(started.Session))
		s.delivers(s.fake.Deliveries()...)
		s.works()
		if got := s.status(customer); got != storage.StatusActive {
			t.Errorf("paid in the first tab, and is %s: %s", got, s.account(customer).Data)
		}
	}
}

// A checkout that is begun while an older one is read isn't paid by that.
func TestACheckoutBegunWhileReading(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.Pay(started.Session))
	session, err := s.Session(t.Context(), subscription.Claim{Session: started.Session})
	s.ok(err)
	s.ok(s.fake.Cancel(s.fake.SubscriptionOf(started.Session)))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	s.first(func() {
		_, err := s.CheckoutAgain(t.Context(), session.Customer, "")
		s.ok(err)
	})
	s.due(session.Customer, func(a *storage.Account) { a.Session, a.Heard = started.Session, a.Heard+1 })
	s.works()
	if a, err := s.Account(t.Context(), session.Customer); err != nil || a.Session != billing.SessionOpen {
		t.Errorf("the new checkout is %q, %v", a.Session, err)
	}
}

func TestATrialIsFreeOnce(t *testing.T) {
	s := newShop(t, func(c *subscription.Config) { c.Plans[0].TrialDays = 14 })
	customer := s.ended()
	again, err := s.CheckoutAgain(t.Context(), customer, "")
	s.ok(err)
	s.ok(s.fake.Pay(again.Session))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	a, err := s.Account(t.Context(), customer)
	s.ok(err)
	if status, _ := a.Subscription(time.Now()); status.Status != "active" {
		t.Errorf("the second subscription is %q", status.Status)
	}
}

// Money that takes days is found though nothing is delivered.
func TestALatePaymentOfWhichNothingIsHeard(t *testing.T) {
	s := newShop(t, func(c *subscription.Config) { c.Notify = true })
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.PayLater(started.Session))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	a := s.only()
	if a.Session != started.Session {
		t.Error("what is to be read until the money is there is not known")
	}
	if _, err := s.keeps.OldestEffect(t.Context()); err == nil {
		t.Error("somebody is told before the money is there")
	}
	s.ok(s.fake.Settle(started.Session, true))
	s.due(a.CustomerID, nil)
	s.works()
	if e, err := s.keeps.OldestEffect(t.Context()); err != nil || !strings.Contains(string(e.Data), string(notify.KindPaymentArrived)) {
		t.Errorf("the buyer, who has left, is told by %s, %v", e.Data, err)
	}
	if got := s.account(a.CustomerID); s.status(a.CustomerID) != storage.StatusActive || got.Session != "" {
		t.Errorf("the money came, and it is %s, with the session %q", s.status(a.CustomerID), got.Session)
	}
}

// Who has paid for something in no plan is looked at again, and told of.
func TestPaidForNoPlan(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	plans := s.Plans
	s.Plans = []billing.Plan{{ID: "other", Name: "Other", Price: "price_other"}}
	s.ok(s.fake.Pay(started.Session))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	a := s.only()
	if in := time.Until(a.DueAt); in > 2*time.Hour || a.DueAt.IsZero() || s.logged.FilterMessageSnippet("no plan has the price").Len() == 0 {
		t.Errorf("looked at again in %v, said: %v", in, s.logged.All())
	}
	s.Plans = plans
	s.due(a.CustomerID, nil)
	s.works()
	if s.status(a.CustomerID) != storage.StatusActive {
		t.Errorf("with the plan, the customer is %s", s.status(a.CustomerID))
	}
}

// What is told of a subscription before we know it is about nobody; it is read once
// more when it is known.
func TestHeardBeforeItIsKnown(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.Pay(started.Session))
	s.delivers(s.fake.Deliveries()...)
	s.first(func() {
		s.ok(s.fake.Cancel(s.fake.SubscriptionOf(started.Session)))
		s.delivers(s.fake.Deliveries()...)
	})
	s.works()
	s.works()
	if a := s.only(); s.status(a.CustomerID) != storage.StatusInactive {
		t.Errorf("cancelled while it was first read, and %s; due in %v", s.status(a.CustomerID), time.Until(a.DueAt))
	}
}

func TestTheSameTroubleTwice(t *testing.T) {
	s := newShop(t, nil)
	_, sub := s.buys()
	for range 2 {
		for _, status := range []string{"new_word", "active"} {
			s.ok(s.fake.SetStatus(sub, status))
			s.delivers(s.fake.Deliveries()...)
			s.works()
		}
	}
	if n := s.logged.FilterMessageSnippet("needs a look").Len(); n != 2 {
		t.Errorf("told %d times of 2 troubles", n)
	}
}

func TestPricesAreForAll(t *testing.T) {
	s := newShop(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Prices(ctx) // somebody who has left
	if len(s.Prices(t.Context())) == 0 {
		t.Error("a client who left takes the prices from everybody")
	}
}

// A delivery doesn't wait behind slow answers and abandoned checkouts.
func TestADeliveryIsReadAtOnce(t *testing.T) {
	s := newShop(t, nil)
	slow, _ := s.buys()
	other, sub := s.buys()
	s.delivers(s.fake.Events()...) // or catching up would hear of them now
	s.works()
	for range 20 {
		_, err := s.Checkout(t.Context(), "bob@example.com", "")
		s.ok(err)
		s.due(s.only().CustomerID, func(a *storage.Account) { a.DueAt = storage.Now().Add(-time.Minute) })
	}
	began, release := make(chan struct{}), make(chan struct{})
	s.first(func() { close(began); <-release })
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Service.Run(ctx) })
	defer wg.Wait()
	defer stop()
	defer close(release)
	s.due(slow, func(a *storage.Account) { a.DueAt = storage.Now().Add(-time.Hour) })
	<-began
	s.ok(s.fake.Cancel(sub))
	s.delivers(s.fake.Deliveries()...)
	for end := time.Now().Add(5 * time.Second); s.status(other) != storage.StatusInactive; <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("5 s after the delivery the other is still let in")
		}
	}
}

// Of many who read at once and know no secret, one gets the key.
func TestOneKeyWithoutANonce(t *testing.T) {
	s := newShop(t, nil)
	for range 50 {
		started, err := s.Checkout(t.Context(), "ada@example.com", "")
		s.ok(err)
		s.ok(s.fake.Pay(started.Session))
		s.delivers(s.fake.Deliveries()...)
		s.works()
		var given atomic.Int32
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range 10 {
			wg.Go(func() {
				<-begin
				got, err := s.Session(t.Context(), subscription.Claim{Session: started.Session, Again: i%2 == 0, Nonces: []string{"wrong"}})
				if err != nil {
					t.Error(err)
				}
				if got.Stage == subscription.StageClaimed {
					given.Add(1)
				}
			})
		}
		close(begin)
		wg.Wait()
		if n := given.Load(); n != 1 {
			t.Fatalf("%d keys were given out", n)
		}
	}
}

func TestTheEMailAddressFollows(t *testing.T) {
	s := newShop(t, nil)
	customer, _ := s.buys()
	for given, want := range map[string]string{"new@example.com": "new@example.com", "no address": "ada@example.com", "": "ada@example.com"} {
		_, err := s.store.UpdateCustomer(t.Context(), customer, func(c *storage.Customer) error { c.Email = "ada@example.com"; return nil })
		s.ok(err)
		s.Provider = renaming{s.provider(), given}
		s.due(customer, nil)
		s.works()
		if c, err := s.store.Customer(t.Context(), customer); err != nil || c.Email != want {
			t.Errorf("told %q, the address is %q, %v", given, c.Email, err)
		}
	}
}

// renaming is a provider that has another e-mail address of everybody.
type renaming struct {
	*stripebilling.Provider
	email string
}

func (p renaming) Read(ctx context.Context, ref billing.Ref) (billing.Snapshot, error) {
	snapshot, err := p.Provider.Read(ctx, ref)
	snapshot.Email = p.email
	return snapshot, err
}

// panicking is a provider with a fault.
type panicking struct{ *stripebilling.Provider }

func (panicking) Read(context.Context, billing.Ref) (billing.Snapshot, error) { panic("on purpose") }

func TestAProviderThatPanics(t *testing.T) {
	s := newShop(t, nil)
	customer, _ := s.buys()
	s.Provider = panicking{s.provider()}
	s.due(customer, nil)
	s.works()
	if a := s.account(customer); a.Failures != 1 || a.Lease != "" || s.status(customer) != storage.StatusActive {
		t.Errorf("afterwards: %+v", a)
	}
}

// One account that makes no sense keeps nobody else from being looked at.
func TestAnAccountThatMakesNoSense(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	spoilt, _ := s.buys()
	s.ok(s.fake.Cancel(sub))
	s.due(spoilt, func(a *storage.Account) { a.Data = []byte(`{"Subscriptions":7}`) })
	s.due(customer, nil)
	s.works()
	if s.status(customer) != storage.StatusInactive || s.status(spoilt) != storage.StatusActive {
		t.Errorf("the one is %s, the other %s", s.status(customer), s.status(spoilt))
	}
	failed := 0
	s.ok(s.Reconcile(t.Context(), subscription.ReconcileOptions{DryRun: true}, func(d subscription.Difference) {
		if d.Customer == spoilt && d.Err != nil {
			failed++
		}
	}))
	if failed != 1 {
		t.Errorf("reconcile names it %d times", failed)
	}
}

// A stale reading loses, also when what came in between isn't final.
func TestAStaleReadingOfACurableState(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	read, held := make(chan struct{}), make(chan struct{})
	s.first(func() { close(read); <-held })
	s.due(customer, nil)
	done := make(chan struct{})
	go func() { defer close(done); s.works() }()
	<-read
	s.ok(s.fake.SetStatus(sub, "unpaid"))
	s.delivers(s.fake.Deliveries()...)
	s.due(customer, func(a *storage.Account) { a.LeasedUntil = storage.Now() })
	s.works()
	close(held)
	<-done
	if s.status(customer) != storage.StatusInactive {
		t.Error("the old reading won")
	}
}

func TestTheSessionIsForgotten(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.Pay(started.Session))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	if s.only().Session != "" {
		t.Error("the session's ID is kept while it can be claimed")
	}
}

func TestBuyersShareAReading(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	var reads atomic.Int32
	began, hold := make(chan struct{}, 10), make(chan struct{})
	s.Provider = slowly{s.provider(), func() { reads.Add(1); began <- struct{}{}; <-hold }}
	ask := func() {
		if got, err := s.Session(t.Context(), subscription.Claim{Session: started.Session}); err != nil || got.Stage != subscription.StagePending {
			t.Errorf("%q, %v", got.Stage, err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(ask)
	<-began
	for range 4 {
		ask() // and doesn't wait
	}
	close(hold)
	wg.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("%d read", n)
	}
}

func TestAPaymentLiftsNoSuspension(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	_, err := s.store.UpdateCustomer(t.Context(), customer, func(c *storage.Customer) error {
		c.SuspendedAt, c.Status = storage.Now(), storage.StatusInactive
		return nil
	})
	s.ok(err)
	s.ok(s.fake.Renew(sub))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	if s.status(customer) != storage.StatusInactive {
		t.Error("a payment lifts an operator's suspension")
	}
}

// When accounts are looked at again by themselves.
func TestDue(t *testing.T) {
	s := newShop(t, func(c *subscription.Config) { c.Policy.Grace = time.Hour })
	within := func(what string, at time.Time, low, high time.Duration) {
		t.Helper()
		if in := time.Until(at); in < low || in > high {
			t.Errorf("%s: in %v", what, in)
		}
	}
	customer, sub := s.buys()
	s.works() // once more, since it is known now
	within("a customer", s.account(customer).DueAt, 23*time.Hour, 24*time.Hour)
	_, err := s.Checkout(t.Context(), "bob@example.com", "")
	s.ok(err)
	open := s.only().CustomerID
	s.due(open, nil)
	s.works()
	within("an open checkout", s.account(open).DueAt, time.Minute, 6*time.Hour)
	s.ok(s.fake.FailRenewal(sub))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	c, err := s.store.Customer(t.Context(), customer)
	s.ok(err)
	within("the end of the grace, for logins", c.EntitledUntil, 59*time.Minute, time.Hour)
	within("the end of the grace", s.account(customer).DueAt, 59*time.Minute, time.Hour)
}

func TestBuyersDoNotAskDuringAnOutage(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.fake.Outage(true)
	ask := func() {
		if got, err := s.Session(t.Context(), subscription.Claim{Session: started.Session}); err != nil || got.Stage != subscription.StagePending {
			t.Errorf("%q, %v", got.Stage, err)
		}
	}
	ask()
	before := len(s.fake.Calls())
	for range 5 {
		ask()
	}
	if n := len(s.fake.Calls()) - before; n != 0 {
		t.Errorf("%d calls within 5 s of a failure", n)
	}
}

// stopping is a provider in whose reading the process is stopped.
type stopping struct {
	*stripebilling.Provider
	stop func()
}

func (p stopping) Read(ctx context.Context, _ billing.Ref) (billing.Snapshot, error) {
	p.stop()
	return billing.Snapshot{}, ctx.Err()
}

func TestAStopIsNoFailure(t *testing.T) {
	s := newShop(t, nil)
	customer, _ := s.buys()
	s.due(customer, nil)
	ctx, stop := context.WithCancel(t.Context())
	s.Provider = stopping{s.provider(), stop}
	_, err := s.Work(ctx)
	s.ok(err)
	if a := s.account(customer); a.Failures != 0 || a.Lease != "" || a.DueAt.After(time.Now()) {
		t.Errorf("after a stop: %+v", a)
	}
}

func TestNoNoticeWithoutANotifier(t *testing.T) {
	s := newShop(t, nil)
	s.ended()
	if e, err := s.keeps.OldestEffect(t.Context()); err == nil {
		t.Errorf("an effect that nobody does: %+v", e)
	}
}

// What is a little older than the newest delivery is asked for as well.
func TestCatchingUpOverlaps(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	s.delivers(s.fake.Events()...)
	s.works()
	s.ok(s.keeps.CreateNotice(t.Context(), storage.Notice{
		Provider: "stripe", ID: "newer", Type: "x", CreatedAt: storage.Now().Add(5 * time.Minute), ReceivedAt: storage.Now(),
	}))
	s.ok(s.fake.Cancel(sub))
	s.ok(s.CatchUp(t.Context()))
	s.works()
	if s.status(customer) != storage.StatusInactive {
		t.Error("it was missed")
	}
}

func TestSweepSpares(t *testing.T) {
	s := newShop(t, nil)
	s.ok(s.store.CreateCustomer(t.Context(), storage.Customer{ID: "waiting", Status: storage.StatusPending, CreatedAt: storage.Now().AddDate(0, 0, -59)}))
	s.ok(s.keeps.CreateNotice(t.Context(), storage.Notice{Provider: "stripe", ID: "x", ReceivedAt: storage.Now().AddDate(0, 0, -89)}))
	s.ok(s.Sweep(t.Context()))
	if _, err := s.store.Customer(t.Context(), "waiting"); err != nil {
		t.Error(err)
	}
	if err := s.keeps.CreateNotice(t.Context(), storage.Notice{Provider: "stripe", ID: "x", ReceivedAt: storage.Now()}); err == nil {
		t.Error("forgotten after 89 days")
	}
}

func TestAllowed(t *testing.T) {
	for customers, want := range map[int]int{0: 3, 59: 3, 80: 4, 199: 9, 200: 10, 100_000: 10} {
		if got := subscription.Allowed(customers); got != want {
			t.Errorf("of %d customers %d may be shut out, want %d", customers, got, want)
		}
	}
}

// busy is a provider that wants to be left alone for a while.
type busy struct{ *stripebilling.Provider }

func (busy) Read(context.Context, billing.Ref) (billing.Snapshot, error) {
	return billing.Snapshot{}, &billing.UnavailableError{After: 2 * time.Hour, Err: context.DeadlineExceeded}
}

func TestAProviderIsLeftAloneAsLongAsItSays(t *testing.T) {
	s := newShop(t, nil)
	customer, _ := s.buys()
	s.Provider = busy{s.provider()}
	s.due(customer, nil)
	s.works()
	if in := time.Until(s.account(customer).DueAt); in < 119*time.Minute {
		t.Errorf("asked again in %v", in)
	}
}

// After a day the provider may have forgotten the idempotency key, and would begin
// another checkout.
func TestAnOldCheckoutIsNotAskedForAgain(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	young := s.only()
	list, err := s.keeps.Checkouts(t.Context(), young.CustomerID, storage.Page{Limit: 1})
	s.ok(err)
	old := storage.Customer{ID: "old", Status: storage.StatusPending, CreatedAt: storage.Now()}
	s.ok(s.store.CreateCustomer(t.Context(), old))
	young.CustomerID = old.ID
	s.ok(s.keeps.CreateAccount(t.Context(), young))
	checkout := list[0]
	checkout.ID, checkout.CustomerID, checkout.CreatedAt = "old", old.ID, storage.Now().Add(-23*time.Hour-time.Minute)
	s.ok(s.keeps.CreateCheckout(t.Context(), checkout))
	before := len(s.fake.Calls())
	s.due(old.ID, nil)
	s.works()
	if n := len(s.fake.Calls()) - before; n != 0 {
		t.Errorf("%d calls for %s", n, started.Session)
	}
}

// A checkout that nobody finished, and of whose end nothing was heard, doesn't keep
// out who pays in another way later.
func TestAnAbandonedCheckoutIsOver(t *testing.T) {
	s := newShop(t, nil)
	customer := s.ended()
	started, err := s.CheckoutAgain(t.Context(), customer, "")
	s.ok(err)
	list, err := s.keeps.Checkouts(t.Context(), customer, storage.Page{Limit: 1})
	s.ok(err)
	expires := func(at time.Time) {
		t.Helper()
		_, err := s.keeps.UpdateCheckout(t.Context(), customer, list[0].ID, func(c *storage.Checkout) error {
			c.ExpiresAt = at
			c.Session = [32]byte{1} // the provider can't be asked for it any more
			return nil
		})
		s.ok(err)
	}
	for _, c := range []struct {
		expired time.Duration
		want    billing.SessionState
	}{{0, billing.SessionOpen}, {59 * time.Minute, billing.SessionOpen}, {61 * time.Minute, billing.SessionExpired}} {
		expires(storage.Now().Add(-c.expired))
		s.due(customer, nil)
		s.works()
		if a, err := s.Account(t.Context(), customer); err != nil || a.Session != c.want {
			t.Errorf("expired %v ago it is %q, %v, want %q", c.expired, a.Session, err, c.want)
		}
	}
	s.ok(s.fake.Pay(started.Session)) // as if bought elsewhere: only the subscription is told of
	for _, e := range s.fake.Deliveries() {
		if e.Type != "checkout.session.completed" {
			s.delivers(e)
		}
	}
	s.works()
	if got := s.status(customer); got != storage.StatusActive {
		t.Errorf("paid elsewhere, and %s", got)
	}
}
