package openaimodel

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/internal/modelcall"
)

// maxCalls is more calls than anybody's model makes at once.
const maxCalls = 1024

// answer is a message that comes in one piece or many. The SDK's accumulator sums
// up the usage, which some servers send with every chunk, has no bound, and stops
// where a server changes the ID.
type answer struct {
	text, refusal strings.Builder
	calls         []*call
	finish        string
	tokens        agent.Tokens
	size          int
}

type call struct {
	id, name  string
	arguments strings.Builder
}

func (a *answer) add(choice openai.ChatCompletionChoice) {
	a.text.WriteString(choice.Message.Content)
	a.refusal.WriteString(choice.Message.Refusal)
	for _, wish := range choice.Message.ToolCalls {
		c := &call{id: wish.ID, name: wish.Function.Name}
		c.arguments.WriteString(wish.Function.Arguments)
		a.calls = append(a.calls, c)
	}
	a.finish = choice.FinishReason
}

// addPart adds a chunk and returns the text in it.
func (a *answer) addPart(choice openai.ChatCompletionChunkChoice) (string, error) {
	delta := choice.Delta
	a.text.WriteString(delta.Content)
	a.refusal.WriteString(delta.Refusal)
	a.size += len(delta.Content) + len(delta.Refusal)
	for _, wish := range delta.ToolCalls {
		// Some servers say -1 for their only call.
		index := max(wish.Index, 0)
		if index > int64(len(a.calls)) || index >= maxCalls {
			return "", modelcall.Unreadable()
		}
		if index == int64(len(a.calls)) {
			a.calls = append(a.calls, &call{})
		}
		c := a.calls[index]
		if c.id == "" {
			c.id = wish.ID
		}
		c.name += wish.Function.Name
		c.arguments.WriteString(wish.Function.Arguments)
		a.size += len(wish.ID) + len(wish.Function.Name) + len(wish.Function.Arguments)
	}
	if choice.FinishReason != "" {
		a.finish = choice.FinishReason
	}
	if a.size > modelcall.MaxAnswer {
		return "", modelcall.TooLarge()
	}
	return delta.Content + delta.Refusal, nil
}

// use takes the usage; a later one holds the earlier.
func (a *answer) use(u openai.CompletionUsage) {
	if u.PromptTokens != 0 || u.CompletionTokens != 0 {
		a.tokens = agent.Tokens{Input: u.PromptTokens, Output: u.CompletionTokens, Cached: u.PromptTokensDetails.CachedTokens}
	}
}

// response fails when the answer has no end: its connection may have broken off
// without an error.
func (a *answer) response() (agent.ModelResponse, error) {
	if a.finish == "" {
		return agent.ModelResponse{}, modelcall.Unreadable()
	}
	message := agent.Message{Role: agent.RoleModel, Text: a.text.String() + a.refusal.String()}
	for _, c := range a.calls {
		message.Calls = append(message.Calls, agent.ToolCall{ID: c.id, Name: c.name, Arguments: json.RawMessage(c.arguments.String())})
	}
	return agent.ModelResponse{Message: message, Stop: a.stop(), Tokens: a.tokens}, nil
}

// stop goes by what is there as well: servers disagree about the reason of a
// message with calls.
func (a *answer) stop() agent.StopReason {
	switch {
	case a.finish == "length":
		return agent.StopLength
	case a.finish == "content_filter", a.refusal.Len() > 0:
		return agent.StopFilter
	case len(a.calls) > 0:
		return agent.StopCalls
	}
	return agent.StopEnd
}

// apiError is the error object of the API
// (https://platform.openai.com/docs/guides/error-codes). Compatible servers put
// numbers into code.
type apiError struct {
	Code    any    `json:"code"`
	Type    string `json:"type"`
	Message string `json:"message"`
}

func classify(status int, body []byte) agent.ModelErrorKind {
	var answer struct {
		Error   apiError `json:"error"`
		Message string   `json:"message"` // vLLM's older form
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	code, _ := answer.Error.Code.(string)
	switch {
	case status < 500 && isTooLong(code, answer.Error.Type, answer.Error.Message+answer.Message):
		return agent.ModelTooLong
	case code == "insufficient_quota": // a 429 that no waiting ends
		return agent.ModelRefused
	}
	return ""
}

// streamError reads an error in the middle of a stream, which has no status.
func (m *Model) streamError(err error) error {
	var failed *ssestream.StreamError
	if !errors.As(err, &failed) {
		return err
	}
	kind := classify(0, failed.Event.Data)
	if kind == "" {
		kind = agent.ModelUnavailable
	}
	return &agent.ModelError{Kind: kind}
}
