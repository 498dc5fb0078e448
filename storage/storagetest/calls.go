package storagetest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// A sample is what the checks that concern every method of a contract work on.
type sample struct {
	contract reflect.Type // an interface
	on       any          // which has its methods
	// calls returns, for each method, arguments after the context with which it
	// succeeds.
	calls func() map[string][]any
	// restore brings back what calls have deleted.
	restore func(t *testing.T)
	// unchanged reports an error if the records are not as they were.
	unchanged func(t *testing.T, after string)
	// called reports an error if the records are not as after all calls.
	called func(t *testing.T)
}

// of makes a check of a store from one of what in makes of it.
func of[T any](in func(*testing.T, storage.Store) T, check func(*testing.T, T)) func(*testing.T, storage.Store) {
	return func(t *testing.T, s storage.Store) { check(t, in(t, s)) }
}

// core is a sample of [storage.Store].
func core(t *testing.T, s storage.Store) sample {
	t.Helper()
	f := fill(t, s)
	_, err := s.UpdateCustomer(t.Context(), f.customer.ID, func(c *storage.Customer) error {
		c.ExternalID, c.IdempotencyKey = "external "+string(c.ID), "token "+string(c.ID)
		return nil
	})
	ok(t, err)
	before := read(t, s, f.customer.ID)
	return sample{
		contract: reflect.TypeFor[storage.Store](),
		on:       s,
		calls:    func() map[string][]any { return calls(f) },
		restore: func(t *testing.T) {
			_ = s.CreateKey(t.Context(), f.key)
			_ = s.CreateDocument(t.Context(), f.document)
		},
		unchanged: func(t *testing.T, after string) {
			t.Helper()
			untouched(t, s, before, after)
		},
		called: func(t *testing.T) {
			t.Helper()
			got := read(t, s, f.customer.ID)
			equal(t, got.Customer.BrandName, "changed", "brand name")
			equal(t, len(got.Events), 2, "number of events")
		},
	}
}

// calls are those of core.
func calls(f fixture) map[string][]any {
	return map[string][]any{
		"CreateCustomer":           {fullCustomer(storage.NewID())},
		"Customer":                 {f.customer.ID},
		"CustomerByExternalID":     {"external " + string(f.customer.ID)},
		"CustomerByIdempotencyKey": {"token " + string(f.customer.ID)},
		"UpdateCustomer":           {f.customer.ID, func(c *storage.Customer) error { c.BrandName = "changed"; return nil }},
		"Customers":                {storage.CustomerQuery{Page: all}},
		"CustomerStates":           {[]storage.CustomerID{f.customer.ID}},

		"CreateKey":         {newKey(f.customer.ID, storage.NewID())},
		"KeyByHash":         {f.key.Hash},
		"Keys":              {f.customer.ID, all},
		"UpdateKey":         {f.customer.ID, f.key.ID, func(k *storage.Key) error { k.Name = "changed"; return nil }},
		"DeleteKey":         {f.customer.ID, f.key.ID},
		"KeyStates":         {[]storage.KeyID{f.key.ID}},
		"TouchKeys":         {map[storage.KeyID]time.Time{f.key.ID: now}},
		"DeleteExpiredKeys": {now.Add(1000 * time.Hour)},

		"AppendEvent": {newEvent(f.customer.ID, storage.NewID())},
		"Events":      {f.customer.ID, storage.EventQuery{Page: all}},

		"CreateDocument": {newDocument(f.customer.ID, storage.NewID())},
		"Document":       {f.customer.ID, "content", f.document.ID},
		"UpdateDocument": {f.customer.ID, "content", f.document.ID, func(d *storage.Document) error { d.Status = "changed"; return nil }},
		"DeleteDocument": {f.customer.ID, "content", f.document.ID},
		"Documents":      {f.customer.ID, storage.DocumentQuery{Kind: "content", Page: all}},

		"InTx": {func(ctx context.Context, tx storage.Store) error {
			return tx.DeleteKey(ctx, f.customer.ID, f.key.ID)
		}},
		"Ping": {},
	}
}

// call calls a method by its name and returns its error.
func call(on any, ctx context.Context, method string, args []any) error {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	for _, a := range args {
		in = append(in, reflect.ValueOf(a))
	}
	out := reflect.ValueOf(on).MethodByName(method).Call(in)
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	return err
}

// testCovered fails when the contract has a method that is not in calls.
func testCovered(t *testing.T, s sample) {
	for method := range s.contract.Methods() {
		args, found := s.calls()[method.Name]
		if !found {
			t.Errorf("the table of calls has no row for %s: every check that concerns all methods misses it", method.Name)
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			s.restore(t)
			ok(t, call(s.on, t.Context(), method.Name, args))
		})
	}
}

func testEndedContext(t *testing.T, s sample) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for method, args := range s.calls() {
		for _, ctx := range []context.Context{cancelled, expired} {
			wantErr(t, call(s.on, ctx, method, args), ctx.Err(), method)
			s.unchanged(t, method+" with an ended context")
		}
	}
}
