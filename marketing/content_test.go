package marketing_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// with returns o with further fields.
func with(o object, more object) object {
	o = maps.Clone(o)
	maps.Copy(o, more)
	return o
}

func TestContent(t *testing.T) {
	d := newDesk(t)
	full := with(draft("One"), object{"channel": "blog", "meta": object{"slug": "one"}})
	saved := d.call("save_content", full)
	id := saved["id"].(string)
	if saved["state"] != "draft" || saved["version"] != 1.0 || saved["title"] != "One" {
		t.Errorf("saved %v", saved)
	}
	got := d.call("get_content", object{"id": id})
	if got["body"] != "# One" || got["channel"] != "blog" || got["meta"].(object)["slug"] != "one" || got["agent"] != "seo-writer" || len(got["history"].([]any)) != 0 {
		t.Errorf("got %v", got)
	}

	saved = d.call("save_content", object{"agent": "email", "type": "email", "title": "Two", "body": "second", "id": id, "version": 1})
	if saved["id"] != id || saved["version"] != 2.0 || saved["agent"] != "email" || saved["type"] != "email" {
		t.Errorf("second version %v", saved)
	}
	got = d.call("get_content", object{"id": id})
	if got["body"] != "second" || got["title"] != "Two" || got["shownVersion"] != 2.0 || got["channel"] != nil || got["meta"] != nil {
		t.Errorf("newest version %v", got)
	}
	got = d.call("get_content", object{"id": id, "version": 1})
	if got["body"] != "# One" || got["title"] != "One" || got["version"] != 2.0 || got["shownVersion"] != 1.0 || got["channel"] != "blog" {
		t.Errorf("first version %v", got)
	}
	if got := d.eventTypes(); got != "content.saved content.saved" {
		t.Errorf("events %s", got)
	}
}

func TestSaveContentRefuses(t *testing.T) {
	d := newDesk(t)
	id := d.call("save_content", draft("One"))["id"].(string)
	entries := object{}
	for i := range 21 {
		entries[fmt.Sprint(i)] = "x"
	}
	for _, test := range []struct {
		more object
		want string
	}{
		{object{"agent": "nobody"}, `argument "agent" is not valid; expected one of "cmo", "ads"`},
		{object{"agent": ""}, `argument "agent" is not valid`},
		{object{"type": ""}, `argument "type" is not valid; expected a string of 1 to 40 characters`},
		{object{"type": "Blog Post"}, "type must be a word of lower-case letters"},
		{object{"type": strings.Repeat("a", 41)}, `argument "type" is not valid`},
		{object{"title": ""}, `argument "title" is not valid; expected a string of 1 to 200 characters`},
		{object{"title": " "}, "title must be a text that is not blank"},
		{object{"title": "a\nb"}, "title must be a text of one line"},
		{object{"title": "a\u2028b"}, "title must be a text of one line"},
		{object{"title": strings.Repeat("ä", 201)}, `argument "title" is not valid`},
		{object{"body": ""}, `argument "body" is not valid`},
		{object{"body": "\n\t"}, "body must be a text that is not blank"},
		{object{"body": "a\x07"}, "body must be a text without control characters"},
		{object{"body": "a\x00"}, "body must be a text without control characters"},
		{object{"body": "a\U000E0041"}, "body must be a text without control characters and Unicode tags"},
		{object{"body": strings.Repeat("a", 50_001)}, `argument "body" is not valid; expected a string of 1 to 50000 characters`},
		{object{"channel": strings.Repeat("a", 41)}, `argument "channel" is not valid`},
		{object{"channel": "a\nb"}, "channel must be a text of one line"},
		{object{"meta": entries}, "meta must be an object of at most 20 entries"},
		{object{"meta": object{"": "x"}}, "meta must be an object whose names"},
		{object{"meta": object{"a\nb": "x"}}, "meta must be an object whose names"},
		{object{"meta": object{"slug": "a\x07"}}, "meta.slug must be a text without control characters"},
		{object{"meta": object{"slug": strings.Repeat("b", 2001)}}, `argument "meta.slug" is not valid; expected a string of at most 2000 characters`},
		{object{"meta": object{"slug": 1}}, `argument "meta.slug" is not valid`},
		{object{"draft": true}, `argument "draft" is unknown`},
		{object{"id": id}, "id and version go together"},
		{object{"version": 1}, "id and version go together"},
		{object{"id": id, "version": 2}, "the newest version is 1, not 2"},
		{object{"id": id, "version": 0}, `argument "version" is not valid`},
		{object{"id": id, "version": 1.5}, `argument "version" is not valid`},
		{object{"id": storage.NewID(), "version": 1}, "there is no such piece"},
		{object{"id": "one", "version": 1}, "there is no such piece"},
		{object{"id": "\x00", "version": 1}, "there is no such piece"},
		{object{"id": strings.Repeat("a", 65), "version": 1}, `argument "id" is not valid`},
	} {
		d.refuse("save_content", with(draft("Other"), test.more), test.want)
	}
	for _, name := range []string{"agent", "type", "title", "body"} {
		args := draft("Other")
		delete(args, name)
		d.refuse("save_content", args, fmt.Sprintf("argument %q is missing", name))
	}
}

