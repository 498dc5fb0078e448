package marketing_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestEvents(t *testing.T) {
	d := newDesk(t)
	d.call("update_brand", object{"voice": "dry"})
	logged := d.call("log_event", object{"type": "lead.logged", "data": object{"source": "fair", "orders": 12345678901234567}})
	if logged["type"] != "lead.logged" || logged["id"] == "" || !strings.HasSuffix(fmt.Sprint(logged["createdAt"]), "Z") {
		t.Errorf("logged %v", logged)
	}
	d.call("log_event", object{"type": "webinar_2.held"})

	events := d.call("list_events", object{})["events"].([]any)
	if got := eventTypesOf(events); got != "webinar_2.held lead.logged brand.updated" {
		t.Errorf("events %s", got)
	}
	if data := events[0].(object)["data"]; fmt.Sprint(data) != "map[]" {
		t.Errorf("data of an event without: %v", data)
	}
	if data := events[1].(object)["data"].(object); data["source"] != "fair" {
		t.Errorf("data %v", data)
	}
	if !strings.Contains(d.everything(), "12345678901234567") {
		t.Error("a long number lost digits")
	}
	for selection, want := range map[string]string{
		"lead.logged": "lead.logged", "lead.*": "lead.logged", "web*": "webinar_2.held", "lead": "", "*": "webinar_2.held lead.logged brand.updated",
	} {
		if got := eventTypesOf(d.call("list_events", object{"type": selection})["events"].([]any)); got != want {
			t.Errorf("type %q: %q, want %q", selection, got, want)
		}
	}
	page := d.call("list_events", object{"limit": 2})
	page = d.call("list_events", object{"limit": 2, "cursor": page["nextCursor"]})
	if got := eventTypesOf(page["events"].([]any)); got != "brand.updated" || page["nextCursor"] != nil {
		t.Errorf("second page: %s", got)
	}
	d.refuse("list_events", object{"limit": 101}, `argument "limit" is not valid`)
	d.refuse("list_events", object{"cursor": "x"}, "cursor must be")
	d.refuse("list_events", object{"type": "a\x00"}, "type must be")
}

func eventTypesOf(events []any) string {
	var types []string
	for _, e := range events {
		types = append(types, e.(object)["type"].(string))
	}
	return strings.Join(types, " ")
}

func TestLogEventRefuses(t *testing.T) {
	d := newDesk(t)
	for _, bad := range []string{"lead", "lead.", ".logged", "Lead.logged", "lead.Logged", "lead logged", "lead.logged.twice", "lead.logged\n", "lead-x.logged", "läd.logged"} {
		d.refuse("log_event", object{"type": bad}, "type must be noun.verb")
	}
	for _, own := range []string{"customer.deleted", "key.rotated", "brand.updated", "content.approved", "workflow.completed", "billing.paid"} {
		d.refuse("log_event", object{"type": own}, "are recorded by the service itself")
	}
	d.refuse("log_event", object{}, `argument "type" is missing`)
	d.refuse("log_event", object{"type": strings.Repeat("a", 60) + ".done"}, `argument "type" is not valid`)
	for _, data := range []any{"text", []int{1}, 1} {
		d.refuse("log_event", object{"type": "lead.logged", "data": data}, `argument "data" is not valid; expected an object`)
	}
	for _, data := range []object{{"a\x00": 1}, {"a": "\x1b[2J"}, {"a": []any{object{"b": "\U000E0041"}}}} {
		d.refuse("log_event", object{"type": "lead.logged", "data": data}, "each text in data must be a text without control characters")
	}
	d.refuse("log_event", object{"type": "lead.logged", "data": object{"a": strings.Repeat("b", 8192)}}, "data must be an object of at most 8192 bytes")
}
