// Package api describes the REST face of a host in OpenAPI 3.1. The document,
// openapi.yaml, is where paths, credentials, limits and models are decided.
//
//	_, _ = w.Write(api.JSON())
package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var document []byte

// JSON returns the document in JSON. It must not be altered.
func JSON() []byte { return asJSON() }

// A document that is not right can't be served at all, so it panics; the
// package's tests read it.
var asJSON = sync.OnceValue(func() []byte {
	var tree map[string]any
	if err := yaml.Unmarshal(document, &tree); err != nil {
		panic(fmt.Errorf("api: openapi.yaml: %w", err))
	}
	text, err := json.Marshal(tree)
	if err != nil {
		panic(fmt.Errorf("api: openapi.yaml: %w", err))
	}
	return text
})
