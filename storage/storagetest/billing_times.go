package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// testBillingTimes is testTimes for the role.
func testBillingTimes(t *testing.T, s billingStore) {
	ctx := t.Context()
	for i, at := range oddTimes {
		check := func(what string, record any, err error) {
			t.Helper()
			ok(t, err)
			checkTimes(t, what, record, at)
		}
		id := fmt.Sprint(100 + i)
		c := newCustomer(id)
		ok(t, s.CreateCustomer(ctx, c))

		a := newAccount(c.ID)
		setTimes(&a, at)
		ok(t, s.CreateAccount(ctx, a))
		a, err := s.Account(ctx, c.ID)
		check("Account", a, err)
		accounts, err := s.Accounts(ctx, storage.Page{Limit: 1})
		check("Accounts", accounts, err)
		a, err = s.UpdateAccount(ctx, c.ID, func(a *storage.Account) error {
			check("UpdateAccount's change", *a, nil)
			setTimes(a, at)
			return nil
		})
		check("UpdateAccount", a, err)

		checkout := fullCheckout(c.ID, id)
		checkout.Session = [32]byte{1, byte(i)}
		setTimes(&checkout, at)
		ok(t, s.CreateCheckout(ctx, checkout))
		checkout, err = s.CheckoutBySession(ctx, checkout.Session)
		check("CheckoutBySession", checkout, err)
		checkouts, err := s.Checkouts(ctx, c.ID, all)
		check("Checkouts", checkouts, err)
		checkout, err = s.UpdateCheckout(ctx, c.ID, id, func(c *storage.Checkout) error {
			check("UpdateCheckout's change", *c, nil)
			setTimes(c, at)
			return nil
		})
		check("UpdateCheckout", checkout, err)

		n := newNotice("provider "+id, id)
		setTimes(&n, at)
		ok(t, s.CreateNotice(ctx, n))
		n, err = s.LastNotice(ctx, n.Provider)
		check("LastNotice", n, err)

		e := fullEffect(id)
		setTimes(&e, at)
		ok(t, s.CreateEffect(ctx, e))
		e, err = s.UpdateEffect(ctx, id, func(e *storage.Effect) error {
			check("UpdateEffect's change", *e, nil)
			setTimes(e, at)
			return nil
		})
		check("UpdateEffect", e, err)

		testLedgerTimes(t, s, c.ID, at)
		if !at.IsZero() {
			testTakenTimes(t, s, at)
		}
	}
}

// testLedgerTimes has at as a period, as the time of a reservation and as the
// end of one.
func testLedgerTimes(t *testing.T, s billingStore, customer storage.CustomerID, at time.Time) {
	t.Helper()
	ctx := t.Context()
	r := newReservation(customer, "1")
	r.Metric = "metric of " + string(customer)
	setTimes(&r, at)
	reserve(t, s, r)
	same := r
	same.ID, same.Period = "2", asStored(at)
	reserve(t, s, same)
	checkBalance(t, s, r, 0, 20, fmt.Sprintf("of the period %v", at))
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: customer, ID: "1", Used: 3}}))
	checkBalance(t, s, same, 3, 17, fmt.Sprintf("of the period %v", at))
	counts, err := s.Unreported(ctx, []string{r.Metric}, 10)
	ok(t, err)
	equal(t, counts, []storage.Count{{CustomerID: customer, Metric: r.Metric, Period: asStored(at), Used: 3}}, "the count")
	ok(t, s.MarkReported(ctx, counts[0], 3))

	day := used(r, 3)
	days, err := s.UsageByDay(ctx, customer, day.Day, day.Day.AddDate(0, 0, 1))
	ok(t, err)
	equal(t, days, []storage.DayUsage{day}, fmt.Sprintf("usage of the day of %v", at))

	for _, c := range []struct {
		after time.Duration
		held  int64
	}{{0, 17}, {time.Microsecond, 0}} {
		if at.IsZero() {
			c.after, c.held = 0, 17 // never
		}
		_, err := s.SettleExpired(ctx, asStored(at).Add(c.after))
		ok(t, err)
		checkBalance(t, s, r, 3, c.held, fmt.Sprintf("%v after the end of a reservation until %v", c.after, at))
	}
}

// testTakenTimes has at as the end of a lease, and as when to do an effect again.
func testTakenTimes(t *testing.T, s billingStore, at time.Time) {
	t.Helper()
	ctx := t.Context()
	payer := newPayer(t, s)
	early := time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC) // before all others
	_, err := s.UpdateAccount(ctx, payer, func(a *storage.Account) error { a.DueAt = early; return nil })
	ok(t, err)
	accounts, err := s.LeaseAccounts(ctx, "lease", early, at, 1)
	ok(t, err)
	checkTimes(t, "LeaseAccounts", struct{ LeasedUntil time.Time }{accounts[0].LeasedUntil}, at)
	_, err = s.UpdateAccount(ctx, payer, func(a *storage.Account) error {
		checkTimes(t, "LeaseAccounts", struct{ LeasedUntil time.Time }{a.LeasedUntil}, at)
		a.DueAt = time.Time{}
		return nil
	})
	ok(t, err)

	e := newEffect(storage.NewID())
	e.DueAt = early
	ok(t, s.CreateEffect(ctx, e))
	effects, err := s.TakeEffects(ctx, early, at, 1)
	ok(t, err)
	checkTimes(t, "TakeEffects", struct{ DueAt time.Time }{effects[0].DueAt}, at)
	checkTimes(t, "TakeEffects", struct{ DueAt time.Time }{effect(t, s, e.ID).DueAt}, at)
	_, err = s.UpdateEffect(ctx, e.ID, func(e *storage.Effect) error { e.DoneAt = now; return nil })
	ok(t, err)
}
