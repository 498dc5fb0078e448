package mcp

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// reply is the response to a request on /mcp. It is a JSON message, unless
// something must be sent ahead of the answer (a notification, a question, a
// keep-alive comment): that turns it into an event stream whose last event is the
// answer. So nothing is lost and nothing overtakes.
type reply struct {
	w       http.ResponseWriter
	sink    *timedSink
	streams bool // the client takes an event stream
	http2   bool // a deadline ends the stream even if nothing is being written
	quiet   time.Duration
	began   time.Time
	// serverTimeout is what the server gives the whole response; 0: no limit.
	serverTimeout time.Duration
	principal     auth.Principal
	cancel        context.CancelFunc

	mu       sync.Mutex
	events   bool // the header of an event stream is sent
	finished bool
}

// newReply returns the response to a request that came at began.
func newReply(w http.ResponseWriter, r *http.Request, c caller, began time.Time, opts Options) *reply {
	a := &reply{
		w:         w,
		sink:      &timedSink{sink: newResponseSink(w), timeout: opts.WriteTimeout},
		streams:   acceptsEvents(r) && canFlush(w),
		http2:     r.ProtoMajor > 1,
		quiet:     opts.KeepAlive,
		began:     began,
		principal: c.Principal,
	}
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		a.serverTimeout = server.WriteTimeout
	}
	return a
}

func (a *reply) owner() auth.Principal { return a.principal }
func (a *reply) end()                  { a.cancel() }

// notify sends a message to the client ahead of the answer, if it takes events.
func (a *reply) notify(message any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return encodeEvent(message, a.writeEvent)
}

// keepAlive sends a comment once the request has been silent for a while.
func (a *reply) keepAlive() {
	if time.Since(a.began) < a.quiet || !a.mu.TryLock() {
		return
	}
	defer a.mu.Unlock()
	_ = a.writeEvent(comment)
}

func (a *reply) writeEvent(p []byte) error {
	if !a.streams || a.finished {
		return errStreamClosed
	}
	if !a.events {
		a.events = true
		setStreamHeaders(a.w.Header())
		a.w.WriteHeader(http.StatusOK)
	}
	_, err := a.sink.Write(p)
	if err != nil {
		a.cancel()
	}
	return err
}

// answer sends the answer with a status, which an event stream can't have any
// more. Nothing is written after it: the response is about to be gone.
func (a *reply) answer(status int, message any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.finished = true }()
	if a.events {
		return encodeEvent(message, a.writeEvent)
	}
	return httpx.Encode("", message, "", func(data []byte) (err error) {
		header := a.w.Header()
		header.Set("Content-Type", "application/json")
		if len(data) <= maxUnflushed && (a.serverTimeout == 0 || time.Since(a.began) < a.serverTimeout/2) {
			a.w.WriteHeader(status)
			_, err = a.w.Write(data)
			return err
		}
		header.Set("Content-Length", strconv.Itoa(len(data)))
		a.w.WriteHeader(status)
		_, err = a.sink.Write(data)
		return err
	})
}

// maxUnflushed is how long an answer may be, in bytes, that is left to net/http to
// send, which is cheaper. It finds room in the connection's buffers, however slowly
// the client reads.
const maxUnflushed = 2 << 10

// finish lets nobody write any more.
func (a *reply) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.finished = true
}

func acceptsEvents(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, "text/event-stream") || strings.Contains(accept, "*/*") {
			return true
		}
	}
	return false
}
