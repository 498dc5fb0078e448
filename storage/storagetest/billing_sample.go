package storagetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// billed is a fixture with records of every sort of billing, stored. What is old
// is from last month.
type billed struct {
	fixture                      // of a customer with an account
	bare        storage.Customer // without one
	pending     storage.Customer // old, with an account
	account     storage.Account
	name        string // of the account
	checkout    storage.Checkout
	notice      storage.Notice
	oldNotice   storage.Notice // of another provider
	effect      storage.Effect
	doneEffect  storage.Effect // old
	reservation storage.Reservation
	expired     storage.Reservation
	unreported  storage.Count
}

func fillBilling(t *testing.T, s billingStore) billed {
	t.Helper()
	ctx := t.Context()
	f := billed{fixture: fill(t, s), bare: newCustomer(storage.NewID()), pending: newCustomer(storage.NewID())}
	id := f.customer.ID
	ok(t, s.CreateCustomer(ctx, f.bare))
	f.pending.Status, f.pending.CreatedAt = storage.StatusPending, lastMonth
	ok(t, s.CreateCustomer(ctx, f.pending))
	ok(t, s.CreateAccount(ctx, newAccount(f.pending.ID)))

	f.account, f.name = newAccount(id), "name of "+string(id)
	f.account.DueAt = now
	ok(t, s.CreateAccount(ctx, f.account))
	ok(t, s.NameAccount(ctx, id, f.name))

	f.checkout = newCheckout(id, storage.NewID())
	f.checkout.Session = sha256.Sum256([]byte(f.checkout.ID))
	ok(t, s.CreateCheckout(ctx, f.checkout))

	f.notice = newNotice("provider of "+string(id), storage.NewID())
	ok(t, s.CreateNotice(ctx, f.notice))
	f.oldNotice = newNotice("old provider of "+string(id), storage.NewID())
	f.oldNotice.ReceivedAt = lastMonth
	ok(t, s.CreateNotice(ctx, f.oldNotice))

	f.effect, f.doneEffect = newEffect(storage.NewID()), newEffect(storage.NewID())
	f.doneEffect.DoneAt = lastMonth
	ok(t, s.CreateEffect(ctx, f.effect))
	ok(t, s.CreateEffect(ctx, f.doneEffect))

	f.reservation, f.expired = newReservation(id, storage.NewID()), newReservation(id, storage.NewID())
	f.expired.Until = yesterday
	counted, old := newReservation(id, storage.NewID()), newReservation(id, storage.NewID())
	counted.Metric = "calls"
	old.Period, old.CreatedAt = monthOf(lastMonth), lastMonth
	for _, r := range []storage.Reservation{f.reservation, f.expired, counted, old} {
		reserve(t, s, r)
	}
	ok(t, s.Settle(ctx, []storage.Use{
		{CustomerID: id, ID: counted.ID, Used: 1, Done: true},
		{CustomerID: id, ID: old.ID, Used: 3, Done: true},
	}))
	f.unreported = storage.Count{CustomerID: id, Metric: "calls", Period: monthOf(now), Used: 1}
	return f
}

// reserve reserves without a limit.
func reserve(t *testing.T, s billingStore, r storage.Reservation) {
	t.Helper()
	_, err := s.Reserve(t.Context(), r, -1)
	ok(t, err)
}

// billingContents is what a store holds of f.
type billingContents struct {
	Core       contents
	Customers  []storage.Customer
	Accounts   []storage.Account
	Owner      storage.CustomerID
	Fresh      error // of looking for a name that nobody has
	Checkouts  []storage.Checkout
	Notices    [2]storage.Notice
	Effects    [3]storage.Effect
	Balances   [2]storage.Balance
	Days       []storage.DayUsage
	Unreported []storage.Count
}

