package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/google/jsonschema-go/jsonschema"
)

// Question is what a running call can ask of its client: a [Form], a [Visit], a
// [Completion] or [Roots]. Not every client can answer each of them.
type Question interface {
	// validate reports what is wrong with the question itself.
	validate() error
	// check reports whether an answer that was accepted has the right shape.
	check(content json.RawMessage) error
}

// Form asks the person at the client for a few values (MCP, "Elicitation"). It
// must not ask for secrets; a [Visit] is for those.
type Form struct {
	Message string
	// Schema is a JSON Schema of an object whose properties are strings, numbers,
	// booleans or choices of strings, not nested.
	Schema *jsonschema.Schema
}

// Visit asks the person to open a page, such as one to sign in somewhere.
// Accepting says that they will, not that they are done.
type Visit struct {
	Message string
	URL     string
}

// Completion asks the client's model to go on from a prompt (MCP, "Sampling").
// The protocol has deprecated it in 2026-07-28.
type Completion struct {
	Prompt string
	// MaxTokens bounds the answer; default 1,000.
	MaxTokens int
}

// Roots asks which folders the client works in. The protocol has deprecated it in
// 2026-07-28.
type Roots struct{}

func (f Form) validate() error {
	if f.Schema == nil || f.Schema.Type != "object" {
		return errors.New("the schema of a form must be that of an object")
	}
	_, err := f.Schema.Resolve(nil)
	return err
}

func (v Visit) validate() error {
	u, err := url.Parse(v.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("the URL of a visit must be an http or https address")
	}
	return nil
}

func (c Completion) validate() error {
	if c.Prompt == "" || c.MaxTokens < 0 {
		return errors.New("a completion must have a prompt, and no negative MaxTokens")
	}
	return nil
}

func (Roots) validate() error { return nil }

func (f Form) check(content json.RawMessage) error {
	resolved, err := f.Schema.Resolve(nil)
	if err != nil {
		return err
	}
	var values map[string]any
	if err := json.Unmarshal(content, &values); err != nil || values == nil {
		return errors.New("the answer must be a JSON object")
	}
	return resolved.Validate(values)
}

func (Visit) check(json.RawMessage) error { return nil }

func (Completion) check(content json.RawMessage) error {
	if _, ok := completionText(content); !ok {
		return errors.New("the answer must be a message of the model")
	}
	return nil
}

func (Roots) check(content json.RawMessage) error {
	var list struct {
		Roots []struct {
			URI string `json:"uri"`
		} `json:"roots"`
	}
	if err := json.Unmarshal(content, &list); err != nil || list.Roots == nil {
		return errors.New("the answer must be a list of roots")
	}
	return nil
}

// Answer is what the client answered to a [Question].
type Answer struct {
	// Accepted is false when the person refused or closed the question. Answers
	// to a Completion and to Roots are accepted always.
	Accepted bool
	// Content is a JSON object: the values of a Form, the client's message to a
	// Completion, the list of Roots. It is nil for a Visit and when Accepted is
	// false.
	Content json.RawMessage
}

// Decode stores the values of a Form in v.
func (a Answer) Decode(v any) error {
	if err := json.Unmarshal(a.Content, v); err != nil {
		return Errorf("the client's answer doesn't have the form that was asked for")
	}
	return nil
}

// Text returns the text of a Completion.
func (a Answer) Text() string {
	text, _ := completionText(a.Content)
	return text
}

// completionText returns the text of a sampling result, whose content is one part
// or a list of them.
func completionText(content json.RawMessage) (text string, ok bool) {
	type part struct {
		Text string `json:"text"`
	}
	var one struct {
		Content part `json:"content"`
	}
	if json.Unmarshal(content, &one) == nil {
		return one.Content.Text, true
	}
	var several struct {
		Content []part `json:"content"`
	}
	if json.Unmarshal(content, &several) != nil {
		return "", false
	}
	for _, p := range several.Content {
		text += p.Text
	}
	return text, true
}

// CheckAnswer reports whether content, an accepted answer to q, has the shape
// that q asks for. It is for faces.
func CheckAnswer(q Question, content json.RawMessage) error { return q.check(content) }

// ErrDeclined says that the person refused to answer.
var ErrDeclined = Errorf("the person at the client declined")

// Asker brings questions to the client of a running call. The face that serves
// the call provides it.
type Asker interface {
	// CanAsk reports whether the client can answer questions like q.
	CanAsk(q Question) bool
	// Ask is what [Ask] calls.
	Ask(ctx context.Context, questions map[string]Question) (map[string]Answer, error)
}

type askerKey struct{}

// WithAsker returns a context whose calls ask a.
func WithAsker(ctx context.Context, a Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

// CanAsk reports whether the client of the running call can answer questions
// like q.
func CanAsk(ctx context.Context, q Question) bool {
	a, ok := ctx.Value(askerKey{}).(Asker)
	return ok && a.CanAsk(q)
}

// Ask asks the client of the running call and returns the answers by the names
// of the questions. An error, which the caller must return as it is, says that
// the client can't answer one of them, or that it didn't, or that a question is
// wrong.
//
// From MCP 2026-07-28 on, a call that asks ends, and the client calls again with
// the answers. The function that asks then runs from its start once more, and
// Ask returns at once what was answered before. So nothing that must happen only
// once may stand before it, and the same questions must have the same names each
// time.
func Ask(ctx context.Context, questions map[string]Question) (map[string]Answer, error) {
	for name, q := range questions {
		if err := q.validate(); err != nil {
			return nil, fmt.Errorf("agent: question %q: %w", name, err)
		}
	}
	a, ok := ctx.Value(askerKey{}).(Asker)
	if !ok {
		return nil, Errorf("this needs an answer, and nobody can be asked here")
	}
	return a.Ask(ctx, questions)
}

// AskFor asks the person for a T, a struct of strings, numbers and booleans whose
// json names and "jsonschema" tags give the form. It is an [Ask] of one question
// with this name. The error is ErrDeclined when the person declines.
func AskFor[T any](ctx context.Context, name, message string) (T, error) {
	var value T
	schema, err := objectSchema[T]("form")
	if err != nil {
		return value, fmt.Errorf("agent: %w", err)
	}
	forbidNull(schema)
	answers, err := Ask(ctx, map[string]Question{name: Form{Message: message, Schema: schema}})
	switch {
	case err != nil:
		return value, err
	case !answers[name].Accepted:
		return value, ErrDeclined
	}
	err = answers[name].Decode(&value)
	return value, err
}
