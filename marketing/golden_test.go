package marketing_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
)

// golden holds a text against a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v: make it with -update and look at it", err)
	} else if got != string(want) {
		t.Errorf("the text is not what %s says; if it should be, run with -update\n%s", file, got)
	}
}

// noFurtherFiles fails for files in the folder that are not wanted.
func noFurtherFiles(t *testing.T, folder string, wanted map[string]bool) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join("testdata", folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !wanted[f.Name()] {
			t.Errorf("%s/%s is of nothing", folder, f.Name())
		}
	}
}

// goldenNow is the time at which the briefs of the golden files are written.
var goldenNow = time.Date(2026, 5, 17, 9, 0, 0, 0, time.UTC)

type pastDecision struct {
	Version int    `json:"version"`
	State   string `json:"state"`
	Note    string `json:"note,omitempty"`
	At      string `json:"at"`
}

// past is a piece of content with a history.
type past struct {
	agent, kind, title, state string
	version                   int
	created                   time.Duration // before goldenNow
	decisions                 []pastDecision
}

// decided is a decision about a version some time before goldenNow.
func decided(version int, state, note string, before time.Duration) pastDecision {
	return pastDecision{Version: version, State: state, Note: note, At: storage.FormatTime(goldenNow.Add(-before))}
}

const day = 24 * time.Hour

// goldenDesk is the desk of a small company after some months, in which nothing
// depends on the clock or on chance.
func goldenDesk(t testing.TB) desk {
	d := newDesk(t)
	began := goldenNow.Add(-200 * day)
	c := storage.Customer{
		ID: storage.CustomerID(goldenID(0, began)), Email: "ada@example.com", Status: storage.StatusActive, CreatedAt: began, UpdatedAt: began,
	}
	if err := d.store.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	catalog, err := marketing.NewAt(d.store, goldenNow)
	if err != nil {
		t.Fatal(err)
	}
	d.catalog = catalog
	d = d.as(c.ID)
	d.call("update_brand", object{
		"brandName": "Halden Ledger", "website": "https://halden-ledger.example", "industry": "Accounting software",
		"offer":    "Month-end close for companies with 20 to 200 people, from €240 a month. Bought because the close takes one day instead of eight.",
		"audience": "Finance leads who do the close themselves, in the evening, in spreadsheets.",
		"voice":    "Plain British English, dry, exact. \"You\", never \"solution\" or exclamation marks.",
		"goals":    []string{"30 demo requests in June, from 12 in April"}, "competitors": []string{"Spreadsheets", "Quartzbook"},
		"facts": []string{"41 customers (May 2026)", "Pilot at Norrfoods: close from 8 days to 1", "Founded 2022 in Bergen"},
	})
	d.add([]past{
		{"seo-writer", "article", "Month-end close checklist", "approved", 1, 50 * day, []pastDecision{decided(1, "approved", "", 49*day)}},
		{"social", "social_post", "What eight days of close cost", "approved", 1, 26 * day, []pastDecision{decided(1, "approved", "", 26*day-2*time.Hour)}},
		{"seo-writer", "article", "Close in one day: how Norrfoods did it", "approved", 2, 24 * day, []pastDecision{
			decided(1, "revision_requested", "name the software they had before", 22*day), decided(2, "approved", "", 20*day),
		}},
		{"email", "email", "1 of 3: Your close, in numbers", "rejected", 1, 15 * day, []pastDecision{decided(1, "rejected", "too salesy for the first mail", 12*day)}},
		{"email", "email", "1 of 3: The eighth evening", "revision_requested", 1, 10 * day, []pastDecision{decided(1, "revision_requested", "shorter, and mention the webinar on 4 June", 9*day)}},
		{"social", "social_post", "Why we show our price", "draft", 1, 6 * day, nil},
		{"cmo", "plan", "Plan for June: 30 demo requests", "draft", 3, 4 * day, nil},
	})
	for i, e := range []struct {
		name   string
		before time.Duration
	}{
		{"lead.logged", 55 * day}, {"lead.logged", 40 * day}, {"lead.logged", 33 * day}, {"webinar.held", 31 * day},
		{"lead.logged", 28 * day}, {"lead.logged", 21 * day}, {"lead.logged", 20 * day}, {"content.saved", 10 * day},
		{"lead.logged", 9 * day}, {"sale.closed", 8 * day}, {"lead.logged", 2 * day},
	} {
		at := goldenNow.Add(-e.before)
		if err := d.store.AppendEvent(t.Context(), storage.Event{
			ID: storage.EventID(goldenID(1000+i, at)), CustomerID: d.customer, Type: e.name, Data: []byte("{}"), CreatedAt: at,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// goldenID is a UUIDv7 of a time.
func goldenID(n int, at time.Time) string {
	id := uuid.UUID{}
	for i := range 6 {
		id[i] = byte(at.UnixMilli() >> (40 - 8*i))
	}
	id[6], id[8], id[14], id[15] = 0x70, 0x80, byte(n>>8), byte(n)
	return id.String()
}

func (d desk) add(pieces []past) {
	d.Helper()
	for i, p := range pieces {
		created := goldenNow.Add(-p.created)
		changed := created
		for _, past := range p.decisions {
			at, err := time.Parse(time.RFC3339, past.At)
			if err != nil {
				d.Fatal(err)
			}
			changed = at
		}
		data, err := json.Marshal(object{"agent": p.agent, "type": p.kind, "title": p.title, "version": p.version, "history": p.decisions})
		if err != nil {
			d.Fatal(err)
		}
		if err := d.store.CreateDocument(d.Context(), storage.Document{
			CustomerID: d.customer, Kind: "content", ID: goldenID(i+1, created), Status: p.state, Data: data, CreatedAt: created, UpdatedAt: changed,
		}); err != nil {
			d.Fatal(err)
		}
	}
}

// TestBriefSnapshots holds the brief of every agent against a file.
func TestBriefSnapshots(t *testing.T) {
	d := goldenDesk(t)
	files := map[string]bool{}
	for _, a := range d.catalog.Agents {
		brief := d.call("ask_agent", object{"agent": a.ID, "task": "Bring finance leads to the webinar on 4 June about the close in one day."})["brief"].(string)
		checkSmall(t, brief)
		file := a.ID + ".md"
		files[file] = true
		golden(t, filepath.Join("briefs", file), brief)
		t.Logf("%-18s %d bytes, of them %d of instructions", a.ID, len(brief), len(a.Instructions))
	}
	noFurtherFiles(t, "briefs", files)
}

func TestStartSnapshots(t *testing.T) {
	files := map[string]bool{}
	for _, has := range []bool{true, false} {
		file := fmt.Sprintf("pages-%t.md", has)
		files[file] = true
		golden(t, filepath.Join("start", file), marketing.StartText("halden-ledger.example", "Halden Ledger", has, has))
	}
	noFurtherFiles(t, "start", files)
}
