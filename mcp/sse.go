package mcp

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// sseSession is one open stream of the HTTP+SSE transport. It is the session
// that mcp-go sees.
type sseSession struct {
	*stream
	id        string
	principal auth.Principal

	levelMu sync.Mutex
	level   mcpgo.LoggingLevel
}

func (s *sseSession) owner() auth.Principal { return s.principal }
func (s *sseSession) end()                  { s.close() }

// SessionID names the session, which keeps its cancellations apart from others'.
func (s *sseSession) SessionID() string { return s.id }

// Initialize does nothing: a client that reconnects opens a new session and
// doesn't repeat the handshake, so a session is ready from the start.
func (s *sseSession) Initialize() {}

// Initialized is always true.
func (s *sseSession) Initialized() bool { return true }

// NotificationChannel takes nothing: notifications go out through the stream,
// in order with the answers.
func (s *sseSession) NotificationChannel() chan<- mcpgo.JSONRPCNotification { return nil }

// SetLogLevel is called for logging/setLevel.
func (s *sseSession) SetLogLevel(level mcpgo.LoggingLevel) {
	s.levelMu.Lock()
	defer s.levelMu.Unlock()
	s.level = level
}

// GetLogLevel returns the least serious level that the client wants.
func (s *sseSession) GetLogLevel() mcpgo.LoggingLevel {
	s.levelMu.Lock()
	defer s.levelMu.Unlock()
	return s.level
}

var _ mcpserver.SessionWithLogging = (*sseSession)(nil)

// sseSessions finds sessions by ID.
type sseSessions struct {
	mu   sync.RWMutex
	byID map[string]*sseSession
}

func newSSESessions() *sseSessions { return &sseSessions{byID: map[string]*sseSession{}} }

func (t *sseSessions) add(s *sseSession) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[s.id] = s
}

func (t *sseSessions) remove(s *sseSession) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, s.id)
}

// find returns the session if it is one of owner's. Somebody else's is not
// found.
func (t *sseSessions) find(id string, owner storage.CustomerID) (*sseSession, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.byID[id]
	return s, ok && s.principal.Customer == owner
}

// openSSE serves GET /mcp/sse (MCP 2024-11-05, basic/transports, "HTTP with
// SSE").
func (h *Handler) openSSE(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := h.app.Limit(r.Context(), w.Header(), app.ScopeMCP, string(c.Customer)); err != nil {
		return err
	}
	release, err := h.registry.reserve(c.Principal, kindStream)
	if err != nil {
		return err
	}
	if !canFlush(w) {
		release()
		h.log.Error("a middleware outside of the host takes the ability to stream away: its ResponseWriter needs Flush or Unwrap")
		return httpx.Status(http.StatusInternalServerError, "this server can't stream")
	}
	setStreamHeaders(w.Header())
	id := rand.Text()
	// The retry time rides in the same record, because some clients insist on
	// endpoint being the first one.
	hello := []byte("event: endpoint\nretry: 1000\ndata: " + h.endpoint(r, c, id) + "\n\n")
	if h.opts.HijackStreams && r.ProtoMajor == 1 {
		if conn, err := takeOver(w, h.opts.WriteTimeout); err == nil {
			s := h.startSSE(conn, id, c, hello)
			go func() {
				waitForByte(conn)
				s.close()
				h.endSSE(s)
				release()
			}()
			return nil
		}
	}
	defer release()
	w.WriteHeader(http.StatusOK)
	s := h.startSSE(newResponseSink(w), id, c, hello)
	defer h.endSSE(s)
	defer s.close()
	select {
	case <-s.ctx.Done():
	case <-r.Context().Done():
	}
	return nil
}

func (h *Handler) startSSE(to sink, id string, c caller, hello []byte) *sseSession {
	s := &sseSession{
		stream:    newStream(to, h.opts.WriteTimeout),
		id:        id,
		principal: c.Principal,
		level:     mcpgo.LoggingLevelInfo,
	}
	// Nothing may be sent before hello, and whoever has read it must find a
	// session that is known everywhere.
	s.mu.Lock()
	defer s.mu.Unlock()
	h.sse.add(s)
	h.registry.add(s)
	_ = s.writeLocked(hello)
	return s
}

func (h *Handler) endSSE(s *sseSession) {
	h.sse.remove(s)
	h.registry.remove(s)
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
