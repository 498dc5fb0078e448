package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func testCreateDocument(t *testing.T, s storage.Store) {
	ctx := t.Context()
	mine, other := fill(t, s), fill(t, s)
	got, err := s.Document(ctx, mine.customer.ID, "content", mine.document.ID)
	ok(t, err)
	equalDocument(t, got, mine.document, "the stored document")

	before := read(t, s, mine.customer.ID)
	taken := mine.document
	taken.Data = json.RawMessage(`{"n":2}`)
	wantErr(t, s.CreateDocument(ctx, taken), storage.ErrExists, "a taken key")
	unchanged(t, s, before, "a refused document")

	// The key is the customer, the kind and the ID together.
	for i, d := range []storage.Document{
		{CustomerID: mine.customer.ID, Kind: "brand", ID: mine.document.ID},
		{CustomerID: other.customer.ID, Kind: "content", ID: mine.document.ID},
	} {
		d.Data = json.RawMessage(fmt.Sprintf(`{"twin":%d}`, i))
		ok(t, s.CreateDocument(ctx, d))
		got, err := s.Document(ctx, d.CustomerID, d.Kind, d.ID)
		ok(t, err)
		equalDocument(t, got, d, "a document with one part of the key in common")
	}
	unchanged(t, s, before, "documents with one part of the key in common")

	_, err = s.Document(ctx, mine.customer.ID, "content", "absent")
	wantErr(t, err, storage.ErrNotFound, "an absent ID")
	_, err = s.Document(ctx, mine.customer.ID, "absent", mine.document.ID)
	wantErr(t, err, storage.ErrNotFound, "an absent kind")
}

func testUpdateDocument(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	rest := newDocument(f.customer.ID, storage.NewID())
	ok(t, s.CreateDocument(ctx, rest))

	want := f.document
	want.Status, want.Data, want.UpdatedAt = "approved", json.RawMessage(`{"n":2}`), now.Add(time.Hour)
	got, err := s.UpdateDocument(ctx, f.customer.ID, "content", f.document.ID, func(d *storage.Document) error {
		equalDocument(t, *d, f.document, "the document given to change")
		*d = want
		d.CustomerID, d.Kind, d.ID, d.CreatedAt = "9", "9", "9", now.Add(-time.Hour)
		d.UpdatedAt = d.UpdatedAt.Add(999 * time.Nanosecond)
		return nil
	})
	ok(t, err)
	equalDocument(t, got, want, "the document returned")
	check := func(what string) {
		t.Helper()
		list, err := s.Documents(ctx, f.customer.ID, storage.DocumentQuery{Kind: "content", Page: all})
		ok(t, err)
		equalDocuments(t, list, []storage.Document{rest, want}, "the documents "+what)
	}
	check("stored")

	mine := errors.New("my own reason")
	_, err = s.UpdateDocument(ctx, f.customer.ID, "content", f.document.ID, func(d *storage.Document) error { d.Status = ""; return mine })
	wantErr(t, err, mine, "an error of change")
	check("after an error of change")

	_, err = s.UpdateDocument(ctx, f.customer.ID, "content", "absent", func(*storage.Document) error {
		t.Error("change was called for no document")
		return nil
	})
	wantErr(t, err, storage.ErrNotFound, "an absent document")
}

func testDeleteDocument(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	twin := newDocument(f.customer.ID, f.document.ID)
	twin.Kind = "brand"
	ok(t, s.CreateDocument(ctx, twin))

	wantErr(t, s.DeleteDocument(ctx, f.customer.ID, "content", "absent"), storage.ErrNotFound, "an absent document")
	ok(t, s.DeleteDocument(ctx, f.customer.ID, "content", f.document.ID))
	_, err := s.Document(ctx, f.customer.ID, "content", f.document.ID)
	wantErr(t, err, storage.ErrNotFound, "a deleted document")
	wantErr(t, s.DeleteDocument(ctx, f.customer.ID, "content", f.document.ID), storage.ErrNotFound, "deleting again")
	_, err = s.Document(ctx, f.customer.ID, "brand", f.document.ID)
	ok(t, err)
	ok(t, s.CreateDocument(ctx, f.document))
}

func testDocuments(t *testing.T, s storage.Store) {
	ctx := t.Context()
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	for i, status := range []string{"draft", "approved", "", "draft", "Draft", "dr%"} {
		for _, kind := range []string{"content", "Content"} {
			d := newDocument(c.ID, fmt.Sprint(i))
			d.Kind, d.Status = kind, status
			ok(t, s.CreateDocument(ctx, d))
		}
	}
	for _, q := range []struct {
		kind, status string
		want         []string
	}{
		{"content", "", []string{"5", "4", "3", "2", "1", "0"}},
		{"Content", "", []string{"5", "4", "3", "2", "1", "0"}},
		{"content", "draft", []string{"3", "0"}},
		{"content", "Draft", []string{"4"}},
		{"content", "dr%", []string{"5"}},
		{"content", "d%", nil},
		{"CONTENT", "", nil},
		{"c%", "", nil},
		{"", "", nil},
	} {
		list, err := s.Documents(ctx, c.ID, storage.DocumentQuery{Kind: q.kind, Status: q.status, Page: all})
		equalIDs(t, list, err, documentID, q.want, fmt.Sprintf("documents of kind %q, state %q", q.kind, q.status))
		for _, d := range list {
			equal(t, d.Kind, q.kind, "kind of a listed document")
		}
	}
	list, err := s.Documents(ctx, c.ID, storage.DocumentQuery{Kind: "content", Status: "draft", Page: storage.Page{Limit: 5, Before: "3"}})
	equalIDs(t, list, err, documentID, []string{"0"}, "state and page together")
}

func equalDocument(t *testing.T, got, want storage.Document, what string) {
	t.Helper()
	equalDocuments(t, []storage.Document{got}, []storage.Document{want}, what)
}

func equalDocuments(t *testing.T, got, want []storage.Document, what string) {
	t.Helper()
	equalRecords(t, got, want, func(d *storage.Document) *json.RawMessage { return &d.Data }, what)
}
