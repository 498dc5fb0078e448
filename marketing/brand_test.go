package marketing_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

func TestBrand(t *testing.T) {
	d := newDesk(t)
	b := d.call("get_brand", object{})
	if b["voice"] != "" || fmt.Sprint(b["goals"]) != "[]" {
		t.Errorf("a new brand: %v, want it empty, with [] for lists", b)
	}

	out := d.call("update_brand", object{
		"brandName": "Acme", "website": "https://acme.example", "voice": "dry", "goals": []string{"30 leads in May", "10 posts"},
	})
	if got := fmt.Sprint(out["changed"]); got != "[brandName website voice goals]" {
		t.Errorf("changed %s", got)
	}
	out = d.call("update_brand", object{"voice": "warm", "brandName": "Acme"})
	if got := fmt.Sprint(out["changed"]); got != "[voice]" {
		t.Errorf("changed %s, want only what has another value", got)
	}
	b = d.call("get_brand", object{})
	if b["brandName"] != "Acme" || b["website"] != "https://acme.example" || b["voice"] != "warm" || fmt.Sprint(b["goals"]) != "[30 leads in May 10 posts]" {
		t.Errorf("brand %v", b)
	}
	c, err := d.store.Customer(t.Context(), d.customer)
	if err != nil || c.BrandName != "Acme" || c.Website != "https://acme.example" || c.Email != "ada@example.com" {
		t.Errorf("customer %+v, %v", c, err)
	}

	d.call("update_brand", object{"website": "", "voice": "", "goals": []string{}})
	b = d.call("get_brand", object{})
	if b["website"] != "" || b["voice"] != "" || fmt.Sprint(b["goals"]) != "[]" || b["brandName"] != "Acme" {
		t.Errorf("after clearing: %v", b)
	}

	events, err := d.store.Events(t.Context(), d.customer, storage.EventQuery{Page: storage.Page{Limit: 10}})
	if err != nil || len(events) != 3 || events[1].Type != "brand.updated" || !sameJSON(events[1].Data, `{"fields":["voice"]}`) {
		t.Errorf("events %v, %v", events, err)
	}
}

func sameJSON(a json.RawMessage, b string) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

func TestUpdateBrandWithTheSameChangesNothing(t *testing.T) {
	d := newDesk(t)
	d.call("update_brand", object{"voice": "dry", "brandName": "Acme"})
	before := d.everything()
	out := d.call("update_brand", object{"voice": "dry", "brandName": "Acme", "goals": []string{}})
	if fmt.Sprint(out["changed"]) != "[]" || d.everything() != before {
		t.Errorf("changed %v", out["changed"])
	}
}

func TestUpdateBrandRefuses(t *testing.T) {
	d := newDesk(t)
	d.call("update_brand", object{"voice": "dry"})
	many := func(n int, text string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = text
		}
		return list
	}
	for _, test := range []struct {
		args object
		want string
	}{
		{object{}, "no field is given"},
		{object{"tone": "dry"}, `argument "tone" is unknown`},
		{object{"voice": nil}, `no field is given`},
		{object{"voice": 1}, `argument "voice" is not valid`},
		{object{"voice": strings.Repeat("ä", 2001)}, `argument "voice" is not valid; expected a string of at most 2000 characters`},
		{object{"voice": " \n"}, "voice must be a text that is not blank"},
		{object{"voice": "dry\x00"}, "voice must be a text without control characters"},
		{object{"voice": "dry\x1b[31m"}, "voice must be a text without control characters"},
		{object{"voice": "dry\U000E0049\U000E0067"}, "voice must be a text without control characters and Unicode tags"},
		{object{"brandName": "A\nB"}, "brandName must be a text of one line"},
		{object{"brandName": strings.Repeat("a", 201)}, `argument "brandName" is not valid`},
		{object{"website": "acme.example"}, "website must be an address such as"},
		{object{"website": "javascript://x"}, "website must be an address such as"},
		{object{"website": "https://"}, "website must be an address such as"},
		{object{"website": "https://user:secret@acme.example"}, "website must be an address such as"},
		{object{"goals": "more"}, `argument "goals" is not valid; expected a list`},
		{object{"goals": nil}, `no field is given`},
		{object{"goals": many(11, "more")}, `argument "goals" is not valid`},
		{object{"goals": []string{"ok", ""}}, `argument "goals[1]" is not valid; expected a string of 1 to 300 characters`},
		{object{"keywords": []string{"ok", " "}}, "each of keywords must be a text that is not blank"},
		{object{"facts": []string{"a\nb"}}, "each of facts must be a text of one line"},
		{object{"voice": "new", "website": "nonsense"}, "website must be"},
	} {
		d.refuse("update_brand", test.args, test.want)
	}
}

// TestFlagsAreNoHiddenText: regional flags are made of Unicode tags.
func TestFlagsAreNoHiddenText(t *testing.T) {
	const scotland = "\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F"
	d := newDesk(t)
	d.call("update_brand", object{"voice": "proud " + scotland})
	if got := d.call("get_brand", object{})["voice"]; got != "proud "+scotland {
		t.Errorf("voice %+q", got)
	}
}
