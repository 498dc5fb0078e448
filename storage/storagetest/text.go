package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// testText puts text that can't be stored into every string of every method: of
// its arguments, of the records and queries in them, and of the record that a
// change function alters.
func testText(t *testing.T, s sample) {
	for method, args := range s.calls() {
		for i, arg := range args {
			for _, bad := range []string{"a\x00b", "\x00", "a\xffb", "\xed\xa0\x80"} {
				spoil(reflect.ValueOf(arg), reflect.ValueOf(bad), func(where string, v reflect.Value) {
					spoilt := slices.Clone(args)
					spoilt[i] = v.Interface()
					what := fmt.Sprintf("%s with %q as %s%s", method, bad, v.Type(), where)
					wantErr(t, call(s.on, t.Context(), method, spoilt), storage.ErrInvalid, what)
				})
			}
		}
		s.unchanged(t, method+" with bad text")
	}
}

// kept are the fields that an update leaves as they were, whatever change does.
var kept = []string{"ID", "CustomerID", "Customer", "Kind", "Platform"}

// spoil calls yield with each copy of v that has bad in place of one string.
func spoil(v, bad reflect.Value, yield func(where string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.String:
		yield("", bad.Convert(v.Type()))
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			spoil(v.Field(i), bad, func(where string, spoilt reflect.Value) {
				c := reflect.New(v.Type()).Elem()
				c.Set(v)
				c.Field(i).Set(spoilt)
				yield("."+field.Name+where, c)
			})
		}
	case reflect.Slice:
		switch element := v.Type().Elem(); element.Kind() {
		case reflect.String:
			yield("[]", reflect.Append(v, bad.Convert(element)))
		case reflect.Struct:
			spoil(v.Index(0), bad, func(where string, spoilt reflect.Value) {
				yield("[]"+where, reflect.Append(v, spoilt))
			})
		}
	case reflect.Map:
		if key := v.Type().Key(); key.Kind() == reflect.String {
			c := reflect.MakeMap(v.Type())
			c.SetMapIndex(bad.Convert(key), reflect.Zero(v.Type().Elem()))
			yield("[]", c)
		}
	case reflect.Func: // of an update: func(*record) error
		if v.Type().NumIn() != 1 {
			return
		}
		record := v.Type().In(0).Elem()
		for i := range record.NumField() {
			field := record.Field(i)
			if field.Type.Kind() != reflect.String || slices.Contains(kept, field.Name) {
				continue
			}
			yield("."+field.Name, reflect.MakeFunc(v.Type(), func(in []reflect.Value) []reflect.Value {
				in[0].Elem().Field(i).Set(bad.Convert(field.Type))
				return []reflect.Value{reflect.Zero(reflect.TypeFor[error]())}
			}))
		}
	}
}
