package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

const ada storage.CustomerID = "ada"

type order struct {
	City  string   `json:"city" jsonschema:"where to"`
	Size  string   `json:"size,omitempty"`
	Count int      `json:"count,omitempty"`
	Tags  []string `json:"tags,omitempty"`
	Note  *string  `json:"note,omitempty"`
	Box   struct {
		Weight float64 `json:"weight"`
	} `json:"box,omitzero"`
	Labels map[string]int `json:"labels,omitempty"`
}

type receipt struct {
	Customer storage.CustomerID `json:"customer"`
	City     string             `json:"city"`
}

func orderTool(opts *agent.ToolOptions) *agent.Tool {
	return agent.NewTool("order", "Orders something.",
		func(_ context.Context, customer storage.CustomerID, in order) (receipt, error) {
			return receipt{customer, in.City}, nil
		}, opts)
}

func schemaJSON(t *testing.T, s *jsonschema.Schema) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSchemas(t *testing.T) {
	tool := orderTool(&agent.ToolOptions{Input: func(s *jsonschema.Schema) {
		s.Properties["size"].Enum = []any{"s", "m"}
	}})
	want := `{"type":"object","properties":{` +
		`"city":{"type":"string","description":"where to"},` +
		`"size":{"type":"string","enum":["s","m"]},` +
		`"count":{"type":"integer"},` +
		`"tags":{"type":"array","items":{"type":"string"}},` +
		`"note":{"type":"string"},` +
		`"box":{"type":"object","properties":{"weight":{"type":"number"}},"required":["weight"],"additionalProperties":false},` +
		`"labels":{"type":"object","additionalProperties":{"type":"integer"}}},` +
		`"required":["city"],"additionalProperties":false}`
	if got := schemaJSON(t, tool.InputSchema()); got != want {
		t.Errorf("input schema\n%s\nwant\n%s", got, want)
	}
	want = `{"type":"object","properties":{"customer":{"type":"string"},"city":{"type":"string"}},"required":["customer","city"],"additionalProperties":false}`
	if got := schemaJSON(t, tool.OutputSchema()); got != want {
		t.Errorf("output schema\n%s\nwant\n%s", got, want)
	}
}

func TestToolOptions(t *testing.T) {
	plain := orderTool(nil)
	if plain.Title != "order" || plain.ReadOnly || plain.Destructive || plain.Idempotent || plain.OpenWorld {
		t.Errorf("options %+v", plain.ToolOptions)
	}
	opts := agent.ToolOptions{Title: "Order", Destructive: true, OpenWorld: true}
	tool := orderTool(&opts)
	opts.Title = "changed"
	if tool.Title != "Order" || !tool.Destructive || !tool.OpenWorld || tool.ReadOnly {
		t.Errorf("options %+v", tool.ToolOptions)
	}
}

