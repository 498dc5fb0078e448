package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/agent"
)

func (h *Handler) addPrompt(s *mcpserver.MCPServer, p agent.Prompt) {
	prompt := mcpgo.Prompt{Name: p.Name, Title: p.Title, Description: p.Description}
	for _, a := range p.Arguments {
		prompt.Arguments = append(prompt.Arguments, mcpgo.PromptArgument{Name: a.Name, Description: a.Description, Required: a.Required})
	}
	s.AddPrompt(prompt, func(ctx context.Context, request mcpgo.GetPromptRequest) (*mcpgo.GetPromptResult, error) {
		return h.getPrompt(ctx, p, request.Params.Arguments)
	})
}

func (h *Handler) getPrompt(ctx context.Context, p agent.Prompt, given map[string]string) (*mcpgo.GetPromptResult, error) {
	x, args := exchangeFrom(ctx), map[string]string{}
	for _, a := range p.Arguments {
		value, ok := given[a.Name]
		if a.Required && !ok {
			return nil, x.fail(mcpgo.INVALID_PARAMS, fmt.Sprintf("argument %q is missing", a.Name), nil)
		}
		if ok {
			args[a.Name] = value
		}
	}
	result, err := h.app.GetPrompt(h.work(ctx, x), x.caller, p, args)
	if needed, ok := errors.AsType[*inputNeeded](err); ok {
		asking := &mcpgo.GetPromptResult{Messages: []mcpgo.PromptMessage{}, MultiRoundTripResult: h.inputRequired(x, needed)}
		asking.ResultType = mcpgo.ResultTypeInputRequired
		return asking, nil
	}
	if err != nil {
		return nil, x.refuse(err)
	}
	if size := sizeOf(result); size > h.opts.MaxResult {
		return nil, errors.New(tooLong(size, h.opts.MaxResult))
	}
	messages := make([]mcpgo.PromptMessage, len(result.Content))
	for i, c := range result.Content {
		messages[i] = mcpgo.NewPromptMessage(mcpgo.RoleUser, content(c))
	}
	return mcpgo.NewGetPromptResult(p.Description, messages), nil
}

// maxCompletions is how many values an answer may have (MCP, "Completion").
const maxCompletions = 100

// completes reports whether something in the catalog can be completed.
func completes(c *agent.Catalog) bool {
	return slices.ContainsFunc(c.Resources, func(r agent.Resource) bool { return r.List != nil }) ||
		slices.ContainsFunc(c.Prompts, func(p agent.Prompt) bool {
			return slices.ContainsFunc(p.Arguments, func(a agent.Argument) bool { return a.Complete != nil })
		})
}

// completer completes arguments of prompts, and variables of resource templates
// from the customer's own list.
type completer struct{ *Handler }

func (c completer) CompletePromptArgument(ctx context.Context, prompt string, typed mcpgo.CompleteArgument, _ mcpgo.CompleteContext) (*mcpgo.Completion, error) {
	x := exchangeFrom(ctx)
	for _, p := range c.app.Catalog.Prompts {
		for _, a := range p.Arguments {
			if p.Name == prompt && a.Name == typed.Name && a.Complete != nil {
				values, err := c.app.Complete(ctx, x.caller, a, typed.Value)
				if err != nil {
					return nil, x.refuse(err)
				}
				return completion(values), nil
			}
		}
	}
	return completion(nil), nil
}

func (c completer) CompleteResourceArgument(ctx context.Context, uri string, typed mcpgo.CompleteArgument, _ mcpgo.CompleteContext) (*mcpgo.Completion, error) {
	x := exchangeFrom(ctx)
	for _, r := range c.app.Catalog.Resources {
		if r.URI != uri || r.List == nil {
			continue
		}
		infos, err := c.app.ListResources(ctx, x.caller, r)
		if err != nil {
			return nil, x.refuse(err)
		}
		var values []string
		for _, info := range infos {
			if strings.HasPrefix(info.Variable, typed.Value) {
				values = append(values, info.Variable)
			}
		}
		return completion(values), nil
	}
	return completion(nil), nil
}

func completion(values []string) *mcpgo.Completion {
	shown := values[:min(len(values), maxCompletions)]
	return &mcpgo.Completion{Values: shown, Total: len(values), HasMore: len(values) > len(shown)}
}
