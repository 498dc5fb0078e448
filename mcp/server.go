package mcp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// listTTL is how long clients may keep lists, in milliseconds. They change only
// with the host.
const listTTL = 60_000

// newServer puts the host's catalog into the one server that all customers
// share. It never broadcasts and keeps no customer's data: who is calling stands
// in each request's context.
func (h *Handler) newServer() (*mcpserver.MCPServer, error) {
	catalog := h.app.Catalog
	hooks := &mcpserver.Hooks{}
	hooks.AddAfterListResources(h.addOwnResources)
	s := mcpserver.NewMCPServer(h.opts.Name, h.app.Version,
		mcpserver.WithTitle(h.opts.Title),
		mcpserver.WithInstructions(catalog.Instructions),
		mcpserver.WithLogging(),
		mcpserver.WithHooks(hooks),
		mcpserver.WithCacheHints(0, mcpgo.CacheScopePrivate),
		mcpserver.WithMethodCacheHints(mcpgo.MethodToolsList, listTTL, mcpgo.CacheScopePrivate),
		mcpserver.WithMethodCacheHints(mcpgo.MethodPromptsList, listTTL, mcpgo.CacheScopePrivate),
		mcpserver.WithMethodCacheHints(mcpgo.MethodResourcesTemplatesList, listTTL, mcpgo.CacheScopePrivate),
	)
	if len(catalog.Tools) > 0 {
		mcpserver.WithToolCapabilities(false)(s)
	}
	if len(catalog.Prompts) > 0 {
		mcpserver.WithPromptCapabilities(false)(s)
	}
	if len(catalog.Resources) > 0 {
		mcpserver.WithResourceCapabilities(false, false)(s)
	}
	for _, t := range catalog.Tools {
		if err := h.addTool(s, t); err != nil {
			return nil, err
		}
	}
	for _, p := range catalog.Prompts {
		h.addPrompt(s, p)
	}
	for _, r := range catalog.Resources {
		h.addResource(s, r)
	}
	return s, nil
}

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
	s.AddTool(tool, func(ctx context.Context, request mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
		p, _ := auth.FromContext(ctx)
		args, err := json.Marshal(request.Params.Arguments)
		if err != nil {
			return mcpgo.NewToolResultError("arguments must be a JSON object"), nil
		}
		ctx, done := working(withReporter(ctx, request.Params.Meta))
		defer done()
		result, err := h.app.CallTool(ctx, p, t.Name, args)
		if err != nil {
			return mcpgo.NewToolResultError(callerText(err)), nil
		}
		return h.toolResult(t.Name, result), nil
	})
	return nil
}

// toolResult puts a result into the protocol's form.
func (h *Handler) toolResult(tool string, result agent.Result) *mcpgo.CallToolResult {
	out := &mcpgo.CallToolResult{Content: []mcpgo.Content{}}
	size := len(result.Structured)
	for _, c := range result.Content {
		size += len(c.Text) + len(c.Data)
		out.Content = append(out.Content, content(c))
	}
	if size > h.opts.MaxResult {
		return mcpgo.NewToolResultError(fmt.Sprintf("the result has %d bytes, more than the %d that fit into an answer; ask for less", size, h.opts.MaxResult))
	}
	if len(result.Structured) > 0 {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(result.Structured, &object); err != nil {
			h.log.Error("a tool's structured result is no JSON object", zap.String("tool", tool), zap.Error(err))
			return mcpgo.NewToolResultError("something went wrong on our side; try again later")
		}
		out.StructuredContent = result.Structured
	}
	return out
}

func content(c agent.Content) mcpgo.Content {
	data := base64.StdEncoding.EncodeToString(c.Data)
	switch {
	case c.URI != "" && c.Data != nil:
		return mcpgo.NewEmbeddedResource(mcpgo.BlobResourceContents{URI: c.URI, MIMEType: c.MIMEType, Blob: data})
	case c.URI != "":
		return mcpgo.NewEmbeddedResource(mcpgo.TextResourceContents{URI: c.URI, MIMEType: c.MIMEType, Text: c.Text})
	case c.Data != nil && len(c.MIMEType) > 6 && c.MIMEType[:6] == "audio/":
		return mcpgo.NewAudioContent(data, c.MIMEType)
	case c.Data != nil:
		return mcpgo.NewImageContent(data, c.MIMEType)
	}
	return mcpgo.NewTextContent(c.Text)
}

