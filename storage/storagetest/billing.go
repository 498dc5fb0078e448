package storagetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// RunBilling checks a store that has [storage.Billing]: the methods one by one,
// outside and inside a transaction, what transactions do to them, and what holds
// when many use them at once.
func RunBilling(t *testing.T, open func(t *testing.T) storage.Store) {
	has := t.Run("HasTheRole", func(t *testing.T) {
		if !hasBilling(open(t)) {
			t.Fatal("the store has no storage.Billing: neither has it the methods itself, nor a method Unwrap() storage.Store that leads to them")
		}
	})
	if !has {
		return
	}
	run(t, open, billingMethods)
	run(t, open, inside(billingMethods))
	run(t, open, []check{
		{"EndedContext", of(billing, testEndedContext)},
		{"DeleteManyPending", of(withBilling, testDeleteManyPending)},
		{"SettleMany", of(withBilling, testSettleMany)},
	})
	run(t, open, billingTx)
	run(t, open, billingConcurrent)
}

// billingMethods are the checks of the methods. They hold inside a transaction
// too.
var billingMethods = []check{
	{"EveryMethodIsCovered", of(billing, testCovered)},
	{"ForeignCustomer", of(withBilling, testBillingForeign)},
	{"Identifiers", of(withBilling, testBillingIdentifiers)},
	{"Order", of(billingListings, testOrder)},
	{"Paging", of(billingListings, testPaging)},
	{"Times", of(withBilling, testBillingTimes)},
	{"Text", of(billing, testText)},
	{"JSON", of(withBilling, testBillingJSON)},
	{"RecordsBelongToTheCaller", of(withBilling, testBillingOwnership)},

	{"CreateAccount", of(withBilling, testCreateAccount)},
	{"UpdateAccount", of(withBilling, testUpdateAccount)},
	{"LeaseAccounts", of(withBilling, testLeaseAccounts)},
	{"NameAccount", of(withBilling, testNameAccount)},
	{"Accounts", of(withBilling, testAccounts)},
	{"FailingAccounts", of(withBilling, testFailingAccounts)},

	{"CreateCheckout", of(withBilling, testCreateCheckout)},
	{"CheckoutBySession", of(withBilling, testCheckoutBySession)},
	{"UpdateCheckout", of(withBilling, testUpdateCheckout)},
	{"Checkouts", of(withBilling, testCheckouts)},
	{"DeletePending", of(withBilling, testDeletePending)},

	{"CreateNotice", of(withBilling, testCreateNotice)},
	{"LastNotice", of(withBilling, testLastNotice)},
	{"DeleteNotices", of(withBilling, testDeleteNotices)},

	{"CreateEffect", of(withBilling, testCreateEffect)},
	{"TakeEffects", of(withBilling, testTakeEffects)},
	{"UpdateEffect", of(withBilling, testUpdateEffect)},
	{"OldestEffect", of(withBilling, testOldestEffect)},
	{"FailingEffects", of(withBilling, testFailingEffects)},
	{"DeleteEffects", of(withBilling, testDeleteEffects)},

	{"Reserve", of(withBilling, testReserve)},
	{"ReserveRefuses", of(withBilling, testReserveRefuses)},
	{"Settle", of(withBilling, testSettle)},
	{"SettleAgain", of(withBilling, testSettleAgain)},
	{"SettleExpired", of(withBilling, testSettleExpired)},
	{"CountsAgree", of(withBilling, testCountsAgree)},
	{"Balance", of(withBilling, testBalance)},
	{"UsageByDay", of(withBilling, testUsageByDay)},
	{"Unreported", of(withBilling, testUnreported)},
	{"MarkReported", of(withBilling, testMarkReported)},
	{"DeleteUsage", of(withBilling, testDeleteUsage)},
}

// billingStore is a store with the role.
type billingStore struct {
	storage.Store
	storage.Billing
}

func hasBilling(s storage.Store) bool {
	_, has := storage.RoleOf[storage.Billing](s)
	return has
}

func withBilling(t *testing.T, s storage.Store) billingStore {
	t.Helper()
	role, has := storage.RoleOf[storage.Billing](s)
	if !has {
		t.Fatal("the store has no storage.Billing here")
	}
	return billingStore{s, role}
}

// inTx runs fn in a transaction, with the role.
func (s billingStore) inTx(t *testing.T, fn func(tx billingStore) error) error {
	t.Helper()
	return s.InTx(t.Context(), func(_ context.Context, tx storage.Store) error { return fn(withBilling(t, tx)) })
}

// A day and a month before now.
var (
	yesterday = now.AddDate(0, 0, -1)
	lastMonth = now.AddDate(0, -1, 0)
)

// monthOf is the period in which t is.
func monthOf(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }

func newAccount(customer storage.CustomerID) storage.Account {
	return storage.Account{CustomerID: customer, Data: json.RawMessage(`{"n":1}`)}
}

func newCheckout(customer storage.CustomerID, id string) storage.Checkout {
	return storage.Checkout{CustomerID: customer, ID: id, Request: json.RawMessage(`{"n":1}`), CreatedAt: now}
}

func newNotice(provider, id string) storage.Notice {
	return storage.Notice{Provider: provider, ID: id, Type: "invoice.paid", CreatedAt: now, ReceivedAt: now}
}

func newEffect(id string) storage.Effect {
	return storage.Effect{ID: id, Kind: "mail", Data: json.RawMessage(`{"n":1}`), CreatedAt: now, DueAt: now}
}

// newReservation returns one of ten units.
func newReservation(customer storage.CustomerID, id string) storage.Reservation {
	return storage.Reservation{
		CustomerID: customer, ID: id, Metric: "tokens", Source: "ask_cmo", Period: monthOf(now),
		Units: 10, CreatedAt: now, Until: now.Add(time.Hour),
	}
}

// newPayer stores a customer with an account.
func newPayer(t *testing.T, s billingStore) storage.CustomerID {
	t.Helper()
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	ok(t, s.CreateAccount(t.Context(), newAccount(c.ID)))
	return c.ID
}
