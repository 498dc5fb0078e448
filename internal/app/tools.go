package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// HasTool reports whether the catalog has the tool.
func (a *App) HasTool(name string) bool { return a.tools[name] != nil }

// CallTool runs a tool of the catalog for the caller. An error it returns has an
// [agent.CallerText] and may have [Details]; the cause of any other is in the log.
func (a *App) CallTool(ctx context.Context, p auth.Principal, name string, args json.RawMessage) (agent.Result, error) {
	t, ok := a.tools[name]
	if !ok {
		return agent.Result{}, agent.Errorf("there is no tool %q", name)
	}
	ctx = a.serving(ctx, p.Customer)
	var result agent.Result
	err := a.guard(ctx, p, "tool "+name, func() (err error) {
		if a.Usage == nil {
			result, err = t.Call(ctx, p.Customer, args)
		} else {
			result, err = a.callMetered(ctx, p.Customer, t, a.uses[name], args)
		}
		return err
	})
	return result, err
}

// GetPrompt returns what a prompt of the catalog says, as CallTool does.
func (a *App) GetPrompt(ctx context.Context, p auth.Principal, prompt agent.Prompt, args map[string]string) (result agent.Result, err error) {
	err = a.guard(ctx, p, "prompt "+prompt.Name, func() (err error) {
		result, err = prompt.Get(ctx, p.Customer, args)
		return err
	})
	return result, err
}

// Complete returns values for an argument of a prompt that begin with what was
// typed, as CallTool does.
func (a *App) Complete(ctx context.Context, p auth.Principal, argument agent.Argument, typed string) (values []string, err error) {
	err = a.guard(ctx, p, "completion of "+argument.Name, func() (err error) {
		values, err = argument.Complete(ctx, p.Customer, typed)
		return err
	})
	return values, err
}

// ReadResource returns a resource of the catalog, as CallTool does.
func (a *App) ReadResource(ctx context.Context, p auth.Principal, resource agent.Resource, variable string) (result agent.Result, err error) {
	err = a.guard(ctx, p, "resource "+resource.URI, func() (err error) {
		result, err = resource.Read(ctx, p.Customer, variable)
		return err
	})
	return result, err
}

// ListResources returns the customer's resources of a template, as CallTool does.
func (a *App) ListResources(ctx context.Context, p auth.Principal, resource agent.Resource) (infos []agent.ResourceInfo, err error) {
	err = a.guard(ctx, p, "resource "+resource.URI, func() (err error) {
		infos, err = resource.List(ctx, p.Customer)
		return err
	})
	return infos, err
}

// guard runs work of the catalog: a panic becomes an error, and an error leaves
// with no more in it than the caller may see.
func (a *App) guard(ctx context.Context, p auth.Principal, what string, work func() error) error {
	err := func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		return work()
	}()
	if err == nil {
		return nil
	}
	if _, ok := agent.CallerText(err); ok {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
		return agent.Errorf("this took too long and was stopped")
	} else if cause != nil {
		return agent.Errorf("the call was cancelled")
	}
	id := httpx.RequestIDFrom(ctx)
	a.Log.Error("call failed", zap.String("what", what), zap.String("customer", string(p.Customer)),
		zap.String("key", string(p.Key)), zap.String("requestId", id), zap.Error(err))
	return agent.Errorf("something went wrong on our side (request %s); try again later", id)
}
