package storagetest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// A listing is a method that lists records, and how to add one to its list.
type listing struct {
	add  func(id string) error
	list func(p storage.Page) ([]string, error)
}

// listings has a row for every method that takes a page.
func listings(t *testing.T, s storage.Store) map[string]listing {
	ctx := t.Context()
	const owner = storage.CustomerID("!") // below all other IDs
	ok(t, s.CreateCustomer(ctx, newCustomer(string(owner))))
	rows := map[string]listing{
		"Customers": {
			func(id string) error { return s.CreateCustomer(ctx, newCustomer(id)) },
			func(p storage.Page) ([]string, error) {
				list, err := s.Customers(ctx, storage.CustomerQuery{Page: p})
				list = slices.DeleteFunc(list, func(c storage.Customer) bool { return c.ID == owner })
				return ids(list, customerID), err
			},
		},
		"Keys": {
			func(id string) error { return s.CreateKey(ctx, newKey(owner, id)) },
			func(p storage.Page) ([]string, error) {
				list, err := s.Keys(ctx, owner, p)
				return ids(list, keyID), err
			},
		},
		"Events": {
			func(id string) error { return s.AppendEvent(ctx, newEvent(owner, id)) },
			func(p storage.Page) ([]string, error) {
				list, err := s.Events(ctx, owner, storage.EventQuery{Page: p})
				return ids(list, eventID), err
			},
		},
		"Documents": {
			func(id string) error { return s.CreateDocument(ctx, newDocument(owner, id)) },
			func(p storage.Page) ([]string, error) {
				list, err := s.Documents(ctx, owner, storage.DocumentQuery{Kind: "content", Page: p})
				return ids(list, documentID), err
			},
		},
	}
	allTakePages(t, reflect.TypeFor[storage.Store](), rows)
	return rows
}

// allTakePages fails if rows lacks a method of the contract that takes a page.
func allTakePages(t *testing.T, contract reflect.Type, rows map[string]listing) {
	t.Helper()
	for method := range contract.Methods() {
		if _, covered := rows[method.Name]; takesPage(method) && !covered {
			t.Errorf("%s takes a page and has no row here", method.Name)
		}
	}
}

func takesPage(method reflect.Method) bool {
	page := reflect.TypeFor[storage.Page]()
	for in := range method.Type.Ins() {
		if in == page {
			return true
		}
		if in.Kind() == reflect.Struct {
			if field, ok := in.FieldByName("Page"); ok && field.Type == page {
				return true
			}
		}
	}
	return false
}

func ids[T any](list []T, id func(T) string) []string {
	texts := []string{}
	for _, record := range list {
		texts = append(texts, id(record))
	}
	return texts
}

func testOrder(t *testing.T, rows map[string]listing) {
	added := []string{"b", "A", "é", "10", "_", "a", "Z", "9", "~", "aa", "-", "a-", "日"}
	want := slices.Clone(added)
	slices.Sort(want) // byte by byte
	slices.Reverse(want)
	for name, l := range rows {
		for _, id := range added {
			ok(t, l.add(id))
		}
		got, err := l.list(all)
		ok(t, err)
		equal(t, got, want, name)
		for i, id := range want { // Before goes by the same order
			got, err := l.list(storage.Page{Limit: 1, Before: id})
			ok(t, err)
			equal(t, got, append([]string{}, want[i+1:min(i+2, len(want))]...), fmt.Sprintf("%s before %q", name, id))
		}
	}
}

func testPaging(t *testing.T, rows map[string]listing) {
	for name, l := range rows {
		var old []string // newest first
		for i := 10; i < 30; i++ {
			ok(t, l.add(fmt.Sprint(i)))
			old = append([]string{fmt.Sprint(i)}, old...)
		}
		for _, c := range []struct {
			page storage.Page
			want []string
		}{
			{storage.Page{}, nil},
			{storage.Page{Limit: -1}, nil},
			{storage.Page{Limit: math.MinInt}, nil},
			{storage.Page{Before: "20"}, nil},
			{storage.Page{Limit: 1}, old[:1]},
			{storage.Page{Limit: 20}, old},
			{storage.Page{Limit: math.MaxInt}, old},
			{storage.Page{Limit: 3, Before: "20"}, []string{"19", "18", "17"}},
			{storage.Page{Limit: 3, Before: "205"}, []string{"20", "19", "18"}}, // no record has it
			{storage.Page{Limit: 3, Before: "11"}, []string{"10"}},
			{storage.Page{Limit: 3, Before: "10"}, nil},
			{storage.Page{Limit: 3, Before: "~"}, old[:3]},
			{storage.Page{Limit: 3, Before: "'"}, nil},
		} {
			got, err := l.list(c.page)
			ok(t, err)
			equal(t, got, append([]string{}, c.want...), fmt.Sprintf("%s, page %+v", name, c.page))
		}

		// New records come above and don't move the pages below.
		var seen []string
		cursor := ""
		for fresh := 30; ; fresh++ {
			page, next, err := storage.List(3, cursor, func(id string) string { return id }, l.list)
			ok(t, err)
			seen = append(seen, page...)
			if next == "" {
				break
			}
			cursor = next
			ok(t, l.add(fmt.Sprint(fresh)))
		}
		equal(t, seen, old, name+", page by page while records arrive")
	}
}
