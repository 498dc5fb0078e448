package agent_test

import (
	"context"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

func getNothing(context.Context, storage.CustomerID, map[string]string) (agent.Result, error) {
	return agent.Result{}, nil
}

func readNothing(context.Context, storage.CustomerID, string) (agent.Result, error) {
	return agent.Result{}, nil
}

func goodCatalog() *agent.Catalog {
	return &agent.Catalog{
		Agents:  []agent.Agent{{ID: "writer", Title: "Writer", Role: "Writes.", Instructions: "Write.", Tools: []string{"order"}}},
		Tools:   []*agent.Tool{orderTool(nil)},
		Prompts: []agent.Prompt{{Name: "writer", Get: getNothing}},
		Resources: []agent.Resource{
			{URI: "test://one", Name: "one", Read: readNothing},
			{URI: "test://many/{id}", Name: "many", Read: readNothing},
			{URI: "test://many/{id}.md", Name: "many as files", Read: readNothing},
		},
	}
}

func TestValidate(t *testing.T) {
	if err := goodCatalog().Validate(); err != nil {
		t.Fatal(err)
	}
	if err := (&agent.Catalog{}).Validate(); err != nil {
		t.Errorf("an empty catalog: %v", err)
	}
	named := func(name string) *agent.Tool { tool := orderTool(nil); tool.Name = name; return tool }
	for _, test := range []struct {
		want  string
		spoil func(*agent.Catalog)
	}{
		{`tool 1 is nil`, func(c *agent.Catalog) { c.Tools = append(c.Tools, nil) }},
		{`tool "order" is there twice`, func(c *agent.Catalog) { c.Tools = append(c.Tools, orderTool(nil)) }},
		{`tool "": the name must be`, func(c *agent.Catalog) { c.Tools = append(c.Tools, named("")) }},
		{`tool "a b": the name must be`, func(c *agent.Catalog) { c.Tools = append(c.Tools, named("a b")) }},
		{`tool "a.b": the name must be`, func(c *agent.Catalog) { c.Tools = append(c.Tools, named("a.b")) }},
		{`the name must be 1 to 64`, func(c *agent.Catalog) { c.Tools = append(c.Tools, named(strings.Repeat("a", 65))) }},
		{`agent "writer" is there twice`, func(c *agent.Catalog) { c.Agents = append(c.Agents, c.Agents[0]) }},
		{`agent "a/b": the name must be`, func(c *agent.Catalog) { c.Agents[0].ID = "a/b" }},
		{`agent "writer": title, role and instructions`, func(c *agent.Catalog) { c.Agents[0].Title = "" }},
		{`agent "writer": title, role and instructions`, func(c *agent.Catalog) { c.Agents[0].Role = "" }},
		{`agent "writer": title, role and instructions`, func(c *agent.Catalog) { c.Agents[0].Instructions = "" }},
		{`agent "writer": there is no tool "print"`, func(c *agent.Catalog) { c.Agents[0].Tools = []string{"print"} }},
		{`prompt "writer" is there twice`, func(c *agent.Catalog) { c.Prompts = append(c.Prompts, c.Prompts[0]) }},
		{`prompt "ä": the name must be`, func(c *agent.Catalog) { c.Prompts[0].Name = "ä" }},
		{`prompt "writer": Get is nil`, func(c *agent.Catalog) { c.Prompts[0].Get = nil }},
		{`resource "test://one" is there twice`, func(c *agent.Catalog) { c.Resources = append(c.Resources, c.Resources[0]) }},
		{`resource "one": the URI must have a scheme`, func(c *agent.Catalog) { c.Resources[0].URI = "one" }},
		{`resource "test://{a}/{b}": the URI must have`, func(c *agent.Catalog) { c.Resources[0].URI = "test://{a}/{b}" }},
		{`resource "test://{a": the URI must have`, func(c *agent.Catalog) { c.Resources[0].URI = "test://{a" }},
		{`resource "test://a}": the URI must have`, func(c *agent.Catalog) { c.Resources[0].URI = "test://a}" }},
		{`resource "test://{+a}": the URI must have`, func(c *agent.Catalog) { c.Resources[0].URI = "test://{+a}" }},
		{`resource "test://one": name and Read`, func(c *agent.Catalog) { c.Resources[0].Name = "" }},
		{`resource "test://one": name and Read`, func(c *agent.Catalog) { c.Resources[0].Read = nil }},
	} {
		c := goodCatalog()
		test.spoil(c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want it to contain %q", err, test.want)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	c := goodCatalog()
	c.Tools, c.Prompts[0].Get, c.Resources[0].Read = nil, nil, nil
	err := c.Validate()
	for _, want := range []string{`there is no tool "order"`, `prompt "writer"`, `resource "test://one"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to contain %q", err, want)
		}
	}
}

func TestResource(t *testing.T) {
	for _, test := range []struct {
		template, uri, variable string
		ok                      bool
	}{
		{"test://many/{id}", "test://many/a", "a", true},
		{"test://many/{id}", "test://many/a.b-c_d", "a.b-c_d", true},
		{"test://many/{id}", "test://many/a%2Fb", "a%2Fb", true},
		{"test://many/{id}", "test://many/{id}", "{id}", true},
		{"test://many/{id}", "test://many/", "", false},
		{"test://many/{id}", "test://many", "", false},
		{"test://many/{id}", "test://many/a/b", "", false},
		{"test://many/{id}", "test://others/a", "", false},
		{"test://many/{id}", "TEST://many/a", "", false},
		{"test://many/{id}/text", "test://many/a/text", "a", true},
		{"test://many/{id}/text", "test://many/a", "", false},
		{"test://many/{id}/text", "test://many//text", "", false},
		{"test://one", "test://one", "", false},
		{"test://one", "test://one/a", "", false},
	} {
		variable, ok := agent.Resource{URI: test.template}.Match(test.uri)
		if ok != test.ok || ok && variable != test.variable {
			t.Errorf("%s matches %s: %q, %t, want %q, %t", test.template, test.uri, variable, ok, test.variable, test.ok)
		}
	}
	if (agent.Resource{URI: "test://one"}).IsTemplate() || !(agent.Resource{URI: "test://{id}"}).IsTemplate() {
		t.Error("IsTemplate")
	}
}

// FuzzResource: what Expand makes, Match takes apart.
func FuzzResource(f *testing.F) {
	f.Add("a")
	f.Add("text")
	f.Add("a}{b")
	f.Fuzz(func(t *testing.T, variable string) {
		r := agent.Resource{URI: "test://many/{id}/text"}
		got, ok := r.Match(r.Expand(variable))
		if want := variable != "" && !strings.Contains(variable, "/"); ok != want || ok && got != variable {
			t.Errorf("%q came back as %q, %t", variable, got, ok)
		}
	})
}
