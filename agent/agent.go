// Package agent describes what a host can do for its customers: tools, agents,
// prompts, resources and workflows.
//
//	type Query struct {
//		City string `json:"city" jsonschema:"name of the city"`
//	}
//	type Forecast struct {
//		Celsius float64 `json:"celsius"`
//	}
//	forecast := agent.NewTool("forecast", "Tomorrow's weather in a city.",
//		func(ctx context.Context, customer storage.CustomerID, q Query) (Forecast, error) {
//			return weather.Tomorrow(ctx, q.City)
//		}, &agent.ToolOptions{ReadOnly: true})
//
// The host sells a [Catalog] of them with keys and limits. It takes them as
// data and knows nothing of what they are about.
package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/heycmo/heycmo-go/storage"
)

// Tier says how capable a model an agent's work needs.
type Tier string

// The tiers of models.
const (
	TierFast     Tier = "fast"
	TierStandard Tier = "standard"
	TierResearch Tier = "research"
)

// Agent is a specialist: a role and the way it works.
type Agent struct {
	// ID is the name by which it is asked, such as "seo-writer".
	ID    string
	Title string
	// Role is one sentence on what the agent is for.
	Role string
	// Tools are the names of the tools it works with. A host has ask_agent and
	// list_agents wherever there are agents.
	Tools []string
	// Tier is the model that the work needs; default TierStandard.
	Tier Tier
	// Output says what the finished work looks like.
	Output string
	// Protocol names rules that whoever has it work sees to, beside the Instructions;
	// may be empty.
	Protocol string
	// Bar is how good its work must be where that is measured, from 0 to 1; 0: the
	// default of who measures.
	Bar float64
	// Instructions is the briefing, in Markdown.
	Instructions string
}

// Prompt is a message that a person picks in their client.
type Prompt struct {
	Name        string
	Title       string
	Description string
	Arguments   []Argument
	// Get returns what the message says to this customer, usually [Text]; each
	// part of the result's Content is a message of its own. Required arguments
	// are there, unknown ones are not.
	Get func(ctx context.Context, customer storage.CustomerID, args map[string]string) (Result, error)
}

// Argument is an argument of a [Prompt].
type Argument struct {
	Name        string
	Description string
	Required    bool
	// Complete returns values that begin with what the person has typed so far,
	// the best ones first, at most 100 of which are shown; may be nil.
	Complete func(ctx context.Context, customer storage.CustomerID, typed string) ([]string, error)
}

// Resource is a text or a file that clients can read, or a family of them.
type Resource struct {
	// URI is the address, such as "heycmo://brand", or a template of addresses
	// with one variable in braces, such as "heycmo://content/{id}".
	URI         string
	Name        string
	Title       string
	Description string
	MIMEType    string
	// Read returns what the resource holds: [Text], or Content with Data. For a
	// template, variable is the value in place of the braces, otherwise it is
	// empty. An error that wraps [storage.ErrNotFound] says that there is no such
	// resource.
	Read func(ctx context.Context, customer storage.CustomerID, variable string) (Result, error)
	// List returns the resources of a template that the customer has, for
	// clients to show; may be nil.
	List func(ctx context.Context, customer storage.CustomerID) ([]ResourceInfo, error)
}

// ResourceInfo names one resource of a template.
type ResourceInfo struct {
	// Variable is the value in place of the template's braces.
	Variable    string
	Title       string
	Description string
}

// IsTemplate reports whether r is a family of resources.
func (r Resource) IsTemplate() bool { return strings.Contains(r.URI, "{") }

// Expand returns the address of the template's resource with this variable.
func (r Resource) Expand(variable string) string {
	before, rest, _ := strings.Cut(r.URI, "{")
	_, after, _ := strings.Cut(rest, "}")
	return before + variable + after
}

