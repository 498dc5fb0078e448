package recent_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/storage/storagetest"
)

// It must be a store like any other.
func TestSuite(t *testing.T) {
	open := func(t *testing.T) storage.Store {
		t.Helper()
		s, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return recent.New(s)
	}
	storagetest.Run(t, open)
	storagetest.RunTx(t, open)
	storagetest.RunConcurrent(t, open)
	storagetest.RunBilling(t, open)
}

// asked is a store with one customer and key that counts what it is asked.
type asked struct {
	storage.Store
	mu       sync.Mutex
	customer storage.Customer
	times    int
	asking   func() // called while it is being asked; may be nil

	refreshed int // keys whose states were asked for
	revoked   bool
}

var (
	hash = [32]byte{1}
	key  = storage.Key{ID: "key", CustomerID: "ada", Hash: hash}
)

func (a *asked) read() storage.Customer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times++
	return a.customer
}

func (a *asked) KeyByHash(context.Context, [32]byte) (storage.Key, storage.Customer, error) {
	c := a.read()
	if a.asking != nil {
		a.asking()
	}
	return key, c, nil
}

func (a *asked) Customer(context.Context, storage.CustomerID) (storage.Customer, error) {
	return a.read(), nil
}

func (a *asked) KeyStates(_ context.Context, ids []storage.KeyID) (map[storage.KeyID]storage.KeyState, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refreshed += len(ids)
	states := map[storage.KeyID]storage.KeyState{}
	for _, id := range ids {
		if !a.revoked {
			states[id] = storage.KeyState{CustomerState: storage.CustomerState{Status: a.customer.Status}, UpdatedAt: a.customer.UpdatedAt}
		}
	}
	return states, nil
}

func (a *asked) UpdateCustomer(_ context.Context, _ storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.customer, change(&a.customer)
}

func (a *asked) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return fn(ctx, a)
}

func newAsked() *asked {
	return &asked{customer: storage.Customer{ID: "ada", Status: storage.StatusActive}}
}

func suspend(c *storage.Customer) error {
	c.Status = storage.StatusInactive
	return nil
}

func status(t *testing.T, s storage.Store) storage.Status {
	t.Helper()
	_, c, err := s.KeyByHash(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	return c.Status
}

func TestAnswersAreKeptForSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newAsked()
		s := recent.New(store)
		for range 3 {
			status(t, s)
			if _, err := s.Customer(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
		}
		if store.times != 1 {
			t.Errorf("the store was asked %d times, want once", store.times)
		}
		_ = suspend(&store.customer) // on another replica
		time.Sleep(recent.MaxAge)
		if got := status(t, s); got != storage.StatusInactive {
			t.Errorf("after %v the customer is still %s", recent.MaxAge, got)
		}
	})
}

func TestRefusalsAreNotKept(t *testing.T) {
	store := newAsked()
	_ = suspend(&store.customer)
	s := recent.New(store)
	for range 3 {
		status(t, s)
	}
	if store.times != 3 {
		t.Errorf("the store was asked %d times, want each time", store.times)
	}
}

// With Refresh, a key in use is looked up once a minute, and a change elsewhere is
// seen at the next refresh.
func TestRefresh(t *testing.T) {
	for name, change := range map[string]func(*asked){
		"suspended": func(a *asked) { _ = suspend(&a.customer) },
		"revoked":   func(a *asked) { a.revoked = true },
		"renamed":   func(a *asked) { a.customer.UpdatedAt = a.customer.UpdatedAt.Add(time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newAsked()
				s := recent.New(store)
				pass := func(d time.Duration, use bool) {
					for range d / (2 * time.Second) {
						time.Sleep(2 * time.Second)
						if err := s.Refresh(t.Context()); err != nil {
							t.Fatal(err)
						}
						if use {
							status(t, s)
						}
					}
				}
				status(t, s)
				pass(50*time.Second, true)
				if store.times != 1 {
					t.Errorf("the store was asked %d times, want once", store.times)
				}
				change(store)
				pass(2*time.Second, true)
				if store.times != 2 {
					t.Errorf("after the change the store was asked %d times, want twice", store.times)
				}
				store.revoked, store.customer.Status = false, storage.StatusActive
				pass(2*time.Minute, true)
				if n := store.times; n < 3 || n > 6 {
					t.Errorf("in two minutes the store was asked %d times, want about each minute", n-2)
				}
				pass(time.Minute, false)
				before := store.refreshed
				pass(10*time.Second, false)
				if store.refreshed != before {
					t.Errorf("a key that nobody uses is refreshed")
				}
			})
		})
	}
}

// The age counts from before the question: a slow store doesn't make it longer.
func TestAgeCountsFromTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newAsked()
		store.asking = func() { time.Sleep(recent.MaxAge) }
		s := recent.New(store)
		status(t, s)
		_ = suspend(&store.customer)
		if got := status(t, s); got != storage.StatusInactive {
			t.Errorf("the customer is still %s", got)
		}
	})
}

func TestChangesAreSeenAtOnce(t *testing.T) {
	update := func(ctx context.Context, s storage.Store) error {
		_, err := s.UpdateCustomer(ctx, "ada", suspend)
		return err
	}
	inTx := func(ctx context.Context, s storage.Store) error {
		return s.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return update(ctx, tx) })
	}
	for name, change := range map[string]func(context.Context, storage.Store) error{
		"directly":         update,
		"in a transaction": inTx,
		"in a nested one": func(ctx context.Context, s storage.Store) error {
			return s.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return inTx(ctx, tx) })
		},
		// An error may have come after the commit.
		"in one that failed": func(ctx context.Context, s storage.Store) error {
			_ = s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
				return errors.Join(update(ctx, tx), errors.New("late"))
			})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := recent.New(newAsked())
			status(t, s)
			if err := change(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if got := status(t, s); got != storage.StatusInactive {
				t.Errorf("the customer is still %s", got)
			}
			if c, _ := s.Customer(t.Context(), "ada"); c.Status != storage.StatusInactive {
				t.Errorf("Customer: still %s", c.Status)
			}
		})
	}
}

// An answer from before a change must not be kept when it arrives after it.
func TestLateAnswersAreNotKept(t *testing.T) {
	store := newAsked()
	s := recent.New(store)
	store.asking = func() {
		store.asking = nil
		if _, err := s.UpdateCustomer(t.Context(), "ada", suspend); err != nil {
			t.Error(err)
		}
	}
	status(t, s) // from before
	if got := status(t, s); got != storage.StatusInactive {
		t.Errorf("the customer is still %s", got)
	}
}

func BenchmarkKeyByHash(b *testing.B) {
	s := recent.New(newAsked())
	for b.Loop() {
		if _, _, err := s.KeyByHash(b.Context(), hash); err != nil {
			b.Fatal(err)
		}
	}
}
