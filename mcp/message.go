package mcp

import (
	"net/http"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

// message serves POST /mcp/message: it accepts a message for a session, whose
// answer goes out on the session's stream.
func (h *Handler) message(w http.ResponseWriter, r *http.Request, c caller) error {
	release, err := h.registry.reserve(c.Principal, kindCall)
	if err != nil {
		return err
	}
	handedOn := false
	defer func() {
		if !handedOn {
			release()
		}
	}()
	body, e, problem, limited := h.receive(w, r, c)
	l, ok := h.sse.find(sessionOf(r.URL.RawQuery), c.Customer)
	switch {
	case limited != nil && ok && h.opts.InBandThrottle:
		w.WriteHeader(http.StatusAccepted)
		_ = l.send(throttled(e, limited))
		return nil
	case limited != nil:
		return limited
	case !ok:
		return httpx.Status(http.StatusBadRequest, "Session not found — reconnect to /mcp/sse")
	case problem != nil:
		return problem
	}
	w.WriteHeader(http.StatusAccepted)
	switch {
	case !e.isRequest():
		h.accept(l.session, c, e)
		return nil
	case e.isModern() && e.Method != string(mcpgo.MethodServerDiscover):
		// Revisions without sessions don't exist on this transport. A client that
		// asks what is spoken here is told, and falls back.
		refusal := unsupportedVersion(e.protocol(), mcpgo.LegacyProtocolVersions())
		refusal.id = e.ID
		_ = l.send(refusal.message())
		return nil
	case e.Method == string(mcpgo.MethodInitialize):
		l.session.setCapabilities(readCapabilities(e.Params.Capabilities))
	}
	x := &exchange{
		envelope: e, body: body, caller: c.Principal, session: l.session, notify: l.send, versions: mcpgo.LegacyProtocolVersions(),
	}
	// It ends with the session's stream, not with this request.
	ctx, done := h.begin(httpx.WithRequestID(l.ctx, httpx.RequestIDFrom(r.Context())), x)
	handedOn = true
	h.workers.run(func() {
		defer release()
		defer done()
		_ = l.send(h.answer(ctx, x))
	})
	return nil
}

// sessionOf returns the session that the query of an endpoint names. Our IDs need no
// decoding.
func sessionOf(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if id, ok := strings.CutPrefix(pair, "sessionId="); ok {
			return id
		}
	}
	return ""
}

// throttled answers a refused request in the protocol. A tool's caller gets a
// result that its model can read.
func throttled(e envelope, refusal error) any {
	if e.Method == string(mcpgo.MethodToolsCall) {
		return result(e.ID, toolError(refusal.Error()))
	}
	return errMessage{id: e.ID, code: codeThrottled, text: refusal.Error()}.message()
}

// codeThrottled is of the range that JSON-RPC 2.0 leaves to servers.
const codeThrottled = -32029
