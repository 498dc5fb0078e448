package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a Service over a real store and a fake Stripe.
type shop struct {
	*testing.T
	*subscription.Service
	fake   *billingtest.Fake
	store  storage.Store
	keeps  storage.Billing
	logged *observer.ObservedLogs

	mu   sync.Mutex
	lost []storage.CustomerID
}

func newShop(t *testing.T, change func(*subscription.Config)) *shop {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &shop{T: t, fake: billingtest.StartFake(t, nil), store: store, keeps: store}
	core, logged := observer.New(zap.WarnLevel)
	s.logged = logged
	config := subscription.Config{
		Store:       store,
		Provider:    s.provider(),
		Plans:       []billing.Plan{{ID: "basic", Name: "Basic", Price: s.fake.Price()}},
		SuccessURL:  "https://shop.example/welcome?session={CHECKOUT_SESSION_ID}",
		CancelURL:   "https://shop.example/",
		ClaimWindow: time.Hour,
		Lost: func(id storage.CustomerID) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lost = append(s.lost, id)
		},
		Log: zap.New(core),
	}
	if change != nil {
		change(&config)
	}
	if s.Service, err = subscription.New(config); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) provider() *stripebilling.Provider {
	s.Helper()
	p, err := stripebilling.New(s.fake.Key(), &stripebilling.Options{
		BaseURL: s.fake.URL(), WebhookSecrets: []string{s.fake.Secret()}, Retries: -1,
	})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *shop) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// buys is a customer who has paid, and the subscription at Stripe.
func (s *shop) buys() (storage.CustomerID, string) {
	s.Helper()
	started, err := s.Checkout(s.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.Pay(started.Session))
	session, err := s.Session(s.Context(), subscription.Claim{Session: started.Session})
	s.ok(err)
	if session.Stage != subscription.StageClaimed {
		s.Fatalf("paid, and yet %q", session.Stage)
	}
	return session.Customer, s.fake.SubscriptionOf(started.Session)
}

func (s *shop) status(id storage.CustomerID) storage.Status {
	s.Helper()
	c, err := s.store.Customer(s.Context(), id)
	s.ok(err)
	return c.StatusAt(time.Now())
}

// delivers hands Stripe's events over.
func (s *shop) delivers(events ...billingtest.Event) {
	s.Helper()
	for _, e := range events {
		s.ok(s.Receive(s.Context(), s.fake.Sign(e.Body, time.Now())))
	}
}

// due makes an account due now, as time does.
func (s *shop) due(id storage.CustomerID, change func(*storage.Account)) {
	s.Helper()
	_, err := s.keeps.UpdateAccount(s.Context(), id, func(a *storage.Account) error {
		a.DueAt = storage.Now()
		if change != nil {
			change(a)
		}
		return nil
	})
	s.ok(err)
}

func (s *shop) works() {
	s.Helper()
	for more := true; more; {
		var err error
		more, err = s.Work(s.Context())
		s.ok(err)
	}
}

func (s *shop) account(id storage.CustomerID) storage.Account {
	s.Helper()
	a, err := s.keeps.Account(s.Context(), id)
	s.ok(err)
	return a
}

func TestAStoreWithoutBilling(t *testing.T) {
	if _, err := subscription.New(subscription.Config{Store: struct{ storage.Store }{}}); err == nil {
		t.Error("taken")
	}
}

func TestAnOutageStopsNobody(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	s.fake.Outage(true)
	for failures := range 3 {
		s.due(customer, nil)
		s.works()
		a := s.account(customer)
		if s.status(customer) != storage.StatusActive || a.Failures != failures+1 || a.Lease != "" || a.DueAt.Before(time.Now()) {
			t.Errorf("after %d outages: %+v", failures+1, a)
		}
	}
	s.fake.Outage(false)
	s.ok(s.fake.Cancel(sub))
	s.due(customer, nil)
	s.works()
	if a := s.account(customer); s.status(customer) != storage.StatusInactive || a.Failures != 0 {
		t.Errorf("after the outage: %s, %+v", s.status(customer), a)
	}
	if len(s.lost) != 1 || s.lost[0] != customer {
		t.Errorf("told to be shut out: %v", s.lost)
	}
}

