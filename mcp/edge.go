package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

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
	if len(h.config.Hosts) > 0 && !h.isOwnHost(r.Host) {
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
	c := caller{Principal: p}
	if r.Header.Get("Authorization") == "" {
		c.token, _ = auth.BearerToken(scrubbed)
	}
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
	own := err == nil && u.Host != "" && CanonicalHost(u.Host) == CanonicalHost(r.Host)
	return !own || !h.isOwnHost(r.Host)
}

// isOwnHost reports whether host is known to be this server.
func (h *Handler) isOwnHost(host string) bool {
	return slices.Contains(h.config.Hosts, CanonicalHost(host)) || isLoopback(host)
}

// CanonicalHost returns the host of an address in lower case, without the port
// when it is the one of http or https.
func CanonicalHost(host string) string {
	host = strings.ToLower(host)
	if name, ok := strings.CutSuffix(host, ":443"); ok {
		return name
	}
	return strings.TrimSuffix(host, ":80")
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
	ID      json.RawMessage
	Method  string
	Version string // that _meta names
}

// open reads the envelope of a message.
func open(body []byte) (envelope, error) {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method json.RawMessage `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if len(body) == 0 || body[0] != '{' {
		return envelope{}, errMessage{nil, mcpgo.INVALID_REQUEST, "the body must be one JSON-RPC message"}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return envelope{}, errMessage{nil, mcpgo.PARSE_ERROR, "the body is not JSON"}
	}
	e := envelope{ID: m.ID}
	if len(m.Method) > 0 && json.Unmarshal(m.Method, &e.Method) != nil {
		return e, errMessage{m.ID, mcpgo.INVALID_REQUEST, "method must be a string"}
	}
	var params struct {
		Meta map[string]any `json:"_meta"`
	}
	if len(m.Params) > 0 && json.Unmarshal(m.Params, &params) != nil {
		return e, errMessage{m.ID, mcpgo.INVALID_PARAMS, "params and _meta must be objects"}
	}
	e.Version, _ = params.Meta[mcpgo.MetaKeyProtocolVersion].(string)
	return e, nil
}

// isRequest reports whether the message expects an answer.
func (e envelope) isRequest() bool {
	return e.Method != "" && len(e.ID) > 0 && string(e.ID) != "null"
}

// isModern reports whether the message speaks a revision without sessions
// (2026-07-28 and later).
func (e envelope) isModern() bool { return mcpgo.IsModernProtocol(e.Version) }

const (
	// maxFreeBody is how long a message may be that counts as no request.
	maxFreeBody = 64 << 10
	// bodyTimeout is how long a client may take to send a message.
	bodyTimeout = 30 * time.Second
)

// receive reads a message of c and counts it. Only what asks for an answer
// counts, whatever can't be told, and what is long. limited says that the
// request may not pass; problem, that the message could not be read.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, c caller) (body []byte, e envelope, problem, limited error) {
	body, e, problem = h.read(w, r)
	if problem != nil || e.isRequest() || len(body) > maxFreeBody {
		limited = h.app.Limit(r.Context(), w.Header(), app.ScopeMCP, string(c.Customer))
	}
	return body, e, problem, limited
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, e envelope, err error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, h.opts.MaxBody))
	_ = control.SetReadDeadline(time.Time{})
	if _, tooSlow := errors.AsType[net.Error](err); tooSlow {
		err = httpx.Status(http.StatusRequestTimeout, "the body took too long")
	}
	if err != nil {
		return nil, e, err
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, e, httpx.Status(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	}
	body = bytes.TrimSpace(body)
	e, err = open(body)
	return body, e, err
}

// errMessage is a message that is no JSON-RPC; it is answered with status 400.
type errMessage struct {
	id   json.RawMessage
	code int
	text string
}

func (e errMessage) Error() string { return e.text }

func (e errMessage) write(w http.ResponseWriter) {
	httpx.JSON(w, http.StatusBadRequest, rpcError(e.id, e.code, e.text))
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
