package storagetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// testBillingForeign is testForeign for the role.
func testBillingForeign(t *testing.T, s billingStore) {
	ctx := t.Context()
	f := fillBilling(t, s)
	other := newPayer(t, s)
	before := readBilling(t, s, f)
	never := func() error { t.Error("change was called with a record of somebody else"); return nil }
	bare := storage.CustomerID("no account")
	ok(t, s.CreateCustomer(ctx, newCustomer(string(bare))))
	before.Customers = readBilling(t, s, f).Customers

	rows := map[string]func(who storage.CustomerID) (found int, err error){
		"CreateAccount": func(storage.CustomerID) (int, error) { return 0, s.CreateAccount(ctx, newAccount(nobody)) },
		"Account": func(storage.CustomerID) (int, error) {
			_, err := s.Account(ctx, bare)
			return 0, err
		},
		"UpdateAccount": func(storage.CustomerID) (int, error) {
			_, err := s.UpdateAccount(ctx, bare, func(*storage.Account) error { return never() })
			return 0, err
		},
		"NameAccount": func(storage.CustomerID) (int, error) { return 0, s.NameAccount(ctx, bare, "fresh "+f.name) },
		"CreateCheckout": func(storage.CustomerID) (int, error) {
			return 0, s.CreateCheckout(ctx, newCheckout(nobody, storage.NewID()))
		},
		"UpdateCheckout": func(who storage.CustomerID) (int, error) {
			_, err := s.UpdateCheckout(ctx, who, f.checkout.ID, func(*storage.Checkout) error { return never() })
			return 0, err
		},
		"Checkouts": func(who storage.CustomerID) (int, error) {
			list, err := s.Checkouts(ctx, who, all)
			return len(list), err
		},
		"Reserve": func(storage.CustomerID) (int, error) {
			_, err := s.Reserve(ctx, newReservation(nobody, storage.NewID()), -1)
			return 0, err
		},
		"Balance": func(who storage.CustomerID) (int, error) {
			b, err := s.Balance(ctx, who, f.reservation.Metric, f.reservation.Period)
			return int(b.Used + b.Held), err
		},
		"UsageByDay": func(who storage.CustomerID) (int, error) {
			list, err := s.UsageByDay(ctx, who, time.Time{}, now.AddDate(1, 0, 0))
			return len(list), err
		},
		"MarkReported": func(who storage.CustomerID) (int, error) {
			c := f.unreported
			c.CustomerID = who
			return 0, s.MarkReported(ctx, c, 1)
		},
	}
	checkForeign(t, reflect.TypeFor[storage.Billing](), rows, other, func(after string) {
		equal(t, readBilling(t, s, f), before, "records after "+after)
	})
	// A use names its customer too.
	for _, who := range []storage.CustomerID{other, nobody, ""} {
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: who, ID: f.reservation.ID, Used: 5, Done: true}}))
		equal(t, readBilling(t, s, f), before, "records after Settle by somebody else")
	}
}

// testBillingIdentifiers stores records whose identifiers look alike and finds
// each.
func testBillingIdentifiers(t *testing.T, s billingStore) {
	ctx := t.Context()
	owner := newPayer(t, s)
	for i, name := range alike {
		id := storage.CustomerID(name)
		ok(t, s.CreateCustomer(ctx, newCustomer(name)))
		a := newAccount(id)
		a.Heard = int64(i)
		ok(t, s.CreateAccount(ctx, a))
		ok(t, s.NameAccount(ctx, id, name))
		c := newCheckout(owner, name)
		c.KeyID = storage.KeyID(name)
		ok(t, s.CreateCheckout(ctx, c))
		ok(t, s.CreateNotice(ctx, newNotice(name, "fixed")))
		ok(t, s.CreateNotice(ctx, newNotice("fixed", name)))
		e := newEffect(name)
		e.Error = name
		ok(t, s.CreateEffect(ctx, e))
		r := newReservation(owner, name)
		r.Metric, r.Source = name, name
		reserve(t, s, r)
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: owner, ID: name, Used: int64(i + 1)}}))
	}
	for i, name := range alike {
		id := storage.CustomerID(name)
		a, err := s.Account(ctx, id)
		ok(t, err)
		equal(t, a.Heard, int64(i), "account of "+name)
		found, err := s.AccountByName(ctx, name)
		ok(t, err)
		equal(t, found, id, "account by the name "+name)
		c, err := s.UpdateCheckout(ctx, owner, name, func(*storage.Checkout) error { return nil })
		ok(t, err)
		equal(t, c.KeyID, storage.KeyID(name), "checkout "+name)
		n, err := s.LastNotice(ctx, name)
		ok(t, err)
		equal(t, n.Provider, name, "notice of provider "+name)
		equal(t, effect(t, s, name).Error, name, "effect "+name)
		r := newReservation(owner, name)
		r.Metric = name
		checkBalance(t, s, r, int64(i+1), max(0, 9-int64(i)), "of "+name)
		counts, err := s.Unreported(ctx, []string{name}, 10)
		ok(t, err)
		equal(t, counts, []storage.Count{{CustomerID: owner, Metric: name, Period: r.Period, Used: int64(i + 1)}}, "counts of "+name)
	}
	days, err := s.UsageByDay(ctx, owner, yesterday, now.AddDate(0, 0, 1))
	ok(t, err)
	equal(t, len(days), len(alike), "number of metrics used")
}