// What the provider doesn't know any more shuts nobody out.
func TestAnotherAccountsKey(t *testing.T) {
	s := newShop(t, nil)
	customer, _ := s.buys()
	other := billingtest.StartFake(t, nil)
	p, err := stripebilling.New(other.Key(), &stripebilling.Options{BaseURL: other.URL(), Retries: -1})
	s.ok(err)
	s.Provider = p
	s.due(customer, nil)
	s.works()
	if s.status(customer) != storage.StatusActive || s.logged.FilterMessageSnippet("doesn't know").Len() != 1 {
		t.Errorf("a key of another account: %s, %v", s.status(customer), s.logged.All())
	}
}

// slowly is a provider whose answers can be held back.
type slowly struct {
	*stripebilling.Provider
	hold func()
}

func (p slowly) Read(ctx context.Context, ref billing.Ref) (billing.Snapshot, error) {
	snapshot, err := p.Provider.Read(ctx, ref)
	p.hold()
	return snapshot, err
}

// A reading that is old when it arrives can't win over a newer one.
func TestAStaleReadingLoses(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	read, held := make(chan struct{}), make(chan struct{})
	var readings atomic.Int32
	s.Provider = slowly{s.provider(), func() {
		if readings.Add(1) == 1 {
			close(read)
			<-held
		}
	}}
	s.due(customer, nil)
	done := make(chan struct{})
	go func() { defer close(done); s.works() }() // reads "active", and waits
	<-read
	s.ok(s.fake.Cancel(sub))
	s.delivers(s.fake.Deliveries()...)
	s.works() // another worker finds it leased
	if s.status(customer) != storage.StatusActive {
		t.Error("two read the same account at once")
	}
	// The first seems dead, and its lease is taken over.
	s.due(customer, func(a *storage.Account) { a.LeasedUntil = storage.Now() })
	s.works()
	if s.status(customer) != storage.StatusInactive {
		t.Error("the lease of a dead worker isn't taken over")
	}
	close(held)
	<-done
	if s.status(customer) != storage.StatusInactive {
		t.Error("the old reading won")
	}
}

// What is heard while the provider is being read leads to another reading.
func TestHeardWhileReading(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	var once sync.Once
	s.Provider = slowly{s.provider(), func() {
		once.Do(func() {
			s.ok(s.fake.Cancel(sub))
			s.delivers(s.fake.Deliveries()...)
		})
	}}
	s.due(customer, nil)
	s.works() // reads "active", hears, is due again
	s.works()
	if s.status(customer) != storage.StatusInactive {
		t.Errorf("what was heard while reading is lost: %+v", s.account(customer))
	}
}

func TestMissedDeliveries(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	s.delivers(s.fake.Events()...)
	s.works()
	s.ok(s.fake.Cancel(sub)) // and nothing is delivered
	s.ok(s.CatchUp(t.Context()))
	s.works()
	if s.status(customer) != storage.StatusInactive {
		t.Error("what was missed is not caught up with")
	}
	heard := s.account(customer).Heard
	s.ok(s.CatchUp(t.Context()))
	if again := s.account(customer).Heard; again != heard {
		t.Error("catching up twice hears twice")
	}
}

// A buyer who never comes back, at a host that no delivery reaches, is found.
func TestACheckoutOfWhichNothingIsHeard(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.Pay(started.Session))
	list, err := s.keeps.Accounts(t.Context(), storage.Page{Limit: 1})
	s.ok(err)
	a := list[0]
	if wait := time.Until(a.DueAt); wait < time.Minute || wait > 3*time.Minute {
		t.Errorf("it is looked at in %v", wait)
	}
	if strings.Contains(fmt.Sprintf("%+v %s", a, a.Data), started.Session) {
		t.Error("the session's ID is stored")
	}
	s.due(a.CustomerID, nil)
	s.works()
	if s.status(a.CustomerID) != storage.StatusActive {
		t.Errorf("paid, and nobody noticed: %+v", s.account(a.CustomerID))
	}
	if session, err := s.Session(t.Context(), subscription.Claim{Session: started.Session}); err != nil || session.Stage != subscription.StageClaimed {
		t.Errorf("the buyer comes back to %q, %v", session.Stage, err)
	}
}

