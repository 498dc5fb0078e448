package mcp

import (
	"crypto/rand"
	"encoding/json"
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
	if !x.modern && first {
		// mcp-go answers an initialize of any shape.
		w.Header().Set(mcpserver.HeaderKeySessionID, x.session.id)
	}
	ctx, done := h.begin(r.Context(), x)
	defer done()
	a := newReply(w, r, c, h.opts)
	return h.hold(a, a, x, func() any { return h.answer(ctx, x) })
}

// hold sends what handle answers. Until then m is registered, so that the request
// ends early when the caller loses access or the server closes. The client then
// still gets an answer that says so.
func (h *Handler) hold(m member, a *reply, x *exchange, handle func() any) error {
	_ = a.sink.SetWriteDeadline(time.Time{}) // the server's own would end it
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
	code := 0
	switch answer := answer.(type) {
	case rpcMessage:
		if answer.Error != nil {
			code = answer.Error.Code
		}
	case mcpgo.JSONRPCError:
		code = answer.Error.Code
	}
	switch code {
	case mcpgo.METHOD_NOT_FOUND:
		return http.StatusNotFound
	case mcpgo.HEADER_MISMATCH, mcpgo.MISSING_REQUIRED_CLIENT_CAPABILITY, mcpgo.UNSUPPORTED_PROTOCOL_VERSION,
		mcpgo.INVALID_REQUEST, mcpgo.INVALID_PARAMS, mcpgo.PARSE_ERROR:
		return http.StatusBadRequest
	}
	return http.StatusOK
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
	h.keep(s)
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

// keep remembers a session that has more to it than its ID says.
func (h *Handler) keep(s *session) { h.kept.ContainsOrAdd(s.id, s) }

func isModern(r *http.Request) bool {
	return mcpgo.IsModernProtocol(r.Header.Get(mcpgo.HeaderProtocolVersion))
}

// checkModern holds a request of 2026-07-28 or later against its headers (MCP
// 2026-07-28, basic/transports).
func (h *Handler) checkModern(r *http.Request, x *exchange) error {
	header, version := r.Header.Get(mcpgo.HeaderProtocolVersion), x.protocol()
	refuse := func(code int, text string) error { return errMessage{id: x.ID, code: code, text: text} }
	switch {
	case !x.isRequest() && !x.isAnswer():
		return nil // some clients send notifications without _meta
	case x.isAnswer():
		return refuse(mcpgo.INVALID_REQUEST, "this revision has no requests to clients, so no answers from them")
	case r.Header.Get(mcpgo.HeaderLastEventID) != "":
		return refuse(mcpgo.HEADER_MISMATCH, mcpgo.HeaderLastEventID+" has no meaning: streams can't be resumed; send the request again")
	case header == "":
		return refuse(mcpgo.HEADER_MISMATCH, mcpgo.HeaderProtocolVersion+" is missing")
	case version == "":
		return refuse(mcpgo.INVALID_PARAMS, "_meta lacks "+mcpgo.MetaKeyProtocolVersion)
	case version != header:
		return refuse(mcpgo.HEADER_MISMATCH, mcpgo.HeaderProtocolVersion+" and "+mcpgo.MetaKeyProtocolVersion+" differ")
	case !mcpgo.IsValidProtocolVersion(version):
		e := unsupportedVersion(version, mcpgo.ValidProtocolVersions)
		e.id = x.ID
		return e
	case !isObject(x.Params.Meta.Capabilities):
		return refuse(mcpgo.INVALID_PARAMS, "_meta lacks "+mcpgo.MetaKeyClientCapabilities)
	}
	if err := h.checkHeaders(r.Header, x); err != nil {
		return refuse(mcpgo.HEADER_MISMATCH, err.Error())
	}
	return h.readInput(x)
}

// checkHeaders holds the headers that repeat parts of the message against it
// (SEP-2243).
func (h *Handler) checkHeaders(header http.Header, x *exchange) error {
	name, isCall := text(x.Params.Name), x.Method == string(mcpgo.MethodToolsCall)
	tool := h.headerTools[name]
	if isCall && tool == nil && header.Get(mcpgo.HeaderMethod) == x.Method && header.Get(mcpgo.HeaderName) == name && h.app.HasTool(name) {
		return nil // most requests, without reading the message once more
	}
	var message struct {
		Params json.RawMessage `json:"params"`
	}
	_ = json.Unmarshal(x.body, &message) // it was JSON before
	err := mcpgo.ValidateStandardHeaders(header.Get, x.protocol(), mcpgo.MCPMethod(x.Method), message.Params)
	if err == nil && isCall && tool != nil {
		err = mcpgo.ValidateParamHeadersLookup(lookup(header), tool, message.Params)
	}
	return err
}

func lookup(header http.Header) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		values := header.Values(name)
		if len(values) == 0 {
			return "", false
		}
		return values[0], true
	}
}

func unsupportedVersion(version string, supported []string) errMessage {
	details := mcpgo.UnsupportedProtocolVersionError{Version: version, Supported: supported}.JSONRPCError().Error
	return errMessage{code: details.Code, text: details.Message, data: details.Data}
}
