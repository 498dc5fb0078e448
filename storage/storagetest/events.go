package storagetest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

func testAppendEvent(t *testing.T, s storage.Store) {
	ctx := t.Context()
	mine, other := fill(t, s), fill(t, s)
	list, err := s.Events(ctx, mine.customer.ID, storage.EventQuery{Page: all})
	ok(t, err)
	equalEvents(t, list, []storage.Event{mine.event}, "the stored event")

	before := read(t, s, mine.customer.ID)
	for _, owner := range []storage.CustomerID{mine.customer.ID, other.customer.ID} {
		e := newEvent(owner, string(mine.event.ID))
		e.Type = "other.type"
		wantErr(t, s.AppendEvent(ctx, e), storage.ErrExists, "a taken ID")
	}
	unchanged(t, s, before, "refused events")
	equal(t, len(read(t, s, other.customer.ID).Events), 1, "events of the other customer")
}

func testEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	types := []string{"key.created", "key.rotated", "Key.created", "keyring.made", "lead.logged", "k_y.created", "k%", "a*b", "a*c", "äö.x", "äü.x"}
	ids := map[string]string{}
	for i, name := range types {
		e := newEvent(c.ID, fmt.Sprintf("%02d", i))
		e.Type = name
		ok(t, s.AppendEvent(ctx, e))
		ids[name] = string(e.ID)
	}
	for wanted, want := range map[string][]string{
		"":             types,
		"*":            types,
		"key.created":  {"key.created"},
		"KEY.CREATED":  nil,
		"key":          nil,
		"key.*":        {"key.created", "key.rotated"},
		"key*":         {"key.created", "key.rotated", "keyring.made"},
		"Key*":         {"Key.created"},
		"key.created*": {"key.created"}, // the beginning may be all of it
		"k_y*":         {"k_y.created"},
		"k%*":          {"k%"},
		"k%":           {"k%"},
		"k_y.created":  {"k_y.created"},
		"a**":          {"a*b", "a*c"},
		"a*b":          {"a*b"},
		"*.created":    nil,
		"ä*":           {"äö.x", "äü.x"},
		"äö*":          {"äö.x"},
		"nothing.*":    nil,
	} {
		var wantIDs []string
		for i := range want { // newest first
			wantIDs = append(wantIDs, ids[want[len(want)-1-i]])
		}
		list, err := s.Events(ctx, c.ID, storage.EventQuery{Type: wanted, Page: all})
		equalIDs(t, list, err, eventID, wantIDs, fmt.Sprintf("events of type %q", wanted))
	}
	list, err := s.Events(ctx, c.ID, storage.EventQuery{Type: "key*", Page: storage.Page{Limit: 1, Before: ids["keyring.made"]}})
	equalIDs(t, list, err, eventID, []string{ids["key.rotated"]}, "type and page together")
}

func equalEvents(t *testing.T, got, want []storage.Event, what string) {
	t.Helper()
	equalRecords(t, got, want, func(e *storage.Event) *json.RawMessage { return &e.Data }, what)
}
