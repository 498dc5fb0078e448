package agenttest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
)

// NewAnthropic returns a fake of Anthropic's POST /v1/messages
// (https://platform.claude.com/docs/en/api/messages).
func NewAnthropic(answers ...Answer) *Server { return &Server{api: anthropic{}, answers: answers} }

type anthropic struct{}

func (anthropic) path() string { return "/v1/messages" }

func (anthropic) key(h http.Header) string {
	if h.Get("Anthropic-Version") == "" {
		return "" // it is as good as none
	}
	// The SDK of version 2 sends the second.
	bearer, _ := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	return cmp.Or(h.Get("X-Api-Key"), bearer)
}

type anthropicRequest struct {
	Model      string             `json:"model"`
	MaxTokens  int                `json:"max_tokens"`
	System     []anthropicBlock   `json:"system"`
	Messages   []anthropicMessage `json:"messages"`
	Tools      []anthropicTool    `json:"tools"`
	Stream     bool               `json:"stream"`
	ToolChoice *struct {
		Type string `json:"type"`
	} `json:"tool_choice"`
	Thinking *struct {
		Type string `json:"type"`
	} `json:"thinking"`
}

type anthropicMessage struct {
	Role    string           `json:"role"`
	Content []anthropicBlock `json:"content"`
}

type anthropicBlock struct {
	Type      string           `json:"type"`
	Text      string           `json:"text"`
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Input     json.RawMessage  `json:"input"`
	ToolUseID string           `json:"tool_use_id"`
	Content   []anthropicBlock `json:"content"`
	IsError   bool             `json:"is_error"`
}

type anthropicTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"input_schema"`
}

func (anthropic) parse(body []byte) (Request, error) {
	var got anthropicRequest
	if err := strict(body, &got); err != nil {
		return Request{}, err
	}
	r := Request{Stream: got.Stream}
	r.Model, r.MaxTokens = got.Model, got.MaxTokens
	for _, block := range got.System {
		if block.Type != "text" || block.Text == "" {
			return Request{}, errors.New("system: text content blocks must be non-empty")
		}
		r.System += block.Text
	}
	for _, tool := range got.Tools {
		var schema struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(tool.InputSchema, &schema) != nil || schema.Type != "object" || tool.Name == "" {
			return Request{}, errors.New("tools: input_schema.type must be object")
		}
		r.ToolNames = append(r.ToolNames, tool.Name)
	}
	if got.ToolChoice != nil {
		switch got.ToolChoice.Type {
		case "any":
			r.MustCall = true
		case "none":
			r.MayNotCall = true
		case "auto":
		default:
			return Request{}, errors.New("agenttest: only any, auto and none are known for tool_choice")
		}
	}
	switch {
	case got.Model == "" || len(got.Messages) == 0:
		return Request{}, errors.New("model and messages: field required")
	case got.MaxTokens < 1:
		return Request{}, errors.New("max_tokens: field required")
	case r.MustCall && got.Thinking != nil && got.Thinking.Type != "disabled":
		return Request{}, errors.New("thinking may not be enabled when tool_choice forces tool use")
	case got.ToolChoice != nil && len(got.Tools) == 0:
		return Request{}, errors.New("tool_choice may only be specified while providing tools")
	}
	if err := anthropicConversation(&r, got.Messages); err != nil {
		return r, err
	}
	called := func(m agent.Message) bool { return len(m.Calls) > 0 }
	if len(got.Tools) == 0 && slices.ContainsFunc(r.Messages, called) {
		return r, errors.New("requests which include tool_use or tool_result blocks must define tools")
	}
	return r, nil
}

func anthropicConversation(r *Request, messages []anthropicMessage) error {
	open := map[string]bool{} // calls of the message before
	seen := map[string]bool{}
	for i, m := range messages {
		said, err := anthropicTurn(m)
		if err != nil {
			return fmt.Errorf("messages.%d: %w", i, err)
		}
		for _, result := range said.Results {
			if !open[result.ID] {
				return fmt.Errorf("messages.%d: unexpected tool_use_id found in tool_result blocks", i)
			}
			delete(open, result.ID)
		}
		if len(open) > 0 {
			return fmt.Errorf("messages.%d: tool_use ids were found without tool_result blocks immediately after", i-1)
		}
		for _, call := range said.Calls {
			if seen[call.ID] {
				return fmt.Errorf("messages.%d: tool_use ids must be unique", i)
			}
			open[call.ID], seen[call.ID] = true, true
		}
		r.Messages = append(r.Messages, said)
	}
	if len(open) > 0 {
		return errors.New("tool_use ids were found without tool_result blocks immediately after")
	}
	return nil
}

func anthropicTurn(m anthropicMessage) (agent.Message, error) {
	said := agent.Message{Role: agent.RoleUser}
	if m.Role == "assistant" {
		said.Role = agent.RoleModel
	} else if m.Role != "user" {
		return said, errors.New("role: must be user or assistant")
	}
	if len(m.Content) == 0 {
		return said, errors.New("content must be non-empty")
	}
	for _, block := range m.Content {
		switch {
		case block.Type == "text":
			if block.Text == "" {
				return said, errors.New("text content blocks must be non-empty")
			}
			said.Text += block.Text
		case block.Type == "tool_use" && said.Role == agent.RoleModel:
			if block.ID == "" || block.Name == "" || !bytes.HasPrefix(block.Input, []byte("{")) {
				return said, errors.New("tool_use.input: Input should be a valid dictionary")
			}
			said.Calls = append(said.Calls, agent.ToolCall{ID: block.ID, Name: block.Name, Arguments: block.Input})
		case block.Type == "tool_result" && m.Role == "user":
			if said.Text != "" {
				return said, errors.New("tool_result blocks come first")
			}
			said.Role = agent.RoleTool
			result := agent.ToolResult{ID: block.ToolUseID, IsError: block.IsError}
			for _, part := range block.Content {
				if part.Text == "" {
					return said, errors.New("text content blocks must be non-empty")
				}
				result.Text += part.Text
			}
			said.Results = append(said.Results, result)
		default:
			return said, errors.New("a block of this type doesn't belong here")
		}
	}
	return said, nil
}

// https://platform.claude.com/docs/en/api/errors
func (anthropic) fault(status int, message string, tooLong bool) any {
	kind := "invalid_request_error"
	switch {
	case tooLong:
		message = "prompt is too long: 200001 tokens > 200000 maximum"
	case status == http.StatusUnauthorized:
		kind = "authentication_error"
	case status == http.StatusNotFound:
		kind = "not_found_error"
	case status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case status == 529:
		kind = "overloaded_error"
	case status >= 500:
		kind = "api_error"
	}
	return object{"type": "error", "error": object{"type": kind, "message": message}, "request_id": "req_1"}
}

var anthropicStops = map[agent.StopReason]string{
	agent.StopEnd: "end_turn", agent.StopCalls: "tool_use", agent.StopLength: "max_tokens", agent.StopFilter: "refusal",
}

// anthropicUsage counts input without what is cached, as the API does.
func anthropicUsage(t agent.Tokens, output int64) object {
	return object{
		"input_tokens": t.Input - t.Cached, "output_tokens": output,
		"cache_read_input_tokens": t.Cached, "cache_creation_input_tokens": 0,
	}
}

func (anthropic) plain(model string, a Answer) any {
	content := []object{}
	if a.Text != "" {
		content = append(content, object{"type": "text", "text": a.Text})
	}
	for _, c := range a.Calls {
		input := c.Arguments
		if !json.Valid(input) {
			input = json.RawMessage("{}") // as the API does with what isn't whole
		}
		content = append(content, object{"type": "tool_use", "id": c.ID, "name": c.Name, "input": input})
	}
	return object{
		"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content,
		"stop_reason": anthropicStops[a.Stop], "stop_sequence": nil, "usage": anthropicUsage(a.Tokens, a.Tokens.Output),
	}
}

// https://platform.claude.com/docs/en/build-with-claude/streaming
func (anthropic) stream(r Request, a Answer) []string {
	events := []string{
		event("message_start", object{"type": "message_start", "message": object{
			"id": "msg_1", "type": "message", "role": "assistant", "model": r.Model, "content": []object{},
			"stop_reason": nil, "stop_sequence": nil, "usage": anthropicUsage(a.Tokens, 1),
		}}),
		event("ping", object{"type": "ping"}),
	}
	index := 0
	block := func(start object, field, kind string, parts []string) {
		events = append(events, event("content_block_start", object{"type": "content_block_start", "index": index, "content_block": start}))
		for _, part := range parts {
			events = append(events, event("content_block_delta", object{
				"type": "content_block_delta", "index": index, "delta": object{"type": kind, field: part},
			}))
		}
		events = append(events, event("content_block_stop", object{"type": "content_block_stop", "index": index}))
		index++
	}
	if a.Text != "" {
		block(object{"type": "text", "text": ""}, "text", "text_delta", pieces(a.Text))
	}
	for _, c := range a.Calls {
		block(object{"type": "tool_use", "id": c.ID, "name": c.Name, "input": object{}}, "partial_json", "input_json_delta", pieces(string(c.Arguments)))
	}
	return append(events,
		event("message_delta", object{
			"type":  "message_delta",
			"delta": object{"stop_reason": anthropicStops[a.Stop], "stop_sequence": nil},
			"usage": object{"output_tokens": a.Tokens.Output},
		}),
		event("message_stop", object{"type": "message_stop"}),
	)
}
