package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/heycmo/heycmo-go/billing"
)

const maxPlans = 1 << 20 // bytes

// readPlans reads a file such as
//
//	plans:
//	  - id: pro
//	    name: Pro
//	    price: price_1Abc
//	    quotas: {tool_calls: 1000}
//
// The error names the line and the field of everything that is wrong.
func readPlans(path string) ([]billing.Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxPlans+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPlans {
		return nil, errors.New("the file has more than 1 MiB")
	}
	return parsePlans(data)
}

func parsePlans(data []byte) ([]billing.Plan, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, fmt.Errorf("line %d: there must be one document only", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	var r planReader
	var plans []billing.Plan
	root := document.Content[0]
	r.object(root, "", map[string]reading{"plans": func(n *yaml.Node, field string) {
		r.list(n, field, func(n *yaml.Node, field string) { plans = append(plans, r.plan(n, field)) })
	}})
	if len(r.errs) == 0 && len(plans) == 0 {
		r.fail(root, "plans", "must be a list of at least one plan")
	}
	if len(r.errs) == 0 {
		return plans, billing.ValidatePlans(plans)
	}
	return nil, errors.Join(r.errs...)
}

// planReader walks the nodes of a file. Decoding into structs would take 1.5 for 1
// and 1 for "1", and name the lines of mistakes but not the fields.
type planReader struct{ errs []error }

// reading reads one node, which is the value of a field.
type reading func(n *yaml.Node, field string)

func (r *planReader) fail(n *yaml.Node, field, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("line %d: %s %s", n.Line, field, fmt.Sprintf(format, args...)))
}

func (r *planReader) plan(n *yaml.Node, field string) (p billing.Plan) {
	r.object(n, field, map[string]reading{
		"id":    r.text(&p.ID),
		"name":  r.text(&p.Name),
		"price": r.text(&p.Price),
		"prices": func(n *yaml.Node, field string) {
			r.list(n, field, r.appendText(&p.Prices))
		},
		"quotas": func(n *yaml.Node, field string) {
			p.Quotas = map[string]int64{}
			r.pairs(n, field, func(metric, n *yaml.Node, field string) {
				var units int64
				r.number(&units)(n, field)
				p.Quotas[metric.Value] = units
			})
		},
		"features": func(n *yaml.Node, field string) {
			r.list(n, field, r.appendText(&p.Features))
		},
		"trialDays": func(n *yaml.Node, field string) {
			var days int64
			r.number(&days)(n, field)
			p.TrialDays = int(min(max(days, -1), 1000)) // both are refused
		},
	})
	return p
}

// pairs reads an object of any fields.
func (r *planReader) pairs(n *yaml.Node, field string, read func(name, n *yaml.Node, field string)) {
	if n.Kind != yaml.MappingNode {
		if field == "" {
			field = "the file"
		}
		r.fail(n, field, "must be an object of names and values")
		return
	}
	first := map[string]int{}
	for pair := range slices.Chunk(n.Content, 2) {
		name, inner := pair[0].Value, strings.TrimPrefix(field+"."+pair[0].Value, ".")
		if line, twice := first[name]; twice {
			r.fail(pair[0], inner, "is there already, in line %d", line)
			continue
		}
		first[name] = pair[0].Line
		read(pair[0], pair[1], inner)
	}
}

// object reads an object of known fields.
func (r *planReader) object(n *yaml.Node, field string, known map[string]reading) {
	r.pairs(n, field, func(name, n *yaml.Node, field string) {
		read, ok := known[name.Value]
		if !ok {
			r.fail(name, field, "is not known; there are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		read(n, field)
	})
}

func (r *planReader) list(n *yaml.Node, field string, read reading) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, field, "must be a list")
		return
	}
	for i, item := range n.Content {
		read(item, fmt.Sprintf("%s[%d]", field, i))
	}
}

func (r *planReader) text(to *string) reading {
	return func(n *yaml.Node, field string) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
			r.fail(n, field, "must be text, in quotes if it looks like a number or the like")
			return
		}
		*to = n.Value
	}
}

func (r *planReader) appendText(to *[]string) reading {
	return func(n *yaml.Node, field string) {
		var text string
		r.text(&text)(n, field)
		*to = append(*to, text)
	}
}

func (r *planReader) number(to *int64) reading {
	return func(n *yaml.Node, field string) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(to) != nil {
			r.fail(n, field, "must be a whole number")
		}
	}
}
