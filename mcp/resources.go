package mcp

import (
	"context"
	"errors"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

func (h *Handler) addResource(s *mcpserver.MCPServer, r agent.Resource) {
	read := func(ctx context.Context, request mcpgo.ReadResourceRequest) ([]mcpgo.ResourceContents, error) {
		return h.readResource(ctx, r, request.Params.URI)
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

func (h *Handler) readResource(ctx context.Context, r agent.Resource, uri string) ([]mcpgo.ResourceContents, error) {
	x, variable := exchangeFrom(ctx), ""
	if r.IsTemplate() {
		var ok bool
		if variable, ok = r.Match(uri); !ok {
			return nil, x.notFound(uri)
		}
	}
	result, err := h.app.ReadResource(h.work(ctx, x), x.caller, r, variable)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, x.notFound(uri)
	case err != nil:
		return nil, x.refuse(err)
	}
	if size := sizeOf(result); size > h.opts.MaxResult {
		return nil, errors.New(tooLong(size, h.opts.MaxResult))
	}
	contents := make([]mcpgo.ResourceContents, len(result.Content))
	for i, c := range result.Content {
		contents[i] = resourceContents(uri, r.MIMEType, c)
	}
	return contents, nil
}

// addOwnResources adds the caller's own resources to a list of resources.
func (h *Handler) addOwnResources(ctx context.Context, _ any, request *mcpgo.ListResourcesRequest, result *mcpgo.ListResourcesResult) {
	if request.Params.Cursor != "" {
		return
	}
	x := exchangeFrom(ctx)
	for _, r := range h.app.Catalog.Resources {
		if r.List == nil {
			continue
		}
		infos, err := h.app.ListResources(ctx, x.caller, r)
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
