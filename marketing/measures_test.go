package marketing_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// voice returns a text of package measure's samples.
func voice(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("measure", "testdata", "voice", name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func article(title, body string) object {
	return object{"agent": "seo-writer", "type": "article", "title": title, "body": body}
}

// approve saves a piece and approves it.
func (d desk) approve(args object) (id string) {
	d.Helper()
	id = d.call("save_content", args)["id"].(string)
	d.call("review_content", object{"id": id, "version": 1, "decision": "approve"})
	return id
}

func TestMeasures(t *testing.T) {
	d := newDesk(t)
	saved := d.call("save_content", with(article("Bank feeds", voice(t, "same")), object{"keywords": []string{"bank feed", "payroll"}}))
	id := saved["id"]
	measures, notes := saved["measures"].(object), saved["notes"].(object)
	if measures["readability"] != 1.0 || measures["length"] != 0.34 || measures["keywords"].(float64) < 0.5 || measures["citability"] != 0.0 {
		t.Errorf("measures %v", measures)
	}
	if v, there := measures["brandVoice"]; there || !strings.HasPrefix(notes["brandVoice"].(string), "not measured: it takes 3 approved pieces") {
		t.Errorf("brandVoice is %v: %v", v, notes["brandVoice"])
	}
	improve := saved["improve"].([]any)
	if len(improve) != 5 || improve[0] != "Say more: it has 136 words, an article has at least 400." {
		t.Errorf("improve %q", improve)
	}

	// get_content shows the same, list_content the figures only.
	got := d.call("get_content", object{"id": id})
	for _, field := range []string{"measures", "notes", "improve"} {
		if fmt.Sprint(got[field]) != fmt.Sprint(saved[field]) {
			t.Errorf("get_content has the %s %v, save_content had %v", field, got[field], saved[field])
		}
	}
	if fmt.Sprint(got["keywords"]) != "[bank feed payroll]" {
		t.Errorf("keywords %v", got["keywords"])
	}
	listed := d.call("list_content", object{})["pieces"].([]any)[0].(object)
	if fmt.Sprint(listed["measures"]) != fmt.Sprint(measures) || listed["notes"] != nil || listed["improve"] != nil {
		t.Errorf("list_content shows %v", listed)
	}

	// Each version keeps its own; lists have those of the newest.
	second := d.call("save_content", with(article("Bank feeds", "A short one."), object{"id": id, "version": 1}))
	if m := second["measures"].(object); m["length"] != 0.01 || m["readability"] != nil || m["keywords"] != nil {
		t.Errorf("second version: %v", m)
	}
	if got := d.call("get_content", object{"id": id, "version": 1}); fmt.Sprint(got["measures"]) != fmt.Sprint(measures) {
		t.Errorf("the first version has %v now, had %v", got["measures"], measures)
	}
	listed = d.call("list_content", object{})["pieces"].([]any)[0].(object)
	if fmt.Sprint(listed["measures"]) != fmt.Sprint(second["measures"]) {
		t.Errorf("list_content shows %v, want %v", listed["measures"], second["measures"])
	}
}

// TestMeasuresUseTheBrand: its keywords and what its voice rules out count.
func TestMeasuresUseTheBrand(t *testing.T) {
	d := newDesk(t)
	d.call("update_brand", object{
		"keywords": []string{"payroll", "bank feed"}, "voice": `Dry. Never "noon run".`, "website": "https://www.example.com",
	})
	saved := d.call("save_content", article("Bank feeds", voice(t, "same")+"\n[us](https://example.com/a) [them](https://example.org)"))
	notes := saved["notes"].(object)
	if !strings.HasPrefix(notes["keywords"].(string), "“bank feed” of the brand's keywords: ") || !strings.Contains(notes["citability"].(string), "sources: 1,") {
		t.Errorf("notes %v", notes)
	}
	if !strings.Contains(fmt.Sprint(saved["improve"]), "Don't use “noon run”") {
		t.Errorf("improve %v", saved["improve"])
	}
}

// TestBrandVoiceNeedsApproval: samples are what the customer approved, newest
// versions, no plans, and not the piece itself.
func TestBrandVoiceNeedsApproval(t *testing.T) {
	d := newDesk(t)
	brandVoice := func(args object) any {
		t.Helper()
		return d.call("save_content", args)["measures"].(object)["brandVoice"]
	}
	d.approve(article("1", voice(t, "dry-1")))
	d.approve(article("2", voice(t, "dry-2")))
	plan := object{"agent": "cmo", "type": "plan", "title": "Plan", "body": voice(t, "dry-4")}
	d.approve(plan)
	d.call("save_content", article("draft", voice(t, "dry-3")))
	if v := brandVoice(article("too few", voice(t, "same"))); v != nil {
		t.Errorf("with 2 approved articles: %v", v)
	}
	third := d.approve(article("3", voice(t, "dry-3")))
	same := brandVoice(article("same", voice(t, "same")))
	hype := brandVoice(article("hype", voice(t, "hype")))
	if same == nil || hype == nil || same.(float64) < 0.75 || hype.(float64) > 0.4 {
		t.Errorf("the same voice has %v, another %v", same, hype)
	}
	if v := brandVoice(plan); v != nil {
		t.Errorf("a plan has %v", v)
	}
	if v := brandVoice(with(article("3", voice(t, "dry-3")), object{"id": third, "version": 1})); v != nil {
		t.Errorf("a new version is held against itself: %v", v)
	}
	// It is a draft again now, and no sample.
	if v := brandVoice(article("too few", voice(t, "same"))); v != nil {
		t.Errorf("with a sample that was taken back: %v", v)
	}
	// Another customer's pieces are none of ours.
	if v := d.as(d.newCustomer()).call("save_content", article("same", voice(t, "same")))["measures"].(object)["brandVoice"]; v != nil {
		t.Errorf("another customer has %v", v)
	}
}

// TestSamplesAreOfTheForm: with enough of its own form, a piece isn't held
// against others.
func TestSamplesAreOfTheForm(t *testing.T) {
	d := newDesk(t)
	mail := func(name string) object {
		return object{"agent": "email", "type": "email", "title": name, "body": voice(t, name)}
	}
	for range 3 {
		d.approve(article("hype", voice(t, "hype")))
	}
	for _, name := range []string{"dry-1", "dry-2", "dry-3", "dry-4"} {
		d.approve(mail(name))
	}
	note := func() string {
		return d.call("save_content", mail("same"))["notes"].(object)["brandVoice"].(string)
	}
	if got := note(); !strings.HasPrefix(got, "held against 7 approved pieces") {
		t.Error(got)
	}
	d.approve(mail("same"))
	if got := note(); !strings.HasPrefix(got, "held against 5 approved pieces") {
		t.Error(got)
	}
}

// TestPiecesWithoutMeasures: what was saved before there were measures reads as
// it did.
func TestPiecesWithoutMeasures(t *testing.T) {
	d := newDesk(t)
	id, now := storage.NewID(), storage.Now()
	for _, doc := range []storage.Document{
		{Kind: "content", ID: id, Status: "approved", Data: json.RawMessage(`{"agent":"email","type":"email","title":"Old","version":1}`)},
		{Kind: "content_version", ID: id + ".1", Data: json.RawMessage(`{"agent":"email","type":"email","title":"Old","body":"Text","meta":{"subject":"x"}}`)},
	} {
		doc.CustomerID, doc.CreatedAt, doc.UpdatedAt = d.customer, now, now
		if err := d.store.CreateDocument(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	got := d.call("get_content", object{"id": id})
	if got["body"] != "Text" || got["measures"] != nil || got["notes"] != nil || got["improve"] != nil || got["keywords"] != nil {
		t.Errorf("got %v", got)
	}
	if listed := d.call("list_content", object{})["pieces"].([]any)[0].(object); listed["title"] != "Old" || listed["measures"] != nil {
		t.Errorf("listed %v", listed)
	}
	// It is a sample like any other, and its next version is measured.
	d.call("save_content", article("New", voice(t, "same")))
	saved := d.call("save_content", object{"agent": "email", "type": "email", "title": "Old", "body": "Text again", "id": id, "version": 1})
	if saved["version"] != 2.0 || saved["measures"].(object)["length"] != 0.04 {
		t.Errorf("saved %v", saved)
	}
}

func TestKeywordsRefused(t *testing.T) {
	d := newDesk(t)
	eleven := strings.Split(strings.Repeat("a", 11), "")
	for _, test := range []struct {
		keywords any
		want     string
	}{
		{"bank feed", `argument "keywords" is not valid`},
		{eleven, `argument "keywords" is not valid; expected a list, each item a string of 1 to 100 characters, at most 10 items`},
		{[]string{""}, `argument "keywords`},
		{[]string{strings.Repeat("ä", 101)}, `argument "keywords`},
		{[]string{"a\nb"}, "each of keywords must be a text of one line"},
		{[]string{" "}, "each of keywords must be a text that is not blank"},
		{[]string{"a\U000E0041"}, "each of keywords must be a text without control characters"},
	} {
		d.refuse("save_content", with(draft("One"), object{"keywords": test.keywords}), test.want)
	}
}
