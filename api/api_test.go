package api_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/heycmo/heycmo-go/api"
)

func load(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The examples are held against their schemas too.
func TestDocumentIsValid(t *testing.T) {
	doc := load(t, api.JSON())
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("the document is OpenAPI %s, must be 3.1", doc.OpenAPI)
	}
}

// What the test above relies on.
func TestWrongExamplesAreFound(t *testing.T) {
	for name, change := range map[string][2]string{
		"of a schema":     {`"lastFour":"cdef"`, `"lastFour":"wxyz"`},
		"of a property":   {`"example":"ada@example.com"`, `"example":1815`},
		"of a response":   {`"example":{"db":true`, `"example":{"db":"yes"`},
		"of a parameter":  {`"value":"key.*"`, `"value":{}`},
		"of a time":       {`"timestamp":"2026-01-15T10:30:00.000Z"`, `"timestamp":"2026-01-15T10:30:00Z"`},
		"with no keyword": {`"example":{"received":true}`, `"example":{"received":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := bytes.Replace(api.JSON(), []byte(change[0]), []byte(change[1]), 1)
			if bytes.Equal(changed, api.JSON()) {
				t.Fatalf("%s is not in the document", change[0])
			}
			if load(t, changed).Validate(t.Context()) == nil {
				t.Errorf("the document passes with %s", change[1])
			}
		})
	}
}

func TestEveryComponentIsUsed(t *testing.T) {
	doc := load(t, api.JSON())
	used := map[string]bool{}
	for _, ref := range regexp.MustCompile(`#/components/[^"]+`).FindAll(api.JSON(), -1) {
		used[string(ref)] = true
	}
	check := func(kind, name string) {
		if !used["#/components/"+kind+"/"+name] {
			t.Errorf("%s %s is not used", kind, name)
		}
	}
	for name := range doc.Components.Schemas {
		check("schemas", name)
	}
	for name := range doc.Components.Responses {
		check("responses", name)
	}
	for name := range doc.Components.Parameters {
		check("parameters", name)
	}
	for name := range doc.Components.Headers {
		check("headers", name)
	}
}

func TestOperationsAreComplete(t *testing.T) {
	doc := load(t, api.JSON())
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q must be there and unique", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if op.Summary == "" || op.Security == nil || len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s %s must have a summary, a security and one of the tags", method, path)
			}
		}
	}
}
