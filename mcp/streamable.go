package mcp

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// maxRemembered bounds what mcp-go keeps for sessions: about 10 KiB each. A
// session that is forgotten goes on working; it only loses its log level.
const maxRemembered = 2_000

func (h *Handler) newStreamable() *mcpserver.StreamableHTTPServer {
	h.remembered, _ = lru.NewWithEvict(maxRemembered, func(id string, _ struct{}) { h.forget(id) })
	return mcpserver.NewStreamableHTTPServer(h.server,
		mcpserver.WithSessionIdManagerResolver(h.ids),
		mcpserver.WithStreamableHTTPLogger(newSlog(h.log)),
		mcpserver.WithHTTPContextFunc(func(ctx context.Context, _ *http.Request) context.Context {
			return h.withOwnSession(ctx)
		}),
	)
}

// forget has mcp-go drop what it keeps for a session. Its only door is DELETE;
// without a caller in the context, the session itself is not ended.
func (h *Handler) forget(id string) {
	h.streamable.Handle(discard{http.Header{}}, &mcpserver.HTTPRequest{
		Method:  http.MethodDelete,
		Header:  http.Header{mcpserver.HeaderKeySessionID: {id}},
		Context: context.Background(),
	})
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Flush()                      {}
func (discard) CanStream() bool             { return false }

// post serves POST /mcp (MCP 2026-07-28 and 2025-11-25, basic/transports,
// "Streamable HTTP").
func (h *Handler) post(w http.ResponseWriter, r *http.Request, c caller) error {
	release, err := h.registry.reserve(c.Principal, kindCall)
	if err != nil {
		return err
	}
	defer release()
	body, e, problem, limited := h.receive(w, r, c)
	if limited != nil {
		return limited
	}
	modern := e.isModern() || isModern(r)
	named := r.Header.Get(mcpserver.HeaderKeySessionID) != ""
	first := problem == nil && e.Method == string(mcpgo.MethodInitialize)
	if !modern && !first && (problem == nil || named) {
		if err := h.checkSession(r, c); err != nil {
			return err
		}
	}
	if problem != nil {
		return problem
	}
	a := newAnswer(w, r, h.opts)
	switch {
	case !e.isRequest():
		h.handle(r.Context(), a, r, body)
		return nil
	case e.Method == string(mcpgo.MethodSubscriptionsListen):
		release()
		return h.holdStream(a, r, body, c)
	}
	h.holdCall(a, r, body, c)
	return nil
}

// listen serves GET /mcp: the stream on which requests to the client travel.
func (h *Handler) listen(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := h.app.Limit(r.Context(), w.Header(), app.ScopeMCP, string(c.Customer)); err != nil {
		return err
	}
	if !isModern(r) {
		if err := h.checkSession(r, c); err != nil {
			return err
		}
	}
	return h.holdStream(newAnswer(w, r, h.opts), r, nil, c)
}

// endSession serves DELETE /mcp.
func (h *Handler) endSession(w http.ResponseWriter, r *http.Request, c caller) error {
	if !isModern(r) {
		if err := h.checkSession(r, c); err != nil {
			return err
		}
		h.remembered.Remove(r.Header.Get(mcpserver.HeaderKeySessionID))
	}
	h.handle(r.Context(), newAnswer(w, r, h.opts), r, nil)
	if id := r.Header.Get(mcpserver.HeaderKeySessionID); h.ids.hasEnded(id) {
		h.endListeners(id)
	}
	return nil
}

// endListeners closes the streams of a session that has ended.
func (h *Handler) endListeners(session string) {
	for _, m := range h.registry.all() {
		if a, ok := m.(*answer); ok && a.session == session {
			a.end()
		}
	}
}

func isModern(r *http.Request) bool {
	return mcpgo.IsModernProtocol(r.Header.Get(mcpgo.HeaderProtocolVersion))
}

// checkSession reports whether the request names a session of the caller. The
// answer is the same for one that never was, has ended, or is somebody else's.
func (h *Handler) checkSession(r *http.Request, c caller) error {
	id := r.Header.Get(mcpserver.HeaderKeySessionID)
	if id == "" {
		return httpx.Status(http.StatusBadRequest, "the "+mcpserver.HeaderKeySessionID+" header is missing; call initialize first")
	}
	if !h.ids.check(id, c.Customer) {
		return httpx.Status(http.StatusNotFound, "Session not found; call initialize again")
	}
	h.remembered.Add(id, struct{}{})
	return nil
}

// holdCall handles a request that has a slot. It ends early when the caller
// loses access, when it takes too long, or when the server closes; the client
// then gets an answer that says so.
func (h *Handler) holdCall(a *answer, r *http.Request, body []byte, c caller) {
	call, cancel := context.WithTimeout(r.Context(), h.opts.CallTimeout)
	defer cancel()
	// mcp-go answers nothing once its own context has ended, so only the work
	// gets to see the end of this one.
	h.hold(context.WithValue(r.Context(), callKey{}, call), cancel, a, r, body, c)
}

type callKey struct{}

// working returns the context for the work that a request asks for.
func working(ctx context.Context) (context.Context, context.CancelFunc) {
	call, ok := ctx.Value(callKey{}).(context.Context)
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(call, func() { cancel(context.Cause(call)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// holdStream handles a request that stays open until one side ends it.
func (h *Handler) holdStream(a *answer, r *http.Request, body []byte, c caller) error {
	release, err := h.registry.reserve(c.Principal, kindStream)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a.pump = startPump(ctx, a.notify)
	h.hold(withPump(ctx, a.pump), cancel, a, r, body, c)
	return nil
}

func (h *Handler) hold(ctx context.Context, cancel context.CancelFunc, a *answer, r *http.Request, body []byte, c caller) {
	_ = a.sink.SetWriteDeadline(time.Time{}) // the server's own would end it
	a.principal, a.cancel = c.Principal, cancel
	a.session = r.Header.Get(mcpserver.HeaderKeySessionID)
	h.registry.add(a)
	defer h.registry.remove(a)
	h.handle(withNotifier(ctx, a.notify), a, r, body)
}

func (h *Handler) handle(ctx context.Context, a *answer, r *http.Request, body []byte) {
	defer a.finish()
	h.streamable.Handle(a, &mcpserver.HTTPRequest{
		Method:  r.Method,
		URL:     r.URL,
		Header:  r.Header,
		Body:    body,
		Context: ctx,
	})
	if id := a.Header().Get(mcpserver.HeaderKeySessionID); id != "" {
		h.remembered.Add(id, struct{}{})
	}
}

// richSession is as much of mcp-go's session as requests without one use.
type richSession interface {
	mcpserver.SessionWithLogging
	mcpserver.SessionWithClientInfo
	mcpserver.SessionWithSubscriptionFilter
	mcpserver.SessionWithStreamableHTTPConfig
}

// ownSession is the session of a single request.
type ownSession struct {
	richSession
	id   string
	pump *pump // nil for a request that is no subscription
}

func (s ownSession) SessionID() string { return s.id }

func (s ownSession) NotificationChannel() chan<- mcpgo.JSONRPCNotification {
	if s.pump == nil {
		return s.richSession.NotificationChannel()
	}
	return s.pump.in
}

// withOwnSession gives a request of a revision without sessions an ID of its
// own. With mcp-go's empty one, anybody's notifications/cancelled would cancel
// the request of the same number of anybody else.
func (h *Handler) withOwnSession(ctx context.Context) context.Context {
	s, ok := mcpserver.ClientSessionFromContext(ctx).(richSession)
	if !ok || s.SessionID() != "" {
		return ctx
	}
	return h.server.WithContext(ctx, ownSession{s, rand.Text(), pumpFrom(ctx)})
}

func acceptsEvents(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, "text/event-stream") || strings.Contains(accept, "*/*") {
			return true
		}
	}
	return false
}
