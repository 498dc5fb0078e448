package clients

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
)

// A throttled /mcp/message is answered with 429, as /mcp is. Sessions live on,
// but for the Go SDK's over HTTP+SSE.
func TestClientsThrottledByStatus(t *testing.T) {
	t.Parallel()
	hosts := throttledHosts(t, mcp.Options{})
	each(t, fit, func(t *testing.T, c connection) {
		h := hosts[c.busy]
		s, other, stop := throttled(t, h, c)
		got, err := refused(t, calling(s))
		stop()
		want := h.tooFast()
		switch {
		case c.client == "go": // reads no body
			want = "Too Many Requests"
		case c.shortLived && c.transport == sse: // can't open its stream
			want = "429"
		case c.shortLived && c.transport == modern: // takes a throttled server/discover for a server without it
			want = "2026-07-28"
		}
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), h.tooFast()) {
			t.Errorf("%+v %v, want an error that says %q", got, err, want)
		}
		if c.mortal {
			refilled(t, other)
			if err = echo(t.Context(), s); err == nil {
				t.Error("the session lives on: has the SDK become better?")
			}
			t.Logf("the session is dead: %v", err)
			return
		}
		refilled(t, s)
	})
}

// With InBandThrottle, nobody loses a session over HTTP+SSE, and the tool's
// caller reads how long to wait.
func TestClientsThrottledInBand(t *testing.T) {
	t.Parallel()
	hosts := throttledHosts(t, mcp.Options{InBandThrottle: true})
	unfit := func(c connection) string {
		switch {
		case c.transport != sse:
			return "this is about HTTP+SSE"
		case c.shortLived:
			return "this client would have to open a stream, which is refused with 429"
		}
		return ""
	}
	each(t, unfit, func(t *testing.T, c connection) {
		h := hosts[c.busy]
		s, _, stop := throttled(t, h, c)
		got, err := refused(t, calling(s))
		_, listed := refused(t, listing(s))
		stop()
		if c.busy && err != nil { // one of the requests that it makes before the call was met
			got, err = result{err.Error(), true}, nil
		}
		if err != nil || !got.IsError || !strings.Contains(got.Text, h.tooFast()) {
			t.Errorf("%+v %v, want a tool error that says %q", got, err, h.tooFast())
		}
		if !strings.Contains(listed.Error(), h.tooFast()) {
			t.Errorf("a list of tools: %v, want an error that says %q", listed, h.tooFast())
		}
		refilled(t, s)
	})
}

// throttledHosts returns a host for clients that make one request for each call,
// and one for those that make several, by connection.busy. Their limits are used
// up soon, and soon filled again.
func throttledHosts(t *testing.T, options mcp.Options) map[bool]*host {
	return map[bool]*host{
		false: newHost(t, heycmo.Limits{MCP: 120}, options),
		true:  newHost(t, heycmo.Limits{MCP: 900}, options),
	}
}

func (h *host) tooFast() string {
	return fmt.Sprintf("too many requests: %d a minute are allowed; try again in 1 s", h.options.Limits.MCP)
}

// throttled connects a client and, for the same customer, another one. That one
// uses up the limit, and goes on until stop is called.
func throttled(t *testing.T, h *host, c connection) (s, other session, stop func()) {
	t.Helper()
	to := h.customer(t, h.address)
	s = c.connect(t, to, events{})
	works(t, s)
	other = connection{open: goHTTP("2026-07-28")}.connect(t, to, events{})
	usedUp, enough, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for told := false; !isClosed(enough); {
			if err := echo(t.Context(), other); err != nil && !told {
				close(usedUp)
				told = true
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(enough)
		<-ended
	})
	t.Cleanup(stop)
	await(t, "the end of the limit", usedUp)
	return s, other, stop
}

// refused asks until it is refused, and returns what the caller sees.
func refused(t *testing.T, ask func(context.Context) (result, error)) (result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		got, err := ask(ctx)
		if err != nil || got.IsError {
			t.Logf("the caller sees: %+v, %v", got, err)
			return got, err
		} // else it came at the moment of a refill
	}
}

func calling(s session) func(context.Context) (result, error) {
	return func(ctx context.Context) (result, error) {
		return s.call(ctx, "echo", map[string]any{"text": "hello"}, callOptions{})
	}
}

func listing(s session) func(context.Context) (result, error) {
	return func(ctx context.Context) (result, error) { return result{}, s.list(ctx) }
}

// refilled waits until the session works again.
func refilled(t *testing.T, s session) {
	t.Helper()
	began := time.Now()
	_ = eventually(t, "the session works again", func(ctx context.Context) error { return echo(ctx, s) })
	t.Logf("works again after %v", time.Since(began).Round(time.Millisecond))
}