// An old checkout that was paid says nothing of a new one that isn't.
func TestAnOldCheckoutDoesNotPayTheNewOne(t *testing.T) {
	s := newShop(t, nil)
	started, err := s.Checkout(t.Context(), "ada@example.com", "")
	s.ok(err)
	s.ok(s.fake.Pay(started.Session))
	session, err := s.Session(t.Context(), subscription.Claim{Session: started.Session})
	s.ok(err)
	s.ok(s.fake.Cancel(s.fake.SubscriptionOf(started.Session)))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	again, err := s.CheckoutAgain(t.Context(), session.Customer, "")
	s.ok(err)
	// The old one is heard of once more.
	s.due(session.Customer, func(a *storage.Account) { a.Session, a.Heard = started.Session, a.Heard+1 })
	s.works()
	account, err := s.Account(t.Context(), session.Customer)
	s.ok(err)
	if account.Session != billing.SessionOpen {
		t.Errorf("the new checkout is %q", account.Session)
	}
	if got, err := s.Session(t.Context(), subscription.Claim{Session: again.Session}); err != nil || got.Stage != subscription.StagePending {
		t.Errorf("the new checkout is at %q, %v", got.Stage, err)
	}
	if got, err := s.Session(t.Context(), subscription.Claim{Session: started.Session}); err != nil || got.Stage != subscription.StageIssued {
		t.Errorf("the old checkout is at %q, %v", got.Stage, err)
	}
}

func TestReconcile(t *testing.T) {
	s := newShop(t, nil)
	var subs []string
	var customers []storage.CustomerID
	for range 8 {
		customer, sub := s.buys()
		customers, subs = append(customers, customer), append(subs, sub)
	}
	for _, sub := range subs[:3] {
		s.ok(s.fake.Cancel(sub))
	}
	run := func(o subscription.ReconcileOptions) (cuts int, err error) {
		t.Helper()
		err = s.Reconcile(t.Context(), o, func(d subscription.Difference) {
			if d.Err != nil {
				t.Errorf("customer %s: %v", d.Customer, d.Err)
			}
			if d.Cut {
				cuts++
			}
		})
		return cuts, err
	}
	if cuts, err := run(subscription.ReconcileOptions{DryRun: true}); err != nil || cuts != 3 || s.status(customers[0]) != storage.StatusActive {
		t.Errorf("a dry run: %d cuts, %v, %s", cuts, err, s.status(customers[0]))
	}
	if cuts, err := run(subscription.ReconcileOptions{}); err != nil || cuts != 3 || s.status(customers[0]) != storage.StatusInactive || s.status(customers[7]) != storage.StatusActive {
		t.Errorf("three of eight: %d cuts, %v", cuts, err)
	}
	if cuts, err := run(subscription.ReconcileOptions{}); err != nil || cuts != 0 {
		t.Errorf("once more: %d cuts, %v", cuts, err)
	}
	for _, sub := range subs[3:7] {
		s.ok(s.fake.Cancel(sub))
	}
	if cuts, err := run(subscription.ReconcileOptions{}); err == nil || cuts != 4 || s.status(customers[3]) != storage.StatusActive {
		t.Errorf("four at once: %d cuts, %v", cuts, err)
	}
	if cuts, err := run(subscription.ReconcileOptions{Force: true}); err != nil || cuts != 4 || s.status(customers[3]) != storage.StatusInactive {
		t.Errorf("four by force: %d cuts, %v", cuts, err)
	}
}

