package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/auth"
)

// reply is the response to a request on /mcp. It is a JSON message, unless
// something must be sent ahead of the answer (a notification, a question, a
// keep-alive comment): that turns it into an event stream whose last event is the
// answer. So nothing is lost and nothing overtakes.
type reply struct {
	w         http.ResponseWriter
	sink      *timedSink
	streams   bool // the client takes an event stream
	http2     bool // a deadline ends the stream even if nothing is being written
	quiet     time.Duration
	began     time.Time
	principal auth.Principal
	cancel    context.CancelFunc

	mu       sync.Mutex
	events   bool // the header of an event stream is sent
	finished bool
}

func newReply(w http.ResponseWriter, r *http.Request, c caller, opts Options) *reply {
	return &reply{
		w:         w,
		sink:      &timedSink{sink: newResponseSink(w), timeout: opts.WriteTimeout},
		streams:   acceptsEvents(r) && canFlush(w),
		http2:     r.ProtoMajor > 1,
		quiet:     opts.KeepAlive,
		began:     time.Now(),
		principal: c.Principal,
	}
}

func (a *reply) owner() auth.Principal { return a.principal }
func (a *reply) end()                  { a.cancel() }

// notify sends a message to the client ahead of the answer, if it takes events.
func (a *reply) notify(message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writeEvent(event(data))
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
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.finished = true }()
	if a.events {
		return a.writeEvent(event(data))
	}
	header := a.w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(data)))
	a.w.WriteHeader(status)
	_, err = a.sink.Write(data)
	return err
}

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
