package mcp

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

var (
	errHost   = httpx.Status(http.StatusForbidden, "this Host is not served here")
	errOrigin = httpx.Status(http.StatusForbidden, "pages of this Origin may not use this server")
)

// caller is who sent a request.
type caller struct {
	auth.Principal
	token string // the key, if it came in the URL
}

// admit proves who sent the request. The request it returns carries the caller
// in its context and no longer has a token in its URL.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request) (*http.Request, caller, error) {
	w.Header().Set("Cache-Control", "private, no-store")
	if len(h.config.Hosts) > 0 && !slices.Contains(h.config.Hosts, r.Host) && !isLoopback(r.Host) {
		return r, caller{}, errHost
	}
	if h.foreignOrigin(r) {
		return r, caller{}, errOrigin
	}
	scrubbed, err := httpx.TakeQueryToken(r)
	if err != nil {
		return r, caller{}, err
	}
	p, err := h.app.Login(scrubbed)
	if err != nil {
		return scrubbed, caller{}, err
	}
	c := caller{p, r.URL.Query().Get("token")}
	return scrubbed.WithContext(auth.NewContext(scrubbed.Context(), p)), c, nil
}

// foreignOrigin reports whether a browser sent the request for a page that has
// no business here (MCP 2025-11-25, basic/transports, "Security Warning"). A
// page of this server itself is let in only where its host name is known, since
// any name can be made to point here.
func (h *Handler) foreignOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(h.config.Origins, origin) {
		return false
	}
	u, err := url.Parse(origin)
	own := err == nil && u.Host != "" && u.Host == r.Host
	return !own || !slices.Contains(h.config.Hosts, r.Host) && !isLoopback(r.Host)
}

func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.IsLoopback()
}

// envelope is as much of a JSON-RPC message as the edge needs.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Meta struct {
			ProtocolVersion any `json:"io.modelcontextprotocol/protocolVersion"`
		} `json:"_meta"`
	} `json:"params"`
}

// isRequest reports whether the message expects an answer.
func (e envelope) isRequest() bool {
	return e.Method != "" && len(e.ID) > 0 && string(e.ID) != "null"
}

// isModern reports whether the message speaks a revision without sessions
// (2026-07-28 and later).
func (e envelope) isModern() bool {
	version, _ := e.Params.Meta.ProtocolVersion.(string)
	return mcpgo.IsModernProtocol(version)
}

// receive reads a message of c and counts it. Only what asks for an answer
// counts, and whatever can't be told. limited says that the request may not
// pass; problem, that the message could not be read.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, c caller) (body []byte, e envelope, problem, limited error) {
	body, e, problem = h.read(w, r)
	if problem != nil || e.isRequest() {
		limited = h.app.Limit(r.Context(), w.Header(), app.ScopeMCP, string(c.Customer))
	}
	return body, e, problem, limited
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, e envelope, err error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, e, httpx.Status(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, h.opts.MaxBody))
	if err != nil {
		return nil, e, err
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return nil, e, errMessage{mcpgo.INVALID_REQUEST, "the body must be one JSON-RPC message"}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, e, errMessage{mcpgo.PARSE_ERROR, "the body is not a JSON-RPC message"}
	}
	return body, e, nil
}

// errMessage is a message that is no JSON-RPC; it is answered with status 400.
type errMessage struct {
	code int
	text string
}

func (e errMessage) Error() string { return e.text }

func (e errMessage) write(w http.ResponseWriter) {
	httpx.JSON(w, http.StatusBadRequest, rpcError(nil, e.code, e.text))
}

func rpcError(id json.RawMessage, code int, text string) any {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	return map[string]any{
		"jsonrpc": mcpgo.JSONRPC_VERSION,
		"id":      id,
		"error":   map[string]any{"code": code, "message": text},
	}
}
