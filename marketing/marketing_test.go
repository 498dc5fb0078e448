package marketing_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

var update = flag.Bool("update", false, "write the golden files anew")

// desk is a catalog over a store of its own, used by one customer.
type desk struct {
	testing.TB
	catalog  *agent.Catalog
	store    storage.Store
	customer storage.CustomerID
}

func newDesk(t testing.TB) desk {
	t.Helper()
	return newDeskAt(t, sqlitestore.Memory)
}

func newDeskAt(t testing.TB, path string) desk {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	catalog, err := marketing.New(store, &marketing.Options{Platforms: allPlatforms})
	if err != nil {
		t.Fatal(err)
	}
	d := desk{TB: t, catalog: catalog, store: store}
	return d.as(d.newCustomer())
}

func (d desk) newCustomer() storage.CustomerID {
	d.Helper()
	now := storage.Now()
	c := storage.Customer{
		ID: storage.CustomerID(storage.NewID()), Email: "ada@example.com", Status: storage.StatusActive, CreatedAt: now, UpdatedAt: now,
	}
	if err := d.store.CreateCustomer(d.Context(), c); err != nil {
		d.Fatal(err)
	}
	return c.ID
}

func (d desk) as(customer storage.CustomerID) desk {
	d.customer = customer
	return d
}

func (d desk) tool(name string) *agent.Tool {
	d.Helper()
	for _, t := range d.catalog.Tools {
		if t.Name == name {
			return t
		}
	}
	d.Fatalf("there is no tool %q", name)
	return nil
}

type object = map[string]any

// try calls a tool and checks its result against the output schema.
func (d desk) try(ctx context.Context, tool string, args any) (object, error) {
	d.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		d.Fatal(err)
	}
	t := d.tool(tool)
	result, err := t.Call(ctx, d.customer, raw)
	if err != nil {
		return nil, err
	}
	var out object
	if err := json.Unmarshal(result.Structured, &out); err != nil {
		d.Fatalf("%s: %v", tool, err)
	}
	schema, err := t.OutputSchema().CloneSchemas().Resolve(nil)
	if err != nil {
		d.Fatal(err)
	}
	if err := schema.Validate(out); err != nil {
		d.Errorf("%s: the result doesn't follow the output schema: %v", tool, err)
	}
	return out, nil
}

func (d desk) call(tool string, args any) object {
	d.Helper()
	out, err := d.try(d.Context(), tool, args)
	if err != nil {
		d.Fatalf("%s(%v): %v", tool, args, err)
	}
	return out
}

// refuse calls a tool that must refuse with a text that contains want, and
// checks that nothing changed.
func (d desk) refuse(tool string, args any, want string) {
	d.Helper()
	before := d.everything()
	out, err := d.try(d.Context(), tool, args)
	if err == nil {
		d.Errorf("%s(%.200v) = %v, want an error", tool, args, out)
	} else if !strings.Contains(err.Error(), want) {
		d.Errorf("%s(%.200v): error %q, want it to contain %q", tool, args, err, want)
	}
	if after := d.everything(); after != before {
		d.Errorf("%s(%.200v) changed something", tool, args)
	}
}

// everything returns all that the store has of the customer.
func (d desk) everything() string {
	d.Helper()
	var all []any
	c, err := d.store.Customer(d.Context(), d.customer)
	all = append(all, c)
	for _, kind := range []string{"brand", "content", "content_version", "tracked_query", "x_post"} {
		q := storage.DocumentQuery{Kind: kind, Page: storage.Page{Limit: 10_000}}
		documents, documentsErr := d.store.Documents(d.Context(), d.customer, q)
		if documentsErr != nil {
			err = documentsErr
		}
		all = append(all, documents)
	}
	events, eventsErr := d.store.Events(d.Context(), d.customer, storage.EventQuery{Page: storage.Page{Limit: 10_000}})
	if err != nil || eventsErr != nil {
		d.Fatal(err, eventsErr)
	}
	data, err := json.Marshal(append(all, events))
	if err != nil {
		d.Fatal(err)
	}
	return string(data)
}

// eventTypes returns the types of the customer's events, oldest first.
func (d desk) eventTypes() string {
	d.Helper()
	events, err := d.store.Events(d.Context(), d.customer, storage.EventQuery{Page: storage.Page{Limit: 100}})
	if err != nil {
		d.Fatal(err)
	}
	var types []string
	for _, e := range slices.Backward(events) {
		types = append(types, e.Type)
	}
	return strings.Join(types, " ")
}

func draft(title string) object {
	return object{"agent": "seo-writer", "type": "article", "title": title, "body": "# " + title}
}

