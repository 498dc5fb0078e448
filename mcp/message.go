package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime/debug"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/auth"
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
	s, ok := h.sse.find(r.URL.Query().Get("sessionId"), c.Customer)
	switch {
	case limited != nil && ok && h.opts.InBandThrottle:
		w.WriteHeader(http.StatusAccepted)
		h.send(s, throttled(e, limited))
		return nil
	case limited != nil:
		return limited
	case !ok:
		return httpx.Status(http.StatusBadRequest, "Session not found — reconnect to /mcp/sse")
	case problem != nil:
		return problem
	}
	ctx := h.messageContext(s, c, r)
	if !e.isRequest() {
		h.server.HandleMessage(ctx, body)
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	// Revisions without sessions don't exist on this transport. A client that
	// asks what is spoken here is told, and falls back.
	if e.isModern() && e.Method != string(mcpgo.MethodServerDiscover) {
		w.WriteHeader(http.StatusAccepted)
		h.send(s, unsupportedVersion(e))
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.opts.CallTimeout)
	call := &call{principal: c.Principal, cancel: cancel}
	h.registry.add(call)
	w.WriteHeader(http.StatusAccepted)
	handedOn = true
	go func() {
		defer release()
		defer h.registry.remove(call)
		defer cancel()
		h.answer(ctx, s, e, body)
	}()
	return nil
}

// answer handles a request and sends its answer.
func (h *Handler) answer(ctx context.Context, s *sseSession, e envelope, body []byte) {
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("panic", zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
			h.send(s, rpcError(e.ID, mcpgo.INTERNAL_ERROR, "something went wrong on our side"))
		}
	}()
	if answer := h.server.HandleMessage(ctx, body); answer != nil {
		h.send(s, answer)
	}
}

// messageContext returns the context in which a message of the session is
// handled. It ends with the session's stream, not with the POST.
func (h *Handler) messageContext(s *sseSession, c caller, r *http.Request) context.Context {
	ctx := httpx.WithRequestID(s.ctx, httpx.RequestIDFrom(r.Context()))
	ctx = auth.NewContext(ctx, c.Principal)
	ctx = withNotifier(ctx, func(message any) { h.send(s, message) })
	ctx = mcpserver.WithSupportedProtocolVersions(ctx, mcpgo.LegacyProtocolVersions())
	return h.server.WithContext(ctx, s)
}

// send writes a JSON-RPC message to the session's stream. A stream that has
// ended takes nothing, and nobody waits for it.
func (h *Handler) send(s *sseSession, message any) {
	data, err := json.Marshal(message)
	if err != nil {
		h.log.Error("a message could not be encoded", zap.Error(err))
		return
	}
	_ = s.write(event(data))
}

// call is a request that is being answered.
type call struct {
	principal auth.Principal
	cancel    context.CancelFunc
}

func (c *call) owner() auth.Principal { return c.principal }
func (c *call) keepAlive()            {}
func (c *call) end()                  { c.cancel() }

func unsupportedVersion(e envelope) any {
	answer := mcpgo.UnsupportedProtocolVersionError{Version: e.Version, Supported: mcpgo.LegacyProtocolVersions()}.JSONRPCError()
	answer.ID = requestID(e.ID)
	return answer
}

// throttled answers a refused request in the protocol. A tool's caller gets a
// result that its model can read.
func throttled(e envelope, refusal error) any {
	if e.Method == string(mcpgo.MethodToolsCall) {
		return mcpgo.NewJSONRPCResultResponse(requestID(e.ID), mcpgo.NewToolResultError(refusal.Error()))
	}
	return rpcError(e.ID, codeThrottled, refusal.Error())
}

// codeThrottled is of the range that JSON-RPC 2.0 leaves to servers.
const codeThrottled = -32029

func requestID(raw json.RawMessage) mcpgo.RequestId {
	var id any
	_ = json.Unmarshal(raw, &id)
	return mcpgo.NewRequestId(id)
}
