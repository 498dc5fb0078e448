package mcp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

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

// admit proves who sent the request. The request it returns no longer has a token
// in its URL.
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
	return scrubbed, c, nil
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

// maxFreeBody is how long a message may be that counts as no request.
const maxFreeBody = 64 << 10

// receive reads a message of c and counts it. Only what asks for an answer
// counts, whatever can't be told, and what is long. limited says that the
// request may not pass; problem, that the message could not be read.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, c caller) (body []byte, e envelope, problem, limited error) {
	body, e, problem = h.read(w, r)
	if problem != nil || e.isRequest() || len(body) > maxFreeBody {
		// A body that fails to come ends the request's context.
		ctx := context.WithoutCancel(r.Context())
		limited = h.app.Limit(ctx, w.Header(), app.ScopeMCP, string(c.Customer))
	}
	return body, e, problem, limited
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, e envelope, err error) {
	lift := h.limitRead(w, r)
	body, err = httpx.ReadBody(w, r, h.opts.MaxBody)
	if _, tooSlow := errors.AsType[net.Error](err); tooSlow {
		// The deadline stays, or net/http would wait for the rest for ever.
		return nil, e, httpx.Status(http.StatusRequestTimeout, "the body took too long").WithHeader("Connection", "close")
	}
	lift()
	if err != nil {
		return nil, e, err
	}
	if err := httpx.CheckJSON(r); err != nil {
		return nil, e, err
	}
	body = bytes.TrimSpace(body)
	e, err = open(body)
	return body, e, err
}

// limitRead gives the client BodyTimeout to send the body, until lift is called. A
// server that gives it less does so by itself.
func (h *Handler) limitRead(w http.ResponseWriter, r *http.Request) (lift func()) {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if ok && server.ReadTimeout > 0 && server.ReadTimeout <= h.opts.BodyTimeout {
		return func() {}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(h.opts.BodyTimeout))
	return func() { _ = control.SetReadDeadline(time.Time{}) }
}
