package clients

import (
	"testing"

	"github.com/heycmo/heycmo-go/mcp"
)

// A client that cancels a call ends the tool's context. The session goes on, and
// so do its other calls.
func TestClientsCancel(t *testing.T) {
	t.Parallel()
	h := newHost(t, unlimited, mcp.Options{})
	each(t, impatient, func(t *testing.T, c connection) {
		s := c.connect(t, h.customer(t, h.address), events{})
		begun := func(name string, o callOptions) (*pending, *run) {
			r := h.runs.get(t.Name() + name)
			p := begin(t, s, "wait", map[string]any{"run": t.Name() + name, "progress": true}, o)
			p.begun(t, r)
			return p, r
		}
		_, other := begun("other", callOptions{})
		for name, o := range map[string]callOptions{"quiet": {}, "with progress": {progress: func(progress) {}}} {
			call, r := begun(name, o)
			call.cancel()
			if got, err := call.end(t); err == nil {
				t.Errorf("the cancelled call has a result: %+v", got)
			} else {
				t.Logf("the caller sees: %v", err)
			}
			if !c.cancelsAlone {
				await(t, "the end of the tool's context", r.ended)
			}
			works(t, s)
			if c.cancelsAlone && isClosed(r.ended) {
				t.Error("the tool was cancelled: is the client better than we thought?")
			}
		}
		if isClosed(other.ended) {
			t.Error("another call was cancelled too")
		}
	})
}

func impatient(c connection) string {
	if c.patient {
		return "this client can't cancel: a command that is killed leaves its call to the daemon"
	}
	return ""
}

func isClosed(signal <-chan struct{}) bool {
	select {
	case <-signal:
		return true
	default:
		return false
	}
}
