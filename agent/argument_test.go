package agent_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
)

func TestArgumentErrors(t *testing.T) {
	tool := orderTool(&agent.ToolOptions{Input: func(s *jsonschema.Schema) {
		p := s.Properties
		p["city"].MinLength, p["city"].MaxLength = new(1), new(5)
		p["size"].Enum = []any{"s", "m"}
		p["count"].Minimum, p["count"].Maximum = new(1.0), new(9.0)
		p["tags"].MaxItems = new(2)
		p["tags"].Items.MaxLength = new(3)
		p["note"].Pattern = "^[a-z]+$"
		p["box"].Properties["weight"].Minimum = new(0.5)
	}})
	for _, test := range []struct{ args, want string }{
		{`{}`, `argument "city" is missing; expected a string of 1 to 5 characters`},
		{`{"size":"s"}`, `argument "city" is missing; expected a string of 1 to 5 characters`},
		{`{"city":null}`, `argument "city" is not valid; expected a string of 1 to 5 characters`},
		{`{"city":""}`, `argument "city" is not valid; expected a string of 1 to 5 characters`},
		{`{"city":"äöüßéx"}`, `argument "city" is not valid; expected a string of 1 to 5 characters`},
		{`{"city":"Rome","colour":"red"}`, `argument "colour" is unknown; expected box, city, count, labels, note, size, tags`},
		{`{"City":"Rome","city":"Rome"}`, `argument "City" is unknown; expected box, city, count, labels, note, size, tags`},
		{`{"city":"Rome","size":"xl"}`, `argument "size" is not valid; expected one of "s", "m"`},
		{`{"city":"Rome","count":"2"}`, `argument "count" is not valid; expected an integer from 1 to 9`},
		{`{"city":"Rome","count":10}`, `argument "count" is not valid; expected an integer from 1 to 9`},
		{`{"city":"Rome","count":1.5}`, `argument "count" is not valid; expected an integer from 1 to 9`},
		{`{"city":"Rome","count":2.0}`, `argument "count" is not valid; expected an integer from 1 to 9`},
		{`{"city":"Rome","tags":"a"}`, `argument "tags" is not valid; expected a list, each item a string of at most 3 characters, at most 2 items`},
		{`{"city":"Rome","tags":["a","b","c"]}`, `argument "tags" is not valid; expected a list, each item a string of at most 3 characters, at most 2 items`},
		{`{"city":"Rome","tags":["a",1]}`, `argument "tags[1]" is not valid; expected a string of at most 3 characters`},
		{`{"city":"Rome","note":"A"}`, `argument "note" is not valid; expected a string that matches ^[a-z]+$`},
		{`{"city":"Rome","box":1}`, `argument "box" is not valid; expected an object`},
		{`{"city":"Rome","box":{}}`, `argument "box.weight" is missing; expected a number of at least 0.5`},
		{`{"city":"Rome","box":{"weight":0}}`, `argument "box.weight" is not valid; expected a number of at least 0.5`},
		{`{"city":"Rome","box":{"weight":1,"height":1}}`, `argument "box.height" is unknown; expected weight`},
		{`{"city":"Rome","labels":{"a":"b"}}`, `argument "labels.a" is not valid; expected an integer`},
		{`{"city":"Rome","labels":{"a":99999999999999999999}}`, `argument "labels" is not valid; expected an object`},
		{`[]`, "arguments must be a JSON object"},
		{`"city"`, "arguments must be a JSON object"},
		{`{"city":"Rome"`, "arguments must be a JSON object"},
		{`{"city":"Rome"} {}`, "arguments must be a JSON object"},
	} {
		_, err := tool.Call(t.Context(), ada, []byte(test.args))
		var argument *agent.ArgumentError
		if !errors.As(err, &argument) || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.args, err, test.want)
		}
		if text, ok := agent.CallerText(err); !ok || text != test.want {
			t.Errorf("%s: the caller sees %q", test.args, text)
		}
	}
}

// TestArgumentErrorOfTheWhole: what no single argument is to blame for.
func TestArgumentErrorOfTheWhole(t *testing.T) {
	tool := orderTool(&agent.ToolOptions{Input: func(s *jsonschema.Schema) { s.MaxProperties = new(1) }})
	_, err := tool.Call(t.Context(), ada, []byte(`{"city":"Rome","size":"s"}`))
	if err == nil || !strings.HasPrefix(err.Error(), "arguments are not valid: ") {
		t.Errorf("error %v", err)
	}
}

// TestArgumentErrorsAreCheap: the schema of many values is prepared once, not for
// each of them.
func TestArgumentErrorsAreCheap(t *testing.T) {
	const n = 1000
	labels := ""
	for i := range n {
		labels += fmt.Sprintf(`"%d":1,`, i)
	}
	tool := orderTool(nil)
	for name, args := range map[string]string{
		"tags":   `{"city":"Rome","tags":[` + strings.Repeat(`"a",`, n) + `1]}`,
		"labels": `{"city":"Rome","labels":{` + labels + `"zz":"b"}}`,
	} {
		allocs := testing.AllocsPerRun(1, func() {
			if _, err := tool.Call(t.Context(), ada, []byte(args)); err == nil {
				t.Errorf("%s: no error", name)
			}
		})
		if allocs > 20*n {
			t.Errorf("%s: %.0f allocations for %d values", name, allocs, n)
		}
		t.Logf("%s: %.1f allocations for each value", name, allocs/n)
	}
}
