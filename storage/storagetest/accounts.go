package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func fullAccount(customer storage.CustomerID) storage.Account {
	return storage.Account{
		CustomerID:  customer,
		Data:        json.RawMessage(`{"plan":"pro"}`),
		Heard:       1<<40 + 1,
		Session:     "cs_test_1 ?0 $1",
		DueAt:       now.Add(time.Minute),
		Lease:       "worker",
		LeasedUntil: now.Add(time.Hour),
		Failures:    3,
		ReadAt:      now,
	}
}

func testCreateAccount(t *testing.T, s billingStore) {
	ctx := t.Context()
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	_, err := s.Account(ctx, c.ID)
	wantErr(t, err, storage.ErrNotFound, "a customer without an account")
	wantErr(t, s.CreateAccount(ctx, newAccount(nobody)), storage.ErrNotFound, "an account of nobody")

	want := fullAccount(c.ID)
	ok(t, s.CreateAccount(ctx, want))
	wantErr(t, s.CreateAccount(ctx, newAccount(c.ID)), storage.ErrExists, "a second account")
	got, err := s.Account(ctx, c.ID)
	ok(t, err)
	equalAccount(t, got, want, "the stored account")
}

func testUpdateAccount(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	want := fullAccount(mine)
	got, err := s.UpdateAccount(ctx, mine, func(a *storage.Account) error {
		equalAccount(t, *a, newAccount(mine), "the account given to change")
		*a = want
		a.CustomerID = other
		a.ReadAt = a.ReadAt.Add(999 * time.Nanosecond)
		return nil
	})
	ok(t, err)
	equalAccount(t, got, want, "the account returned")
	check := func(customer storage.CustomerID, want storage.Account, what string) {
		t.Helper()
		got, err := s.Account(ctx, customer)
		ok(t, err)
		equalAccount(t, got, want, what)
	}
	check(mine, want, "the account stored")
	check(other, newAccount(other), "another account")

	failed := errors.New("my own reason")
	_, err = s.UpdateAccount(ctx, mine, func(a *storage.Account) error { a.Session = ""; return failed })
	wantErr(t, err, failed, "an error of change")
	check(mine, want, "the account after an error of change")

	got, err = s.UpdateAccount(ctx, mine, func(a *storage.Account) error { *a = storage.Account{Data: a.Data}; return nil })
	ok(t, err)
	equalAccount(t, got, storage.Account{CustomerID: mine, Data: want.Data}, "the emptied account")

	_, err = s.UpdateAccount(ctx, nobody, func(*storage.Account) error { t.Error("change was called for no account"); return nil })
	wantErr(t, err, storage.ErrNotFound, "an absent account")
}

func testLeaseAccounts(t *testing.T, s billingStore) {
	ctx := t.Context()
	accounts := map[string]storage.Account{}
	for _, a := range []struct {
		id                 string
		dueAt, leasedUntil time.Time
	}{
		{"just due", now, time.Time{}},
		{"long due", now.Add(-2 * time.Hour), time.Time{}},
		{"not due yet", now.Add(time.Microsecond), time.Time{}},
		{"never due", time.Time{}, time.Time{}},
		{"leased", now.Add(-3 * time.Hour), now.Add(time.Microsecond)},
		{"leased before", now.Add(-time.Hour), now},
	} {
		ok(t, s.CreateCustomer(ctx, newCustomer(a.id)))
		account := newAccount(storage.CustomerID(a.id))
		account.Heard, account.DueAt, account.LeasedUntil = 5, a.dueAt, a.leasedUntil
		if !a.leasedUntil.IsZero() {
			account.Lease = "somebody"
		}
		accounts[a.id] = account
		ok(t, s.CreateAccount(ctx, account))
	}
	check := func(what string, at, until time.Time, limit int, want ...string) {
		t.Helper()
		list, err := s.LeaseAccounts(ctx, what, at, until, limit)
		ok(t, err)
		records := make([]storage.Account, len(want))
		for i, id := range want {
			account := accounts[id]
			account.Lease, account.LeasedUntil = what, asStored(until)
			accounts[id] = account
			records[i] = account
		}
		equalAccounts(t, list, records, what)
		for id, want := range accounts {
			got, err := s.Account(ctx, storage.CustomerID(id))
			ok(t, err)
			equalAccount(t, got, want, fmt.Sprintf("the account %q after %s", id, what))
		}
	}
	until := now.Add(time.Minute)
	check("no limit at all", now, until, 0)
	check("a negative limit", now, until, math.MinInt)
	check("the first two", now, until.Add(999*time.Nanosecond), 2, "long due", "leased before")
	check("the others", now, until, 10, "just due")
	check("nothing is left", now, until, 10)
	check("one that was given up", now.Add(time.Microsecond), until, 10, "leased", "not due yet")
	check("all again", until, until.Add(time.Hour), math.MaxInt, "leased", "long due", "leased before", "just due", "not due yet")
}