// billingListings are the listings of the role.
func billingListings(t *testing.T, store storage.Store) map[string]listing {
	s := withBilling(t, store)
	ctx := t.Context()
	const owner = storage.CustomerID("!") // below all other IDs
	ok(t, s.CreateCustomer(ctx, newCustomer(string(owner))))
	rows := map[string]listing{
		"Accounts": {
			func(id string) error {
				if err := s.CreateCustomer(ctx, newCustomer(id)); err != nil {
					return err
				}
				return s.CreateAccount(ctx, newAccount(storage.CustomerID(id)))
			},
			func(p storage.Page) ([]string, error) {
				list, err := s.Accounts(ctx, p)
				return ids(list, func(a storage.Account) string { return string(a.CustomerID) }), err
			},
		},
		"Checkouts": {
			func(id string) error { return s.CreateCheckout(ctx, newCheckout(owner, id)) },
			func(p storage.Page) ([]string, error) {
				list, err := s.Checkouts(ctx, owner, p)
				return ids(list, checkoutID), err
			},
		},
	}
	allTakePages(t, reflect.TypeFor[storage.Billing](), rows)
	return rows
}

func testBillingJSON(t *testing.T, s billingStore) {
	ctx := t.Context()
	f := fillBilling(t, s)
	before := readBilling(t, s, f)
	n := 0
	store := func(data json.RawMessage) (id string, errs map[string]error) {
		n++
		id = fmt.Sprintf("~%02d", n) // above all UUIDs
		c := newCustomer(id)
		ok(t, s.CreateCustomer(ctx, c))
		before.Customers = append([]storage.Customer{c}, before.Customers...)
		a, checkout, e := newAccount(c.ID), newCheckout(f.customer.ID, id), newEffect(id)
		a.Data, checkout.Request, e.Data = data, data, data
		_, err := s.UpdateAccount(ctx, f.customer.ID, func(a *storage.Account) error { a.Data = data; return nil })
		return id, map[string]error{
			"CreateAccount": s.CreateAccount(ctx, a), "UpdateAccount": err,
			"CreateCheckout": s.CreateCheckout(ctx, checkout), "CreateEffect": s.CreateEffect(ctx, e),
		}
	}
	for _, data := range badJSON {
		_, errs := store(json.RawMessage(data))
		for method, err := range errs {
			wantErr(t, err, storage.ErrInvalid, fmt.Sprintf("%s with %q", method, data))
		}
	}
	equal(t, readBilling(t, s, f), before, "records after refused JSON")

	for _, data := range goodJSON {
		id, errs := store(json.RawMessage(data))
		for method, err := range errs {
			if err != nil {
				t.Errorf("%s with %.80q: %v", method, data, err)
			}
		}
		created, err := s.Account(ctx, storage.CustomerID(id))
		ok(t, err)
		updated, err := s.Account(ctx, f.customer.ID)
		ok(t, err)
		checkouts, err := s.Checkouts(ctx, f.customer.ID, storage.Page{Limit: 1})
		ok(t, err)
		for _, got := range []json.RawMessage{created.Data, updated.Data, checkouts[0].Request, effect(t, s, id).Data} {
			if !sameJSON(got, json.RawMessage(data)) {
				t.Errorf("stored %.80q, got back %.80q", data, got)
			}
		}
	}
}

// testBillingOwnership writes over the JSON of records that were given and
// returned.
func testBillingOwnership(t *testing.T, s billingStore) {
	ctx := t.Context()
	data := func() json.RawMessage { return json.RawMessage(`{"n":1}`) }
	var seen []json.RawMessage
	see := func(data json.RawMessage, err error) {
		t.Helper()
		ok(t, err)
		seen = append(seen, data)
	}
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	a, checkout, e := fullAccount(c.ID), fullCheckout(c.ID, "1"), fullEffect("1")
	a.Data, checkout.Request, e.Data = data(), data(), data()
	a.DueAt, a.LeasedUntil, e.DueAt, e.DoneAt = now, time.Time{}, now, time.Time{}
	see(a.Data, s.CreateAccount(ctx, a))
	see(checkout.Request, s.CreateCheckout(ctx, checkout))
	see(e.Data, s.CreateEffect(ctx, e))

	for range 2 { // the second time, what is written over was returned
		updated := data()
		a, err := s.UpdateAccount(ctx, c.ID, func(a *storage.Account) error { see(a.Data, nil); a.Data = updated; return nil })
		see(a.Data, err)
		see(updated, nil)
		a, err = s.Account(ctx, c.ID)
		see(a.Data, err)
		accounts, err := s.Accounts(ctx, all)
		see(accounts[0].Data, err)
		leased, err := s.LeaseAccounts(ctx, "lease", now, now, 1)
		see(leased[0].Data, err)

		checkout, err := s.CheckoutBySession(ctx, checkout.Session)
		see(checkout.Request, err)
		checkout, err = s.UpdateCheckout(ctx, c.ID, "1", func(c *storage.Checkout) error { see(c.Request, nil); return nil })
		see(checkout.Request, err)
		checkouts, err := s.Checkouts(ctx, c.ID, all)
		see(checkouts[0].Request, err)

		taken, err := s.TakeEffects(ctx, now, now, 1)
		see(taken[0].Data, err)
		e, err := s.OldestEffect(ctx)
		see(e.Data, err)
		e, err = s.UpdateEffect(ctx, "1", func(e *storage.Effect) error { see(e.Data, nil); return nil })
		see(e.Data, err)

		for _, data := range seen {
			for i := range data {
				data[i] = 'x'
			}
		}
		account, err := s.Account(ctx, c.ID)
		ok(t, err)
		list, err := s.Checkouts(ctx, c.ID, all)
		ok(t, err)
		for _, got := range []json.RawMessage{account.Data, list[0].Request, effect(t, s, "1").Data} {
			if !sameJSON(got, data()) {
				t.Fatalf("after writing over records that were given and returned: %s", got)
			}
		}
	}
}
