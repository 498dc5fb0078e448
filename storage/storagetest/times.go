package storagetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

var oddTimes = []time.Time{
	{},
	now,
	time.Date(2026, 7, 1, 12, 0, 0, 999_999_999, time.UTC), // cut, not rounded
	time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("far", 5*3600+1800)),
	time.Date(2026, 7, 1, 12, 0, 0, 1000, time.Local),
	time.Now(), // has a monotonic reading
	time.Unix(0, 0),
	time.Date(1969, 12, 31, 23, 59, 59, 999_999_500, time.UTC),
	time.Date(1000, 1, 1, 0, 0, 0, 1000, time.UTC),
	time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
}

// asStored returns t as a record has it.
func asStored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// testTimes stores every time of every record and reads it back in every way.
func testTimes(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	for i, at := range oddTimes {
		id := fmt.Sprint(100 + i)
		check := func(what string, record any, err error) {
			t.Helper()
			ok(t, err)
			checkTimes(t, what, record, at)
		}

		c := newCustomer(id)
		c.ExternalID, c.IdempotencyKey = id, id
		setTimes(&c, at)
		ok(t, s.CreateCustomer(ctx, c))
		k := newKey(c.ID, id)
		setTimes(&k, at)
		ok(t, s.CreateKey(ctx, k))
		e := newEvent(c.ID, id)
		setTimes(&e, at)
		ok(t, s.AppendEvent(ctx, e))
		d := newDocument(c.ID, id)
		setTimes(&d, at)
		ok(t, s.CreateDocument(ctx, d))

		got, err := s.Customer(ctx, c.ID)
		check("Customer", got, err)
		got, err = s.CustomerByExternalID(ctx, id)
		check("CustomerByExternalID", got, err)
		got, err = s.CustomerByIdempotencyKey(ctx, id)
		check("CustomerByIdempotencyKey", got, err)
		customers, err := s.Customers(ctx, storage.CustomerQuery{Page: storage.Page{Limit: 1, Before: id + "~"}})
		check("Customers", customers, err)
		key, got, err := s.KeyByHash(ctx, k.Hash)
		check("KeyByHash", key, err)
		check("KeyByHash", got, err)
		keys, err := s.Keys(ctx, c.ID, all)
		check("Keys", keys, err)
		states, err := s.KeyStates(ctx, []storage.KeyID{k.ID})
		check("KeyStates", states[k.ID], err)
		check("KeyStates", states[k.ID].CustomerState, err)
		customerStates, err := s.CustomerStates(ctx, []storage.CustomerID{c.ID})
		check("CustomerStates", customerStates[c.ID], err)
		events, err := s.Events(ctx, c.ID, storage.EventQuery{Page: all})
		check("Events", events, err)
		document, err := s.Document(ctx, c.ID, "content", id)
		check("Document", document, err)
		documents, err := s.Documents(ctx, c.ID, storage.DocumentQuery{Kind: "content", Page: all})
		check("Documents", documents, err)

		// The updates: what change is given, and what is returned and stored.
		got, err = s.UpdateCustomer(ctx, c.ID, func(c *storage.Customer) error {
			check("UpdateCustomer's change", *c, nil)
			setTimes(c, at)
			return nil
		})
		check("UpdateCustomer", got, err)
		got, err = s.Customer(ctx, c.ID)
		check("Customer after UpdateCustomer", got, err)
		key, err = s.UpdateKey(ctx, c.ID, k.ID, func(k *storage.Key) error {
			check("UpdateKey's change", *k, nil)
			setTimes(k, at)
			return nil
		})
		check("UpdateKey", key, err)
		document, err = s.UpdateDocument(ctx, c.ID, "content", id, func(d *storage.Document) error {
			check("UpdateDocument's change", *d, nil)
			setTimes(d, at)
			return nil
		})
		check("UpdateDocument", document, err)

		if !at.IsZero() {
			fresh := newKey(f.customer.ID, id+" fresh")
			ok(t, s.CreateKey(ctx, fresh))
			ok(t, s.TouchKeys(ctx, map[storage.KeyID]time.Time{fresh.ID: at}))
			key, _, err = s.KeyByHash(ctx, fresh.Hash)
			check("TouchKeys", struct{ LastUsedAt time.Time }{key.LastUsedAt}, err)
		}
	}
}

// checkTimes checks that every time of a record, or of a list of one record, is
// what comes back of at.
func checkTimes(t *testing.T, what string, record any, at time.Time) {
	t.Helper()
	want := asStored(at)
	for name, got := range times(reflect.ValueOf(record)) {
		if !got.Equal(want) || got.Location() != time.UTC || got.IsZero() != want.IsZero() {
			t.Errorf("%s: stored %v as %s, got back %v", what, at, name, got)
		}
	}
}

// setTimes sets every time in the record that p points to.
func setTimes(p any, at time.Time) {
	for field, v := range reflect.ValueOf(p).Elem().Fields() {
		if field.Type == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at))
		}
	}
}

// times returns every time in a record, or in a list of one record.
func times(v reflect.Value) map[string]time.Time {
	if v.Kind() == reflect.Slice {
		v = v.Index(0)
	}
	found := map[string]time.Time{}
	for field, v := range v.Fields() {
		if at, ok := reflect.TypeAssert[time.Time](v); ok {
			found[v.Type().String()+" "+field.Name] = at
		}
	}
	return found
}
