package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

var (
	// One red pixel, and a second of nothing.
	pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\b\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\fIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82")
	sound = []byte("RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00\x80>\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
)

// catalog is what the suite expects; the names are its own.
func catalog() *agent.Catalog {
	return &agent.Catalog{
		Instructions: "Fixtures of the MCP conformance suite.",
		Tools:        append(contentTools(), askingTools()...),
		Prompts:      prompts(),
		Resources:    resources(),
	}
}

type nothing struct{}

// tool makes a tool without arguments.
func tool(name, description string, fn func(ctx context.Context) (agent.Result, error)) *agent.Tool {
	return agent.NewTool(name, description, func(ctx context.Context, _ storage.CustomerID, _ nothing) (agent.Result, error) {
		return fn(ctx)
	}, nil)
}

// returns makes a tool that returns the same each time.
func returns(name, description string, content ...agent.Content) *agent.Tool {
	return tool(name, description, func(context.Context) (agent.Result, error) {
		return agent.Result{Content: content}, nil
	})
}

func contentTools() []*agent.Tool {
	return []*agent.Tool{
		returns("test_simple_text", "Returns a text.", agent.Content{Text: "This is a simple text response for testing."}),
		returns("test_image_content", "Returns an image.", agent.Content{Data: pixel, MIMEType: "image/png"}),
		returns("test_audio_content", "Returns a sound.", agent.Content{Data: sound, MIMEType: "audio/wav"}),
		returns("test_embedded_resource", "Returns an embedded resource.",
			agent.Content{URI: "test://embedded-resource", MIMEType: "text/plain", Text: "This is an embedded resource content."}),
		returns("test_multiple_content_types", "Returns several sorts of content.",
			agent.Content{Text: "Multiple content types test:"},
			agent.Content{Data: pixel, MIMEType: "image/png"},
			agent.Content{URI: "test://mixed-content-resource", MIMEType: "application/json", Text: `{"test":"data","value":123}`}),
		tool("test_error_handling", "Fails.", func(context.Context) (agent.Result, error) {
			return agent.Result{}, agent.Errorf("This tool intentionally returns an error for testing")
		}),
		tool("test_tool_with_logging", "Sends three log messages.", func(ctx context.Context) (agent.Result, error) {
			return slowly(ctx, []string{"Tool execution started", "Tool processing data", "Tool execution completed"}, func(_ int, text string) {
				agent.Log(ctx, agent.LevelInfo, text)
			})
		}),
		tool("test_logging_tool", "Sends a log message.", func(ctx context.Context) (agent.Result, error) {
			agent.Log(ctx, agent.LevelInfo, "a message")
			return agent.Text("done"), nil
		}),
		tool("test_tool_with_progress", "Reports progress three times.", func(ctx context.Context) (agent.Result, error) {
			return slowly(ctx, []string{"0", "50", "100"}, func(i int, text string) {
				agent.Progress(ctx, float64(50*i), 100, "Completed step "+text+" of 100")
			})
		}),
		withSchema("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", `{
			"$schema": "https://json-schema.org/draft/2020-12/schema",
			"type": "object",
			"$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
			"properties": {
				"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
				"contactMethod": {"type": "string", "enum": ["phone", "email"]}, "phone": {"type": "string"}, "email": {"type": "string"}
			},
			"allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
			"if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
			"then": {"required": ["phone"]},
			"else": {"required": ["email"]},
			"additionalProperties": false
		}`),
		withSchema("test_custom_header", "Takes an argument that travels in a header too", `{
			"type": "object",
			"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}
		}`),
	}
}

// slowly does one step after another, 50 ms apart, as the suite asks for.
func slowly(ctx context.Context, steps []string, do func(int, string)) (agent.Result, error) {
	for i, step := range steps {
		if i > 0 {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return agent.Result{}, ctx.Err()
			}
		}
		do(i, step)
	}
	return agent.Text("Tool execution completed successfully"), nil
}

