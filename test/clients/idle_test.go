package clients

import (
	"os"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/mcp"
)

// Clients that were silent for long call a tool, on the stream that they had.
func TestClientsIdle(t *testing.T) {
	setting := os.Getenv(idleVariable)
	if setting == "" {
		t.Skipf("this takes minutes: make clients runs it, or %s=6m", idleVariable)
	}
	silence, err := time.ParseDuration(setting)
	if err != nil {
		t.Fatalf("%s: %v", idleVariable, err)
	}
	t.Parallel()
	h := newHost(t, unlimited, mcp.Options{})
	wait := func() {
		t.Logf("all are silent for %v", silence)
		time.Sleep(silence)
	}
	together(t, lasting, wait, func(t *testing.T, c connection, meet func()) {
		p := newProxy(t, h.address)
		s := c.connect(t, h.customer(t, p.address), events{})
		works(t, s)
		awaitStreams(t, c, p, 0)
		_, before := p.streams()
		began := time.Now()
		meet()
		if open, ever := p.streams(); open != c.streams() || ever != before {
			t.Errorf("%d streams are open, %d were opened in the silence", open, ever-before)
		}
		silent := time.Since(began)
		began = time.Now()
		works(t, s)
		t.Logf("silent for %v, answered in %v", silent.Round(time.Second), time.Since(began).Round(time.Millisecond))
		if _, ever := p.streams(); ever != before {
			t.Error("the call opened a stream")
		}
	})
}
