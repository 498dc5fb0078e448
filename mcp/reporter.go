package mcp

import (
	"context"
	"encoding/json"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/agent"
)

// reporter brings the messages of a running call to its client.
type reporter struct {
	notify func(message any) error
	token  json.RawMessage // nil when the client wants no progress
	level  mcpgo.LoggingLevel
}

func newReporter(x *exchange) reporter {
	return reporter{notify: x.notify, token: x.Params.Meta.ProgressToken, level: x.logLevel()}
}

func (r reporter) Progress(ctx context.Context, done, total float64, message string) {
	if r.token == nil || ctx.Err() != nil {
		return
	}
	_ = r.notify(notification("notifications/progress", struct {
		Token   json.RawMessage `json:"progressToken"`
		Done    float64         `json:"progress"`
		Total   float64         `json:"total,omitempty"`
		Message string          `json:"message,omitempty"`
	}{r.token, done, total, message}))
}

func (r reporter) Log(ctx context.Context, level agent.Level, message string) {
	if r.level == "" || !mcpgo.LoggingLevel(level).ShouldSendTo(r.level) || ctx.Err() != nil {
		return
	}
	_ = r.notify(notification("notifications/message", map[string]any{"level": level, "data": message}))
}
