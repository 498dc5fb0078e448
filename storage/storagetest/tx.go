package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// RunTx checks transactions: everything that [Run] checks holds inside one, and
// what they do happens as a whole or not at all.
func RunTx(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, inside(methods))
	run(t, open, []check{
		{"TxCommits", testTxCommits},
		{"TxRollsBackOnError", testTxRollsBackOnError},
		{"TxRollsBackOnPanic", testTxRollsBackOnPanic},
		{"TxRollsBackWhenTheContextEnds", testTxContext},
		{"TxIsUsableAfterARefusal", testTxUsable},
		{"NestedTxJoins", testNestedTxJoins},
		{"NestedTxUndoesItsOwn", testNestedTxUndoesItsOwn},
	})
}

// inside makes checks run in a transaction.
func inside(checks []check) (list []check) {
	for _, c := range checks {
		list = append(list, check{"Inside" + c.name, func(t *testing.T, s storage.Store) {
			ok(t, s.InTx(t.Context(), func(_ context.Context, tx storage.Store) error {
				c.run(t, tx)
				return nil
			}))
		}})
	}
	return list
}

type contextKey struct{}

func testTxCommits(t *testing.T, s storage.Store) {
	f := fill(t, s)
	ctx := context.WithValue(t.Context(), contextKey{}, "value")
	ok(t, s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		equal(t, ctx.Value(contextKey{}), any("value"), "value of the context inside")
		ok(t, tx.DeleteKey(ctx, f.customer.ID, f.key.ID))
		ok(t, tx.DeleteDocument(ctx, f.customer.ID, "content", f.document.ID))
		equal(t, len(read(t, tx, f.customer.ID).Keys), 0, "keys inside")
		return nil
	}))
	left := read(t, s, f.customer.ID)
	equal(t, len(left.Keys), 0, "keys afterwards")
	equal(t, len(left.Documents), 0, "documents afterwards")
}

// spoilAll writes with every sort of writing method.
func spoilAll(t *testing.T, tx storage.Store, f fixture) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, err := tx.UpdateCustomer(ctx, f.customer.ID, func(c *storage.Customer) error { c.Plan = "spoilt"; return nil })
	ok(t, err)
	ok(t, tx.TouchKeys(ctx, map[storage.KeyID]time.Time{f.key.ID: now}))
	ok(t, tx.CreateKey(ctx, newKey(f.customer.ID, storage.NewID())))
	ok(t, tx.DeleteKey(ctx, f.customer.ID, f.key.ID))
	ok(t, tx.AppendEvent(ctx, newEvent(f.customer.ID, storage.NewID())))
	ok(t, tx.CreateDocument(ctx, newDocument(f.customer.ID, storage.NewID())))
	ok(t, tx.DeleteDocument(ctx, f.customer.ID, "content", f.document.ID))
	ok(t, tx.CreateCustomer(ctx, newCustomer("spoilt "+storage.NewID())))
}

// untouched fails if anything of spoilAll is left.
func untouched(t *testing.T, s storage.Store, before contents, after string) {
	t.Helper()
	unchanged(t, s, before, after)
	list, err := s.Customers(t.Context(), storage.CustomerQuery{Page: all})
	equalIDs(t, list, err, customerID, []string{string(before.Customer.ID)}, "customers after "+after)
}

func testTxRollsBackOnError(t *testing.T, s storage.Store) {
	f := fill(t, s)
	before := read(t, s, f.customer.ID)
	mine := errors.New("my own reason")
	err := s.InTx(t.Context(), func(_ context.Context, tx storage.Store) error {
		spoilAll(t, tx, f)
		return mine
	})
	wantErr(t, err, mine, "the error of fn")
	untouched(t, s, before, "an error")
}

func testTxRollsBackOnPanic(t *testing.T, s storage.Store) {
	f := fill(t, s)
	before := read(t, s, f.customer.ID)
	func() {
		defer func() { equal(t, recover(), any("on purpose"), "what recover returned") }()
		err := s.InTx(t.Context(), func(_ context.Context, tx storage.Store) error {
			spoilAll(t, tx, f)
			panic("on purpose")
		})
		t.Errorf("InTx returned %v after a panic", err)
	}()
	untouched(t, s, before, "a panic")
}

