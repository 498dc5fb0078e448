package agent

import (
	"math"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// plain checks arguments against a schema that says nothing but which properties
// there are, of which types, and which are required, as most schemas do. It only
// says yes or nothing: the schema itself judges what is left, and words the error.
type plain struct {
	types    map[string]string
	required []string
}

// plainOf returns the check, or nil if the schema says more than that.
func plainOf(s *jsonschema.Schema) *plain {
	p := &plain{types: map[string]string{}, required: s.Required}
	for name, property := range s.Properties {
		if !says(property, &jsonschema.Schema{Type: property.Type}) || !slices.Contains(plainTypes, property.Type) {
			return nil
		}
		p.types[name] = property.Type
	}
	// The false schema is written as "not anything".
	closed := &jsonschema.Schema{Not: &jsonschema.Schema{}}
	if !says(s, &jsonschema.Schema{Type: "object", Properties: s.Properties, Required: s.Required, AdditionalProperties: closed}) {
		return nil
	}
	return p
}

var plainTypes = []string{"string", "boolean", "integer", "number"}

// says reports whether a schema says nothing but what the other one says, beside
// words for people.
func says(s, other *jsonschema.Schema) bool {
	c := *s
	c.Title, c.Description, c.Default, c.Examples, c.PropertyOrder = "", "", nil, nil, nil
	return reflect.DeepEqual(&c, other)
}

// holds reports whether the arguments fit for sure.
func (p *plain) holds(args map[string]any) bool {
	if p == nil {
		return false
	}
	for _, name := range p.required {
		if _, ok := args[name]; !ok {
			return false
		}
	}
	for name, value := range args {
		if !isType(value, p.types[name]) {
			return false
		}
	}
	return true
}

func isType(value any, name string) bool {
	switch v := value.(type) {
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	}
	return false
}