func testNameAccount(t *testing.T, s billingStore) {
	ctx := t.Context()
	first, second := newPayer(t, s), newPayer(t, s)
	c := newCustomer("without an account")
	ok(t, s.CreateCustomer(ctx, c))
	find := func(want storage.CustomerID, names ...string) {
		t.Helper()
		got, err := s.AccountByName(ctx, names...)
		if want == "" {
			wantErr(t, err, storage.ErrNotFound, fmt.Sprintf("names %q", names))
		} else {
			ok(t, err)
		}
		equal(t, got, want, fmt.Sprintf("whose account has one of the names %q", names))
	}
	for _, customer := range []storage.CustomerID{c.ID, nobody} {
		wantErr(t, s.NameAccount(ctx, customer, "a"), storage.ErrNotFound, "naming an absent account")
		wantErr(t, s.NameAccount(ctx, customer), storage.ErrNotFound, "naming an absent account with no names")
	}
	find("", "a")

	ok(t, s.NameAccount(ctx, first, "b", "a", "b"))
	ok(t, s.NameAccount(ctx, second, "c", "a", "", "d"))
	ok(t, s.NameAccount(ctx, first, "a", "e"))
	ok(t, s.NameAccount(ctx, first))
	find(first, "a")
	find(first, "b")
	find(second, "c")
	find(second, "d")
	find(first, "e")
	find(second, "unknown", "", "d", "a") // the first that is known
	find(first, "", "a", "d")
	find("")
	find("", "")
	find("", "", "unknown", string(first), "A", "a ", "%", "_")
}

func testAccounts(t *testing.T, s billingStore) {
	ctx := t.Context()
	list, err := s.Accounts(ctx, all)
	ok(t, err)
	equal(t, len(list), 0, "number of accounts of an empty store")
	var want []storage.Account
	for _, id := range []string{"1", "2", "3"} {
		ok(t, s.CreateCustomer(ctx, newCustomer(id)))
		ok(t, s.CreateCustomer(ctx, newCustomer(id+" without an account")))
		a := fullAccount(storage.CustomerID(id))
		ok(t, s.CreateAccount(ctx, a))
		want = append([]storage.Account{a}, want...)
	}
	list, err = s.Accounts(ctx, all)
	ok(t, err)
	equalAccounts(t, list, want, "accounts")
}

func testFailingAccounts(t *testing.T, s billingStore) {
	ctx := t.Context()
	for id, failures := range map[storage.CustomerID]int{"b": 2, "a": 2, "often": 9, "well": 0} {
		ok(t, s.CreateCustomer(ctx, newCustomer(string(id))))
		a := fullAccount(id)
		a.Failures = failures
		ok(t, s.CreateAccount(ctx, a))
	}
	customer := func(a storage.Account) string { return string(a.CustomerID) }
	for limit, want := range map[int][]string{10: {"often", "a", "b"}, 2: {"often", "a"}, 0: nil, -1: nil} {
		list, err := s.FailingAccounts(ctx, limit)
		equalIDs(t, list, err, customer, want, "failing accounts")
	}
}

func equalAccount(t *testing.T, got, want storage.Account, what string) {
	t.Helper()
	equalAccounts(t, []storage.Account{got}, []storage.Account{want}, what)
}

func equalAccounts(t *testing.T, got, want []storage.Account, what string) {
	t.Helper()
	equalRecords(t, got, want, func(a *storage.Account) *json.RawMessage { return &a.Data }, what)
}
