package clients

import (
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/mcp"
)

// A client is ready at once, and its stream open, though nothing comes on it.
func TestClientsConnect(t *testing.T) {
	t.Parallel()
	h := newHost(t, unlimited, mcp.Options{KeepAlive: time.Hour})
	each(t, fit, func(t *testing.T, c connection) {
		p := newProxy(t, h.address)
		s := c.connect(t, h.customer(t, p.address), events{})
		awaitStreams(t, c, p, 0)
		works(t, s)
	})
}
