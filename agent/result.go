package agent

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/heycmo/heycmo-go/storage"
)

// Result is what a tool, a prompt or a resource hands back.
type Result struct {
	// Content is for reading, by a model or a person.
	Content []Content
	// Structured is a JSON object for programs; may be nil. Only tools have it.
	Structured json.RawMessage
}

// Content is one part of a [Result]: text when only Text is set, an image or a
// sound when Data is, and a text resource when URI is.
type Content struct {
	Text string
	Data []byte
	// MIMEType is the media type of Data or of the resource.
	MIMEType string
	// URI is the address of an embedded resource.
	URI string
}

// Text returns a result that is one text.
func Text(text string) Result { return Result{Content: []Content{{Text: text}}} }

// Readable is a structured result that has a better text for people and models
// than its JSON.
type Readable interface {
	// ReadableText returns the text, usually Markdown.
	ReadableText() string
}

func resultOf(out any) (Result, error) {
	if r, ok := out.(Result); ok {
		return r, nil
	}
	data, err := json.Marshal(out)
	if err != nil {
		return Result{}, fmt.Errorf("agent: result: %w", err)
	}
	text := string(data)
	if readable, ok := out.(Readable); ok {
		text = readable.ReadableText()
	}
	r := Text(text)
	r.Structured = data
	return r, nil
}

// callerError is an error whose text is for the caller.
type callerError struct{ error }

func (e callerError) Unwrap() error { return errors.Unwrap(e.error) }

// Errorf returns an error whose text a tool's caller may see. Like [fmt.Errorf]
// it may wrap an error with %w, whose text then is part of it. Texts of other
// errors stay in the host's log.
func Errorf(format string, args ...any) error {
	return callerError{fmt.Errorf(format, args...)}
}

// ArgumentError says which argument is wrong and what was expected.
type ArgumentError struct{ text string }

func (e *ArgumentError) Error() string { return e.text }

// Unwrap returns [storage.ErrInvalid].
func (e *ArgumentError) Unwrap() error { return storage.ErrInvalid }

// CallerText returns the text of err that a caller may see, and whether there
// is one: that of an [ArgumentError], of an [Errorf] and of a refusal of package
// storage.
func CallerText(err error) (string, bool) {
	if argument, ok := errors.AsType[*ArgumentError](err); ok {
		return argument.text, true
	}
	if caller, ok := errors.AsType[callerError](err); ok {
		return caller.Error(), true
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return "not found", true
	case errors.Is(err, storage.ErrInvalid), errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrConflict):
		return err.Error(), true
	}
	return "", false
}