func (h *Handler) addPrompt(s *mcpserver.MCPServer, p agent.Prompt) {
	prompt := mcpgo.Prompt{Name: p.Name, Title: p.Title, Description: p.Description}
	for _, a := range p.Arguments {
		prompt.Arguments = append(prompt.Arguments, mcpgo.PromptArgument{Name: a.Name, Description: a.Description, Required: a.Required})
	}
	s.AddPrompt(prompt, func(ctx context.Context, request mcpgo.GetPromptRequest) (*mcpgo.GetPromptResult, error) {
		args := map[string]string{}
		for _, a := range p.Arguments {
			value, ok := request.Params.Arguments[a.Name]
			if a.Required && !ok {
				return nil, fmt.Errorf("argument %q is missing", a.Name)
			}
			if ok {
				args[a.Name] = value
			}
		}
		caller, _ := auth.FromContext(ctx)
		ctx, done := working(ctx)
		defer done()
		text, err := h.app.GetPrompt(ctx, caller, p, args)
		if err != nil {
			return nil, errors.New(callerText(err))
		}
		return mcpgo.NewGetPromptResult(p.Description, []mcpgo.PromptMessage{
			mcpgo.NewPromptMessage(mcpgo.RoleUser, mcpgo.NewTextContent(text)),
		}), nil
	})
}

func (h *Handler) addResource(s *mcpserver.MCPServer, r agent.Resource) {
	read := func(ctx context.Context, request mcpgo.ReadResourceRequest) ([]mcpgo.ResourceContents, error) {
		variable := ""
		if r.IsTemplate() {
			var ok bool
			if variable, ok = r.Match(request.Params.URI); !ok {
				return nil, storage.ErrNotFound
			}
		}
		caller, _ := auth.FromContext(ctx)
		ctx, done := working(ctx)
		defer done()
		text, err := h.app.ReadResource(ctx, caller, r, variable)
		if err != nil {
			return nil, errors.New(callerText(err))
		}
		return []mcpgo.ResourceContents{mcpgo.TextResourceContents{URI: request.Params.URI, MIMEType: r.MIMEType, Text: text}}, nil
	}
	if r.IsTemplate() {
		t := mcpgo.NewResourceTemplate(r.URI, r.Name, mcpgo.WithTemplateDescription(r.Description), mcpgo.WithTemplateMIMEType(r.MIMEType))
		t.Title = r.Title
		s.AddResourceTemplate(t, read)
		return
	}
	resource := mcpgo.NewResource(r.URI, r.Name, mcpgo.WithResourceDescription(r.Description), mcpgo.WithMIMEType(r.MIMEType))
	resource.Title = r.Title
	s.AddResource(resource, read)
}

// addOwnResources adds the caller's own resources to a list of resources.
func (h *Handler) addOwnResources(ctx context.Context, _ any, request *mcpgo.ListResourcesRequest, result *mcpgo.ListResourcesResult) {
	if request.Params.Cursor != "" {
		return
	}
	caller, _ := auth.FromContext(ctx)
	for _, r := range h.app.Catalog.Resources {
		if r.List == nil {
			continue
		}
		infos, err := h.app.ListResources(ctx, caller, r)
		if err != nil {
			h.log.Warn("resources left out of a list", zap.String("resource", r.URI), zap.Error(err))
			continue
		}
		for _, info := range infos {
			resource := mcpgo.NewResource(r.Expand(info.Variable), r.Name+" "+info.Variable,
				mcpgo.WithResourceDescription(info.Description), mcpgo.WithMIMEType(r.MIMEType))
			resource.Title = info.Title
			result.Resources = append(result.Resources, resource)
		}
	}
}

// callerText returns what of an error of a use case the client may see.
func callerText(err error) string {
	text, _ := agent.CallerText(err)
	return text
}
