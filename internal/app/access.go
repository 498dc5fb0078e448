package app

import (
	"context"
	"maps"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// Streams is a face that keeps connections open.
type Streams interface {
	// Principals returns whose connections are open.
	Principals() []auth.Principal
	// End closes the connections of those for whom gone is true.
	End(gone func(auth.Principal) bool)
	// Updated tells the customer's connections that watch the resource at uri
	// that it has changed.
	Updated(customer storage.CustomerID, uri string)
}

// Watch has s told when a caller loses access or a resource changes.
func (a *App) Watch(s Streams) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streams = append(a.streams, s)
}

func (a *App) endStreams(gone func(auth.Principal) bool) {
	for _, s := range a.watching() {
		s.End(gone)
	}
}

// ResourceUpdated tells clients of the customer on this replica that a resource
// has changed.
func (a *App) ResourceUpdated(customer storage.CustomerID, uri string) {
	for _, s := range a.watching() {
		s.Updated(customer, uri)
	}
}

func (a *App) watching() []Streams {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.streams
}

// CheckAccess asks the store whether the callers with open streams may still
// come in, and closes the streams of those who may not. It finds what other
// replicas changed; changes made here take effect at once.
func (a *App) CheckAccess(ctx context.Context) error {
	keys, customers := map[storage.KeyID]bool{}, map[storage.CustomerID]bool{}
	for _, s := range a.watching() {
		for _, p := range s.Principals() {
			if p.Key != "" {
				keys[p.Key] = true
			} else {
				customers[p.Customer] = true
			}
		}
	}
	if len(keys)+len(customers) == 0 {
		return nil
	}
	keyStates, err := a.Store.KeyStates(ctx, collect(keys))
	if err != nil {
		return err
	}
	states, err := a.Store.CustomerStates(ctx, collect(customers))
	if err != nil {
		return err
	}
	lost, now := map[storage.CustomerID]bool{}, time.Now()
	entitled := func(s storage.CustomerState) bool { return s.Status.At(s.EntitledUntil, now).Entitled() }
	a.endStreams(func(p auth.Principal) bool {
		gone := false
		if p.Key == "" {
			gone = customers[p.Customer] && !entitled(states[p.Customer]) || auth.Expired(p.ExpiresAt)
		} else {
			state := keyStates[p.Key]
			gone = keys[p.Key] && (!entitled(state.CustomerState) || auth.Expired(state.ExpiresAt))
		}
		if gone {
			lost[p.Customer] = true
		}
		return gone
	})
	a.Store.Forget(collect(lost)...)
	return nil
}

func collect[K comparable](set map[K]bool) []K {
	list := make([]K, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	return list
}

// keyUsed notes that the key was seen now. FlushKeyUse stores it.
func (a *App) keyUsed(id storage.KeyID) {
	if id == "" {
		return
	}
	minute := storage.Now().Truncate(time.Minute)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.touched[id] = minute
}

// FlushKeyUse stores when keys were last used, to the minute.
func (a *App) FlushKeyUse(ctx context.Context) error {
	a.mu.Lock()
	used := a.touched
	a.touched = map[storage.KeyID]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := a.Store.TouchKeys(ctx, used)
	if err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		maps.Copy(used, a.touched)
		a.touched = used
	}
	return err
}
