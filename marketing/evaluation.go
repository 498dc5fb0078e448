package marketing

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing/measure"
	"github.com/heycmo/heycmo-go/storage"
)

// defaultBar is the bar of agents that have none of their own.
const defaultBar = 0.6

// evaluation is how good a version is, in the three scores that count. Each is the
// lower one of what was measured and what a model graded: a text can talk a model into
// a good grade, and not a measure.
type evaluation struct {
	BrandVoice *score  `json:"brandVoice,omitempty" jsonschema:"how much it sounds like the brand"`
	Quality    *score  `json:"quality,omitempty" jsonschema:"how well made it is; measured: the least of readability, keywords and length"`
	Citability *score  `json:"citability,omitempty" jsonschema:"how much answer engines can quote; articles and pages only"`
	Bar        float64 `json:"bar" jsonschema:"what each score must reach"`
	Passed     bool    `json:"passed" jsonschema:"whether each does"`
	Note       string  `json:"note,omitempty" jsonschema:"why there are no grades of a model, when there should be"`
}

// score is from 0 to 1.
type score struct {
	Score    float64  `json:"score" jsonschema:"from 0 to 1: the lower one of measured and graded"`
	Measured *float64 `json:"measured,omitempty" jsonschema:"by formula, see the notes"`
	Graded   *float64 `json:"graded,omitempty" jsonschema:"by a model, with a rubric"`
	Reason   string   `json:"reason,omitempty" jsonschema:"why the model graded it so"`
}

// evaluate puts measures and grades together. Grades may be nil.
func evaluate(v measure.Values, g *grades, bar float64) evaluation {
	var voice, quality, citability *grade
	if g != nil {
		voice, quality = &g.BrandVoice, &g.Quality
		if v.Citability != nil { // where it can't be measured, it isn't wanted
			citability = &g.Citability
		}
	}
	e := evaluation{
		BrandVoice: scoreOf(v.BrandVoice, voice),
		Quality:    scoreOf(v.Quality(), quality),
		Citability: scoreOf(v.Citability, citability),
		Bar:        cmp.Or(bar, defaultBar),
		Passed:     true,
	}
	for _, s := range e.scores() {
		e.Passed = e.Passed && (s.score == nil || s.score.Score >= e.Bar)
	}
	return e
}

func scoreOf(measured *float64, g *grade) *score {
	if measured == nil && g == nil {
		return nil
	}
	s := &score{Score: 1, Measured: measured}
	if measured != nil {
		s.Score = *measured
	}
	if g != nil {
		s.Graded, s.Reason = &g.Score, g.Reason
		s.Score = min(s.Score, g.Score)
	}
	return s
}

type namedScore struct {
	name  string
	score *score
}

func (e evaluation) scores() []namedScore {
	return []namedScore{{"brand voice", e.BrandVoice}, {"quality", e.Quality}, {"citability", e.Citability}}
}

// below says which scores don't reach the bar.
func (e evaluation) below() string {
	var list []string
	for _, s := range e.scores() {
		if s.score != nil && s.score.Score < e.Bar {
			text := fmt.Sprintf("%s %.2f", s.name, s.score.Score)
			if s.score.Reason != "" && s.score.Graded != nil && *s.score.Graded < e.Bar {
				text += " (" + s.score.Reason + ")"
			}
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}

// assessment is all that is found about a version.
type assessment struct {
	measures   *measure.Result
	evaluation evaluation
	improve    []string
}

// assess measures work on the piece with the id, which is empty for a new one, against
// the brand and what was approved. What an agent at work or a run makes is graded by a
// model too; a customer's own client gets the measures at once.
func (t *team) assess(ctx context.Context, customer storage.CustomerID, id string, w work, graded bool) (assessment, error) {
	b, err := loadBrand(ctx, t.store, customer)
	if err != nil {
		return assessment{}, err
	}
	form := measure.FormOf(w.Type, w.Channel)
	samples, err := t.samples(ctx, customer, id, form)
	if err != nil {
		return assessment{}, err
	}
	m := measure.Of(measure.Piece{
		Title: w.Title, Body: w.Body, Type: w.Type, Channel: w.Channel,
		Keywords: w.Keywords, BrandKeywords: b.Keywords,
		Samples: samples, Voice: b.Voice, Website: b.Website,
	})
	bar := 0.0
	if a, err := t.agent(w.Agent); err == nil {
		bar = a.Bar
	}
	found := assessment{measures: &m, evaluation: evaluate(m.Values, nil, bar), improve: m.Improve}
	worker, ok := agent.WorkerFrom(ctx)
	if !ok || !graded || form == measure.FormInternal {
		return found, nil
	}
	g, why := gradeBy(ctx, worker, customer, w, b.Voice, samples)
	found.evaluation = evaluate(m.Values, g, bar)
	found.evaluation.Note = why
	if g != nil {
		found.improve = append(g.Improve, m.Improve...)
	}
	return found, nil
}
