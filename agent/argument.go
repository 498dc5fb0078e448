package agent

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// argumentError puts a schema violation into words that name the argument and
// what was expected. The validator's own text, which is about the schema, is the
// last resort.
func argumentError(schema *jsonschema.Schema, args map[string]any, violation error) *ArgumentError {
	for _, name := range schema.Required {
		if _, ok := args[name]; !ok {
			return &ArgumentError{fmt.Sprintf("argument %q is missing; expected %s", name, expected(schema.Properties[name]))}
		}
	}
	known := slices.Sorted(maps.Keys(schema.Properties))
	for _, name := range slices.Sorted(maps.Keys(args)) {
		property, ok := schema.Properties[name]
		if !ok {
			return &ArgumentError{fmt.Sprintf("argument %q is unknown; expected %s", name, listOr(known, "no arguments"))}
		}
		resolved, err := property.CloneSchemas().Resolve(nil)
		if err == nil && resolved.Validate(args[name]) != nil {
			return &ArgumentError{fmt.Sprintf("argument %q is not valid; expected %s", name, expected(property))}
		}
	}
	return &ArgumentError{"arguments are not valid: " + violation.Error()}
}

// expected says in words what a schema takes.
func expected(s *jsonschema.Schema) string {
	if s == nil {
		return "a value"
	}
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			text, _ := json.Marshal(v)
			values[i] = string(text)
		}
		return "one of " + strings.Join(values, ", ")
	}
	types := s.Types
	if s.Type != "" {
		types = []string{s.Type}
	}
	var words []string
	for _, t := range types {
		switch t {
		case "array":
			words = append(words, "a list, each item "+expected(s.Items))
		case "object", "integer":
			words = append(words, "an "+t)
		case "null":
		default:
			words = append(words, "a "+t)
		}
	}
	text := listOr(words, "a value")
	if s.MinLength != nil || s.MaxLength != nil {
		text += " of " + bounds(s.MinLength, s.MaxLength) + " characters"
	}
	if s.MinItems != nil || s.MaxItems != nil {
		text += ", " + bounds(s.MinItems, s.MaxItems) + " items"
	}
	if s.Minimum != nil && s.Maximum != nil {
		text += fmt.Sprintf(" from %v to %v", *s.Minimum, *s.Maximum)
	}
	return text
}

func bounds(low, high *int) string {
	switch {
	case low == nil:
		return fmt.Sprintf("at most %d", *high)
	case high == nil:
		return fmt.Sprintf("at least %d", *low)
	}
	return fmt.Sprintf("%d to %d", *low, *high)
}

func listOr(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}
