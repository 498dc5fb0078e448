package mcp

import (
	"crypto/rand"
	"encoding/json"
	"sync"

	"github.com/heycmo/heycmo-go/storage"
)

// ask is a request to a client that waits for its answer.
type ask struct {
	id       json.RawMessage
	customer storage.CustomerID
	session  string
	answer   chan envelope
}

// asks finds who waits for an answer. A stream belongs to one process, and so does
// the question that was sent on it.
type asks struct {
	mu   sync.Mutex
	byID map[string]*ask
}

func newAsks() *asks { return &asks{byID: map[string]*ask{}} }

func (t *asks) begin(customer storage.CustomerID, session string) *ask {
	a := &ask{json.RawMessage(`"` + rand.Text() + `"`), customer, session, make(chan envelope, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[string(a.id)] = a
	return a
}

func (t *asks) end(a *ask) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, string(a.id))
}

// deliver hands an answer to the one who waits for it. An answer that nobody
// waits for, such as one that is late, is dropped.
func (t *asks) deliver(customer storage.CustomerID, session string, e envelope) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.byID[string(e.ID)]
	if a != nil && a.customer == customer && a.session == session {
		delete(t.byID, string(a.id))
		a.answer <- e
	}
}