func testTxContext(t *testing.T, s storage.Store) {
	f := fill(t, s)
	before := read(t, s, f.customer.ID)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.InTx(ctx, func(_ context.Context, tx storage.Store) error {
		spoilAll(t, tx, f)
		cancel()
		return nil
	})
	wantErr(t, err, context.Canceled, "InTx whose context ended")
	untouched(t, s, before, "the end of the context")

	ctx, cancel = context.WithCancel(t.Context())
	err = s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		spoilAll(t, tx, f)
		cancel()
		_, err := tx.Customer(ctx, f.customer.ID)
		wantErr(t, err, context.Canceled, "a method inside")
		return err
	})
	wantErr(t, err, context.Canceled, "InTx with the error of a method inside")
	untouched(t, s, before, "the end of the context")
}

// testTxUsable has refusals after which a transaction must go on and commit.
func testTxUsable(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f, other := fill(t, s), fullCustomer("other")
	ok(t, s.CreateCustomer(ctx, other))
	mine := errors.New("my own reason")
	rename := func(tx storage.Store, change func(c *storage.Customer) error) error {
		_, err := tx.UpdateCustomer(ctx, f.customer.ID, change)
		return err
	}
	customer, key := newCustomer("twin"), newKey(f.customer.ID, "twin")
	customer.ExternalID, key.Hash = other.ExternalID, f.key.Hash
	twin := newCustomer("twin")
	twin.IdempotencyKey = other.IdempotencyKey
	for i, refusal := range []struct {
		what string
		want error
		do   func(tx storage.Store) error
	}{
		{"CreateCustomer, taken ID", storage.ErrExists, func(tx storage.Store) error { return tx.CreateCustomer(ctx, f.customer) }},
		{"CreateCustomer, taken external ID", storage.ErrExists, func(tx storage.Store) error { return tx.CreateCustomer(ctx, customer) }},
		{"CreateCustomer, taken idempotency key", storage.ErrExists, func(tx storage.Store) error { return tx.CreateCustomer(ctx, twin) }},
		{"CreateCustomer, bad text", storage.ErrInvalid, func(tx storage.Store) error { return tx.CreateCustomer(ctx, newCustomer("\x00")) }},
		{"UpdateCustomer, taken external ID", storage.ErrExists, func(tx storage.Store) error {
			return rename(tx, func(c *storage.Customer) error { c.ExternalID = other.ExternalID; return nil })
		}},
		{"UpdateCustomer, taken idempotency key", storage.ErrExists, func(tx storage.Store) error {
			return rename(tx, func(c *storage.Customer) error { c.IdempotencyKey = other.IdempotencyKey; return nil })
		}},
		{"UpdateCustomer, error of change", mine, func(tx storage.Store) error {
			return rename(tx, func(c *storage.Customer) error { c.Plan = "spoilt"; return mine })
		}},
		{"Customer, absent", storage.ErrNotFound, func(tx storage.Store) error { _, err := tx.Customer(ctx, "absent"); return err }},
		{"CreateKey, taken ID", storage.ErrExists, func(tx storage.Store) error { return tx.CreateKey(ctx, f.key) }},
		{"CreateKey, taken hash", storage.ErrExists, func(tx storage.Store) error { return tx.CreateKey(ctx, key) }},
		{"CreateKey, unknown customer", storage.ErrNotFound, func(tx storage.Store) error { return tx.CreateKey(ctx, newKey("absent", "twin")) }},
		{"DeleteKey, absent", storage.ErrNotFound, func(tx storage.Store) error { return tx.DeleteKey(ctx, f.customer.ID, "absent") }},
		{"AppendEvent, taken ID", storage.ErrExists, func(tx storage.Store) error { return tx.AppendEvent(ctx, f.event) }},
		{"AppendEvent, unknown customer", storage.ErrNotFound, func(tx storage.Store) error { return tx.AppendEvent(ctx, newEvent("absent", "twin")) }},
		{"CreateDocument, taken key", storage.ErrExists, func(tx storage.Store) error { return tx.CreateDocument(ctx, f.document) }},
		{"CreateDocument, unknown customer", storage.ErrNotFound, func(tx storage.Store) error { return tx.CreateDocument(ctx, newDocument("absent", "twin")) }},
	} {
		before := read(t, s, f.customer.ID)
		after := newEvent(f.customer.ID, fmt.Sprintf("~%02d", i))
		err := s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
			wantErr(t, refusal.do(tx), refusal.want, refusal.what)
			return tx.AppendEvent(ctx, after)
		})
		if err != nil {
			t.Errorf("the transaction after the refusal of %s: %v", refusal.what, err)
			continue
		}
		before.Events = append([]storage.Event{after}, before.Events...) // and nothing else
		unchanged(t, s, before, "the refusal of "+refusal.what)
	}
}

