package openaimodel

import (
	"encoding/json"
	"fmt"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"

	"github.com/heycmo/heycmo-go/agent"
)

const defaultMaxTokens = 4096

func (m *Model) params(r agent.ModelRequest) (openai.ChatCompletionNewParams, error) {
	p := openai.ChatCompletionNewParams{Model: r.Model}
	bound := int64(r.MaxTokens)
	if bound == 0 {
		bound = defaultMaxTokens
	}
	if m.oldMaxTokens {
		p.MaxTokens = openai.Int(bound)
	} else {
		p.MaxCompletionTokens = openai.Int(bound)
	}
	if r.System != "" {
		p.Messages = append(p.Messages, openai.SystemMessage(r.System))
	}
	for i, message := range r.Messages {
		switch message.Role {
		case agent.RoleUser:
			p.Messages = append(p.Messages, openai.UserMessage(message.Text))
		case agent.RoleModel:
			p.Messages = append(p.Messages, modelMessage(message))
		case agent.RoleTool:
			for _, result := range message.Results {
				text := result.Text
				if result.IsError {
					text = "Error: " + text // the API has no field for it
				}
				p.Messages = append(p.Messages, openai.ToolMessage(text, result.ID))
			}
		default:
			return p, fmt.Errorf("openaimodel: message %d has no known role", i+1)
		}
	}
	for _, tool := range r.Tools {
		schema, err := schemaOf(tool)
		if err != nil {
			return p, err
		}
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: tool.Name, Description: openai.String(tool.Description), Parameters: schema,
		}))
	}
	switch {
	case len(r.Tools) == 0:
	case r.MayNotCall:
		p.ToolChoice.OfAuto = openai.String("none")
	case r.MustCall:
		p.ToolChoice.OfAuto = openai.String("required")
	}
	return p, nil
}

func modelMessage(message agent.Message) openai.ChatCompletionMessageParamUnion {
	var p openai.ChatCompletionAssistantMessageParam
	if message.Text != "" || len(message.Calls) == 0 {
		p.Content.OfString = openai.String(message.Text)
	}
	for _, call := range message.Calls {
		// A string for the API, so whatever it was goes back as it came.
		function := openai.ChatCompletionMessageFunctionToolCallFunctionParam{Name: call.Name, Arguments: string(call.Arguments)}
		p.ToolCalls = append(p.ToolCalls, openai.ChatCompletionMessageToolCallUnionParam{
			OfFunction: &openai.ChatCompletionMessageFunctionToolCallParam{ID: call.ID, Function: function},
		})
	}
	return openai.ChatCompletionMessageParamUnion{OfAssistant: &p}
}

// schemaOf returns a tool's schema with properties, without which the API refuses
// objects.
func schemaOf(tool *agent.Tool) (shared.FunctionParameters, error) {
	data, err := json.Marshal(tool.InputSchema())
	if err != nil {
		return nil, fmt.Errorf("openaimodel: schema of tool %q: %w", tool.Name, err)
	}
	var schema shared.FunctionParameters
	if err := json.Unmarshal(data, &schema); err != nil || schema == nil {
		return nil, fmt.Errorf("openaimodel: tool %q has no schema; make it with NewTool", tool.Name)
	}
	if schema["properties"] == nil {
		schema["properties"] = map[string]any{}
	}
	return schema, nil
}