func TestListContent(t *testing.T) {
	d := newDesk(t)
	for i := range 7 {
		args := draft(fmt.Sprint(i))
		if i%3 == 0 {
			args["type"] = "page"
		}
		d.call("save_content", args)
	}
	if got := titles(d.call("list_content", object{})); got != "6 5 4 3 2 1 0" {
		t.Errorf("all: %s", got)
	}
	if got := titles(d.call("list_content", object{"type": "page"})); got != "6 3 0" {
		t.Errorf("pages: %s", got)
	}
	newest := d.call("list_content", object{"limit": 1})["pieces"].([]any)[0].(object)
	if newest["body"] != nil || newest["history"] != nil {
		t.Errorf("a list shows texts: %v", newest)
	}
	d.call("review_content", object{"id": newest["id"], "version": 1, "decision": "approve"})
	if got := titles(d.call("list_content", object{"state": "approved"})); got != "6" {
		t.Errorf("approved: %s", got)
	}
	if got := titles(d.call("list_content", object{"state": "draft", "type": "page"})); got != "3 0" {
		t.Errorf("draft pages: %s", got)
	}
	if got := fmt.Sprint(d.call("list_content", object{"type": "absent"})["pieces"]); got != "[]" {
		t.Errorf("none: %s", got)
	}

	// Pages hold on to their place, whatever is selected.
	for _, q := range []struct {
		args object
		want []string
	}{
		{object{"limit": 3}, []string{"6 5 4", "3 2 1", "0"}},
		{object{"limit": 2, "type": "page"}, []string{"6 3", "0"}},
		{object{"limit": 3, "type": "page"}, []string{"6 3 0"}},
	} {
		for i, want := range q.want {
			out := d.call("list_content", q.args)
			if got := titles(out); got != want {
				t.Errorf("%v: page %d has %s, want %s", q.args, i, got, want)
			}
			next, more := out["nextCursor"]
			if more != (i < len(q.want)-1) {
				t.Errorf("%v: page %d: nextCursor %v", q.args, i, next)
			}
			q.args["cursor"] = next
		}
	}

	d.refuse("list_content", object{"state": "done"}, `argument "state" is not valid; expected one of "draft", "approved", "rejected", "revision_requested"`)
	d.refuse("list_content", object{"limit": 101}, `argument "limit" is not valid; expected an integer from 1 to 100`)
	d.refuse("list_content", object{"limit": 0}, `argument "limit" is not valid`)
	d.refuse("list_content", object{"cursor": "nonsense"}, "cursor must be the nextCursor of an earlier page")
	d.refuse("list_content", object{"cursor": strings.Repeat("a", 513)}, `argument "cursor" is not valid`)
	d.refuse("list_content", object{"agent": "cmo"}, `argument "agent" is unknown`)
}

// TestListContentLooksFurther: what is wanted may be far down.
func TestListContentLooksFurther(t *testing.T) {
	d := newDesk(t)
	d.call("save_content", with(draft("page"), object{"type": "page"}))
	for i := range 205 {
		d.call("save_content", draft(fmt.Sprint(i)))
	}
	if got := titles(d.call("list_content", object{"type": "page"})); got != "page" {
		t.Errorf("pages: %q", got)
	}
}

