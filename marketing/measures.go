package marketing

import (
	"context"

	"github.com/heycmo/heycmo-go/marketing/measure"
	"github.com/heycmo/heycmo-go/storage"
)

// version is the data of a version's document. Measures are nil in what was
// saved before there were any.
type version struct {
	work
	Measures *measure.Result `json:"measures,omitempty"`
	// Evaluation is nil in what was saved before there was one.
	Evaluation *evaluation `json:"evaluation,omitempty"`
	// Improve are the changes that an evaluation asks for.
	Improve []string `json:"improve,omitempty"`
}

// findings are what a writer can act on.
type findings struct {
	Notes   *measure.Notes `json:"notes,omitempty" jsonschema:"what each of the measures rests on, or why it was not taken"`
	Improve []string       `json:"improve,omitempty" jsonschema:"what to change in the text, what gains most first; not there when nothing stands out"`
}

func findingsOf(v version) findings {
	switch {
	case v.Measures == nil:
		return findings{}
	case v.Evaluation == nil:
		return findings{&v.Measures.Notes, v.Measures.Improve}
	}
	return findings{&v.Measures.Notes, v.Improve}
}

func valuesOf(r *measure.Result) *measure.Values {
	if r == nil {
		return nil
	}
	return &r.Values
}

// Samples of a brand's voice: how many are read at most, and how many of a
// piece's own form are enough by themselves.
const (
	maxSamples = 10
	ownSamples = 5
)

// samples returns the texts of the newest approved pieces but the one with the
// id, those of the form first.
func (t *team) samples(ctx context.Context, customer storage.CustomerID, id string, form measure.Form) ([]string, error) {
	if form == measure.FormInternal {
		return nil, nil // has no voice to measure
	}
	approved, err := piecesOf(ctx, t.store, customer, stateApproved, storage.Page{Limit: storage.MaxLimit}, func(p piece) bool {
		return p.ID != id && p.form() != measure.FormInternal
	})
	if err != nil {
		return nil, err
	}
	var own, others []piece
	for _, p := range approved {
		if p.form() == form {
			own = append(own, p)
		} else {
			others = append(others, p)
		}
	}
	if len(own) < ownSamples {
		own = append(own, others...)
	}
	var texts []string
	for _, p := range own[:min(len(own), maxSamples)] {
		d, err := t.store.Document(ctx, customer, versionKind, versionID(p.ID, p.Version))
		if err != nil {
			return nil, err
		}
		w, err := decode[work](d.Data)
		if err != nil {
			return nil, err
		}
		texts = append(texts, w.Body)
	}
	return texts, nil
}

func (p piece) form() measure.Form { return measure.FormOf(p.Type, p.Channel) }
