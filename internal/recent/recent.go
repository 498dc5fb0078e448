// Package recent remembers for a few seconds what a store said about API keys and
// their customers, since every request asks for it:
//
//	store = recent.New(store)
//
// A change that goes through the same Store is seen at once. One that is made
// elsewhere, such as on another replica, is seen after [MaxAge] at the latest.
// [Store.Refresh] has the store say, for many keys at once, that nothing has
// changed, so that customers who call often need not be looked up again.
package recent

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/heycmo/heycmo-go/storage"
)

const (
	// MaxAge is how old an answer may be, counted from before the store was
	// asked. It leaves a second of the five within which a revoked key must be
	// refused everywhere.
	MaxAge = 4 * time.Second

	// maxWhole is how old an answer may become by refreshing, until all of it is
	// read again.
	maxWhole = time.Minute
	// maxUnused is how long an answer that nobody asks for is refreshed.
	maxUnused = 30 * time.Second

	// usedInterval is how exact it is known when an answer was asked for.
	usedInterval = time.Second

	maxKeys   = 20_000
	changeSet = 4096
)

// Store is a [storage.Store] that remembers KeyByHash and Customer.
type Store struct {
	storage.Store
	seed maphash.Seed

	mu        sync.Mutex
	keys      *lru.Cache[[32]byte, *found]
	customers *lru.Cache[storage.CustomerID, *found]
	// changes counts the changes of customers; several customers share a count,
	// which is only a loss of time. total counts all.
	changes [changeSet]uint32
	total   uint64
}

// found is an answer of the store.
type found struct {
	key      storage.Key // none in an answer about the customer alone
	customer storage.Customer
	read     time.Time
	change   uint32 // the customer's count at that time

	// Under Store.mu:
	asked time.Time // when it was last known to hold
	used  time.Time
}

func newFound() *found {
	now := time.Now()
	return &found{read: now, asked: now, used: now}
}

// New returns a Store over s.
func New(s storage.Store) *Store {
	keys, _ := lru.New[[32]byte, *found](maxKeys) // fails for a size below 1 only
	customers, _ := lru.New[storage.CustomerID, *found](maxKeys)
	return &Store{Store: s, seed: maphash.MakeSeed(), keys: keys, customers: customers}
}

// KeyByHash is described at [storage.Keys].
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (storage.Key, storage.Customer, error) {
	f, total, ok := recall(s, s.keys, hash)
	if ok {
		return f.key, f.customer, ctx.Err()
	}
	f = newFound()
	var err error
	if f.key, f.customer, err = s.Store.KeyByHash(ctx, hash); err == nil {
		s.remember(f, total)
	}
	return f.key, f.customer, err
}

// Customer is described at [storage.Customers].
func (s *Store) Customer(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	f, total, ok := recall(s, s.customers, id)
	if ok {
		return f.customer, ctx.Err()
	}
	f = newFound()
	var err error
	if f.customer, err = s.Store.Customer(ctx, id); err == nil {
		s.remember(f, total)
	}
	return f.customer, err
}

// recall returns an answer that still holds, or else how many changes there were
// before the store is asked.
func recall[K comparable](s *Store, answers *lru.Cache[K, *found], by K) (f *found, total uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok = answers.Peek(by)
	now := time.Now()
	if ok = ok && s.holds(f, now); ok && now.Sub(f.used) > usedInterval {
		f.used = now
		answers.Get(by) // moves it to the front
	}
	return f, s.total, ok
}

// holds reports whether an answer can be given again.
func (s *Store) holds(f *found, now time.Time) bool {
	return now.Sub(f.asked) < MaxAge && f.change == s.changes[s.slot(f.customer.ID)]
}

// Refresh asks the store whether the keys that were used lately are as they were,
// all at once. It is called every second or two.
func (s *Store) Refresh(ctx context.Context) error {
	now := time.Now()
	current := s.inUse(now)
	ids := make([]storage.KeyID, len(current))
	for i, f := range current {
		ids[i] = f.key.ID
	}
	states, err := s.KeyStates(ctx, ids)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range current {
		is := states[f.key.ID]
		if is.Status == f.customer.Status && is.UpdatedAt.Equal(f.customer.UpdatedAt) && is.ExpiresAt.Equal(f.key.ExpiresAt) {
			f.asked = now
		} else {
			f.asked = time.Time{} // changed, or gone
		}
	}
	return nil
}

// inUse returns the answers about keys that are worth refreshing.
func (s *Store) inUse(now time.Time) []*found {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*found
	for _, f := range s.keys.Values() {
		if s.holds(f, now) && now.Sub(f.used) < maxUnused && now.Sub(f.read) < maxWhole {
			list = append(list, f)
		}
	}
	return list
}

// remember keeps an answer, unless something changed while the store was asked:
// then it may be from before the change. Who may not come in isn't remembered, so
// that they may as soon as they have paid.
func (s *Store) remember(f *found, total uint64) {
	if !f.customer.Status.Entitled() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total != total {
		return
	}
	f.change = s.changes[s.slot(f.customer.ID)]
	s.customers.Add(f.customer.ID, f)
	if f.key.ID != "" {
		s.keys.Add(f.key.Hash, f)
	}
}

// Forget says that customers or their keys were changed elsewhere.
func (s *Store) Forget(customers ...storage.CustomerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range customers {
		s.changes[s.slot(id)]++
		s.total++
	}
}

func (s *Store) slot(id storage.CustomerID) uint64 {
	return maphash.String(s.seed, string(id)) % changeSet
}

// UpdateCustomer is described at [storage.Customers].
func (s *Store) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	defer s.Forget(id)
	return s.Store.UpdateCustomer(ctx, id, change)
}

// UpdateKey is described at [storage.Keys].
func (s *Store) UpdateKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID, change func(*storage.Key) error) (storage.Key, error) {
	defer s.Forget(customer)
	return s.Store.UpdateKey(ctx, customer, id, change)
}

// DeleteKey is described at [storage.Keys].
func (s *Store) DeleteKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID) error {
	defer s.Forget(customer)
	return s.Store.DeleteKey(ctx, customer, id)
}

// Unwrap returns the Store behind s, for [storage.RoleOf].
func (s *Store) Unwrap() storage.Store { return s.Store }

// InTx is described at [storage.Store]. Inside, nothing is remembered.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Store) error) error {
	var t *tx
	defer func() {
		if t != nil {
			s.Forget(t.customers...)
		}
	}()
	return s.Store.InTx(ctx, func(ctx context.Context, inner storage.Store) error {
		t = &tx{Store: inner}
		return fn(ctx, t)
	})
}

// tx notes which customers a transaction changes. What it changed counts from its
// end on, however it ended.
type tx struct {
	storage.Store
	customers []storage.CustomerID
}

func (t *tx) Unwrap() storage.Store { return t.Store }

func (t *tx) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	t.customers = append(t.customers, id)
	return t.Store.UpdateCustomer(ctx, id, change)
}

func (t *tx) UpdateKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID, change func(*storage.Key) error) (storage.Key, error) {
	t.customers = append(t.customers, customer)
	return t.Store.UpdateKey(ctx, customer, id, change)
}

func (t *tx) DeleteKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID) error {
	t.customers = append(t.customers, customer)
	return t.Store.DeleteKey(ctx, customer, id)
}

func (t *tx) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Store) error) error {
	return t.Store.InTx(ctx, func(ctx context.Context, inner storage.Store) error {
		nested := &tx{Store: inner}
		defer func() { t.customers = append(t.customers, nested.customers...) }()
		return fn(ctx, nested)
	})
}
