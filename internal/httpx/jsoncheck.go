package httpx

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxDepth is how deep a body may be nested.
const maxDepth = 100

// checkJSON reports the first thing in body that package json would let pass or
// can't put in a caller's words: names that are unknown, repeated or in another
// case, and values of a wrong type.
func checkJSON(body []byte, t reflect.Type) error {
	err := json.Unmarshal(body, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return badRequest("the body is not valid JSON at byte %d: %v", syntax.Offset, err)
	}
	if bytes.TrimSpace(body)[0] != '{' {
		return badRequest("the body must be a JSON object")
	}
	return newChecker(body, 0).value("", t)
}

// checker walks through JSON of good syntax side by side with the type that it
// is meant for.
type checker struct {
	dec   *json.Decoder
	depth int
}

func newChecker(data []byte, depth int) *checker {
	c := &checker{json.NewDecoder(bytes.NewReader(data)), depth}
	c.dec.UseNumber()
	return c
}

// value checks the next value, which stands at path. Where t is nil, anything
// may stand.
func (c *checker) value(path string, t reflect.Type) error {
	nullable := false
	for t != nil && t.Kind() == reflect.Pointer {
		t, nullable = t.Elem(), true
	}
	if t == nil || t.Kind() == reflect.Interface {
		return c.anything(path)
	}
	if decodesItself(t) {
		return c.itself(path, t)
	}
	token, _ := c.dec.Token()
	ok := false
	switch token := token.(type) {
	case json.Delim:
		switch {
		case token == '{' && t.Kind() == reflect.Struct:
			return c.object(path, fieldsOf(t), nil)
		case token == '{' && t.Kind() == reflect.Map:
			return c.object(path, nil, t.Elem())
		case token == '[' && t.Kind() == reflect.Slice:
			return c.list(path, t.Elem())
		}
	case string:
		ok = t.Kind() == reflect.String
	case bool:
		ok = t.Kind() == reflect.Bool
	case json.Number:
		ok = fits(token.String(), t)
	case nil:
		ok = nullable || t.Kind() == reflect.Map || t.Kind() == reflect.Slice
	}
	if !ok {
		return badRequest("%s must be %s", path, expected(t))
	}
	return nil
}

func (c *checker) anything(path string) error {
	token, _ := c.dec.Token()
	switch token {
	case json.Delim('{'):
		return c.object(path, nil, nil)
	case json.Delim('['):
		return c.list(path, nil)
	}
	return nil
}

// itself checks a value whose type has its own way to decode it.
func (c *checker) itself(path string, t reflect.Type) error {
	var raw json.RawMessage
	_ = c.dec.Decode(&raw)
	if err := newChecker(raw, c.depth).anything(path); err != nil {
		return err
	}
	if json.Unmarshal(raw, reflect.New(t).Interface()) != nil {
		return badRequest("%s must be %s", path, expected(t))
	}
	return nil
}

// object checks the rest of an object: a struct's if there are fields, else one
// whose values are all of type t.
func (c *checker) object(path string, fields []field, t reflect.Type) error {
	if c.depth++; c.depth > maxDepth {
		return errDepth
	}
	seen := map[string]bool{}
	for c.dec.More() {
		token, _ := c.dec.Token()
		name, _ := token.(string)
		at := name
		if path != "" {
			at = path + "." + name
		}
		at = clip(at)
		if seen[name] {
			return badRequest("%s must be given only once", at)
		}
		seen[name] = true
		if fields != nil {
			if t = typeOf(name, fields); t == nil {
				return badRequest("field %q is unknown, must be one of %s", at, names(fields))
			}
		}
		if err := c.value(at, t); err != nil {
			return err
		}
	}
	_, _ = c.dec.Token() // the closing brace
	c.depth--
	return nil
}

func (c *checker) list(path string, item reflect.Type) error {
	if c.depth++; c.depth > maxDepth {
		return errDepth
	}
	for i := 0; c.dec.More(); i++ {
		if err := c.value(fmt.Sprintf("%s[%d]", path, i), item); err != nil {
			return err
		}
	}
	_, _ = c.dec.Token() // the closing bracket
	c.depth--
	return nil
}

var errDepth = badRequest("the body must not be nested deeper than %d levels", maxDepth)

type field struct {
	name  string
	value reflect.Type
}

// fieldsOf returns the fields of a struct as package json names them, embedded
// structs included. It is never nil.
func fieldsOf(t reflect.Type) []field {
	fields := []field{}
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			fields = append(fields, fieldsOf(f.Type)...)
		case tag == "-" || !f.IsExported():
		case name == "":
			fields = append(fields, field{f.Name, f.Type})
		default:
			fields = append(fields, field{name, f.Type})
		}
	}
	return fields
}

func typeOf(name string, fields []field) reflect.Type {
	for _, f := range fields {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func names(fields []field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func fits(number string, t reflect.Type) bool {
	var err error
	switch zero := reflect.Zero(t); {
	case zero.CanInt():
		_, err = strconv.ParseInt(number, 10, t.Bits())
	case zero.CanUint():
		_, err = strconv.ParseUint(number, 10, t.Bits())
	case zero.CanFloat():
		_, err = strconv.ParseFloat(number, t.Bits())
	default:
		return false
	}
	return err == nil
}

// expected says in words what a value of the type looks like.
func expected(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time such as 2026-01-15T10:30:00Z"
	case decodesItself(t):
		return "in its documented form"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, 0 or more"
	}
	return "a whole number"
}
