package mcp

import (
	"encoding/json"
	"sync"
)

// running finds the requests of sessions by their IDs, so that clients can cancel
// them.
type running struct {
	mu   sync.Mutex
	byID map[runningKey]*exchange
}

type runningKey struct{ session, request string }

func newRunning() *running { return &running{byID: map[runningKey]*exchange{}} }

// begin makes a request known until end is called.
func (t *running) begin(x *exchange) (end func()) {
	key := runningKey{x.session.id, string(x.ID)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[key] = x
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.byID[key] == x { // another request may have taken the ID
			delete(t.byID, key)
		}
	}
}

func (t *running) cancel(session string, request json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byID[runningKey{session, string(request)}]; x != nil {
		x.cancel()
	}
}
