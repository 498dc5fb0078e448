package mcp

import (
	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
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
		mcpserver.WithResourceCapabilities(true, false)(s)
	}
	if completes(catalog) {
		mcpserver.WithCompletions()(s)
		mcpserver.WithPromptCompletionProvider(completer{h})(s)
		mcpserver.WithResourceCompletionProvider(completer{h})(s)
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
