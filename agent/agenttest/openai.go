package agenttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
)

// NewOpenAI returns a fake of OpenAI's POST /v1/chat/completions
// (https://platform.openai.com/docs/api-reference/chat/create).
func NewOpenAI(answers ...Answer) *Server { return &Server{api: openAI{}, answers: answers} }

type openAI struct{}

func (openAI) path() string { return "/v1/chat/completions" }

func (openAI) key(h http.Header) string {
	key, _ := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	return key
}

type openAIRequest struct {
	Model               string          `json:"model"`
	Messages            []openAIMessage `json:"messages"`
	Tools               []openAITool    `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	Stream              bool            `json:"stream"`
	StreamOptions       *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type openAIMessage struct {
	Role       string       `json:"role"`
	Content    *string      `json:"content"`
	ToolCalls  []openAICall `json:"tool_calls"`
	ToolCallID string       `json:"tool_call_id"`
}

type openAICall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

type openAITool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Parameters  struct {
			Type       string          `json:"type"`
			Properties json.RawMessage `json:"properties"`
		} `json:"parameters"`
	} `json:"function"`
}

func (openAI) parse(body []byte) (Request, error) {
	var got openAIRequest
	var known struct {
		openAIRequest
		Tools []json.RawMessage `json:"tools"` // schemas may hold anything
	}
	if err := strict(body, &known); err != nil {
		return Request{}, err
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return Request{}, fmt.Errorf("invalid request: %w", err)
	}
	r := Request{Stream: got.Stream}
	r.usage = got.StreamOptions != nil && got.StreamOptions.IncludeUsage
	r.Model, r.MaxTokens = got.Model, max(got.MaxTokens, got.MaxCompletionTokens)
	for _, tool := range got.Tools {
		f := tool.Function
		if tool.Type != "function" || f.Name == "" || f.Parameters.Type != "object" || f.Parameters.Properties == nil {
			return Request{}, errors.New("invalid schema for function: an object has properties")
		}
		r.ToolNames = append(r.ToolNames, f.Name)
	}
	switch choice := string(got.ToolChoice); {
	case choice == `"required"`:
		r.MustCall = true
	case choice == `"none"`:
		r.MayNotCall = true
	case choice != "" && choice != `"auto"`:
		return Request{}, errors.New("agenttest: only required, auto and none are known for tool_choice")
	}
	switch {
	case got.Model == "" || len(got.Messages) == 0:
		return Request{}, errors.New("you must provide a model and messages")
	case r.MustCall && len(got.Tools) == 0:
		return Request{}, errors.New("'tool_choice' is only allowed when 'tools' are specified")
	case got.MaxTokens != 0 && got.MaxCompletionTokens != 0:
		return Request{}, errors.New("max_tokens and max_completion_tokens can't both be set")
	case got.StreamOptions != nil && !got.Stream:
		return Request{}, errors.New("'stream_options' is only allowed when 'stream' is enabled")
	}
	return r, openAIConversation(&r, got.Messages)
}

// openAIConversation checks that all calls are answered, and nothing else.
func openAIConversation(r *Request, messages []openAIMessage) error {
	var open []string // calls without a result
	for _, m := range messages {
		if m.Role != "tool" && len(open) > 0 {
			return errors.New("an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'")
		}
		if m.Content == nil && len(m.ToolCalls) == 0 {
			return errors.New("expected a string for 'content', got null")
		}
		var text string
		if m.Content != nil {
			text = *m.Content
		}
		switch m.Role {
		case "system", "developer":
			r.System += text
		case "user":
			r.Messages = append(r.Messages, agent.Message{Role: agent.RoleUser, Text: text})
		case "assistant":
			said := agent.Message{Role: agent.RoleModel, Text: text}
			for _, call := range m.ToolCalls {
				if call.ID == "" || call.Type != "function" || call.Function.Name == "" {
					return errors.New("a tool call needs an id, the type function and a name")
				}
				open = append(open, call.ID)
				said.Calls = append(said.Calls, agent.ToolCall{ID: call.ID, Name: call.Function.Name, Arguments: json.RawMessage(call.Function.Arguments)})
			}
			r.Messages = append(r.Messages, said)
		case "tool":
			i := slices.Index(open, m.ToolCallID)
			if i < 0 {
				return errors.New("messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
			}
			open = slices.Delete(open, i, i+1)
			if last := len(r.Messages) - 1; r.Messages[last].Role != agent.RoleTool {
				r.Messages = append(r.Messages, agent.Message{Role: agent.RoleTool})
			}
			result := agent.ToolResult{ID: m.ToolCallID}
			result.Text, result.IsError = strings.CutPrefix(text, "Error: ") // there is no field for it
			last := &r.Messages[len(r.Messages)-1]
			last.Results = append(last.Results, result)
		default:
			return errors.New("a message has no known role")
		}
	}
	if len(open) > 0 {
		return errors.New("an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'")
	}
	return nil
}

// https://platform.openai.com/docs/guides/error-codes
func (openAI) fault(status int, message string, tooLong bool) any {
	fault := object{"message": message, "type": "invalid_request_error", "param": nil, "code": nil}
	switch {
	case tooLong:
		fault["code"] = "context_length_exceeded"
	case status == http.StatusTooManyRequests:
		fault["type"], fault["code"] = "requests", "rate_limit_exceeded"
	case status >= 500:
		fault["type"] = "server_error"
	}
	return object{"error": fault}
}

// A refusal ends with stop; content_filter is the provider's own.
var openAIStops = map[agent.StopReason]string{
	agent.StopEnd: "stop", agent.StopCalls: "tool_calls", agent.StopLength: "length", agent.StopFilter: "stop",
}

func openAIUsage(t agent.Tokens) object {
	return object{
		"prompt_tokens": t.Input, "completion_tokens": t.Output, "total_tokens": t.Input + t.Output,
		"prompt_tokens_details": object{"cached_tokens": t.Cached},
	}
}

func (openAI) plain(model string, a Answer) any {
	message := object{"role": "assistant", "content": nil, "refusal": nil}
	if a.Text != "" {
		message["content"] = a.Text
	}
	if a.Stop == agent.StopFilter {
		message["content"], message["refusal"] = nil, a.Text
	}
	var calls []object
	for _, c := range a.Calls {
		calls = append(calls, object{"id": c.ID, "type": "function", "function": object{"name": c.Name, "arguments": string(c.Arguments)}})
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	return object{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
		"choices": []object{{"index": 0, "message": message, "finish_reason": openAIStops[a.Stop], "logprobs": nil}},
		"usage":   openAIUsage(a.Tokens),
	}
}

func (openAI) stream(r Request, a Answer) []string {
	var events []string
	send := func(choices []object, usage any) {
		events = append(events, event("", object{
			"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": r.Model, "choices": choices, "usage": usage,
		}))
	}
	delta := func(d object) { send([]object{{"index": 0, "delta": d, "finish_reason": nil}}, nil) }
	delta(object{"role": "assistant", "content": ""})
	field := "content"
	if a.Stop == agent.StopFilter {
		field = "refusal"
	}
	for _, part := range pieces(a.Text) {
		delta(object{field: part})
	}
	for i, c := range a.Calls {
		delta(object{"tool_calls": []object{{"index": i, "id": c.ID, "type": "function", "function": object{"name": c.Name, "arguments": ""}}}})
		for _, part := range pieces(string(c.Arguments)) {
			delta(object{"tool_calls": []object{{"index": i, "function": object{"arguments": part}}}})
		}
	}
	send([]object{{"index": 0, "delta": object{}, "finish_reason": openAIStops[a.Stop]}}, nil)
	if r.usage {
		send([]object{}, openAIUsage(a.Tokens))
	}
	return append(events, "data: [DONE]\n\n")
}
