package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/auth"
)

// answer is the response to a request on /mcp. mcp-go writes to it, and so do
// the running call's notifications and the keep-alive timer. The first of these
// two turns the response into an event stream, in which what mcp-go writes as
// JSON becomes the last event. So nothing is lost and nothing overtakes.
type answer struct {
	w         http.ResponseWriter
	sink      *timedSink
	header    http.Header // mcp-go's own, which only it touches until it is sent
	streams   bool        // the client takes an event stream
	quiet     time.Duration
	began     time.Time
	principal auth.Principal
	session   string // that the request names; may be empty
	cancel    context.CancelFunc
	pump      *pump // nil for a call

	mu       sync.Mutex
	state    answerState
	wrap     bool // mcp-go writes JSON into an event stream of ours
	finished bool
}

type answerState int

const (
	answerOpen   answerState = iota // nothing sent
	answerEvents                    // the header of an event stream is sent
	answerPlain                     // any other header is sent
)

func newAnswer(w http.ResponseWriter, r *http.Request, opts Options) *answer {
	return &answer{
		w:       w,
		sink:    &timedSink{sink: newResponseSink(w), timeout: opts.WriteTimeout},
		header:  http.Header{},
		streams: acceptsEvents(r) && canFlush(w),
		quiet:   opts.KeepAlive,
		began:   time.Now(),
	}
}

func (a *answer) owner() auth.Principal { return a.principal }
func (a *answer) end()                  { a.cancel() }

// Header, WriteHeader, Write, Flush and CanStream are what mcp-go calls.
func (a *answer) Header() http.Header { return a.header }

// CanStream reports that mcp-go may send events.
func (a *answer) CanStream() bool { return a.streams }

// Flush does nothing, since every write is flushed.
func (a *answer) Flush() {}

// WriteHeader sends mcp-go's header, unless an event stream has begun.
func (a *answer) WriteHeader(status int) {
	if a.pump != nil {
		a.pump.flush()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	events := strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream")
	switch {
	case a.state == answerEvents:
		a.wrap = !events
	case a.state == answerOpen && events:
		maps.Copy(a.w.Header(), a.header)
		a.beginEvents()
	case a.state == answerOpen:
		a.state = answerPlain
		maps.Copy(a.w.Header(), a.header)
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
			a.w.Header().Set("Content-Type", "application/json")
			a.wrap = true
		}
		a.w.WriteHeader(status)
	}
}

func (a *answer) beginEvents() {
	a.state = answerEvents
	setStreamHeaders(a.w.Header())
	a.w.WriteHeader(http.StatusOK)
}

// Write sends what mcp-go writes: an event, a whole JSON message, or the text
// of an error, which gets the form of our errors.
func (a *answer) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := p
	switch {
	case a.wrap && a.state == answerEvents:
		out = event(bytes.TrimSpace(p))
	case a.wrap:
		out, _ = json.Marshal(map[string]string{"error": string(bytes.TrimSpace(p))})
	}
	if err := a.writeLocked(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (a *answer) writeLocked(p []byte) error {
	if a.finished {
		return errStreamClosed
	}
	_, err := a.sink.Write(p)
	if err != nil && a.cancel != nil {
		a.cancel()
	}
	return err
}

// notify sends a message to the client ahead of the answer, if it takes events.
func (a *answer) notify(message any) {
	data, err := json.Marshal(message)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sendEvent(event(data))
}

func (a *answer) sendEvent(p []byte) {
	if !a.streams || a.finished || a.state == answerPlain {
		return
	}
	if a.state == answerOpen {
		a.beginEvents()
	}
	_ = a.writeLocked(p)
}

// keepAlive sends a comment once the request has been silent for a while.
func (a *answer) keepAlive() {
	if time.Since(a.began) < a.quiet || !a.mu.TryLock() {
		return
	}
	defer a.mu.Unlock()
	a.sendEvent(comment)
}

// finish lets nobody write any more: the response is about to be gone.
func (a *answer) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.finished = true
	_ = a.sink.Close()
}
