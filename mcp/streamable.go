package mcp

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

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
	body, e, problem, limited := h.receive(w, r, c)
	if limited != nil {
		return limited
	}
	modern := e.isModern() || isModern(r)
	if problem == nil && !modern && e.Method != string(mcpgo.MethodInitialize) {
		if err := h.checkSession(r, c); err != nil {
			return err
		}
	}
	if problem != nil {
		return problem
	}
	a := newAnswer(w, r, h.opts)
	if !e.isRequest() {
		h.handle(r.Context(), a, r, body)
		return nil
	}
	k := kindCall
	if e.Method == string(mcpgo.MethodSubscriptionsListen) {
		k = kindStream
	}
	return h.hold(a, r, body, c, k)
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
	return h.hold(newAnswer(w, r, h.opts), r, nil, c, kindStream)
}

// endSession serves DELETE /mcp.
func (h *Handler) endSession(w http.ResponseWriter, r *http.Request, c caller) error {
	if !isModern(r) {
		if err := h.checkSession(r, c); err != nil {
			return err
		}
	}
	h.remembered.Remove(r.Header.Get(mcpserver.HeaderKeySessionID))
	h.handle(r.Context(), newAnswer(w, r, h.opts), r, nil)
	return nil
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

// hold handles a request that stays open for a while: it counts, and it ends
// when the caller loses access, takes too long, or the server closes.
func (h *Handler) hold(a *answer, r *http.Request, body []byte, c caller, k kind) error {
	release, err := h.registry.reserve(c.Principal, k)
	if err != nil {
		return err
	}
	defer release()
	var ctx context.Context
	if k == kindCall {
		ctx, a.cancel = context.WithTimeout(r.Context(), h.opts.CallTimeout)
	} else {
		ctx, a.cancel = context.WithCancel(r.Context())
	}
	defer a.cancel()
	a.principal = c.Principal
	h.registry.add(a)
	defer h.registry.remove(a)
	ctx = withNotifier(ctx, a.notify)
	if k == kindStream {
		a.pump = startPump(ctx, a.notify)
		ctx = withPump(ctx, a.pump)
	}
	h.handle(ctx, a, r, body)
	return nil
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
