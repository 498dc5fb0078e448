package anthropicmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/heycmo/heycmo-go/agent"
)

const defaultMaxTokens = 4096

func (m *Model) params(r agent.ModelRequest) (anthropic.MessageNewParams, error) {
	p := anthropic.MessageNewParams{Model: r.Model, MaxTokens: int64(r.MaxTokens)}
	if p.MaxTokens == 0 {
		p.MaxTokens = defaultMaxTokens
	}
	if m.noThinking {
		p.Thinking.OfDisabled = &anthropic.ThinkingConfigDisabledParam{}
	}
	if r.System != "" {
		p.System = []anthropic.TextBlockParam{{Text: r.System}}
	}
	for i, message := range r.Messages {
		switch message.Role {
		case agent.RoleUser:
			p.Messages = append(p.Messages, anthropic.NewUserMessage(anthropic.NewTextBlock(message.Text)))
		case agent.RoleModel:
			// The API refuses messages of nothing, though it sends them.
			if blocks := modelBlocks(message); len(blocks) > 0 {
				p.Messages = append(p.Messages, anthropic.NewAssistantMessage(blocks...))
			}
		case agent.RoleTool:
			var blocks []anthropic.ContentBlockParamUnion
			for _, result := range message.Results {
				block := anthropic.NewToolResultBlock(result.ID, result.Text, result.IsError)
				if result.Text == "" {
					block.OfToolResult.Content = nil // nor does it take an empty text
				}
				blocks = append(blocks, block)
			}
			p.Messages = append(p.Messages, anthropic.NewUserMessage(blocks...))
		default:
			return p, fmt.Errorf("anthropicmodel: message %d has no known role", i+1)
		}
	}
	for _, tool := range r.Tools {
		schema, err := schemaOf(tool)
		if err != nil {
			return p, err
		}
		p.Tools = append(p.Tools, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
			Name: tool.Name, Description: anthropic.String(tool.Description), InputSchema: schema,
		}})
	}
	switch {
	case len(r.Tools) == 0:
	case r.MayNotCall:
		p.ToolChoice.OfNone = &anthropic.ToolChoiceNoneParam{}
	case r.MustCall:
		p.ToolChoice.OfAny = &anthropic.ToolChoiceAnyParam{}
	}
	return p, nil
}

func modelBlocks(message agent.Message) []anthropic.ContentBlockParamUnion {
	var blocks []anthropic.ContentBlockParamUnion
	if strings.TrimSpace(message.Text) != "" {
		blocks = append(blocks, anthropic.NewTextBlock(message.Text))
	}
	for _, call := range message.Calls {
		blocks = append(blocks, anthropic.NewToolUseBlock(call.ID, object(call.Arguments), call.Name))
	}
	return blocks
}

// object makes arguments one, since the API takes nothing else; the model sees in
// it what it wrote.
func object(arguments json.RawMessage) json.RawMessage {
	arguments = bytes.TrimSpace(arguments)
	switch {
	case len(arguments) == 0:
		return json.RawMessage("{}")
	case arguments[0] == '{' && json.Valid(arguments):
		return arguments
	}
	wrapped, _ := json.Marshal(map[string]string{"invalid_arguments": string(arguments)}) // can't fail
	return wrapped
}

// schemaOf passes a tool's schema on whole, whatever fields the SDK knows.
func schemaOf(tool *agent.Tool) (anthropic.ToolInputSchemaParam, error) {
	var p anthropic.ToolInputSchemaParam
	data, err := json.Marshal(tool.InputSchema())
	if err != nil {
		return p, fmt.Errorf("anthropicmodel: schema of tool %q: %w", tool.Name, err)
	}
	if json.Unmarshal(data, &p.ExtraFields) != nil || p.ExtraFields == nil {
		return p, fmt.Errorf("anthropicmodel: tool %q has no schema; make it with NewTool", tool.Name)
	}
	return p, nil
}
