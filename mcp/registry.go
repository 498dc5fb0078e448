package mcp

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// member is something open: a stream, or a call that runs on a response of its own.
type member interface {
	owner() auth.Principal
	// keepAlive sends a comment if the client would otherwise hear nothing. It
	// doesn't wait for a write of somebody else.
	keepAlive()
	// end closes the stream or cancels the call. It may be called often.
	end()
}

type kind int

const (
	kindStream kind = iota
	kindCall
	kinds
)

var errClosing = httpx.Status(http.StatusServiceUnavailable, "the server is shutting down; try again").WithHeader("Retry-After", "2")

// registry knows everything that is open. It caps it by customer, keeps streams
// alive with one timer for all, ends those of callers who lost access, and
// drains.
type registry struct {
	opts Options

	mu       sync.Mutex
	reserved [kinds]int
	owned    map[storage.CustomerID][kinds]int
	members  map[member]struct{}
	ticking  bool
	closed   chan struct{} // closed once closing
	closing  bool
	idle     chan struct{} // when closing: closed once no call runs
}

func newRegistry(opts Options) *registry {
	return &registry{
		opts:    opts,
		owned:   map[storage.CustomerID][kinds]int{},
		members: map[member]struct{}{},
		closed:  make(chan struct{}),
	}
}

// reserve counts a stream or call of the owner in until release is called, or
// returns the HTTP error that says why not.
func (g *registry) reserve(owner auth.Principal, k kind) (release func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	owned := g.owned[owner.Customer]
	switch {
	case g.closing:
		return nil, errClosing
	case k == kindStream && owned[k] >= g.opts.MaxStreamsPerCustomer:
		return nil, tooMany("streams are open", owned[k])
	case k == kindCall && owned[k] >= g.opts.MaxCallsPerCustomer:
		return nil, tooMany("calls are running", owned[k])
	case k == kindStream && g.reserved[k] >= g.opts.MaxStreams:
		return nil, httpx.Status(http.StatusServiceUnavailable, "the server has no stream left; try again").WithHeader("Retry-After", "10")
	}
	g.count(owner.Customer, k, 1)
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.count(owner.Customer, k, -1)
		if g.idle != nil && g.reserved[kindCall] == 0 {
			close(g.idle)
			g.idle = nil
		}
	}), nil
}

func tooMany(what string, n int) error {
	return httpx.Status(http.StatusTooManyRequests, fmt.Sprintf("%d %s already; close one first", n, what)).WithHeader("Retry-After", "5")
}

func (g *registry) count(customer storage.CustomerID, k kind, by int) {
	owned := g.owned[customer]
	owned[k] += by
	g.reserved[k] += by
	if owned == [kinds]int{} {
		delete(g.owned, customer)
	} else {
		g.owned[customer] = owned
	}
}

// add makes m, for which there is a reservation, known to the timer and to
// those who end streams.
func (g *registry) add(m member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[m] = struct{}{}
	switch {
	case g.closing:
		go m.end()
	case !g.ticking:
		g.ticking = true
		go g.tick()
	}
}

func (g *registry) remove(m member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.members, m)
}

// tick keeps streams alive until there is none when it looks.
func (g *registry) tick() {
	ticker := time.NewTicker(g.opts.KeepAlive)
	defer ticker.Stop()
	for g.needed() {
		select {
		case <-g.closed:
			return
		case <-ticker.C:
			for _, m := range g.all() {
				go m.keepAlive() // one that doesn't read must not hold up the others
			}
		}
	}
}

func (g *registry) needed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ticking = len(g.members) > 0
	return g.ticking
}

func (g *registry) all() []member {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]member, 0, len(g.members))
	for m := range g.members {
		all = append(all, m)
	}
	return all
}

// Principals returns whose streams and calls are open.
func (g *registry) Principals() []auth.Principal {
	all := g.all()
	principals := make([]auth.Principal, len(all))
	for i, m := range all {
		principals[i] = m.owner()
	}
	return principals
}

// End closes the streams and cancels the calls of those for whom gone is true.
func (g *registry) End(gone func(auth.Principal) bool) {
	for _, m := range g.all() {
		if gone(m.owner()) {
			m.end()
		}
	}
}

// Updated tells those of the customer's streams that watch the resource.
func (g *registry) Updated(customer storage.CustomerID, uri string) {
	for _, m := range g.all() {
		if w, ok := m.(watcher); ok && w.owner().Customer == customer {
			go w.updated(uri) // one that doesn't read must not hold up the others
		}
	}
}

// drain lets nobody in any more, lets calls finish until ctx ends, and then ends
// everything that is still open.
func (g *registry) drain(ctx context.Context) error {
	err := g.awaitCalls(ctx)
	for _, m := range g.all() {
		m.end()
	}
	return err
}

func (g *registry) awaitCalls(ctx context.Context) error {
	g.mu.Lock()
	if !g.closing {
		g.closing = true
		close(g.closed)
	}
	if g.reserved[kindCall] > 0 && g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
