package marketing

import (
	"encoding/json"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/storage"
)

// The functions below refine an argument of a tool's input schema. Lengths are
// in characters.

func boundText(s *jsonschema.Schema, name string, low, high int) {
	p := s.Properties[name]
	if low > 0 {
		p.MinLength = &low
	}
	p.MaxLength = &high
}

func boundList(s *jsonschema.Schema, name string, items, high int) {
	p := s.Properties[name]
	p.MaxItems = &items
	p.Items.MinLength, p.Items.MaxLength = new(1), &high
}

func boundNumber(s *jsonschema.Schema, name string, low, high float64) {
	p := s.Properties[name]
	p.Minimum, p.Maximum = &low, &high
}

func oneOf(s *jsonschema.Schema, name string, values ...string) {
	for _, v := range values {
		s.Properties[name].Enum = append(s.Properties[name].Enum, v)
	}
}

// paging are the arguments of every list.
type paging struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"how many to return at most; 50 when left out"`
	Cursor string `json:"cursor,omitempty" jsonschema:"the nextCursor of the page before; left out for the first page"`
}

func boundPaging(s *jsonschema.Schema) {
	boundNumber(s, "limit", 1, storage.MaxLimit)
	boundText(s, "cursor", 1, 512)
}

// encode and decode are for the data of documents and events.

func encode(v any) (json.RawMessage, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("marketing: %w", err)
	}
	return data, nil
}

func decode[T any](data json.RawMessage) (v T, err error) {
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("marketing: stored data: %w", err)
	}
	return v, nil
}
