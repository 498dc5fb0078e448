package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Workflow is long work that a host runs for its customers, in steps that survive
// the process. [NewWorkflow] makes one.
type Workflow struct {
	Name        string
	Description string
	WorkflowOptions
	shape *Tool // has the schemas
	run   func(c workflow.Context, input json.RawMessage) (json.RawMessage, error)
}

// WorkflowOptions describe a workflow further.
type WorkflowOptions struct {
	// Title is the name that people see; default the workflow's name.
	Title string
	// Schedule has a run begin for every customer who may come in, at the times of a
	// cron expression with five fields in UTC, such as "0 8 * * *". Its input is an
	// empty object, which the input type must allow. Default: none.
	Schedule string
	// Spread is over how long the runs of one time of the Schedule are spread; default
	// 10 minutes, a negative value is not at all.
	Spread time.Duration
	// Needed is asked before a run of the Schedule begins whether there is something to do
	// for the customer. Default: there always is.
	Needed func(ctx context.Context, customer storage.CustomerID) (bool, error)
	// Onboarding says that new customers begin with it: they are in the state
	// onboarding until a run of it has completed. A catalog has one at most.
	Onboarding bool
	// Input refines the schema that was inferred from the input's type; default nil.
	Input func(*jsonschema.Schema)
}

// NewWorkflow makes a workflow of a typed function; see package workflow for the rules
// that it must keep to. In is a struct, whose tags give the schema of the input as in
// [NewTool]; Out is a struct, too.
//
// An error of fn ends the run as failed. Customers see it as far as it is meant for
// them, see [Errorf].
func NewWorkflow[In, Out any](name, description string, fn func(c workflow.Context, in In) (Out, error), opts *WorkflowOptions) *Workflow {
	w := &Workflow{Name: name, Description: description}
	if opts != nil {
		w.WorkflowOptions = *opts
	}
	if w.Title == "" {
		w.Title = name
	}
	w.shape = NewTool(name, description,
		func(context.Context, storage.CustomerID, In) (out Out, err error) { return out, nil },
		&ToolOptions{Title: w.Title, Input: w.Input})
	if fn == nil {
		w.shape.err = errors.New("the function is nil")
		return w
	}
	w.run = func(c workflow.Context, input json.RawMessage) (json.RawMessage, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, fmt.Errorf("agent: workflow %q: input: %w", name, err)
		}
		out, err := fn(c, in)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("agent: workflow %q: output: %w", name, err)
		}
		return data, nil
	}
	return w
}

// InputSchema returns the JSON Schema (2020-12) of the input.
func (w *Workflow) InputSchema() *jsonschema.Schema { return w.shape.input }

// Check checks an input as [Tool.Check] checks arguments, and returns it as a JSON
// object.
func (w *Workflow) Check(input json.RawMessage) (json.RawMessage, error) {
	return w.shape.checked(input)
}

// Run carries the workflow out, for an engine.
func (w *Workflow) Run(c workflow.Context, input json.RawMessage) (json.RawMessage, error) {
	return w.run(c, input)
}

// checkWorkflows reports everything that is wrong with the workflows of a catalog.
func checkWorkflows(list []*Workflow, report func(format string, args ...any)) {
	var definitions []workflow.Definition
	onboarding := ""
	for i, w := range list {
		if w == nil {
			report("workflow %d is nil", i)
			continue
		}
		definitions = append(definitions, workflow.Definition{Name: w.Name, Run: w.Run})
		if w.shape == nil {
			report("workflow %q: make it with NewWorkflow", w.Name)
			continue
		}
		if err := w.shape.validate(); err != nil {
			report("workflow %q: %w", w.Name, err)
			continue
		}
		if _, err := w.Check(nil); w.Schedule != "" && err != nil {
			report("workflow %q: one with a schedule must take an empty input: %w", w.Name, err)
		}
		if w.Onboarding && onboarding != "" {
			report("workflow %q: %q is the onboarding already", w.Name, onboarding)
		}
		if w.Onboarding {
			onboarding = w.Name
		}
	}
	if err := workflow.CheckDefinitions(definitions); err != nil {
		report("%w", err)
	}
}
