package marketing_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

func (d desk) resource(uri string) agent.Resource {
	d.Helper()
	for _, r := range d.catalog.Resources {
		if r.URI == uri {
			return r
		}
	}
	d.Fatalf("there is no resource %q", uri)
	return agent.Resource{}
}

func TestResources(t *testing.T) {
	d := newDesk(t)
	d.call("update_brand", object{"brandName": "Acme", "facts": []string{"one", "two"}})
	id := d.call("save_content", draft("One"))["id"].(string)
	d.call("save_content", draft("Two"))

	text, err := textOf(d.resource("heycmo://brand").Read(t.Context(), d.customer, ""))
	if err != nil || !strings.HasPrefix(text, "# Brand\n\n- brandName: Acme\n") || !strings.Contains(text, "- facts: one; two\n") {
		t.Errorf("brand: %q, %v", text, err)
	}

	content := d.resource("heycmo://content/{id}")
	text, err = textOf(content.Read(t.Context(), d.customer, id))
	if err != nil || !strings.HasPrefix(text, "# One\n\narticle by seo-writer, version 1, draft, saved 20") || !strings.HasSuffix(text, "\n\n# One\n") {
		t.Errorf("content: %q, %v", text, err)
	}
	infos, err := content.List(t.Context(), d.customer)
	if err != nil || len(infos) != 2 || infos[1].Variable != id || infos[0].Title != "Two" {
		t.Errorf("list of content: %v, %v", infos, err)
	}

	agents := d.resource("heycmo://agents/{id}")
	infos, err = agents.List(t.Context(), d.customer)
	if err != nil || len(infos) != 17 || infos[0].Variable != "cmo" {
		t.Errorf("list of agents: %v, %v", infos, err)
	}
	for _, info := range infos {
		text, err := textOf(agents.Read(t.Context(), d.customer, info.Variable))
		if err != nil || !strings.HasPrefix(text, "# "+info.Title+"\n") || !strings.Contains(text, "### Never") {
			t.Errorf("agent %s: %q, %v", info.Variable, text, err)
		}
	}

	for _, r := range []agent.Resource{content, agents} {
		for _, unknown := range []string{"", "x", storage.NewID(), "\x00", strings.Repeat("a", 10_000)} {
			if _, err := r.Read(t.Context(), d.customer, unknown); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s with %.10q: %v, want ErrNotFound", r.URI, unknown, err)
			}
		}
	}
}
