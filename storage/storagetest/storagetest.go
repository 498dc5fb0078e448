// Package storagetest checks that a driver keeps the contract in the comments of
// package storage.
//
//	func TestStore(t *testing.T) {
//		open := func(t *testing.T) storage.Store {
//			store, err := mystore.Open(t.Context(), …)
//			if err != nil {
//				t.Fatal(err)
//			}
//			t.Cleanup(func() { store.Close() })
//			return store
//		}
//		storagetest.Run(t, open)
//		storagetest.RunTx(t, open)
//		storagetest.RunConcurrent(t, open)
//		storagetest.RunBilling(t, open)
//		storagetest.RunRuns(t, open)
//		storagetest.RunConnections(t, open)
//		storagetest.RunMemories(t, open)
//		storagetest.RunVectors(t, open)
//	}
//
// With [RunReopen] these are all suites. Those from RunBilling on are for stores with
// the roles [storage.Billing], [storage.Runs], [storage.Connections] and [storage.Memories]. A driver that
// passes them works with the host. open is called for each check and returns a store
// that is new and empty.
package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Run checks the methods one by one.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, methods)
	run(t, open, []check{{"EndedContext", of(core, testEndedContext)}})
}

// methods are the checks of the methods. They hold inside a transaction too.
var methods = []check{
	{"EveryMethodIsCovered", of(core, testCovered)},
	{"ForeignCustomer", testForeign},
	{"Identifiers", testIdentifiers},
	{"Order", of(listings, testOrder)},
	{"Paging", of(listings, testPaging)},
	{"Times", testTimes},
	{"Text", of(core, testText)},
	{"JSON", testJSON},
	{"RecordsBelongToTheCaller", testOwnership},
	{"Ping", testPing},

	{"CreateCustomer", testCreateCustomer},
	{"CustomerByName", testCustomerByName},
	{"UpdateCustomer", testUpdateCustomer},
	{"UpdateCustomerNames", testUpdateCustomerNames},
	{"Customers", testCustomers},
	{"CustomersSearch", testCustomersSearch},
	{"CustomerStates", testCustomerStates},

	{"CreateKey", testCreateKey},
	{"KeyByHash", testKeyByHash},
	{"Keys", testKeys},
	{"UpdateKey", testUpdateKey},
	{"DeleteKey", testDeleteKey},
	{"KeyStates", testKeyStates},
	{"TouchKeys", testTouchKeys},
	{"DeleteExpiredKeys", testDeleteExpiredKeys},

	{"AppendEvent", testAppendEvent},
	{"Events", testEvents},

	{"CreateDocument", testCreateDocument},
	{"UpdateDocument", testUpdateDocument},
	{"DeleteDocument", testDeleteDocument},
	{"Documents", testDocuments},
}

type check struct {
	name string
	run  func(t *testing.T, s storage.Store)
}

func run(t *testing.T, open func(t *testing.T) storage.Store, checks []check) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// now is a fixed time with microseconds, so that records can be compared.
var now = time.Date(2026, 1, 15, 10, 30, 0, 123456000, time.UTC)

func newCustomer(id string) storage.Customer {
	return storage.Customer{
		ID:        storage.CustomerID(id),
		Email:     "ada@example.com",
		Status:    storage.StatusActive,
		CreatedAt: now,
		UpdatedAt: now,
	}
}

func newKey(customer storage.CustomerID, id string) storage.Key {
	return storage.Key{
		ID:         storage.KeyID(id),
		CustomerID: customer,
		Name:       "first key",
		Hash:       sha256.Sum256([]byte(id)),
		LastFour:   "beef",
		CreatedAt:  now,
	}
}

func newEvent(customer storage.CustomerID, id string) storage.Event {
	return storage.Event{
		ID:         storage.EventID(id),
		CustomerID: customer,
		Type:       "key.rotated",
		Data:       json.RawMessage(`{"n":1}`),
		CreatedAt:  now,
	}
}

func newDocument(customer storage.CustomerID, id string) storage.Document {
	return storage.Document{
		CustomerID: customer,
		Kind:       "content",
		ID:         id,
		Status:     "draft",
		Data:       json.RawMessage(`{"n":1}`),
		CreatedAt:  now,
		UpdatedAt:  now,
	}
}

// fixture is one record of each sort, stored.
type fixture struct {
	customer storage.Customer
	key      storage.Key
	event    storage.Event
	document storage.Document
}

func fill(t *testing.T, s storage.Store) fixture {
	t.Helper()
	c := newCustomer(storage.NewID())
	f := fixture{c, newKey(c.ID, storage.NewID()), newEvent(c.ID, storage.NewID()), newDocument(c.ID, storage.NewID())}
	ok(t, s.CreateCustomer(t.Context(), f.customer))
	ok(t, s.CreateKey(t.Context(), f.key))
	ok(t, s.AppendEvent(t.Context(), f.event))
	ok(t, s.CreateDocument(t.Context(), f.document))
	return f
}

// all is a page for everything.
var all = storage.Page{Limit: 10000}

// contents is what a store holds of one customer.
type contents struct {
	Customer  storage.Customer
	Keys      []storage.Key
	Events    []storage.Event
	Documents []storage.Document
}

func read(t *testing.T, s storage.Store, id storage.CustomerID) (c contents) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	var errs [4]error
	c.Customer, errs[0] = s.Customer(ctx, id)
	c.Keys, errs[1] = s.Keys(ctx, id, all)
	c.Events, errs[2] = s.Events(ctx, id, storage.EventQuery{Page: all})
	c.Documents, errs[3] = s.Documents(ctx, id, storage.DocumentQuery{Kind: "content", Page: all})
	ok(t, errors.Join(errs[:]...))
	return c
}

// unchanged reports an error if the store's contents of a customer are not c.
func unchanged(t *testing.T, s storage.Store, c contents, after string) {
	t.Helper()
	got := read(t, s, c.Customer.ID)
	equal(t, got.Customer, c.Customer, "customer after "+after)
	equal(t, got.Keys, c.Keys, "keys after "+after)
	equalEvents(t, got.Events, c.Events, "events after "+after)
	equalDocuments(t, got.Documents, c.Documents, "documents after "+after)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error, what string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func equal[T any](t *testing.T, got, want T, what string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// equalRecords compares lists of records of which one part, which data points to,
// is JSON.
func equalRecords[T any](t *testing.T, got, want []T, data func(*T) *json.RawMessage, what string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if a, b := data(&got[i]), data(&want[i]); sameJSON(*a, *b) {
			*a = *b
		}
	}
	equal(t, got, want, what)
}

// equalIDs compares a list with the identifiers it should have, in order.
func equalIDs[T any](t *testing.T, list []T, err error, id func(T) string, want []string, what string) {
	t.Helper()
	ok(t, err)
	got := []string{}
	for _, record := range list {
		got = append(got, id(record))
	}
	if want == nil {
		want = []string{}
	}
	equal(t, got, want, what)
}

func customerID(c storage.Customer) string { return string(c.ID) }
func keyID(k storage.Key) string           { return string(k.ID) }
func eventID(e storage.Event) string       { return string(e.ID) }
func documentID(d storage.Document) string { return d.ID }

// sameJSON compares JSON by meaning: a driver may store it in a form of its own.
func sameJSON(a, b json.RawMessage) bool {
	var values [2]any
	for i, data := range []json.RawMessage{a, b} {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if d.Decode(&values[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
