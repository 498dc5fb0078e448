package mcp

import (
	"context"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/agent"
)

// notifier sends a JSON-RPC notification to the client of the running request,
// in order with the answer.
type notifier func(message any)

type notifierKey struct{}

func withNotifier(ctx context.Context, n notifier) context.Context {
	return context.WithValue(ctx, notifierKey{}, n)
}

// withReporter lets the call report to its client.
func withReporter(ctx context.Context, meta *mcpgo.Meta) context.Context {
	n, ok := ctx.Value(notifierKey{}).(notifier)
	if !ok {
		return ctx
	}
	r := reporter{notify: n, level: logLevel(ctx)}
	if meta != nil {
		r.token = meta.ProgressToken
	}
	return agent.WithReporter(ctx, r)
}

// logLevel returns the least serious level that the request's client wants, or
// "" for none.
func logLevel(ctx context.Context) mcpgo.LoggingLevel {
	if info := mcpserver.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		return info.LogLevel
	}
	if s, ok := mcpserver.ClientSessionFromContext(ctx).(mcpserver.SessionWithLogging); ok {
		return s.GetLogLevel()
	}
	return ""
}

type reporter struct {
	notify notifier
	token  mcpgo.ProgressToken // nil when the client wants no progress
	level  mcpgo.LoggingLevel
}

func (r reporter) Progress(ctx context.Context, done, total float64, message string) {
	if r.token == nil || ctx.Err() != nil {
		return
	}
	params := map[string]any{"progressToken": r.token, "progress": done}
	if total > 0 {
		params["total"] = total
	}
	if message != "" {
		params["message"] = message
	}
	r.notify(notification("notifications/progress", params))
}

func (r reporter) Log(ctx context.Context, level agent.Level, message string) {
	if r.level == "" || !mcpgo.LoggingLevel(level).ShouldSendTo(r.level) || ctx.Err() != nil {
		return
	}
	r.notify(notification("notifications/message", map[string]any{"level": level, "data": message}))
}

func notification(method string, params map[string]any) any {
	return map[string]any{"jsonrpc": mcpgo.JSONRPC_VERSION, "method": method, "params": params}
}
