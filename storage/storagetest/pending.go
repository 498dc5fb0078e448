package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// testDeletePending has customers with records of every sort, of whom only those
// that are pending, old and without a name go, with everything.
func testDeletePending(t *testing.T, s billingStore) {
	ctx := t.Context()
	var gone, left []billed
	for _, c := range []struct {
		status      storage.Status
		made        time.Time
		named, goes bool
	}{
		{storage.StatusPending, now.Add(-time.Hour), false, true},
		{storage.StatusPending, now.Add(-time.Microsecond), false, true},
		{storage.StatusPending, now.Add(-time.Hour), true, false},
		{storage.StatusPending, now, false, false},
		{storage.StatusPending, now.Add(time.Hour), false, false},
		{storage.StatusOnboarding, now.Add(-time.Hour), false, false},
		{storage.StatusActive, now.Add(-time.Hour), false, false},
		{storage.StatusInactive, now.Add(-time.Hour), false, false},
	} {
		f := filledFor(t, s, c.status, c.made)
		if c.named {
			ok(t, s.NameAccount(ctx, f.customer.ID, f.name))
		}
		if c.goes {
			gone = append(gone, f)
		} else {
			left = append(left, f)
		}
	}
	var before []contents
	for _, f := range left {
		before = append(before, read(t, s, f.customer.ID))
	}
	for _, want := range []int{len(gone), 0} {
		n, err := s.DeletePending(ctx, now)
		ok(t, err)
		equal(t, n, want, "number of deleted customers")
	}
	for i, f := range left {
		unchanged(t, s, before[i], "deleting others")
		_, name := s.AccountByName(ctx, f.name)
		want := slices.Clone(everyTrace)
		if name != nil {
			want = slices.DeleteFunc(want, func(trace string) bool { return trace == "name" })
		}
		equal(t, traces(t, s, f), want, "what is left of a customer who stays")
	}
	for _, f := range gone {
		_, err := s.Customer(ctx, f.customer.ID)
		wantErr(t, err, storage.ErrNotFound, "a deleted customer")
		// Whoever has the same ID afterwards begins with nothing.
		ok(t, s.CreateCustomer(ctx, f.customer))
		equal(t, traces(t, s, f), []string{}, "what is left of a customer who went")
	}
}

// filledFor stores a customer with records of every sort but a name.
func filledFor(t *testing.T, s billingStore, status storage.Status, made time.Time) billed {
	t.Helper()
	ctx := t.Context()
	c := newCustomer(storage.NewID())
	id := c.ID
	c.Status, c.CreatedAt = status, made
	f := billed{
		fixture:     fixture{c, newKey(id, storage.NewID()), newEvent(id, storage.NewID()), newDocument(id, storage.NewID())},
		account:     newAccount(id),
		name:        "name of " + string(id),
		checkout:    fullCheckout(id, storage.NewID()),
		notice:      newNotice("provider", storage.NewID()),
		effect:      newEffect(storage.NewID()),
		reservation: newReservation(id, storage.NewID()),
	}
	f.notice.Customer, f.effect.Customer = id, id
	ok(t, s.CreateCustomer(ctx, c))
	ok(t, s.CreateKey(ctx, f.key))
	ok(t, s.AppendEvent(ctx, f.event))
	ok(t, s.CreateDocument(ctx, f.document))
	ok(t, s.CreateAccount(ctx, f.account))
	ok(t, s.CreateCheckout(ctx, f.checkout))
	ok(t, s.CreateNotice(ctx, f.notice))
	ok(t, s.CreateEffect(ctx, f.effect))
	reserve(t, s, f.reservation)
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: id, ID: f.reservation.ID, Used: 1}}))
	return f
}

// everyTrace is what traces finds of filledFor and a name.
var everyTrace = []string{"key", "event", "document", "account", "name", "checkout", "notice", "effect", "balance", "day", "reservation"}

// traces returns what there is of a customer. It leaves a notice and a
// reservation where there was none.
func traces(t *testing.T, s billingStore, f billed) []string {
	t.Helper()
	ctx := t.Context()
	id := f.customer.ID
	core := read(t, s, id)
	_, account := s.Account(ctx, id)
	_, name := s.AccountByName(ctx, f.name)
	checkouts, err := s.Checkouts(ctx, id, all)
	ok(t, err)
	notice := s.CreateNotice(ctx, f.notice)
	_, effect := s.UpdateEffect(ctx, f.effect.ID, func(*storage.Effect) error { return nil })
	balance, err := s.Balance(ctx, id, f.reservation.Metric, f.reservation.Period)
	ok(t, err)
	days, err := s.UsageByDay(ctx, id, lastMonth, now.AddDate(0, 1, 0))
	ok(t, err)
	_, reservation := s.Reserve(ctx, f.reservation, -1)

	found := []string{}
	for _, trace := range []struct {
		what string
		is   bool
	}{
		{"key", len(core.Keys) > 0},
		{"event", len(core.Events) > 0},
		{"document", len(core.Documents) > 0},
		{"account", !errors.Is(account, storage.ErrNotFound)},
		{"name", !errors.Is(name, storage.ErrNotFound)},
		{"checkout", len(checkouts) > 0},
		{"notice", notice != nil},
		{"effect", !errors.Is(effect, storage.ErrNotFound)},
		{"balance", balance != storage.Balance{}},
		{"day", len(days) > 0},
		{"reservation", reservation != nil},
	} {
		if trace.is {
			found = append(found, trace.what)
		}
	}
	return found
}

// testDeleteManyPending has more than are deleted at once.
func testDeleteManyPending(t *testing.T, s billingStore) {
	const many = 2010
	ok(t, s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		for i := range many {
			c := newCustomer(fmt.Sprint(i))
			c.Status = storage.StatusPending
			if err := tx.CreateCustomer(ctx, c); err != nil {
				return err
			}
		}
		return nil
	}))
	n, err := s.DeletePending(t.Context(), now.Add(time.Hour))
	ok(t, err)
	equal(t, n, many, "number of deleted customers")
	list, err := s.Customers(t.Context(), storage.CustomerQuery{Page: all})
	equalIDs(t, list, err, customerID, nil, "customers left")
}
