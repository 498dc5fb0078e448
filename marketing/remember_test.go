package marketing_test

import (
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
)

// What is remembered about the brand and the work is in the briefs of those whom it
// concerns.
func TestBriefsRemember(t *testing.T) {
	d := newDesk(t)
	d.call("remember", object{"layer": "brand", "text": "The office is in Ulm."})
	d.call("remember", object{"layer": "procedural", "text": "Write short sentences."})
	d.call("remember", object{"layer": "procedural", "agent": "social", "text": "No emoji."})
	d.call("remember", object{"layer": "procedural", "text": "The blog works best.", "key": "format_weights.blog", "weight": 0.8})
	d.call("remember", object{"layer": "semantic", "text": "Just a note."})
	for agent, wants := range map[string][]string{
		"social":     {"> confirmed by the customer:\n> The office is in Ulm.", "> format_weights.blog = 0.8: The blog works best.", "> No emoji.", "> Write short sentences."},
		"seo-writer": {"> The office is in Ulm.", "> Write short sentences."},
	} {
		brief := d.call("ask_agent", object{"agent": agent, "task": "Something"})["brief"].(string)
		for _, want := range wants {
			if !strings.Contains(brief, want) {
				t.Errorf("the brief of %s has no %q:\n%s", agent, want, brief)
			}
		}
		if strings.Contains(brief, "Just a note") || agent != "social" && strings.Contains(brief, "emoji") {
			t.Errorf("the brief of %s has what doesn't concern it", agent)
		}
	}
}

// Content is recalled with its ID, in its newest version.
func TestContentIsRecalled(t *testing.T) {
	d := newDesk(t)
	id := d.call("save_content", draft("Pelicans"))["id"].(string)
	d.call("save_content", with(draft("Herons and pelicans"), object{"id": id, "version": 1}))
	found := d.call("recall", object{"query": "herons"})["memories"].([]any)
	if len(found) != 1 || found[0].(object)["contentId"] != id || !strings.HasPrefix(found[0].(object)["text"].(string), "Herons and pelicans\n\n") {
		t.Errorf("recalled %v", found)
	}
	if out := d.call("recall", object{"query": "elephants"}); out["note"] == nil || len(out["memories"].([]any)) != 0 {
		t.Errorf("recalled %v", out)
	}
}

// A store without the role makes a team without a memory.
func TestTeamWithoutMemory(t *testing.T) {
	d := newDesk(t)
	catalog, err := marketing.New(struct{ storage.Store }{d.store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := catalog.Validate(); err != nil {
		t.Error(err)
	}
	d.catalog = catalog
	d.call("save_content", draft("Pelicans"))
	if brief := d.call("ask_agent", object{"agent": "social", "task": "Something"})["brief"].(string); strings.Contains(brief, "recall") {
		t.Errorf("the brief wants to recall:\n%s", brief)
	}
}