// Match returns the variable with which the template gives uri.
func (r Resource) Match(uri string) (variable string, ok bool) {
	before, rest, _ := strings.Cut(r.URI, "{")
	_, after, _ := strings.Cut(rest, "}")
	variable, ok = strings.CutPrefix(uri, before)
	if !ok {
		return "", false
	}
	variable, ok = strings.CutSuffix(variable, after)
	return variable, ok && variable != "" && !strings.Contains(variable, "/")
}

// Catalog is everything that a host offers beside its own account matters. It
// must not change once a host has it.
type Catalog struct {
	// Instructions tell a client's model what this service is and how to begin;
	// may be empty.
	Instructions string
	Agents       []Agent
	Tools        []*Tool
	Prompts      []Prompt
	Resources    []Resource
	// Workflows need a host with an engine and a store that remembers runs.
	Workflows []*Workflow
	// Links are pages for people who are no customers.
	Links []Link
	// LinkedIn hands out what the customer's own browser does there; may be nil.
	LinkedIn Queue
}

var (
	// The tool-name rule of the MCP specification 2025-11-25 (server/tools,
	// "Tool Names"), without the characters that some clients refuse.
	namePattern     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	templatePattern = regexp.MustCompile(`^[^{}]+(\{[a-zA-Z0-9_]+\}[^{}]*)?$`)
)

// Validate reports everything that is wrong with the catalog: names that are
// not 1 to 64 letters, digits, "_" or "-", or not unique, tools without a
// description or with a schema or uses that make no sense, agents that want unknown
// tools, prompts and resources that can't answer, workflows that can't run.
func (c *Catalog) Validate() error {
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	unique := func(kind, name string) {
		if seen[kind+" "+name] {
			report("%s %q is there twice", kind, name)
		}
		seen[kind+" "+name] = true
	}
	named := func(kind, name string) {
		if !namePattern.MatchString(name) {
			report("%s %q: the name must be 1 to 64 letters, digits, '_' or '-'", kind, name)
		}
		unique(kind, name)
	}
	for i, t := range c.Tools {
		if t == nil {
			report("tool %d is nil", i)
			continue
		}
		named("tool", t.Name)
		if err := t.validate(); err != nil {
			report("tool %q: %w", t.Name, err)
		}
		if err := checkUses(t.Uses); err != nil {
			report("tool %q: %w", t.Name, err)
		}
	}
	if len(c.Agents) > 0 {
		seen["tool ask_agent"], seen["tool list_agents"] = true, true // the host's, see Agent.Tools
	}
	for _, a := range c.Agents {
		named("agent", a.ID)
		if a.Title == "" || a.Role == "" || a.Instructions == "" {
			report("agent %q: title, role and instructions must not be empty", a.ID)
		}
		switch a.Tier {
		case "", TierFast, TierStandard, TierResearch:
		default:
			report("agent %q: the tier must be fast, standard or research", a.ID)
		}
		if !(a.Bar >= 0 && a.Bar <= 1) {
			report("agent %q: the bar must be from 0 to 1", a.ID)
		}
		for _, name := range a.Tools {
			if !seen["tool "+name] {
				report("agent %q: there is no tool %q", a.ID, name)
			}
		}
	}
	for _, p := range c.Prompts {
		named("prompt", p.Name)
		if p.Get == nil {
			report("prompt %q: Get is nil", p.Name)
		}
	}
	for _, r := range c.Resources {
		unique("resource", r.URI)
		if !strings.Contains(r.URI, "://") || !templatePattern.MatchString(r.URI) {
			report("resource %q: the URI must have a scheme and at most one variable in braces", r.URI)
		}
		if r.Name == "" || r.Read == nil {
			report("resource %q: name and Read must not be empty", r.URI)
		}
	}
	for _, l := range c.Links {
		named("link", l.Name)
		if l.Title == "" || l.Button == "" || l.Show == nil || l.Do == nil {
			report("link %q: Title, Button, Show and Do must not be empty", l.Name)
		}
	}
	checkWorkflows(c.Workflows, report)
	return errors.Join(errs...)
}