func TestCatalog(t *testing.T) {
	d := newDesk(t)
	if err := d.catalog.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"ask_cmo", "ask_agent", "list_agents", "get_brand", "update_brand", "save_content", "list_content",
		"get_content", "review_content", "list_events", "log_event", "read_page", "scan_page",
	} {
		d.tool(name)
	}
	for _, word := range []string{"get_brand", "ask_cmo", "save_content", "review_content"} {
		if !strings.Contains(d.catalog.Instructions, word) {
			t.Errorf("the instructions don't mention %s", word)
		}
	}
	if n := len(d.catalog.Instructions); n > 1500 {
		t.Errorf("the instructions have %d bytes, which is too much for what every client reads", n)
	}
}

// TestToolSnapshots holds what clients see of each tool against a file, since
// each change of it changes what models do.
func TestToolSnapshots(t *testing.T) {
	folder := filepath.Join("testdata", "tools")
	seen := map[string]bool{}
	for _, tool := range newDesk(t).catalog.Tools {
		seen[tool.Name+".json"] = true
		got := snapshot(t, tool)
		file := filepath.Join(folder, tool.Name+".json")
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v: make it with -update and look at it", err)
		} else if string(got) != string(want) {
			t.Errorf("%s is not what %s says; if it should be, run with -update\n%s", tool.Name, file, got)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[f.Name()] {
			t.Errorf("%s is of no tool", f.Name())
		}
	}
}

func snapshot(t *testing.T, tool *agent.Tool) []byte {
	t.Helper()
	data, err := json.MarshalIndent(struct {
		Name, Title, Description                     string
		ReadOnly, Destructive, Idempotent, OpenWorld bool
		Input, Output                                *jsonschema.Schema
	}{
		tool.Name, tool.Title, tool.Description, tool.ReadOnly, tool.Destructive, tool.Idempotent, tool.OpenWorld,
		tool.InputSchema(), tool.OutputSchema(),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// TestUses: every tool counts as a call, and asking an agent as one of those too.
func TestUses(t *testing.T) {
	for _, tool := range newDesk(t).catalog.Tools {
		want := map[string]int64{"tool_calls": 1}
		if strings.HasPrefix(tool.Name, "ask_") {
			want["agent_calls"] = 1
		}
		if !maps.Equal(tool.Uses, want) {
			t.Errorf("%s uses %v, want %v", tool.Name, tool.Uses, want)
		}
	}
}

func TestSchemas(t *testing.T) {
	for _, tool := range newDesk(t).catalog.Tools {
		if tool.Title == tool.Name || len(tool.Description) < 40 {
			t.Errorf("%s: title %q, description %q", tool.Name, tool.Title, tool.Description)
		}
		for name, p := range tool.InputSchema().Properties {
			bounded := p.MaxLength != nil || p.MaxItems != nil || p.Maximum != nil || p.Enum != nil || p.Type == "object" || p.Type == "boolean"
			if p.Description == "" || !bounded || len(p.Types) > 0 {
				t.Errorf("%s: argument %s must have a description, a bound and one type", tool.Name, name)
			}
		}
		for name, p := range tool.OutputSchema().Properties {
			if p.Description == "" {
				t.Errorf("%s: result %s has no description", tool.Name, name)
			}
		}
	}
}

func TestListsAreAlwaysTheSame(t *testing.T) {
	list := func() string {
		catalog := newDesk(t).catalog
		var all []string
		for _, tool := range catalog.Tools {
			all = append(all, string(snapshot(t, tool)))
		}
		for _, p := range catalog.Prompts {
			all = append(all, p.Name, p.Title, p.Description, fmt.Sprint(p.Arguments))
		}
		for _, r := range catalog.Resources {
			all = append(all, r.URI, r.Name, r.Title, r.Description)
		}
		return strings.Join(all, "\n")
	}
	first := list()
	for range 10 {
		if list() != first {
			t.Fatal("two catalogs differ")
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := marketing.New(nil, nil); err == nil {
		t.Error("New without a store: no error")
	}
	d := newDesk(t)
	_, err := marketing.New(d.store, &marketing.Options{Agents: fstest.MapFS{"agents/cmo.md": {}}})
	if err == nil || !strings.Contains(err.Error(), "cmo.md is missing") {
		t.Errorf("a folder without cmo.md: %v", err)
	}
}

// textOf returns the text of a prompt or resource.
func textOf(r agent.Result, err error) (string, error) {
	if err != nil || len(r.Content) != 1 {
		return "", err
	}
	return r.Content[0].Text, nil
}

func catalogWith(t *testing.T, platforms []string) *agent.Catalog {
	t.Helper()
	catalog, err := marketing.New(newDesk(t).store, &marketing.Options{Platforms: platforms})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}