func titles(list object) string {
	var titles []string
	for _, p := range list["pieces"].([]any) {
		titles = append(titles, p.(object)["title"].(string))
	}
	return strings.Join(titles, " ")
}

func TestReview(t *testing.T) {
	for _, test := range []struct{ decision, state string }{
		{"approve", "approved"}, {"reject", "rejected"}, {"revise", "revision_requested"},
	} {
		t.Run(test.decision, func(t *testing.T) {
			d := newDesk(t)
			id := d.call("save_content", draft("One"))["id"]
			review := object{"id": id, "version": 1, "decision": test.decision, "note": "too long", "reviewer": "ada@example.com"}
			ctx := auth.NewContext(t.Context(), auth.Principal{Customer: d.customer, Key: "key-1"})
			out, err := d.try(ctx, "review_content", review)
			if err != nil || out["state"] != test.state || out["version"] != 1.0 {
				t.Fatalf("%v, %v", out, err)
			}
			history := d.call("get_content", object{"id": id})["history"].([]any)
			if len(history) != 1 {
				t.Fatalf("history %v", history)
			}
			h := history[0].(object)
			if h["version"] != 1.0 || h["state"] != test.state || h["note"] != "too long" || h["reviewer"] != "ada@example.com" || h["keyId"] != "key-1" || h["at"] == "" {
				t.Errorf("history %v", h)
			}
			if got := d.eventTypes(); got != "content.saved content."+test.state {
				t.Errorf("events %s", got)
			}

			d.refuse("review_content", review, "version 1 was decided already: it is "+test.state)
			out = d.call("save_content", with(draft("Two"), object{"id": id, "version": 1}))
			if out["state"] != "draft" {
				t.Errorf("a new version is %v", out["state"])
			}
			d.refuse("review_content", review, "the newest version is 2, not 1")
			d.call("review_content", object{"id": id, "version": 2, "decision": "approve"})
			if history := d.call("get_content", object{"id": id})["history"].([]any); len(history) != 2 {
				t.Errorf("history %v", history)
			}
		})
	}
}

func TestReviewRefuses(t *testing.T) {
	d := newDesk(t)
	id := d.call("save_content", draft("One"))["id"]
	good := object{"id": id, "version": 1, "decision": "approve"}
	for _, test := range []struct {
		more object
		want string
	}{
		{object{"decision": "reject"}, "note must be given to reject"},
		{object{"decision": "revise"}, "note must be given to revise"},
		{object{"decision": "revise", "note": ""}, `argument "note" is not valid`},
		{object{"decision": "revise", "note": "  "}, "note must be a text that is not blank"},
		{object{"note": "a\x07"}, "note must be a text without control characters"},
		{object{"note": strings.Repeat("a", 2001)}, `argument "note" is not valid`},
		{object{"reviewer": "a\nb"}, "reviewer must be a text of one line"},
		{object{"reviewer": strings.Repeat("a", 201)}, `argument "reviewer" is not valid`},
		{object{"decision": "approved"}, `expected one of "approve", "reject", "revise"`},
		{object{"version": 2}, "the newest version is 1, not 2"},
		{object{"version": 0}, `argument "version" is not valid`},
		{object{"id": storage.NewID()}, "there is no such piece"},
		{object{"id": "x"}, "there is no such piece"},
		{object{"id": ""}, `argument "id" is not valid`},
	} {
		d.refuse("review_content", with(good, test.more), test.want)
	}
	for name := range good {
		args := maps.Clone(good)
		delete(args, name)
		d.refuse("review_content", args, fmt.Sprintf("argument %q is missing", name))
	}
}

func TestGetContentRefuses(t *testing.T) {
	d := newDesk(t)
	id := d.call("save_content", draft("One"))["id"].(string)
	d.refuse("get_content", object{}, `argument "id" is missing`)
	d.refuse("get_content", object{"id": id, "version": 2}, "there is no such piece")
	d.refuse("get_content", object{"id": id + ".1"}, "there is no such piece")
	d.refuse("get_content", object{"id": strings.ToUpper(id)}, "there is no such piece")
	d.refuse("get_content", object{"id": storage.NewID()}, "there is no such piece")
}
