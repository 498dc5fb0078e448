package storagetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// testForeign has a row for every method that concerns one customer: what others
// get who try it on the records of f.
func testForeign(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f, other := fill(t, s), fill(t, s)
	never := func() error { t.Error("change was called with a record of somebody else"); return nil }

	rows := map[string]func(who storage.CustomerID) (found int, err error){
		"Customer": func(storage.CustomerID) (int, error) {
			_, err := s.Customer(ctx, nobody)
			return 0, err
		},
		"UpdateCustomer": func(storage.CustomerID) (int, error) {
			_, err := s.UpdateCustomer(ctx, nobody, func(*storage.Customer) error { return never() })
			return 0, err
		},
		"CreateKey": func(storage.CustomerID) (int, error) {
			return 0, s.CreateKey(ctx, newKey(nobody, storage.NewID()))
		},
		"Keys": func(who storage.CustomerID) (int, error) {
			list, err := s.Keys(ctx, who, all)
			return count(list, func(k storage.Key) bool { return k.ID == f.key.ID }), err
		},
		"UpdateKey": func(who storage.CustomerID) (int, error) {
			_, err := s.UpdateKey(ctx, who, f.key.ID, func(*storage.Key) error { return never() })
			return 0, err
		},
		"DeleteKey": func(who storage.CustomerID) (int, error) {
			return 0, s.DeleteKey(ctx, who, f.key.ID)
		},
		"AppendEvent": func(storage.CustomerID) (int, error) {
			return 0, s.AppendEvent(ctx, newEvent(nobody, storage.NewID()))
		},
		"Events": func(who storage.CustomerID) (int, error) {
			found := 0
			for _, eventType := range []string{"", f.event.Type, "key*"} {
				list, err := s.Events(ctx, who, storage.EventQuery{Type: eventType, Page: all})
				if err != nil {
					return 0, err
				}
				found += count(list, func(e storage.Event) bool { return e.ID == f.event.ID })
			}
			return found, nil
		},
		"CreateDocument": func(storage.CustomerID) (int, error) {
			return 0, s.CreateDocument(ctx, newDocument(nobody, storage.NewID()))
		},
		"Document": func(who storage.CustomerID) (int, error) {
			_, err := s.Document(ctx, who, "content", f.document.ID)
			return 0, err
		},
		"UpdateDocument": func(who storage.CustomerID) (int, error) {
			_, err := s.UpdateDocument(ctx, who, "content", f.document.ID, func(*storage.Document) error { return never() })
			return 0, err
		},
		"DeleteDocument": func(who storage.CustomerID) (int, error) {
			return 0, s.DeleteDocument(ctx, who, "content", f.document.ID)
		},
		"Documents": func(who storage.CustomerID) (int, error) {
			found := 0
			for _, status := range []string{"", f.document.Status} {
				list, err := s.Documents(ctx, who, storage.DocumentQuery{Kind: "content", Status: status, Page: all})
				if err != nil {
					return 0, err
				}
				found += count(list, func(d storage.Document) bool { return d.ID == f.document.ID })
			}
			return found, nil
		},
	}
	before := read(t, s, f.customer.ID)
	checkForeign(t, reflect.TypeFor[storage.Store](), rows, other.customer.ID, func(after string) { unchanged(t, s, before, after) })
}

// checkForeign has other and nobody try each row of a table that has one for
// every method of the contract that concerns one customer. A row returns how many
// records of somebody else it was shown.
func checkForeign(t *testing.T, contract reflect.Type, rows map[string]func(who storage.CustomerID) (found int, err error), other storage.CustomerID, unchanged func(after string)) {
	t.Helper()
	for method := range contract.Methods() {
		if !concernsCustomer(method) {
			continue
		}
		row, covered := rows[method.Name]
		if !covered {
			t.Errorf("%s concerns one customer and has no row here", method.Name)
			continue
		}
		shows := method.Type.Out(0).Kind() == reflect.Slice || method.Name == "Balance" // of nothing, it is zero
		for _, who := range []storage.CustomerID{other, nobody, ""} {
			found, err := row(who)
			switch {
			case shows && err != nil:
				t.Errorf("%s: got error %v, want nothing", method.Name, err)
			case shows && found > 0:
				t.Errorf("%s shows records of somebody else", method.Name)
			case !shows:
				wantErr(t, err, storage.ErrNotFound, method.Name+" on a record of somebody else")
			}
			unchanged(method.Name + " by somebody else")
		}
		if t.Failed() {
			return // the records may no longer be what the next rows expect
		}
	}
}

