package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// exchange is one request on its way to its answer, on either transport.
type exchange struct {
	envelope
	body    []byte
	caller  auth.Principal
	session *session
	modern  bool
	// versions are the revisions that the transport speaks; nil: all.
	versions []string
	// notify sends a message to the client ahead of the answer. The error says
	// that the client takes none.
	notify func(message any) error
	// given are the client's answers to what was asked before, see [asker].
	given map[string]json.RawMessage

	cancel  context.CancelFunc
	problem *errMessage // takes the place of mcp-go's error
}

// begin returns the context in which the request is answered, until done is
// called. It ends when the client cancels the request or it takes too long.
func (h *Handler) begin(ctx context.Context, x *exchange) (_ context.Context, done func()) {
	ctx, x.cancel = context.WithTimeout(auth.NewContext(ctx, x.caller), h.opts.CallTimeout)
	if x.modern {
		return ctx, x.cancel // there, closing the response is the cancellation
	}
	forget := h.running.begin(x)
	return ctx, func() {
		forget()
		x.cancel()
	}
}

type exchangeKey struct{}

// exchangeFrom returns the exchange that ctx belongs to. There is one wherever
// mcp-go calls us.
func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// answer handles the request and returns the answer. mcp-go does all but the
// calls of tools, of which there are many.
func (h *Handler) answer(ctx context.Context, x *exchange) (answer any) {
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("panic", zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
			answer = errMessage{id: x.ID, code: mcpgo.INTERNAL_ERROR, text: "something went wrong on our side"}.message()
		}
	}()
	if x.Method == string(mcpgo.MethodToolsCall) {
		return h.callTool(ctx, x)
	}
	if x.versions != nil {
		ctx = mcpserver.WithSupportedProtocolVersions(ctx, x.versions)
	}
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	answer = h.server.HandleMessage(h.server.WithContext(ctx, x.session), x.body)
	if x.problem != nil {
		return x.problem.message()
	}
	return answer
}

// accept takes a message that expects no answer: what we asked the client, or the
// cancellation of one of the session's requests. Other notifications tell nothing
// that we don't know.
func (h *Handler) accept(s *session, c caller, e envelope) {
	switch {
	case e.isAnswer():
		h.asks.deliver(c.Customer, s.id, e)
	case e.Method == string(mcpgo.MethodNotificationCancelled):
		h.running.cancel(s.id, e.Params.RequestID)
	}
}

// work returns the context for the catalog's work: it can report to the client
// and ask it.
func (h *Handler) work(ctx context.Context, x *exchange) context.Context {
	ctx = agent.WithReporter(ctx, newReporter(x))
	return agent.WithAsker(ctx, &asker{x, h.asks})
}

// fail makes the error that the request is answered with, in place of mcp-go's
// -32603.
func (x *exchange) fail(code int, text string, data any) error {
	x.problem = &errMessage{id: x.ID, code: code, text: text, data: data}
	return *x.problem
}

// refuse turns an error of a use case into the one that the client may see.
func (x *exchange) refuse(err error) error {
	missing, isMissing := errors.AsType[*missingCapability](err)
	text := callerText(err)
	switch {
	case isMissing && x.modern:
		return x.fail(mcpgo.MISSING_REQUIRED_CLIENT_CAPABILITY, text, map[string]any{"requiredCapabilities": missing.declaration()})
	case errors.Is(err, storage.ErrInvalid), isMissing:
		return x.fail(mcpgo.INVALID_PARAMS, text, nil)
	}
	return errors.New(text)
}

// notFound is the error for a resource that isn't there.
func (x *exchange) notFound(uri string) error {
	code := mcpgo.RESOURCE_NOT_FOUND
	if x.modern {
		code = mcpgo.INVALID_PARAMS
	}
	return x.fail(code, "resource not found", map[string]any{"uri": uri})
}

// callerText returns what of an error of a use case the client may see.
func callerText(err error) string {
	text, _ := agent.CallerText(err)
	return text
}

// logLevel returns the least serious level that the request's client wants, or
// "" for none.
func (x *exchange) logLevel() mcpgo.LoggingLevel {
	if x.modern {
		return mcpgo.LoggingLevel(text(x.Params.Meta.LogLevel))
	}
	return x.session.GetLogLevel()
}
