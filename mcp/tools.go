package mcp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
)

func (h *Handler) addTool(s *mcpserver.MCPServer, t *agent.Tool) error {
	input, err := json.Marshal(t.InputSchema())
	if err != nil {
		return fmt.Errorf("mcp: tool %q: input schema: %w", t.Name, err)
	}
	tool := mcpgo.NewToolWithRawSchema(t.Name, t.Description, input)
	tool.Title = t.Title
	tool.Annotations = mcpgo.ToolAnnotation{
		Title:           t.Title,
		ReadOnlyHint:    &t.ReadOnly,
		DestructiveHint: &t.Destructive,
		IdempotentHint:  &t.Idempotent,
		OpenWorldHint:   &t.OpenWorld,
	}
	if schema := t.OutputSchema(); schema != nil {
		if tool.RawOutputSchema, err = json.Marshal(schema); err != nil {
			return fmt.Errorf("mcp: tool %q: output schema: %w", t.Name, err)
		}
	}
	s.AddTool(tool, func(ctx context.Context, _ mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
		return h.callTool(ctx, t.Name)
	})
	return nil
}

func (h *Handler) callTool(ctx context.Context, name string) (*mcpgo.CallToolResult, error) {
	x := exchangeFrom(ctx)
	result, err := h.app.CallTool(h.work(ctx, x), x.caller, name, x.Params.Arguments)
	if err == nil {
		return h.toolResult(name, result), nil
	}
	if needed, ok := errors.AsType[*inputNeeded](err); ok {
		asking := &mcpgo.CallToolResult{Content: []mcpgo.Content{}, MultiRoundTripResult: h.inputRequired(x, needed)}
		asking.ResultType = mcpgo.ResultTypeInputRequired
		return asking, nil
	}
	if _, ok := errors.AsType[*missingCapability](err); ok && x.modern {
		return nil, x.refuse(err)
	}
	return mcpgo.NewToolResultError(callerText(err)), nil
}

// toolResult puts a result into the protocol's form.
func (h *Handler) toolResult(tool string, result agent.Result) *mcpgo.CallToolResult {
	out := &mcpgo.CallToolResult{Content: make([]mcpgo.Content, len(result.Content))}
	for i, c := range result.Content {
		out.Content[i] = content(c)
	}
	if size := sizeOf(result); size > h.opts.MaxResult {
		return mcpgo.NewToolResultError(tooLong(size, h.opts.MaxResult))
	}
	if len(result.Structured) > 0 {
		if !isObject(result.Structured) {
			h.log.Error("a tool's structured result is no JSON object", zap.String("tool", tool))
			return mcpgo.NewToolResultError("something went wrong on our side; try again later")
		}
		out.StructuredContent = result.Structured
	}
	return out
}

// sizeOf returns about how many bytes the result takes in an answer.
func sizeOf(result agent.Result) int {
	size := len(result.Structured)
	for _, c := range result.Content {
		size += len(c.Text) + len(c.Data)
	}
	return size
}

func tooLong(size, limit int) string {
	return fmt.Sprintf("the result has %d bytes, more than the %d that fit into an answer; ask for less", size, limit)
}

func isObject(data json.RawMessage) bool {
	trimmed := strings.TrimLeft(string(data), " \t\r\n")
	return strings.HasPrefix(trimmed, "{") && json.Valid(data)
}

func content(c agent.Content) mcpgo.Content {
	switch {
	case c.URI != "":
		return mcpgo.NewEmbeddedResource(resourceContents(c.URI, c.MIMEType, c))
	case c.Data == nil:
		return mcpgo.NewTextContent(c.Text)
	case strings.HasPrefix(c.MIMEType, "audio/"):
		return mcpgo.NewAudioContent(base64.StdEncoding.EncodeToString(c.Data), c.MIMEType)
	}
	return mcpgo.NewImageContent(base64.StdEncoding.EncodeToString(c.Data), c.MIMEType)
}

func resourceContents(uri, mimeType string, c agent.Content) mcpgo.ResourceContents {
	if c.Data != nil {
		return mcpgo.BlobResourceContents{URI: uri, MIMEType: mimeType, Blob: base64.StdEncoding.EncodeToString(c.Data)}
	}
	return mcpgo.TextResourceContents{URI: uri, MIMEType: mimeType, Text: c.Text}
}