func readBilling(t *testing.T, s billingStore, f billed) (c billingContents) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	id := f.customer.ID
	var errs [13]error
	c.Core = read(t, s, id)
	c.Customers, errs[0] = s.Customers(ctx, storage.CustomerQuery{Page: all})
	c.Accounts, errs[1] = s.Accounts(ctx, all)
	c.Owner, errs[2] = s.AccountByName(ctx, f.name)
	_, c.Fresh = s.AccountByName(ctx, "fresh "+f.name)
	c.Checkouts, errs[3] = s.Checkouts(ctx, id, all)
	c.Notices[0], errs[4] = s.LastNotice(ctx, f.notice.Provider)
	c.Notices[1], errs[5] = s.LastNotice(ctx, f.oldNotice.Provider)
	c.Effects[0], errs[6] = s.OldestEffect(ctx)
	for i, e := range []storage.Effect{f.effect, f.doneEffect} { // there is no other way to look at one
		c.Effects[i+1], errs[7+i] = s.UpdateEffect(ctx, e.ID, func(*storage.Effect) error { return nil })
	}
	c.Balances[0], errs[9] = s.Balance(ctx, id, "tokens", monthOf(now))
	c.Balances[1], errs[10] = s.Balance(ctx, id, "tokens", monthOf(lastMonth))
	c.Days, errs[11] = s.UsageByDay(ctx, id, time.Time{}, now.AddDate(1, 0, 0))
	c.Unreported, errs[12] = s.Unreported(ctx, []string{"tokens", "calls"}, 10000)
	ok(t, errors.Join(errs[:]...))
	return c
}

// billing is a sample of [storage.Billing].
func billing(t *testing.T, store storage.Store) sample {
	t.Helper()
	s := withBilling(t, store)
	f := fillBilling(t, s)
	before := readBilling(t, s, f)
	return sample{
		contract: reflect.TypeFor[storage.Billing](),
		on:       s.Billing,
		calls:    func() map[string][]any { return billingCalls(f) },
		restore:  func(*testing.T) {},
		unchanged: func(t *testing.T, after string) {
			t.Helper()
			equal(t, readBilling(t, s, f), before, "records after "+after)
		},
		called: func(t *testing.T) {
			t.Helper()
			ctx := t.Context()
			a, err := s.Account(ctx, f.customer.ID)
			ok(t, err)
			equal(t, a.Session, "changed", "session of the account")
			balance, err := s.Balance(ctx, f.customer.ID, "tokens", monthOf(now))
			ok(t, err)
			equal(t, balance, storage.Balance{Used: 4, Held: 16}, "balance") // of two reservations; the third has expired
			_, err = s.Customer(ctx, f.pending.ID)
			wantErr(t, err, storage.ErrNotFound, "the pending customer")
		},
	}
}

// billingCalls are those of billing. None needs what another deletes.
func billingCalls(f billed) map[string][]any {
	id := f.customer.ID
	notice, effect := newNotice(f.notice.Provider, storage.NewID()), newEffect(storage.NewID())
	notice.CreatedAt, effect.CreatedAt = now.Add(time.Hour), yesterday // the last, and the oldest
	return map[string][]any{
		"CreateAccount":   {newAccount(f.bare.ID)},
		"Account":         {id},
		"UpdateAccount":   {id, func(a *storage.Account) error { a.Session = "changed"; return nil }},
		"LeaseAccounts":   {"lease", now, now.Add(time.Minute), 100},
		"NameAccount":     {id, f.name, "fresh " + f.name},
		"AccountByName":   {"unknown", f.name},
		"Accounts":        {all},
		"FailingAccounts": {10},

		"CreateCheckout":    {newCheckout(id, storage.NewID())},
		"CheckoutBySession": {f.checkout.Session},
		"UpdateCheckout":    {id, f.checkout.ID, func(c *storage.Checkout) error { c.KeyID = "changed"; return nil }},
		"Checkouts":         {id, all},
		"DeletePending":     {yesterday},

		"CreateNotice":  {notice},
		"LastNotice":    {f.notice.Provider},
		"DeleteNotices": {yesterday},

		"CreateEffect":   {effect},
		"TakeEffects":    {now, now.Add(time.Minute), 100},
		"UpdateEffect":   {f.effect.ID, func(e *storage.Effect) error { e.Error = "changed"; return nil }},
		"OldestEffect":   {},
		"FailingEffects": {10},
		"DeleteEffects":  {yesterday},

		"Reserve":       {newReservation(id, storage.NewID()), int64(100)},
		"Settle":        {[]storage.Use{{CustomerID: id, ID: f.reservation.ID, Used: 4}}},
		"SettleExpired": {now},
		"Balance":       {id, "tokens", monthOf(now)},
		"UsageByDay":    {id, lastMonth, now},
		"Unreported":    {[]string{"tokens"}, 100},
		"MarkReported":  {f.unreported, int64(1)},
		"DeleteUsage":   {monthOf(now)},
	}
}