// withSchema makes a tool whose schema is written by hand.
func withSchema(name, description, schema string) *agent.Tool {
	return agent.NewTool(name, description, func(context.Context, storage.CustomerID, nothing) (agent.Result, error) {
		return agent.Text("done"), nil
	}, &agent.ToolOptions{Input: func(s *jsonschema.Schema) { *s = *parse(schema) }})
}

// parse reads a schema that stands in this program.
func parse(text string) *jsonschema.Schema {
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(fmt.Errorf("conformance: schema: %w", err))
	}
	return &s
}

func prompts() []agent.Prompt {
	say := func(content func(args map[string]string) []agent.Content) func(context.Context, storage.CustomerID, map[string]string) (agent.Result, error) {
		return func(_ context.Context, _ storage.CustomerID, args map[string]string) (agent.Result, error) {
			return agent.Result{Content: content(args)}, nil
		}
	}
	return []agent.Prompt{
		{Name: "test_simple_prompt", Description: "A prompt without arguments", Get: say(func(map[string]string) []agent.Content {
			return []agent.Content{{Text: "This is a simple prompt for testing."}}
		})},
		{
			Name: "test_prompt_with_arguments", Description: "A prompt with two arguments",
			Arguments: []agent.Argument{
				{Name: "arg1", Description: "First test argument", Required: true, Complete: complete},
				{Name: "arg2", Description: "Second test argument", Required: true},
			},
			Get: say(func(args map[string]string) []agent.Content {
				return []agent.Content{{Text: fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", args["arg1"], args["arg2"])}}
			}),
		},
		{
			Name: "test_prompt_with_embedded_resource", Description: "A prompt with a resource in it",
			Arguments: []agent.Argument{{Name: "resourceUri", Description: "URI of the resource to embed", Required: true}},
			Get: say(func(args map[string]string) []agent.Content {
				return []agent.Content{
					{URI: args["resourceUri"], MIMEType: "text/plain", Text: "Embedded resource content for testing."},
					{Text: "Please process the embedded resource above."},
				}
			}),
		},
		{Name: "test_prompt_with_image", Description: "A prompt with an image in it", Get: say(func(map[string]string) []agent.Content {
			return []agent.Content{{Data: pixel, MIMEType: "image/png"}, {Text: "Please analyze the image above."}}
		})},
		{
			Name: "test_input_required_result_prompt", Description: "A prompt that asks first",
			Get: func(ctx context.Context, _ storage.CustomerID, _ map[string]string) (agent.Result, error) {
				in, err := agent.AskFor[struct {
					Context string `json:"context"`
				}](ctx, "user_context", "What context should the prompt use?")
				return agent.Text("Use this context: " + in.Context), err
			},
		},
	}
}

func complete(_ context.Context, _ storage.CustomerID, typed string) ([]string, error) {
	return []string{typed + "1", typed + "2"}, nil
}

func resources() []agent.Resource {
	holds := func(content agent.Content) func(context.Context, storage.CustomerID, string) (agent.Result, error) {
		return func(context.Context, storage.CustomerID, string) (agent.Result, error) {
			return agent.Result{Content: []agent.Content{content}}, nil
		}
	}
	return []agent.Resource{
		{URI: "test://static-text", Name: "static-text", MIMEType: "text/plain", Read: holds(agent.Content{Text: "This is the content of the static text resource."})},
		{URI: "test://static-binary", Name: "static-binary", MIMEType: "image/png", Read: holds(agent.Content{Data: pixel})},
		{URI: "test://watched-resource", Name: "watched-resource", MIMEType: "text/plain", Read: holds(agent.Content{Text: "Watched resource content"})},
		{
			URI: "test://template/{id}/data", Name: "template", MIMEType: "application/json",
			Read: func(_ context.Context, _ storage.CustomerID, id string) (agent.Result, error) {
				data, err := json.Marshal(map[string]any{"id": id, "templateTest": true, "data": "Data for ID: " + id})
				return agent.Text(string(data)), err
			},
		},
	}
}
