package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/storage"
)

// Tool is a function that a customer's model can call. [NewTool] makes one.
type Tool struct {
	Name        string
	Description string
	ToolOptions

	input  *jsonschema.Schema
	output *jsonschema.Schema // nil when the results have no fixed shape
	args   *jsonschema.Resolved
	plain  *plain // nil: args judges all
	call   func(ctx context.Context, customer storage.CustomerID, args json.RawMessage) (Result, error)
	err    error // what NewTool found wrong
}

// ToolOptions describe a tool further. The hints are those of the MCP
// specification ("Tool Annotations"); clients use them to decide what to ask
// their user.
type ToolOptions struct {
	// Title is the name that people see; default the tool's name.
	Title string
	// ReadOnly says that the tool changes nothing.
	ReadOnly bool
	// Destructive says that the tool may overwrite or delete; default it only
	// adds.
	Destructive bool
	// Idempotent says that calling again with the same arguments does nothing
	// more.
	Idempotent bool
	// OpenWorld says that the tool reaches systems outside of this host.
	OpenWorld bool
	// NeedsPerson says that only a person may decide on a call: it publishes, sends,
	// spends, or records what a person decided. An agent that works by itself can't
	// make the call, only propose it; a customer's client asks its user.
	NeedsPerson bool
	// Uses are the units of metrics that a call uses, 1 to a billion of each, where
	// metrics are those of plans' quotas. A call that fails uses nothing. Default
	// nil: one of [MetricToolCalls]; an empty map: nothing.
	Uses map[string]int64
	// Input refines the schema that was inferred from the argument's type, for
	// example with the values that a field may have; default nil.
	Input func(*jsonschema.Schema)
}

// NewTool makes a tool of a typed function. In is a struct; its fields' json
// names, "jsonschema" tags (descriptions) and omitempty or omitzero (optional)
// give the input schema, and arguments are checked against it before fn is
// called. Out is a struct and gives the output schema, or is [Result] for
// results of any shape.
//
// An error of fn is shown to the caller only as far as it is meant to be: see
// [Errorf]. What is wrong with the name or the types is reported when a host
// takes the tool.
func NewTool[In, Out any](name, description string, fn func(ctx context.Context, customer storage.CustomerID, in In) (Out, error), opts *ToolOptions) *Tool {
	t := &Tool{Name: name, Description: description}
	if opts != nil {
		t.ToolOptions = *opts
	}
	if t.Title == "" {
		t.Title = name
	}
	if t.Uses = maps.Clone(t.Uses); t.Uses == nil {
		t.Uses = map[string]int64{MetricToolCalls: 1}
	}
	if fn == nil {
		t.err = errors.New("the function is nil")
		return t
	}
	t.input, t.err = objectSchema[In]("argument")
	if t.err != nil {
		return t
	}
	forbidNull(t.input)
	if t.Input != nil {
		t.Input(t.input)
	}
	if t.args, t.err = t.input.Resolve(nil); t.err != nil {
		return t
	}
	t.plain = plainOf(t.input)
	if _, free := any(*new(Out)).(Result); !free {
		if t.output, t.err = objectSchema[Out]("result"); t.err != nil {
			return t
		}
	}
	t.call = func(ctx context.Context, customer storage.CustomerID, args json.RawMessage) (Result, error) {
		var in In
		if err := json.Unmarshal(args, &in); err != nil {
			return Result{}, decodeError(t.input, err)
		}
		out, err := fn(ctx, customer, in)
		if err != nil {
			return Result{}, err
		}
		return resultOf(out)
	}
	return t
}

func objectSchema[T any](what string) (*jsonschema.Schema, error) {
	s, err := jsonschema.For[T](nil)
	if err != nil {
		return nil, fmt.Errorf("schema of the %s: %w", what, err)
	}
	if s.Type != "object" {
		return nil, fmt.Errorf("the %s must be a struct", what)
	}
	return s, nil
}

// forbidNull takes null out of the types that a schema allows, where it was only
// put because Go's slices and pointers can be nil: an argument that is not there
// is left out.
func forbidNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 && len(s.Types) == 2 {
		s.Type, s.Types = s.Types[1-i], nil
	}
	for _, p := range s.Properties {
		forbidNull(p)
	}
	forbidNull(s.Items)
	forbidNull(s.AdditionalProperties)
}

// InputSchema returns the JSON Schema (2020-12) of the arguments.
func (t *Tool) InputSchema() *jsonschema.Schema { return t.input }

// OutputSchema returns the JSON Schema of the structured result, or nil when it
// has no fixed shape.
func (t *Tool) OutputSchema() *jsonschema.Schema { return t.output }

// Call checks the arguments, a JSON object or nothing, and runs the tool. Null
// for an argument that may be left out is the same as leaving it out. An
// [*ArgumentError] says what is wrong with them.
func (t *Tool) Call(ctx context.Context, customer storage.CustomerID, args json.RawMessage) (Result, error) {
	args, err := t.checked(args)
	if err != nil {
		return Result{}, err
	}
	return t.call(ctx, customer, args)
}

// Check checks the arguments as Call does, and runs nothing.
func (t *Tool) Check(args json.RawMessage) error {
	_, err := t.checked(args)
	return err
}

func (t *Tool) checked(args json.RawMessage) (json.RawMessage, error) {
	if args = bytes.TrimSpace(args); len(args) == 0 || string(args) == "null" {
		args = json.RawMessage("{}")
	}
	if err := t.validate(); err != nil {
		return nil, fmt.Errorf("agent: tool %q: %w", t.Name, err)
	}
	var value map[string]any
	if err := json.Unmarshal(args, &value); err != nil {
		return nil, &ArgumentError{text: "arguments must be a JSON object"}
	}
	// Models like to send null for what they leave out.
	maps.DeleteFunc(value, func(name string, v any) bool {
		return v == nil && t.input.Properties[name] != nil && !slices.Contains(t.input.Required, name)
	})
	if !t.plain.holds(value) {
		if err := t.args.Validate(value); err != nil {
			return nil, argumentError(t.input, value, err)
		}
	}
	return args, nil
}

func (t *Tool) validate() error {
	switch {
	case t.err != nil:
		return t.err
	case t.call == nil:
		return errors.New("make it with NewTool")
	case t.Description == "":
		return errors.New("the description must not be empty")
	}
	return nil
}
