package agent

import (
	"encoding/json"
	"errors"
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
	if text := objectProblem("", schema, args); text != "" {
		return &ArgumentError{text}
	}
	return &ArgumentError{"arguments are not valid: " + violation.Error()}
}

// objectProblem says what is wrong inside of an object, or returns "" when it
// finds nothing. Path is the object's name with a dot, or empty at the top.
func objectProblem(path string, s *jsonschema.Schema, object map[string]any) string {
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			return fmt.Sprintf("argument %q is missing; expected %s", path+name, expected(s.Properties[name]))
		}
	}
	additional := validator(s.AdditionalProperties)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		property, known := s.Properties[name]
		valid := additional
		if known {
			valid = validator(property)
		} else {
			property = s.AdditionalProperties
		}
		switch {
		case valid(object[name]):
		case !known && property.Not != nil: // the schema that takes nothing
			return fmt.Sprintf("argument %q is unknown; expected %s", path+name, listOr(slices.Sorted(maps.Keys(s.Properties)), "no arguments"))
		default:
			return problem(path+name, property, object[name])
		}
	}
	return ""
}

// problem says what is wrong with a value that its schema refuses.
func problem(path string, s *jsonschema.Schema, value any) string {
	switch value := value.(type) {
	case map[string]any:
		if text := objectProblem(path+".", s, value); text != "" {
			return text
		}
	case []any:
		valid := validator(s.Items)
		for i, item := range value {
			if !valid(item) {
				return problem(fmt.Sprintf("%s[%d]", path, i), s.Items, item)
			}
		}
	}
	return fmt.Sprintf("argument %q is not valid; expected %s", path, expected(s))
}

// validator returns a function that reports whether a value follows a part of a
// schema. It takes everything when there is no such part.
func validator(s *jsonschema.Schema) func(value any) bool {
	if s == nil {
		return func(any) bool { return true }
	}
	resolved, err := s.CloneSchemas().Resolve(nil)
	return func(value any) bool { return err != nil || resolved.Validate(value) == nil }
}

// decodeError is for a value that the schema takes and the Go type doesn't, such
// as 5.0 for an int.
func decodeError(schema *jsonschema.Schema, err error) *ArgumentError {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return &ArgumentError{"arguments are not valid: " + err.Error()}
	}
	for name := range strings.SplitSeq(wrong.Field, ".") {
		if schema != nil {
			schema = schema.Properties[name]
		}
	}
	return &ArgumentError{fmt.Sprintf("argument %q is not valid; expected %s", wrong.Field, expected(schema))}
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
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		text += fmt.Sprintf(" from %v to %v", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		text += fmt.Sprintf(" of at least %v", *s.Minimum)
	case s.Maximum != nil:
		text += fmt.Sprintf(" of at most %v", *s.Maximum)
	}
	if s.Pattern != "" {
		text += " that matches " + s.Pattern
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