func TestCall(t *testing.T) {
	r, err := orderTool(nil).Call(t.Context(), ada, []byte(` {"city": "Rome", "tags": null} `))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"customer":"ada","city":"Rome"}`
	if string(r.Structured) != want || len(r.Content) != 1 || r.Content[0].Text != want {
		t.Errorf("result %+v", r)
	}
}

func TestCallWithoutArguments(t *testing.T) {
	tool := agent.NewTool("ping", "Answers.", func(context.Context, storage.CustomerID, struct{}) (receipt, error) {
		return receipt{}, nil
	}, nil)
	for _, args := range []string{"", " \n", "null", "{}"} {
		if _, err := tool.Call(t.Context(), ada, []byte(args)); err != nil {
			t.Errorf("arguments %q: %v", args, err)
		}
	}
	_, err := tool.Call(t.Context(), ada, []byte(`{"a":1}`))
	if want := `argument "a" is unknown; expected no arguments`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

type poem struct {
	Lines []string `json:"lines"`
}

func (p poem) ReadableText() string { return strings.Join(p.Lines, "\n") }

func TestReadable(t *testing.T) {
	tool := agent.NewTool("poem", "Writes.", func(context.Context, storage.CustomerID, struct{}) (poem, error) {
		return poem{[]string{"a", "b"}}, nil
	}, nil)
	r, err := tool.Call(t.Context(), ada, nil)
	if err != nil || r.Content[0].Text != "a\nb" || string(r.Structured) != `{"lines":["a","b"]}` {
		t.Errorf("result %+v, %v", r, err)
	}
}

func TestFreeResult(t *testing.T) {
	want := agent.Result{Content: []agent.Content{{Text: "a"}, {Data: []byte{1}, MIMEType: "image/png"}}}
	tool := agent.NewTool("draw", "Draws.", func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) {
		return want, nil
	}, nil)
	if tool.OutputSchema() != nil {
		t.Errorf("output schema %s of a free result", schemaJSON(t, tool.OutputSchema()))
	}
	if got, err := tool.Call(t.Context(), ada, nil); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("result %+v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	secret := errors.New("connection to 10.0.0.1 refused")
	for _, test := range []struct {
		err  error
		text string
	}{
		{agent.Errorf("city %q is closed", "Rome"), `city "Rome" is closed`},
		{fmt.Errorf("tool: %w", agent.Errorf("closed")), "closed"},
		{secret, ""},
		{fmt.Errorf("tool: %w", storage.ErrNotFound), "not found"},
		{fmt.Errorf("tool: %w", storage.Invalid("city", "a name")), "tool: city must be a name"},
		{agent.Errorf("changed since: %w", storage.ErrConflict), "changed since: conflict"},
	} {
		tool := agent.NewTool("fail", "Fails.", func(context.Context, storage.CustomerID, struct{}) (receipt, error) {
			return receipt{}, test.err
		}, nil)
		_, err := tool.Call(t.Context(), ada, nil)
		if !errors.Is(err, test.err) {
			t.Errorf("error %v, want %v", err, test.err)
		}
		if text, ok := agent.CallerText(err); text != test.text || ok != (test.text != "") {
			t.Errorf("caller's text of %v: %q, %t, want %q", err, text, ok, test.text)
		}
	}
	if text, ok := agent.CallerText(nil); text != "" || ok {
		t.Errorf("caller's text of nil: %q, %t", text, ok)
	}
}

// TestUnusableTools: they are reported by Validate, and don't panic before.
func TestUnusableTools(t *testing.T) {
	type bad struct {
		F func() `json:"f"`
	}
	var none func(context.Context, storage.CustomerID, struct{}) (receipt, error)
	for _, test := range []struct {
		tool *agent.Tool
		want string
	}{
		{agent.NewTool("x", "X.", none, nil), "the function is nil"},
		{agent.NewTool("x", "X.", func(context.Context, storage.CustomerID, string) (receipt, error) { return receipt{}, nil }, nil), "the argument must be a struct"},
		{agent.NewTool("x", "X.", func(context.Context, storage.CustomerID, struct{}) ([]string, error) { return nil, nil }, nil), "the result must be a struct"},
		{agent.NewTool("x", "X.", func(context.Context, storage.CustomerID, bad) (receipt, error) { return receipt{}, nil }, nil), "schema of the argument"},
		{agent.NewTool("x", "X.", func(context.Context, storage.CustomerID, struct{}) (bad, error) { return bad{}, nil }, nil), "schema of the result"},
		{orderTool(&agent.ToolOptions{Input: func(s *jsonschema.Schema) { s.Properties["city"].Pattern = "(" }}), "error parsing regexp"},
		{agent.NewTool("x", "", func(context.Context, storage.CustomerID, struct{}) (receipt, error) { return receipt{}, nil }, nil), "description must not be empty"},
		{&agent.Tool{Name: "x", Description: "X."}, "make it with NewTool"},
	} {
		err := (&agent.Catalog{Tools: []*agent.Tool{test.tool}}).Validate()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Validate: %v, want it to contain %q", err, test.want)
		}
		_, err = test.tool.Call(t.Context(), ada, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Call: %v, want it to contain %q", err, test.want)
		}
		if _, ok := agent.CallerText(err); ok {
			t.Errorf("Call: %v is shown to callers", err)
		}
	}
}
