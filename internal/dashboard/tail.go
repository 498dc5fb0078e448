package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	liveLook  = 2 * time.Second  // how often a live tail looks
	liveLife  = 10 * time.Minute // how long it may last; browsers come again
	liveMany  = 5                // tails that a customer may have open at a replica
	liveBurst = 1000             // events that one look may find
)

// tails counts the live tails of customers.
type tails struct {
	mu      sync.Mutex
	open    map[storage.CustomerID]int
	stopped chan struct{} // closed once they are to end
	stop    func()
}

func newTails() *tails {
	t := &tails{open: map[storage.CustomerID]int{}, stopped: make(chan struct{})}
	t.stop = sync.OnceFunc(func() { close(t.stopped) })
	return t
}

// enter lets one more in, and reports whether there was room.
func (t *tails) enter(customer storage.CustomerID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[customer] == liveMany {
		return false
	}
	t.open[customer]++
	return true
}

func (t *tails) leave(customer storage.CustomerID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[customer]--; t.open[customer] == 0 {
		delete(t.open, customer)
	}
}

// liveEvents sends new events as they come (server-sent events, HTML section 9.2).
func (h *Handler) liveEvents(w http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if !h.tails.enter(v.Customer) {
		return reply{}, httpx.Status(http.StatusTooManyRequests, "too many live pages are open").WithHeader("Retry-After", "60")
	}
	defer h.tails.leave(v.Customer)
	kind, last := strings.TrimSpace(r.URL.Query().Get("type")), storage.EventID(r.Header.Get("Last-Event-Id"))
	newest, _, err := h.app.Events(r.Context(), v.Customer, kind, 1, "")
	if err != nil {
		return reply{}, err
	}
	if last == "" && len(newest) > 0 {
		last = newest[0].ID
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	tick, end := time.NewTicker(liveLook), time.NewTimer(liveLife)
	defer tick.Stop()
	defer end.Stop()
	control := http.NewResponseController(w)
	for {
		text := ": alive\n\n"
		fresh, err := h.since(r.Context(), v.Customer, kind, last)
		if err != nil {
			return reply{}, nil // browsers come again
		}
		for _, e := range slices.Backward(fresh) {
			data, err := json.Marshal(e)
			if err != nil {
				return reply{}, nil
			}
			last, text = e.ID, text+fmt.Sprintf("id: %s\ndata: %s\n\n", e.ID, data)
		}
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // where it can be set
		if _, err := w.Write([]byte(text)); err != nil || control.Flush() != nil {
			return reply{}, nil
		}
		select {
		case <-r.Context().Done():
			return reply{}, nil
		case <-h.tails.stopped:
			return reply{}, nil
		case <-end.C:
			return reply{}, nil
		case <-tick.C:
		}
		if _, _, err := h.app.Visitor(r.Context(), v.session); err != nil {
			return reply{}, nil // signed out, or no longer let in
		}
	}
}

// since finds the events after one, newest first.
func (h *Handler) since(ctx context.Context, customer storage.CustomerID, kind string, last storage.EventID) (fresh []eventRow, err error) {
	cursor := ""
	for len(fresh) < liveBurst {
		list, next, err := h.app.Events(ctx, customer, kind, listed, cursor)
		if err != nil {
			return nil, err
		}
		for _, e := range eventRows(list) {
			if e.ID <= last {
				return fresh, nil
			}
			fresh = append(fresh, e)
		}
		if next == "" {
			break
		}
		cursor = next
	}
	return fresh, nil
}