// Looks that nobody asked for shut out a few at most; deliveries are about one
// customer each, and aren't held back.
func TestTheFuse(t *testing.T) {
	s := newShop(t, nil)
	var subs []string
	var customers []storage.CustomerID
	for range 6 {
		customer, sub := s.buys()
		customers, subs = append(customers, customer), append(subs, sub)
	}
	for _, sub := range subs {
		s.ok(s.fake.Cancel(sub))
	}
	for _, customer := range customers {
		s.due(customer, nil)
	}
	s.works()
	out := 0
	for _, customer := range customers {
		if s.status(customer) == storage.StatusInactive {
			out++
		}
	}
	if out != 3 || s.logged.FilterMessageSnippet("not brought up to date").Len() != 3 {
		t.Errorf("%d of 6 were shut out, said: %v", out, s.logged.All())
	}
	s.delivers(s.fake.Deliveries()...)
	s.works()
	for _, customer := range customers {
		if s.status(customer) != storage.StatusInactive {
			t.Errorf("%s is %s though Stripe told of the end", customer, s.status(customer))
		}
	}
}

func TestAdminsGrantPlans(t *testing.T) {
	s := newShop(t, func(c *subscription.Config) {
		c.Plans = append(c.Plans, billing.Plan{ID: "friends", Name: "Friends"})
	})
	customer, sub := s.buys()
	c, err := s.store.Customer(t.Context(), customer)
	s.ok(err)
	s.ok(s.fake.Cancel(sub))
	s.delivers(s.fake.Deliveries()...)
	s.works()
	s.due(customer, func(a *storage.Account) { a.Heard++ })
	s.ok(s.SetGrant(t.Context(), c, true, "friends"))
	if a := s.account(customer); a.DueAt.After(time.Now()) {
		t.Errorf("what was heard before is put off to %v", a.DueAt)
	}
	s.works()
	c, err = s.store.Customer(t.Context(), customer)
	s.ok(err)
	if c.Status != storage.StatusActive || c.Plan != "friends" {
		t.Errorf("granted: %+v", c)
	}
	s.ok(s.SetGrant(t.Context(), c, false, ""))
	if s.status(customer) != storage.StatusInactive {
		t.Errorf("taken back: %s", s.status(customer))
	}
	// One from before there was billing.
	old := storage.Customer{ID: storage.CustomerID(storage.NewID()), Status: storage.StatusActive, CreatedAt: storage.Now()}
	s.ok(s.store.CreateCustomer(t.Context(), old))
	s.ok(s.SetGrant(t.Context(), old, true, "friends"))
	if got, err := s.store.Customer(t.Context(), old.ID); err != nil || got.Plan != "friends" || got.Status != storage.StatusActive {
		t.Errorf("one from before: %+v, %v", got, err)
	}
}

func TestSweep(t *testing.T) {
	s := newShop(t, nil)
	customer, _ := s.buys()
	old := storage.Now().AddDate(0, 0, -61)
	abandoned := storage.Customer{ID: "abandoned", Status: storage.StatusPending, CreatedAt: old}
	s.ok(s.store.CreateCustomer(t.Context(), abandoned))
	s.ok(s.keeps.CreateNotice(t.Context(), storage.Notice{Provider: "stripe", ID: "old", ReceivedAt: storage.Now().AddDate(0, 0, -91)}))
	s.ok(s.Sweep(t.Context()))
	if _, err := s.store.Customer(t.Context(), "abandoned"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an abandoned checkout: %v", err)
	}
	if s.status(customer) != storage.StatusActive {
		t.Error("a customer is gone")
	}
	s.ok(s.keeps.CreateNotice(t.Context(), storage.Notice{Provider: "stripe", ID: "old", ReceivedAt: storage.Now()}))
}

func TestDisputesAreForTheOperator(t *testing.T) {
	s := newShop(t, nil)
	customer, sub := s.buys()
	s.ok(s.fake.Dispute(sub))
	for range 2 {
		s.delivers(s.fake.Events()...)
	}
	s.works()
	if n := s.logged.FilterMessageSnippet("disputed").Len(); n != 1 || s.status(customer) != storage.StatusActive {
		t.Errorf("told %d times, and the customer is %s", n, s.status(customer))
	}
}
