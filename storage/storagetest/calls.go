package storagetest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// calls has, for each method of the contract, arguments after the context with
// which it succeeds on a store that holds f. The checks that concern every
// method go through it.
func calls(f fixture) map[string][]any {
	return map[string][]any{
		"CreateCustomer":           {fullCustomer(storage.NewID())},
		"Customer":                 {f.customer.ID},
		"CustomerByExternalID":     {"external"},
		"CustomerByIdempotencyKey": {"token"},
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
func call(s storage.Store, ctx context.Context, method string, args []any) error {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	for _, a := range args {
		in = append(in, reflect.ValueOf(a))
	}
	out := reflect.ValueOf(s).MethodByName(method).Call(in)
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	return err
}

// testCovered fails when the contract has a method that is not in calls.
func testCovered(t *testing.T, s storage.Store) {
	f := fill(t, s)
	_, err := s.UpdateCustomer(t.Context(), f.customer.ID, func(c *storage.Customer) error {
		c.ExternalID, c.IdempotencyKey = "external", "token"
		return nil
	})
	ok(t, err)
	for method := range reflect.TypeFor[storage.Store]().Methods() {
		args, found := calls(f)[method.Name]
		if !found {
			t.Errorf("the table of calls has no row for %s: every check that concerns all methods misses it", method.Name)
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			// What an earlier call deleted is back for this one.
			_ = s.CreateKey(t.Context(), f.key)
			_ = s.CreateDocument(t.Context(), f.document)
			ok(t, call(s, t.Context(), method.Name, args))
		})
	}
}
