package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Model is a language model behind some provider's API. Packages openaimodel and
// anthropicmodel have drivers, agenttest a scripted one. It may be used by many
// goroutines.
type Model interface {
	// Generate returns the model's next message of a conversation. It honours the
	// context. A failure of the provider is a [*ModelError].
	Generate(ctx context.Context, r ModelRequest) (ModelResponse, error)
}

// Streamer is a [Model] that can show its text while it is being written.
type Streamer interface {
	Model
	// Stream is Generate, and calls text with each part of the answer's text as it
	// arrives, one after the other, before it returns.
	Stream(ctx context.Context, r ModelRequest, text func(part string)) (ModelResponse, error)
}

// ModelRequest asks a model for its next message.
type ModelRequest struct {
	// Model is the provider's name of the model.
	Model string
	// System says how to behave; may be empty.
	System string
	// Messages is the conversation so far. The last one is not the model's.
	Messages []Message
	// Tools are what the model may call; may be empty.
	Tools []*Tool
	// MustCall asks for a call of at least one of the tools, and MayNotCall for an
	// answer without any. Tools must be there all the same when the conversation has
	// calls of them.
	MustCall, MayNotCall bool
	// MaxTokens bounds the answer; 0: 4,096.
	MaxTokens int
}

// Message is one turn of a conversation.
type Message struct {
	Role Role
	// Text may be empty in a model's message with Calls, and is empty in one with
	// Results.
	Text string
	// Calls are what a model wants called.
	Calls []ToolCall
	// Results are the answers to all Calls of the message before.
	Results []ToolResult
}

// Role says whose turn a message is.
type Role string

// The roles.
const (
	RoleUser  Role = "user"  // the person, or whoever gave the task
	RoleModel Role = "model" // the model's own earlier messages
	RoleTool  Role = "tool"  // results of tools
)

// ToolCall is a model's wish to have a tool called. What it holds comes from the
// model, and may be anything.
type ToolCall struct {
	// ID is the provider's, unique in a conversation.
	ID   string
	Name string
	// Arguments should be a JSON object that fits the tool's schema.
	Arguments json.RawMessage
}

// ToolResult is the answer to a [ToolCall].
type ToolResult struct {
	ID      string // of the call
	Text    string
	IsError bool
}

// ModelResponse is a model's message.
type ModelResponse struct {
	// Message has the role RoleModel.
	Message Message
	Stop    StopReason
	Tokens  Tokens
}

// StopReason says why a model's message ended.
type StopReason string

// The reasons.
const (
	StopEnd    StopReason = "end"    // it has said what it wanted to
	StopCalls  StopReason = "calls"  // it waits for results of tools
	StopLength StopReason = "length" // MaxTokens was reached, or the model's own limit
	StopFilter StopReason = "filter" // the provider or the model refused to go on
)

// Tokens counts what a message cost. Output includes thinking that isn't shown.
type Tokens struct {
	Input, Output int64
	// Cached are those of Input that the provider remembered, and charges less for.
	Cached int64
}

// Add returns the sum.
func (t Tokens) Add(u Tokens) Tokens {
	return Tokens{t.Input + u.Input, t.Output + u.Output, t.Cached + u.Cached}
}

// ModelError is a failure of a provider. Its text holds no key and nothing of the
// conversation.
type ModelError struct {
	Kind ModelErrorKind
	// Status is the HTTP status; 0: there was no answer.
	Status int
	// After is how long to wait at least; 0: not known.
	After time.Duration
	// Err is the cause; may be nil.
	Err error
}

// ModelErrorKind says what a [ModelError] means.
type ModelErrorKind string

// The kinds. The first two may pass.
const (
	ModelBusy        ModelErrorKind = "busy"        // too many requests
	ModelUnavailable ModelErrorKind = "unavailable" // no answer, or a fault of the provider
	ModelTooLong     ModelErrorKind = "too long"    // the conversation doesn't fit
	ModelRefused     ModelErrorKind = "refused"     // the request, the key or the model's name is wrong
)

// Temporary reports whether trying again may succeed.
func (e *ModelError) Temporary() bool { return e.Kind == ModelBusy || e.Kind == ModelUnavailable }

// Error names the kind, the status and the cause.
func (e *ModelError) Error() string {
	text := "agent: the model is " + string(e.Kind)
	switch e.Kind {
	case ModelTooLong:
		text = "agent: the conversation is too long for the model"
	case ModelRefused:
		text = "agent: the model's provider refused the request"
	}
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *ModelError) Unwrap() error { return e.Err }
