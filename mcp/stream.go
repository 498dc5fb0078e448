package mcp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

var errStreamClosed = errors.New("the stream is closed")

// comment is a line that SSE clients pass over (WHATWG HTML, section 9.2.5).
var comment = []byte(": keep-alive\n\n")

// encodeEvent hands a message as one server-sent event to write, which must not
// keep it.
func encodeEvent(message any, write func(p []byte) error) error {
	return httpx.Encode("event: message\ndata: ", message, "\n\n", write)
}

func setStreamHeaders(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "private, no-store")
	header.Set("X-Accel-Buffering", "no")
}

// sink is where bytes go. Only one goroutine at a time calls Write.
type sink interface {
	Write(p []byte) (int, error)
	SetWriteDeadline(t time.Time) error
	Close() error
}

// timedSink gives every write to a sink a deadline, and none to the time
// between: HTTP/2 resets a stream whose deadline passes, whether or not anything
// is being written.
type timedSink struct {
	sink
	timeout time.Duration
	raw     bool // a bare connection, on which a deadline that passes does nothing

	mu      sync.Mutex // the deadline is set under it alone
	writing bool
	stopped bool
}

func (t *timedSink) Write(p []byte) (int, error) {
	if !t.begin() {
		return 0, errStreamClosed
	}
	defer t.finish()
	return t.sink.Write(p)
}

func (t *timedSink) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return false
	}
	t.writing = true
	_ = t.SetWriteDeadline(time.Now().Add(t.timeout))
	return true
}

func (t *timedSink) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writing = false
	if !t.stopped && !t.raw {
		_ = t.SetWriteDeadline(time.Time{})
	}
}

// stop refuses further writes and cuts short the one that is under way.
func (t *timedSink) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.writing {
		_ = t.SetWriteDeadline(time.Unix(1, 0))
	}
}

// stream is an open server-sent event stream. Writes come from many goroutines,
// go out whole and in order, and each has a deadline: a client that doesn't read
// loses its stream.
type stream struct {
	sink   *timedSink
	ctx    context.Context // ends when the stream is closed
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
}

func newStream(s sink, timeout time.Duration) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	_, raw := s.(net.Conn)
	return &stream{sink: &timedSink{sink: s, timeout: timeout, raw: raw}, ctx: ctx, cancel: cancel}
}

// writeLocked sends p whole, or closes the stream. The caller holds mu.
func (s *stream) writeLocked(p []byte) error {
	if s.closed {
		return errStreamClosed
	}
	_, err := s.sink.Write(p)
	if err != nil {
		s.closeLocked()
	}
	return err
}

// keepAlive sends a comment, unless something is being sent right now.
func (s *stream) keepAlive() {
	if s.mu.TryLock() {
		defer s.mu.Unlock()
		_ = s.writeLocked(comment)
	}
}

// close ends the stream, cutting short what is being written. Nothing is
// written any more once it has returned.
func (s *stream) close() {
	s.sink.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
}

func (s *stream) closeLocked() {
	if !s.closed {
		s.closed = true
		_ = s.sink.Close()
		s.cancel()
	}
}

// canFlush reports whether events can be sent through w, which some middleware
// prevents.
func canFlush(w http.ResponseWriter) bool {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			_, ok := w.(http.Flusher)
			return ok
		}
		w = wrapper.Unwrap()
	}
}

// responseSink writes through net/http.
type responseSink struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newResponseSink(w http.ResponseWriter) responseSink {
	return responseSink{w, http.NewResponseController(w)}
}

func (s responseSink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err == nil {
		err = s.control.Flush()
	}
	return n, err
}

func (s responseSink) SetWriteDeadline(t time.Time) error { return s.control.SetWriteDeadline(t) }

// Close lifts the deadline, which would otherwise meet the connection's next
// response.
func (s responseSink) Close() error { return s.control.SetWriteDeadline(time.Time{}) }

// takeOver takes the connection away from net/http, which frees its buffers and
// goroutine, and sends the header. The body ends with the connection (RFC 9112,
// section 6.3, rule 8).
func takeOver(w http.ResponseWriter, timeout time.Duration) (net.Conn, error) {
	header := w.Header().Clone()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	_ = conn.SetWriteDeadline(time.Now().Add(timeout))
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(buffered)
	_, _ = buffered.WriteString("\r\n")
	_ = buffered.Flush() // a failure shows at the first event
	return conn, nil
}
