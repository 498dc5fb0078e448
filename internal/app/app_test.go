package app_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// newApp returns the use cases over a store, which wrap may replace.
func newApp(t *testing.T, wrap func(storage.Store) storage.Store) *app.App {
	t.Helper()
	opened, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	var store storage.Store = opened
	if wrap != nil {
		store = wrap(opened)
	}
	return app.New(app.Config{
		Store:         recent.New(store),
		Authenticator: auth.Keys(store),
		Limiter:       ratelimit.NewMemory(nil),
		Catalog:       &agent.Catalog{},
		Log:           zap.NewNop(),
	})
}

func provision(t *testing.T, a *app.App) app.Provisioned {
	t.Helper()
	p, err := a.Provision(t.Context(), app.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(t *testing.T, key string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+key)
	return r
}

// failingTouch is a store that can't note the use of keys while broken.
type failingTouch struct {
	storage.Store
	broken bool
}

func (f *failingTouch) TouchKeys(ctx context.Context, used map[storage.KeyID]time.Time) error {
	if f.broken {
		return errors.New("broken")
	}
	return f.Store.TouchKeys(ctx, used)
}

func TestKeyUseIsStored(t *testing.T) {
	var store *failingTouch
	a := newApp(t, func(s storage.Store) storage.Store {
		store = &failingTouch{s, true}
		return store
	})
	p := provision(t, a)
	if _, err := a.Login(request(t, p.APIKey.Reveal())); err != nil {
		t.Fatal(err)
	}
	if err := a.FlushKeyUse(t.Context()); err == nil {
		t.Fatal("a broken store reports no error")
	}
	store.broken = false
	if err := a.FlushKeyUse(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, _, err := a.Keys(t.Context(), p.Customer.ID, 0, "")
	if err != nil || len(keys) != 1 || keys[0].LastUsedAt.IsZero() {
		t.Errorf("the use of the key is lost: %+v, %v", keys, err)
	}
}

func TestKeysHaveACap(t *testing.T) {
	a := newApp(t, nil)
	p := provision(t, a)
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for range 120 {
		wg.Go(func() {
			_, _, err := a.CreateKey(t.Context(), p.Customer.ID, "another")
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, storage.ErrConflict) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	keys, _, err := a.Keys(t.Context(), p.Customer.ID, 100, "")
	if err != nil || len(keys) != 100 || refused != 21 {
		t.Errorf("%d keys, %d refused, %v", len(keys), refused, err)
	}
}

func TestEveryChangeOfAKeyIsAnEvent(t *testing.T) {
	a := newApp(t, nil)
	p := provision(t, a)
	_, second, err := a.CreateKey(t.Context(), p.Customer.ID, "second")
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := a.RotateKey(t.Context(), auth.Principal{Customer: p.Customer.ID, Key: second.ID}, app.DefaultOverlap)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RevokeKey(t.Context(), p.Customer.ID, rotated.Key.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.RevokeKey(t.Context(), p.Customer.ID, rotated.Key.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	events, _, err := a.Events(t.Context(), p.Customer.ID, "", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range events {
		types = append(types, e.Type)
		if strings.Contains(string(e.Data), rotated.APIKey.Reveal()) {
			t.Error("an event shows a key")
		}
	}
	if got := strings.Join(types, " "); got != "key.revoked key.rotated key.created customer.provisioned" {
		t.Errorf("events: %s", got)
	}
}

// Keys that have expired don't count, and rotating can't get around the cap.
func TestRotationMakesRoom(t *testing.T) {
	a := newApp(t, nil)
	p := provision(t, a)
	caller := auth.Principal{Customer: p.Customer.ID, Key: p.Key.ID}
	for range 120 {
		r, err := a.RotateKey(t.Context(), caller, 0)
		if err != nil {
			t.Fatal(err)
		}
		caller.Key = r.Key.ID
	}
	if _, _, err := a.CreateKey(t.Context(), p.Customer.ID, "another"); err != nil {
		t.Errorf("after many rotations: %v", err)
	}
	var err error
	for range 120 {
		var r app.Rotation
		if r, err = a.RotateKey(t.Context(), caller, app.DefaultOverlap); err != nil {
			break
		}
		caller.Key = r.Key.ID
	}
	if !errors.Is(err, storage.ErrConflict) {
		t.Errorf("120 keys at the same time: %v", err)
	}
}

// Nobody who never paid comes in, not even to pay again.
func TestPendingCustomersStayOut(t *testing.T) {
	a := newApp(t, nil)
	p := provision(t, a)
	for status, want := range map[storage.Status]bool{storage.StatusPending: false, storage.StatusInactive: true, storage.StatusActive: true} {
		if _, err := a.Store.UpdateCustomer(t.Context(), p.Customer.ID, func(c *storage.Customer) error { c.Status = status; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := a.LoginToPay(request(t, p.APIKey.Reveal())); (err == nil) != want {
			t.Errorf("%s: %v", status, err)
		}
	}
}

// connections are open streams.
type connections struct{ open []auth.Principal }

func (c *connections) Principals() []auth.Principal { return c.open }

func (c *connections) End(gone func(auth.Principal) bool) {
	c.open = slices.DeleteFunc(slices.Clone(c.open), gone)
}

func (*connections) Updated(storage.CustomerID, string) {}

// The end of a grace ends streams, though nobody changes the customer's state.
func TestStreamsEndWithTheGrace(t *testing.T) {
	a := newApp(t, nil)
	p := provision(t, a)
	c := &connections{[]auth.Principal{{Customer: p.Customer.ID, Key: p.Key.ID}, {Customer: p.Customer.ID}}}
	a.Watch(c)
	for until, want := range map[time.Duration]int{time.Hour: 2, -time.Second: 0} {
		c.open = []auth.Principal{{Customer: p.Customer.ID, Key: p.Key.ID}, {Customer: p.Customer.ID}}
		_, err := a.Store.UpdateCustomer(t.Context(), p.Customer.ID, func(c *storage.Customer) error {
			c.EntitledUntil = storage.Now().Add(until)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.CheckAccess(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(c.open) != want {
			t.Errorf("entitled for %v: %d streams are open, want %d", until, len(c.open), want)
		}
		_, err = a.Login(request(t, p.APIKey.Reveal()))
		if (err == nil) != (want > 0) {
			t.Errorf("entitled for %v: %v", until, err)
		}
	}
}