func testNestedTxJoins(t *testing.T, s storage.Store) {
	f := fill(t, s)
	before := read(t, s, f.customer.ID)
	mine := errors.New("my own reason")
	nested := func(result error) error {
		return s.InTx(t.Context(), func(ctx context.Context, outer storage.Store) error {
			ok(t, outer.InTx(ctx, func(ctx context.Context, inner storage.Store) error {
				return inner.InTx(ctx, func(_ context.Context, innermost storage.Store) error {
					spoilAll(t, innermost, f)
					return nil
				})
			}))
			equal(t, read(t, outer, f.customer.ID).Customer.Plan, "spoilt", "plan as the outer transaction sees it")
			return result
		})
	}
	wantErr(t, nested(mine), mine, "the error of the outer transaction")
	untouched(t, s, before, "an error of the outer transaction")
	ok(t, nested(nil))
	equal(t, read(t, s, f.customer.ID).Customer.Plan, "spoilt", "plan afterwards")
}

func testNestedTxUndoesItsOwn(t *testing.T, s storage.Store) {
	mine := errors.New("my own reason")
	for what, fail := range map[string]func(outer storage.Store, fn func(tx storage.Store)) error{
		"error": func(outer storage.Store, fn func(tx storage.Store)) error {
			return outer.InTx(t.Context(), func(_ context.Context, inner storage.Store) error { fn(inner); return mine })
		},
		"panic": func(outer storage.Store, fn func(tx storage.Store)) (err error) {
			defer func() { _ = recover(); err = mine }()
			return outer.InTx(t.Context(), func(_ context.Context, inner storage.Store) error { fn(inner); panic(mine) })
		},
		"end of the context": func(outer storage.Store, fn func(tx storage.Store)) error {
			ctx, cancel := context.WithCancel(t.Context())
			err := outer.InTx(ctx, func(_ context.Context, inner storage.Store) error { fn(inner); cancel(); return nil })
			wantErr(t, err, context.Canceled, "inner transaction whose context ended")
			return mine
		},
	} {
		f := fill(t, s)
		before := read(t, s, f.customer.ID)
		ok(t, s.InTx(t.Context(), func(ctx context.Context, outer storage.Store) error {
			ok(t, outer.DeleteDocument(ctx, f.customer.ID, "content", f.document.ID))
			wantErr(t, fail(outer, func(tx storage.Store) { spoilHalf(t, tx, f) }), mine, "the inner transaction")
			ok(t, outer.DeleteKey(ctx, f.customer.ID, f.key.ID))
			return nil
		}))
		before.Keys, before.Documents = before.Keys[:0], before.Documents[:0]
		unchanged(t, s, before, "an inner transaction undone by "+what)
	}
}

// spoilHalf leaves out the deletions.
func spoilHalf(t *testing.T, tx storage.Store, f fixture) {
	ok(t, tx.CreateKey(t.Context(), newKey(f.customer.ID, storage.NewID())))
	ok(t, tx.AppendEvent(t.Context(), newEvent(f.customer.ID, storage.NewID())))
	_, err := tx.UpdateCustomer(t.Context(), f.customer.ID, func(c *storage.Customer) error { c.Plan = "spoilt"; return nil })
	ok(t, err)
}