// nobody is a customer that there isn't.
const nobody = storage.CustomerID("nobody")

// concernsCustomer reports whether the customer comes right after the context,
// alone or as the owner of a record.
func concernsCustomer(method reflect.Method) bool {
	if method.Type.NumIn() < 2 {
		return false
	}
	id, in := reflect.TypeFor[storage.CustomerID](), method.Type.In(1)
	if in.Kind() != reflect.Struct {
		return in == id
	}
	field, ok := in.FieldByName("CustomerID")
	return ok && field.Type == id
}

func count[T any](list []T, is func(T) bool) (n int) {
	for _, record := range list {
		if is(record) {
			n++
		}
	}
	return n
}

// alike are identifiers that look alike.
var alike = []string{"a", "A", "a ", " a", "aa", "é", "e\u0301", "É", "ss", "ß", "%", "_", `\`, "'", "*", "?"}

// testIdentifiers stores records whose identifiers look alike and finds each.
func testIdentifiers(t *testing.T, s storage.Store) {
	ctx := t.Context()
	owner := newCustomer("owner")
	ok(t, s.CreateCustomer(ctx, owner))
	for _, name := range alike {
		c := newCustomer(name)
		c.ExternalID, c.IdempotencyKey = name, name
		ok(t, s.CreateCustomer(ctx, c))
		ok(t, s.CreateKey(ctx, newKey(owner.ID, name)))
		ok(t, s.AppendEvent(ctx, newEvent(owner.ID, name)))
		ok(t, s.CreateDocument(ctx, newDocument(owner.ID, name)))
		d := newDocument(owner.ID, "fixed")
		d.Kind = name
		ok(t, s.CreateDocument(ctx, d))
	}
	for _, name := range alike {
		id := storage.CustomerID(name)
		for what, find := range map[string]func() (storage.Customer, error){
			"Customer":                 func() (storage.Customer, error) { return s.Customer(ctx, id) },
			"CustomerByExternalID":     func() (storage.Customer, error) { return s.CustomerByExternalID(ctx, name) },
			"CustomerByIdempotencyKey": func() (storage.Customer, error) { return s.CustomerByIdempotencyKey(ctx, name) },
		} {
			c, err := find()
			ok(t, err)
			equal(t, c.ID, id, what)
		}
		active := storage.CustomerState{Status: storage.StatusActive}
		customers, err := s.CustomerStates(ctx, []storage.CustomerID{id})
		ok(t, err)
		equal(t, customers, map[storage.CustomerID]storage.CustomerState{id: active}, "CustomerStates")
		keys, err := s.KeyStates(ctx, []storage.KeyID{storage.KeyID(name)})
		ok(t, err)
		equal(t, keys, map[storage.KeyID]storage.KeyState{storage.KeyID(name): {CustomerState: active, UpdatedAt: owner.UpdatedAt}}, "KeyStates")
		k, err := s.UpdateKey(ctx, owner.ID, storage.KeyID(name), func(k *storage.Key) error { return nil })
		ok(t, err)
		equal(t, k, newKey(owner.ID, name), "UpdateKey")
		d, err := s.Document(ctx, owner.ID, "content", name)
		ok(t, err)
		equal(t, d.ID, name, "Document by ID")
		d, err = s.Document(ctx, owner.ID, name, "fixed")
		ok(t, err)
		equal(t, d.Kind, name, "Document by kind")
	}
	// What is deleted by one name is gone under that name alone.
	ok(t, s.DeleteKey(ctx, owner.ID, "a"))
	ok(t, s.DeleteDocument(ctx, owner.ID, "content", "a"))
	left := read(t, s, owner.ID)
	equal(t, len(left.Keys), len(alike)-1, "keys left")
	equal(t, len(left.Documents), len(alike)-1, "documents left")
	for _, absent := range []string{"Owner", "OWNER", "own", "owner "} {
		_, err := s.Customer(ctx, storage.CustomerID(absent))
		wantErr(t, err, storage.ErrNotFound, fmt.Sprintf("customer %q", absent))
		list, err := s.Keys(ctx, storage.CustomerID(absent), all)
		equalIDs(t, list, err, keyID, nil, fmt.Sprintf("keys of customer %q", absent))
	}
}

var (
	badJSON  = []string{"", " ", "null", "1", `"{}"`, "[]", "[{}]", "{", "}", "{}{}", "{}x", "{'a':1}", `{"a":}`, "{\"a\":\"\x00\"}", "{\"a\":\"\xff\"}"}
	goodJSON = []string{
		"{}", " \t\r\n{ } \n", `{"a":[1,2.50,-3e10,12345678901234567890,true,null,{"b":"\u00e9\\\"\n"}]}`,
		`{"quote":"it's ?0 $1 -- /* \\' '' "}`, `{"日本":"\ud83d\ude00 😀"}`,
		`{"long":"` + strings.Repeat("0123456789abcdef", 1<<16) + `"}`,
	}
)

func testJSON(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	before := read(t, s, f.customer.ID)
	store := func(id, data string) map[string]error {
		e, d := newEvent(f.customer.ID, id), newDocument(f.customer.ID, id)
		e.Data, d.Data = json.RawMessage(data), json.RawMessage(data)
		_, err := s.UpdateDocument(ctx, f.customer.ID, "content", f.document.ID, func(d *storage.Document) error {
			d.Data = json.RawMessage(data)
			return nil
		})
		return map[string]error{
			"AppendEvent": s.AppendEvent(ctx, e), "CreateDocument": s.CreateDocument(ctx, d), "UpdateDocument": err,
		}
	}
	for _, data := range badJSON {
		for method, err := range store("refused", data) {
			wantErr(t, err, storage.ErrInvalid, fmt.Sprintf("%s with %q", method, data))
		}
	}
	unchanged(t, s, before, "refused JSON")

	for i, data := range goodJSON {
		id := fmt.Sprint("accepted ", i)
		for method, err := range store(id, data) {
			if err != nil {
				t.Errorf("%s with %.80q: %v", method, data, err)
			}
		}
		d, err := s.Document(ctx, f.customer.ID, "content", id)
		ok(t, err)
		updated, err := s.Document(ctx, f.customer.ID, "content", f.document.ID)
		ok(t, err)
		events, err := s.Events(ctx, f.customer.ID, storage.EventQuery{Page: storage.Page{Limit: 1}})
		ok(t, err)
		for _, got := range []json.RawMessage{d.Data, updated.Data, events[0].Data} {
			if !sameJSON(got, json.RawMessage(data)) {
				t.Errorf("stored %.80q, got back %.80q", data, got)
			}
		}
	}
}

func testOwnership(t *testing.T, s storage.Store) {
	ctx := t.Context()
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	e, d := newEvent(c.ID, "e"), newDocument(c.ID, "d")
	e.Data, d.Data = json.RawMessage(`{"n":1}`), json.RawMessage(`{"n":1}`)
	ok(t, s.AppendEvent(ctx, e))
	ok(t, s.CreateDocument(ctx, d))
	updated := json.RawMessage(`{"n":1}`)
	returned, err := s.UpdateDocument(ctx, c.ID, "content", "d", func(d *storage.Document) error { d.Data = updated; return nil })
	ok(t, err)
	one, err := s.Document(ctx, c.ID, "content", "d")
	ok(t, err)
	got := read(t, s, c.ID)
	before := read(t, s, c.ID)
	before.Events[0].Data = slices.Clone(before.Events[0].Data)
	before.Documents[0].Data = slices.Clone(before.Documents[0].Data)

	for _, data := range []json.RawMessage{e.Data, d.Data, updated, returned.Data, one.Data, got.Events[0].Data, got.Documents[0].Data} {
		for i := range data {
			data[i] = 'x'
		}
	}
	unchanged(t, s, before, "writing over records that were given and returned")
}

func testPing(t *testing.T, s storage.Store) {
	ok(t, s.Ping(t.Context()))
}
