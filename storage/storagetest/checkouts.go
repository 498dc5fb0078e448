package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func fullCheckout(customer storage.CustomerID, id string) storage.Checkout {
	return storage.Checkout{
		ID:          id,
		CustomerID:  customer,
		Session:     [32]byte{0, 0xff, '\'', '\\', '?', '%', 0},
		Nonce:       [32]byte{31: 1},
		Request:     json.RawMessage(`{"plan":"pro"}`),
		CreatedAt:   now,
		ExpiresAt:   now.Add(time.Hour),
		ClaimableAt: now.Add(time.Minute),
		PaidAt:      now.Add(90 * time.Second),
		ClaimedAt:   now.Add(2 * time.Minute),
		KeyID:       "key",
	}
}

func testCreateCheckout(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	full, bare := fullCheckout(mine, "2"), newCheckout(mine, "1")
	ok(t, s.CreateCheckout(ctx, full))
	ok(t, s.CreateCheckout(ctx, bare))
	for _, owner := range []storage.CustomerID{mine, other} {
		wantErr(t, s.CreateCheckout(ctx, newCheckout(owner, "2")), storage.ErrExists, "a taken ID")
	}
	wantErr(t, s.CreateCheckout(ctx, newCheckout(nobody, "3")), storage.ErrNotFound, "a checkout of nobody")
	list, err := s.Checkouts(ctx, mine, all)
	ok(t, err)
	equalCheckouts(t, list, []storage.Checkout{full, bare}, "the stored checkouts")
}

func testCheckoutBySession(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	var none [32]byte
	session := func(id string, customer storage.CustomerID, session [32]byte) storage.Checkout {
		c := fullCheckout(customer, id)
		c.Session = session
		ok(t, s.CreateCheckout(ctx, c))
		return c
	}
	session("1", mine, [32]byte{1})
	newest := session("3", other, [32]byte{1})
	session("2", mine, [32]byte{1})
	last := session("0", mine, [32]byte{31: 1})
	session("9", mine, none)
	for _, want := range []storage.Checkout{newest, last} {
		got, err := s.CheckoutBySession(ctx, want.Session)
		ok(t, err)
		equalCheckout(t, got, want, "the newest checkout of a session")
	}
	for _, absent := range [][32]byte{none, {2}, {1, 1}} {
		_, err := s.CheckoutBySession(ctx, absent)
		wantErr(t, err, storage.ErrNotFound, fmt.Sprintf("session %x", absent))
	}
	// Once the provider has answered, it is found.
	_, err := s.UpdateCheckout(ctx, mine, "9", func(c *storage.Checkout) error { c.Session = [32]byte{9}; return nil })
	ok(t, err)
	got, err := s.CheckoutBySession(ctx, [32]byte{9})
	ok(t, err)
	equal(t, got.ID, "9", "checkout of a session that was set later")
}

func testUpdateCheckout(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine := newPayer(t, s)
	before, rest := newCheckout(mine, "1"), newCheckout(mine, "2")
	ok(t, s.CreateCheckout(ctx, before))
	ok(t, s.CreateCheckout(ctx, rest))

	want := fullCheckout(mine, "1")
	want.Request = before.Request
	got, err := s.UpdateCheckout(ctx, mine, "1", func(c *storage.Checkout) error {
		equalCheckout(t, *c, before, "the checkout given to change")
		*c = want
		c.ID, c.CustomerID, c.Request, c.CreatedAt = "9", "9", json.RawMessage(`{"n":9}`), now.Add(-time.Hour)
		c.ClaimedAt = c.ClaimedAt.Add(999 * time.Nanosecond)
		c.PaidAt = c.PaidAt.Add(999 * time.Nanosecond)
		return nil
	})
	ok(t, err)
	equalCheckout(t, got, want, "the checkout returned")
	check := func(what string) {
		t.Helper()
		list, err := s.Checkouts(ctx, mine, all)
		ok(t, err)
		equalCheckouts(t, list, []storage.Checkout{rest, want}, "the checkouts "+what)
	}
	check("stored")

	failed := errors.New("my own reason")
	_, err = s.UpdateCheckout(ctx, mine, "1", func(c *storage.Checkout) error { c.KeyID = ""; return failed })
	wantErr(t, err, failed, "an error of change")
	check("after an error of change")

	// What can be set can be emptied again.
	got, err = s.UpdateCheckout(ctx, mine, "1", func(c *storage.Checkout) error { *c = storage.Checkout{}; return nil })
	ok(t, err)
	equalCheckout(t, got, before, "the emptied checkout")

	_, err = s.UpdateCheckout(ctx, mine, "absent", func(*storage.Checkout) error { t.Error("change was called for no checkout"); return nil })
	wantErr(t, err, storage.ErrNotFound, "an absent checkout")
}

func testCheckouts(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	for _, id := range []string{"2", "1", "3"} {
		ok(t, s.CreateCheckout(ctx, newCheckout(mine, id)))
		ok(t, s.CreateCheckout(ctx, newCheckout(other, id+" of another")))
	}
	list, err := s.Checkouts(ctx, mine, all)
	equalIDs(t, list, err, checkoutID, []string{"3", "2", "1"}, "checkouts")
}

func checkoutID(c storage.Checkout) string { return c.ID }

func equalCheckout(t *testing.T, got, want storage.Checkout, what string) {
	t.Helper()
	equalCheckouts(t, []storage.Checkout{got}, []storage.Checkout{want}, what)
}

func equalCheckouts(t *testing.T, got, want []storage.Checkout, what string) {
	t.Helper()
	equalRecords(t, got, want, func(c *storage.Checkout) *json.RawMessage { return &c.Request }, what)
}
