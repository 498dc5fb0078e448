package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/mcp"
)

// A client whose connections are cut, with a call under way, works again: by
// itself, or over a new connection where it can't.
func TestClientsCut(t *testing.T) {
	t.Parallel()
	h := newHost(t, unlimited, mcp.Options{})
	each(t, lasting, func(t *testing.T, c connection) {
		p := newProxy(t, h.address)
		to := h.customer(t, p.address)
		s := c.connect(t, to, events{})
		works(t, s)
		awaitStreams(t, c, p, 0)
		r := h.runs.get(t.Name())
		heard := make(chan progress, 1)
		call := begin(t, s, "wait", map[string]any{"run": t.Name(), "progress": true}, callOptions{progress: func(p progress) { heard <- p }})
		call.begun(t, r)
		if !c.mute {
			receive(t, "progress", heard) // so the answer's stream has begun
		}
		_, before := p.streams()

		p.cut()
		await(t, "the end of the tool's context", r.ended)
		s = revive(t, c, s, to)
		awaitStreams(t, c, p, before)
		if isClosed(call.ended) {
			t.Logf("the call that was cut off: %v", call.err)
		} else {
			t.Log("the call that was cut off still waits")
		}
		works(t, s)
	})
}

// Clients of a server that is restarted with its database and secret keys work
// again.
func TestClientsRestart(t *testing.T) {
	t.Parallel()
	h := newHost(t, unlimited, mcp.Options{})
	restart := func() {
		began := time.Now()
		h.stop()
		h.start(t)
		t.Logf("restarted within %v", time.Since(began).Round(time.Millisecond))
	}
	together(t, lasting, restart, func(t *testing.T, c connection, meet func()) {
		to := h.customer(t, h.address)
		s := c.connect(t, to, events{})
		works(t, s)
		meet()
		works(t, revive(t, c, s, to))
	})
}

// lasting says why a connection doesn't outlive a call.
func lasting(c connection) string {
	if c.shortLived {
		return "this client connects anew for each call"
	}
	return ""
}

// revive returns a session that works: s, or a new one if s can't reconnect.
func revive(t *testing.T, c connection, s session, to target) session {
	t.Helper()
	began := time.Now()
	var first error
	if c.mortal {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if first = echo(ctx, s); first == nil || ctx.Err() != nil {
			t.Errorf("a session without its stream must fail at once: %v", first)
		}
		s = c.connect(t, to, events{})
	} else {
		first = eventually(t, "the session works", func(ctx context.Context) error { return echo(ctx, s) })
	}
	t.Logf("usable again after %v; until then: %v", time.Since(began).Round(time.Millisecond), first)
	return s
}

// awaitStreams waits until a connection has the streams open that it keeps,
// after so many before.
func awaitStreams(t *testing.T, c connection, p *proxy, before int) {
	t.Helper()
	_ = eventually(t, "streams are open", func(context.Context) error {
		if open, ever := p.streams(); open != c.streams() || ever < before+c.streams() {
			return fmt.Errorf("%d of %d streams are open, want %d", open, ever, c.streams())
		}
		return nil
	})
}
