package anthropicmodel

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/internal/modelcall"
)

// answer is a message that comes in pieces. The SDK's accumulator makes {} of
// arguments that end in the middle, and has no bound.
type answer struct {
	text   strings.Builder
	blocks map[int64]*call // nil: not a call
	calls  []*call
	stop   anthropic.StopReason
	ended  bool
	tokens agent.Tokens
	size   int
}

type call struct {
	id, name  string
	whole     json.RawMessage // arguments that came with the beginning
	arguments strings.Builder
}

// add adds an event and returns the text in it
// (https://platform.claude.com/docs/en/build-with-claude/streaming).
func (a *answer) add(event anthropic.MessageStreamEventUnion) (string, error) {
	var part string
	switch event.Type {
	case "message_start":
		u := event.Message.Usage
		a.use(u.InputTokens, u.CacheReadInputTokens, u.CacheCreationInputTokens)
		a.tokens.Output = u.OutputTokens
	case "content_block_start":
		block := event.ContentBlock
		switch block.Type {
		case "text":
			part = block.Text
		case "tool_use":
			c := &call{id: block.ID, name: block.Name}
			if whole, err := json.Marshal(block.Input); err == nil {
				c.whole = whole
			}
			if a.blocks == nil {
				a.blocks = map[int64]*call{}
			}
			a.blocks[event.Index] = c
			a.calls = append(a.calls, c)
			a.size += len(c.id) + len(c.name) + len(c.whole)
		}
	case "content_block_delta":
		switch event.Delta.Type {
		case "text_delta":
			part = event.Delta.Text
		case "input_json_delta":
			// Other kinds of calls, which nobody asked for, have none either.
			if c := a.blocks[event.Index]; c != nil {
				c.arguments.WriteString(event.Delta.PartialJSON)
				a.size += len(event.Delta.PartialJSON)
			}
		}
	case "message_delta":
		// Its counts are sums; older servers send that of the output alone.
		u := event.Usage
		if u.JSON.InputTokens.Valid() {
			a.use(u.InputTokens, u.CacheReadInputTokens, u.CacheCreationInputTokens)
		}
		a.tokens.Output = u.OutputTokens
		a.stop = event.Delta.StopReason
	case "message_stop":
		a.ended = true
	}
	a.text.WriteString(part)
	if a.size += len(part); a.size > modelcall.MaxAnswer {
		return "", modelcall.TooLarge()
	}
	return part, nil
}

// use counts as input what was read from and written to the cache, which the API
// counts apart.
func (a *answer) use(input, read, written int64) {
	a.tokens.Input, a.tokens.Cached = input+read+written, read
}

// response fails when the answer has no end: its connection may have broken off
// without an error.
func (a *answer) response() (agent.ModelResponse, error) {
	if !a.ended || a.stop == "" {
		return agent.ModelResponse{}, modelcall.Unreadable()
	}
	message := agent.Message{Role: agent.RoleModel, Text: a.text.String()}
	for _, c := range a.calls {
		arguments := json.RawMessage(c.arguments.String())
		if len(arguments) == 0 {
			arguments = c.whole
		}
		message.Calls = append(message.Calls, agent.ToolCall{ID: c.id, Name: c.name, Arguments: arguments})
	}
	return agent.ModelResponse{Message: message, Stop: a.reason(), Tokens: a.tokens}, nil
}

// https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
func (a *answer) reason() agent.StopReason {
	switch a.stop {
	case anthropic.StopReasonMaxTokens, anthropic.StopReasonModelContextWindowExceeded:
		return agent.StopLength
	case anthropic.StopReasonRefusal:
		return agent.StopFilter
	}
	if len(a.calls) > 0 {
		return agent.StopCalls
	}
	// pause_turn too: it comes with tools that run at the provider's, and we send none.
	return agent.StopEnd
}

// apiError is the API's (https://platform.claude.com/docs/en/api/errors).
type apiError struct {
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Details struct {
			Code string `json:"error_code"`
		} `json:"details"`
	} `json:"error"`
}

func classify(status int, body []byte) agent.ModelErrorKind {
	var e apiError
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	message := e.Error.Message // there is no code for it
	switch {
	case status < 500 && (strings.Contains(message, "prompt is too long") || strings.Contains(message, "exceed context limit")):
		return agent.ModelTooLong
	case strings.HasSuffix(e.Error.Details.Code, "spend_limit_reached"): // a 429 that no waiting ends
		return agent.ModelRefused
	}
	return ""
}

// statusOf returns the status that an error would have outside of a stream.
func statusOf(body string) int {
	var e apiError
	_ = json.Unmarshal([]byte(body), &e) // as good as an unknown type
	switch e.Error.Type {
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "invalid_request_error", "authentication_error", "permission_error", "not_found_error", "billing_error":
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}
