package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// billingTx are the checks of what transactions do to the role.
var billingTx = []check{
	{"TxCommits", of(withBilling, testBillingCommits)},
	{"TxRollsBack", of(withBilling, testBillingRollsBack)},
	{"TxIsUsableAfterARefusal", of(withBilling, testBillingUsable)},
	{"NestedTxUndoesItsOwn", of(withBilling, testBillingNested)},
}

// spoilBilling writes with every sort of writing method.
func spoilBilling(t *testing.T, tx billingStore, f billed) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for method, args := range billingCalls(f) {
		if err := call(tx.Billing, ctx, method, args); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func testBillingCommits(t *testing.T, s billingStore) {
	f := fillBilling(t, s)
	var inside billingContents
	ok(t, s.inTx(t, func(tx billingStore) error {
		spoilBilling(t, tx, f)
		_, err := tx.UpdateEffect(t.Context(), f.doneEffect.ID, func(*storage.Effect) error { return nil })
		wantErr(t, err, storage.ErrNotFound, "a deleted effect, inside")
		// As it was, to look at all records.
		ok(t, tx.CreateNotice(t.Context(), f.oldNotice))
		ok(t, tx.CreateEffect(t.Context(), f.doneEffect))
		inside = readBilling(t, tx, f)
		return nil
	}))
	equal(t, readBilling(t, s, f), inside, "records afterwards, compared with what they were inside")
}

func testBillingRollsBack(t *testing.T, s billingStore) {
	f := fillBilling(t, s)
	before := readBilling(t, s, f)
	mine := errors.New("my own reason")
	wantErr(t, s.inTx(t, func(tx billingStore) error {
		spoilBilling(t, tx, f)
		return mine
	}), mine, "the error of fn")
	equal(t, readBilling(t, s, f), before, "records after an error")

	func() {
		defer func() { equal(t, recover(), any("on purpose"), "what recover returned") }()
		_ = s.inTx(t, func(tx billingStore) error {
			spoilBilling(t, tx, f)
			panic("on purpose")
		})
	}()
	equal(t, readBilling(t, s, f), before, "records after a panic")

	ctx, cancel := context.WithCancel(t.Context())
	wantErr(t, s.InTx(ctx, func(_ context.Context, tx storage.Store) error {
		spoilBilling(t, withBilling(t, tx), f)
		cancel()
		return nil
	}), context.Canceled, "InTx whose context ended")
	equal(t, readBilling(t, s, f), before, "records after the end of the context")
}

func testBillingNested(t *testing.T, s billingStore) {
	f := fillBilling(t, s)
	mine := errors.New("my own reason")
	second := newEffect(storage.NewID())
	second.CreatedAt = now.Add(time.Hour) // not the oldest
	var want billingContents
	ok(t, s.inTx(t, func(outer billingStore) error {
		_, err := outer.UpdateAccount(t.Context(), f.customer.ID, func(a *storage.Account) error { a.Session = "outer"; return nil })
		ok(t, err)
		want = readBilling(t, outer, f)
		wantErr(t, outer.inTx(t, func(inner billingStore) error {
			spoilBilling(t, inner, f)
			return mine
		}), mine, "the inner transaction")
		equal(t, readBilling(t, outer, f), want, "records after an inner transaction was undone")
		return outer.CreateEffect(t.Context(), second)
	}))
	equal(t, readBilling(t, s, f), want, "records afterwards")
	equal(t, effect(t, s, second.ID).ID, second.ID, "what the outer transaction did then")
}

// testBillingUsable has refusals after which a transaction must go on and commit,
// with nothing left of what was refused.
func testBillingUsable(t *testing.T, s billingStore) {
	ctx := t.Context()
	f := fillBilling(t, s)
	id := f.customer.ID
	mine := errors.New("my own reason")
	bad := newNotice(f.notice.Provider, "\x00")
	fresh := newReservation(id, storage.NewID())
	for i, refusal := range []struct {
		what string
		want error
		do   func(tx billingStore) error
	}{
		{"CreateAccount, a second", storage.ErrExists, func(tx billingStore) error { return tx.CreateAccount(ctx, fullAccount(id)) }},
		{"CreateAccount, unknown customer", storage.ErrNotFound, func(tx billingStore) error { return tx.CreateAccount(ctx, newAccount(nobody)) }},
		{"Account, absent", storage.ErrNotFound, func(tx billingStore) error { _, err := tx.Account(ctx, nobody); return err }},
		{"UpdateAccount, error of change", mine, func(tx billingStore) error {
			_, err := tx.UpdateAccount(ctx, id, func(a *storage.Account) error { a.Session = "spoilt"; return mine })
			return err
		}},
		{"NameAccount, absent", storage.ErrNotFound, func(tx billingStore) error { return tx.NameAccount(ctx, f.bare.ID, "fresh "+f.name) }},
		{"NameAccount, taken", nil, func(tx billingStore) error { return tx.NameAccount(ctx, f.pending.ID, f.name) }},
		{"CreateCheckout, taken ID", storage.ErrExists, func(tx billingStore) error { return tx.CreateCheckout(ctx, fullCheckout(id, f.checkout.ID)) }},
		{"CreateCheckout, unknown customer", storage.ErrNotFound, func(tx billingStore) error { return tx.CreateCheckout(ctx, newCheckout(nobody, "fresh")) }},
		{"UpdateCheckout, error of change", mine, func(tx billingStore) error {
			_, err := tx.UpdateCheckout(ctx, id, f.checkout.ID, func(c *storage.Checkout) error { c.KeyID = "spoilt"; return mine })
			return err
		}},
		{"CreateNotice, known", storage.ErrExists, func(tx billingStore) error { return tx.CreateNotice(ctx, f.notice) }},
		{"CreateNotice, bad text", storage.ErrInvalid, func(tx billingStore) error { return tx.CreateNotice(ctx, bad) }},
		{"CreateEffect, taken ID", storage.ErrExists, func(tx billingStore) error { return tx.CreateEffect(ctx, f.effect) }},
		{"CreateEffect, done before", storage.ErrExists, func(tx billingStore) error { return tx.CreateEffect(ctx, f.doneEffect) }},
		{"UpdateEffect, error of change", mine, func(tx billingStore) error {
			_, err := tx.UpdateEffect(ctx, f.effect.ID, func(e *storage.Effect) error { e.Error = "spoilt"; return mine })
			return err
		}},
		{"Reserve, known ID", storage.ErrExists, func(tx billingStore) error { _, err := tx.Reserve(ctx, f.reservation, -1); return err }},
		{"Reserve, unknown customer", storage.ErrNotFound, func(tx billingStore) error {
			_, err := tx.Reserve(ctx, newReservation(nobody, "fresh"), -1)
			return err
		}},
		{"Reserve, too much", storage.ErrConflict, func(tx billingStore) error { _, err := tx.Reserve(ctx, fresh, 29); return err }},
		{"Settle, bad text", storage.ErrInvalid, func(tx billingStore) error {
			return tx.Settle(ctx, []storage.Use{{CustomerID: id, ID: f.reservation.ID, Used: 5}, {CustomerID: id, ID: "\x00"}})
		}},
		{"MarkReported, marked before", storage.ErrConflict, func(tx billingStore) error {
			c := f.unreported
			c.Reported = 1
			return tx.MarkReported(ctx, c, 2)
		}},
	} {
		before := readBilling(t, s, f)
		after := newEvent(id, storage.NewID())
		err := s.inTx(t, func(tx billingStore) error {
			wantErr(t, refusal.do(tx), refusal.want, refusal.what)
			return tx.AppendEvent(ctx, after)
		})
		if err != nil {
			t.Errorf("the transaction after the refusal of %s: %v", refusal.what, err)
			continue
		}
		before.Core.Events = append([]storage.Event{after}, before.Core.Events...) // and nothing else
		equal(t, readBilling(t, s, f), before, "records after the refusal of "+refusal.what)
		equal(t, len(before.Core.Events), i+2, "number of events")
	}
	reserve(t, s, fresh) // what was refused isn't there
}
