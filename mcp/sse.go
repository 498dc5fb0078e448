package mcp

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// listener is the open event stream of a session: the only one of a session of
// HTTP+SSE, which ends with it, or one of GET /mcp.
type listener struct {
	*stream
	session   *session
	principal auth.Principal
	// opened and closed are called when the stream opens and when it has ended;
	// may be nil.
	opened, closed func(*listener)
}

func (l *listener) owner() auth.Principal { return l.principal }
func (l *listener) end()                  { l.close() }

// send writes a JSON-RPC message to the stream. A stream that has ended takes
// nothing, and nobody waits for it. One message at a time is encoded, so that a
// client that doesn't read costs little.
func (l *listener) send(message any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stream.closed {
		return errStreamClosed
	}
	return encodeEvent(message, l.writeLocked)
}

// listeners finds the streams of HTTP+SSE by their session's ID.
type listeners struct {
	mu   sync.RWMutex
	byID map[string]*listener
}

func newListeners() *listeners { return &listeners{byID: map[string]*listener{}} }

func (t *listeners) add(l *listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[l.session.id] = l
}

func (t *listeners) remove(l *listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, l.session.id)
}

// find returns the session's stream if it is one of owner's. Somebody else's is
// not found.
func (t *listeners) find(id string, owner storage.CustomerID) (*listener, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	l, ok := t.byID[id]
	return l, ok && l.principal.Customer == owner
}

// openSSE serves GET /mcp/sse (MCP 2024-11-05, basic/transports, "HTTP with
// SSE").
func (h *Handler) openSSE(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := h.app.Limit(r.Context(), w.Header(), app.ScopeMCP, string(c.Customer)); err != nil {
		return err
	}
	s := newSession(rand.Text(), 0) // initialize says what its client can be asked
	// The retry time rides in the same record, because some clients insist on
	// endpoint being the first one.
	hello := []byte("event: endpoint\nretry: 1000\ndata: " + h.endpoint(r, c, s.id) + "\n\n")
	return h.openStream(w, r, &listener{session: s, principal: c.Principal, opened: h.sse.add, closed: h.sse.remove}, hello)
}

// openStream sends hello on l and keeps it open until one side ends it.
func (h *Handler) openStream(w http.ResponseWriter, r *http.Request, l *listener, hello []byte) error {
	release, err := h.registry.reserve(l.principal, kindStream)
	if err != nil {
		return err
	}
	if !canFlush(w) {
		release()
		h.log.Error("a middleware outside of the host takes the ability to stream away: its ResponseWriter needs Flush or Unwrap")
		return httpx.Status(http.StatusInternalServerError, "this server can't stream")
	}
	setStreamHeaders(w.Header())
	if h.opts.HijackStreams && r.ProtoMajor == 1 {
		if conn, err := takeOver(w, h.opts.WriteTimeout); err == nil {
			h.start(l, conn, hello)
			go func() {
				waitForByte(conn)
				l.close()
				h.stopped(l)
				release()
			}()
			return nil
		}
	}
	defer release()
	w.WriteHeader(http.StatusOK)
	h.start(l, newResponseSink(w), hello)
	defer h.stopped(l)
	defer l.close()
	select {
	case <-l.ctx.Done():
	case <-r.Context().Done():
	}
	return nil
}

func (h *Handler) start(l *listener, to sink, hello []byte) {
	l.stream = newStream(to, h.opts.WriteTimeout)
	// Nothing may be sent before hello, and whoever has read it must find a
	// stream that is known everywhere.
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened != nil {
		l.opened(l)
	}
	h.registry.add(l)
	_ = l.writeLocked(hello)
}

func (h *Handler) stopped(l *listener) {
	if l.closed != nil {
		l.closed(l)
	}
	h.registry.remove(l)
}

// waitForByte returns when the client has gone. Clients send nothing on the
// stream after their request, so a byte ends it too.
func waitForByte(conn net.Conn) {
	var b [1]byte
	_, _ = conn.Read(b[:])
}

// endpoint returns the address for the session's messages: a path on the same
// host, with the token that the client needs to be let in, if it came with one.
func (h *Handler) endpoint(r *http.Request, c caller, id string) string {
	query := "sessionId=" + url.QueryEscape(id)
	if c.token != "" {
		query += "&token=" + url.QueryEscape(c.token)
	}
	return h.basePath(r) + "/mcp/message?" + query
}

// basePath returns the path under which the host is mounted: what the client
// asked for, less what has arrived here.
func (h *Handler) basePath(r *http.Request) string {
	if h.config.BasePath != "" {
		return h.config.BasePath
	}
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	base, ok := strings.CutSuffix(asked, r.URL.EscapedPath())
	if !ok {
		return ""
	}
	return base
}
