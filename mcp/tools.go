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
	"github.com/heycmo/heycmo-go/internal/app"
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
	// Calls don't come this way, see callTool.
	s.AddTool(tool, func(context.Context, mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
		return nil, errors.ErrUnsupported
	})
	if len(mcpgo.ExtractParamHeaderBindings(&tool)) > 0 {
		h.headerTools[t.Name] = &tool
	}
	return nil
}

// toolResult is the protocol's CallToolResult.
type toolResult struct {
	Content    []mcpgo.Content `json:"content"`
	Structured json.RawMessage `json:"structuredContent,omitempty"`
	IsError    bool            `json:"isError,omitempty"`
	// From 2026-07-28 on:
	Type mcpgo.ResultType `json:"resultType,omitempty"`
	Meta any              `json:"_meta,omitempty"`
	mcpgo.MultiRoundTripResult
}

// callTool answers a tools/call.
func (h *Handler) callTool(ctx context.Context, x *exchange) rpcMessage {
	name := text(x.Params.Name)
	if !h.app.HasTool(name) {
		return errMessage{id: x.ID, code: mcpgo.INVALID_PARAMS, text: fmt.Sprintf("tool %q not found", name)}.message()
	}
	out := h.runTool(ctx, x, name)
	if x.problem != nil {
		return x.problem.message()
	}
	if x.modern {
		out.Meta = h.about
		if out.Type == "" {
			out.Type = mcpgo.ResultTypeComplete
		}
	}
	return result(x.ID, out)
}

func (h *Handler) runTool(ctx context.Context, x *exchange, name string) *toolResult {
	r, err := h.app.CallTool(h.work(ctx, x), x.caller, name, x.Params.Arguments)
	if err == nil {
		return h.toolResult(name, r)
	}
	needed, isNeeded := errors.AsType[*inputNeeded](err)
	_, isMissing := errors.AsType[*missingCapability](err)
	switch {
	case isNeeded:
		return &toolResult{Content: []mcpgo.Content{}, Type: mcpgo.ResultTypeInputRequired, MultiRoundTripResult: h.inputRequired(x, needed)}
	case isMissing && x.modern:
		_ = x.refuse(err)
	}
	out := toolError(callerText(err))
	if details := app.Details(err); details != "" {
		// Not as structured content: that must fit the tool's output schema, and the
		// TypeScript SDK shows a fault of ours instead of an error that doesn't.
		out.Content = append(out.Content, mcpgo.NewTextContent(details))
	}
	return out
}

func toolError(text string) *toolResult {
	return &toolResult{Content: []mcpgo.Content{mcpgo.NewTextContent(text)}, IsError: true}
}

// toolResult puts a result into the protocol's form.
func (h *Handler) toolResult(tool string, r agent.Result) *toolResult {
	if size := sizeOf(r); size > h.opts.MaxResult {
		return toolError(tooLong(size, h.opts.MaxResult))
	}
	if len(r.Structured) > 0 && (!isObject(r.Structured) || !json.Valid(r.Structured)) {
		h.log.Error("a tool's structured result is no JSON object", zap.String("tool", tool))
		return toolError("something went wrong on our side; try again later")
	}
	out := &toolResult{Content: make([]mcpgo.Content, len(r.Content)), Structured: r.Structured}
	for i, c := range r.Content {
		out.Content[i] = content(c)
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

// isObject reports whether JSON is an object.
func isObject(data json.RawMessage) bool {
	return strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "{")
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
