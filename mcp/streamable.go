package mcp

import (
	"crypto/rand"
	"net/http"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// maxKept bounds the sessions that have a log level or watch resources. One that
// falls out of it goes on working, without these.
const maxKept = 20_000

// post serves POST /mcp (MCP 2026-07-28 and 2025-11-25, basic/transports,
// "Streamable HTTP").
func (h *Handler) post(w http.ResponseWriter, r *http.Request, c caller) error {
	began := time.Now()
	release, err := h.registry.reserve(c.Principal, kindCall)
	if err != nil {
		return err
	}
	defer release()
	body, e, problem, limited := h.receive(w, r, c)
	if limited != nil {
		return limited
	}
	x := &exchange{envelope: e, body: body, caller: c.Principal, modern: e.isModern() || isModern(r)}
	first := e.Method == string(mcpgo.MethodInitialize)
	switch {
	case problem != nil && r.Header.Get(mcpserver.HeaderKeySessionID) == "":
		return problem
	case x.modern:
		if problem == nil {
			problem = h.checkModern(r, x)
		}
		x.session = newSession(rand.Text(), readCapabilities(e.Params.Meta.Capabilities))
	case first && problem == nil:
		caps := readCapabilities(e.Params.Capabilities)
		x.session = newSession(h.ids.generate(c.Customer, caps), caps)
	default:
		if x.session, err = h.findSession(r, c); err != nil {
			return err
		}
	}
	switch {
	case problem != nil:
		return problem
	case !e.isRequest():
		h.accept(x.session, c, e)
		w.WriteHeader(http.StatusAccepted)
		return nil
	case x.modern && e.Method == string(mcpgo.MethodSubscriptionsListen):
		release()
		return h.subscribe(w, r, c, x)
	}
	ctx, done := h.begin(r.Context(), x)
	defer done()
	a := newReply(w, r, c, began, h.opts)
	return h.hold(a, a, x, func() any {
		answer := h.answer(ctx, x)
		if !x.modern && first && errorCode(answer) == 0 {
			w.Header().Set(mcpserver.HeaderKeySessionID, x.session.id)
		}
		return answer
	})
}

// hold sends what handle answers. Until then m is registered, so that the request
// ends early when the caller loses access or the server closes. The client then
// still gets an answer that says so.
func (h *Handler) hold(m member, a *reply, x *exchange, handle func() any) error {
	if a.http2 {
		_ = a.sink.SetWriteDeadline(time.Time{}) // the server's own would end it
	}
	defer a.finish()
	a.cancel = x.cancel
	x.notify = a.notify
	h.registry.add(m)
	defer h.registry.remove(m)
	answer := handle()
	_ = a.answer(statusOf(x, answer), answer) // a client that has gone
	return nil
}

// statusOf returns the status of an answer, which says more from 2026-07-28 on.
func statusOf(x *exchange, answer any) int {
	if !x.modern {
		return http.StatusOK
	}
	switch errorCode(answer) {
	case mcpgo.METHOD_NOT_FOUND:
		return http.StatusNotFound
	case mcpgo.HEADER_MISMATCH, mcpgo.MISSING_REQUIRED_CLIENT_CAPABILITY, mcpgo.UNSUPPORTED_PROTOCOL_VERSION,
		mcpgo.INVALID_REQUEST, mcpgo.INVALID_PARAMS, mcpgo.PARSE_ERROR:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// errorCode returns the code of an answer that is an error, else 0.
func errorCode(answer any) int {
	switch answer := answer.(type) {
	case rpcMessage:
		if answer.Error != nil {
			return answer.Error.Code
		}
	case mcpgo.JSONRPCError:
		return answer.Error.Code
	}
	return 0
}

// listen serves GET /mcp: the stream on which a session hears of the resources
// that it watches. It can't be resumed, so Last-Event-ID tells nothing.
func (h *Handler) listen(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := h.app.Limit(r.Context(), w.Header(), app.ScopeMCP, string(c.Customer)); err != nil {
		return err
	}
	if isModern(r) {
		return errNoSessions
	}
	s, err := h.findSession(r, c)
	if err != nil {
		return err
	}
	s = h.keep(s)
	// An ID and no data, as the protocol wants it. It says that the stream works:
	// some clients give up when they lost streams several times without one.
	hello := []byte("id: " + rand.Text() + "\ndata:\n\n")
	return h.openStream(w, r, &listener{session: s, principal: c.Principal}, hello)
}

// endSession serves DELETE /mcp.
func (h *Handler) endSession(w http.ResponseWriter, r *http.Request, c caller) error {
	if isModern(r) {
		return errNoSessions
	}
	s, err := h.findSession(r, c)
	if err != nil {
		return err
	}
	h.ids.end(s.id)
	h.kept.Remove(s.id)
	for _, m := range h.registry.all() {
		if l, ok := m.(*listener); ok && l.session.id == s.id {
			l.end()
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

var errNoSessions = httpx.Status(http.StatusMethodNotAllowed, "this revision of the protocol has no sessions; use POST").
	WithHeader("Allow", http.MethodPost)

// findSession returns the session that the request names. The answer is the same
// for one that never was, has ended, or is somebody else's.
func (h *Handler) findSession(r *http.Request, c caller) (*session, error) {
	if version := r.Header.Get(mcpgo.HeaderProtocolVersion); version != "" && !mcpgo.IsValidProtocolVersion(version) {
		return nil, httpx.Status(http.StatusBadRequest, mcpgo.HeaderProtocolVersion+" names a version that is not spoken here")
	}
	id := r.Header.Get(mcpserver.HeaderKeySessionID)
	if id == "" {
		return nil, httpx.Status(http.StatusBadRequest, "the "+mcpserver.HeaderKeySessionID+" header is missing; call initialize first")
	}
	caps, ok := h.ids.check(id, c.Customer)
	if !ok {
		return nil, httpx.Status(http.StatusNotFound, "Session not found; call initialize again")
	}
	if s, ok := h.kept.Get(id); ok {
		return s, nil
	}
	s := newSession(id, caps)
	s.keep = h.keep
	return s, nil
}

// keep remembers a session that has more to it than its ID says, and returns the
// one that was remembered first.
func (h *Handler) keep(s *session) *session {
	if first, ok, _ := h.kept.PeekOrAdd(s.id, s); ok {
		return first
	}
	return s
}
