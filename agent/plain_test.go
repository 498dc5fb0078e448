package agent

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/storage"
)

type plainIn struct {
	Text  string  `json:"text" jsonschema:"a text"`
	Count int     `json:"count,omitempty"`
	Share float64 `json:"share,omitempty"`
	Yes   bool    `json:"yes,omitempty"`
}

type listIn struct {
	Texts []string `json:"texts,omitempty"`
}

func toolOf[In any](refine func(*jsonschema.Schema)) *Tool {
	return NewTool("t", "Test.", func(context.Context, storage.CustomerID, In) (Result, error) { return Text("ok"), nil }, &ToolOptions{Input: refine})
}

// What the quick check takes, the schema takes too; what it doesn't know is the
// schema's affair.
func TestPlain(t *testing.T) {
	tool := toolOf[plainIn](nil)
	if tool.err != nil || tool.plain == nil {
		t.Fatalf("no quick check: %v", tool.err)
	}
	values := []string{`"x"`, `""`, `1`, `1.0`, `1.5`, `-0`, `1e3`, `1e300`, `true`, `false`, `null`, `[]`, `{}`, `"1"`}
	taken := 0
	check := func(args string) {
		var value map[string]any
		if err := json.Unmarshal([]byte(args), &value); err != nil {
			t.Fatal(err)
		}
		if !tool.plain.holds(value) {
			return
		}
		taken++
		if err := tool.args.Validate(value); err != nil {
			t.Errorf("%s is taken, but: %v", args, err)
		}
	}
	for _, v := range values {
		for _, name := range []string{"count", "share", "yes", "other", "Text"} {
			check(`{"` + name + `":` + v + `}`)
			check(`{"text":"a","` + name + `":` + v + `}`)
		}
		check(`{"text":` + v + `}`)
	}
	if taken < 15 {
		t.Errorf("the quick check took %d, too few to be of use", taken)
	}
}

func TestPlainKnowsItsLimits(t *testing.T) {
	one := 1.0
	for name, tool := range map[string]*Tool{
		"an enumeration": toolOf[plainIn](func(s *jsonschema.Schema) { s.Properties["text"].Enum = []any{"a"} }),
		"a minimum":      toolOf[plainIn](func(s *jsonschema.Schema) { s.Properties["count"].Minimum = &one }),
		"a pattern":      toolOf[plainIn](func(s *jsonschema.Schema) { s.Properties["text"].Pattern = "a" }),
		"a condition":    toolOf[plainIn](func(s *jsonschema.Schema) { s.AllOf = []*jsonschema.Schema{{}} }),
		"open":           toolOf[plainIn](func(s *jsonschema.Schema) { s.AdditionalProperties = nil }),
		"a list":         toolOf[listIn](nil),
	} {
		if tool.err != nil || tool.plain != nil {
			t.Errorf("%s: has a quick check, %v", name, tool.err)
		}
	}
}
