package connection_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/internal/seal"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func TestDisconnect(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	if err := w.Disconnect(t.Context(), w.bob, "x"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	if err := w.Disconnect(t.Context(), w.ada, "x"); err != nil {
		t.Fatal(err)
	}
	w.Fail(connecttest.FailDown, "revoke")
	effects, _ := storage.RoleOf[storage.Effects](w.store)
	due, err := effects.TakeEffects(t.Context(), w.clock(), w.clock().Add(time.Minute), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range due {
		if err := w.Handlers()[e.Kind](t.Context(), e); e.Kind == connection.KindRevoke && !errors.Is(err, connect.ErrUnavailable) {
			t.Errorf("revoking while the platform is down: %v", err)
		}
	}
	w.Fail(connecttest.FailNot, "")
	w.pass(2 * time.Minute)
	w.do(t)
	if n := w.Live(); n != 0 {
		t.Errorf("%d tokens are good after it", n)
	}
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusNotConnected || s.Account != "" {
		t.Errorf("after: %+v", s)
	}
	if err := w.Disconnect(t.Context(), w.ada, "x"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
}

func TestRevokedAtThePlatform(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	w.RevokeAll()
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); !errors.Is(err, connect.ErrRevoked) {
		t.Errorf("a call: %v", err)
	}
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusNeedsReconnect || s.Error == "" {
		t.Errorf("after: %+v", s)
	}
	w.pass(4 * 24 * time.Hour)
	w.do(t)
	if got := w.events(t, w.ada); !slices.Equal(got, []string{"connected", "needs_reconnect", "reminded"}) {
		t.Errorf("events %v", got)
	}
	calls := w.Calls("POST api.x.com/2/oauth2/token")
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); !errors.Is(err, connect.ErrRevoked) || w.Calls("POST api.x.com/2/oauth2/token") != calls {
		t.Errorf("a call of what must be linked anew asks the platform: %v", err)
	}
	w.link(t, w.ada, "x")
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
		t.Errorf("a call of what was linked anew: %v", err)
	}
}

// What can't be renewed and isn't over is lost when the platform says so.
func TestRevokedWithoutRefresh(t *testing.T) {
	w := newWorld(t)
	w.Lifetime(60 * 24 * time.Hour)
	w.NoRefresh()
	w.link(t, w.ada, "linkedin")
	w.RevokeAll()
	if _, err := w.Do(t.Context(), w.ada, "linkedin", connect.Request{URL: "https://api.linkedin.com/v2/userinfo"}); !errors.Is(err, connect.ErrRevoked) {
		t.Errorf("a call: %v", err)
	}
	if s := w.status(t, w.ada, "linkedin"); s.Status != connection.StatusNeedsReconnect {
		t.Errorf("after it: %+v", s)
	}
}

// X takes a refresh token once: a second use loses the account.
func TestFiftyRefreshes(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) storage.Store{
		"SQLite": func(t *testing.T) storage.Store {
			s, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		},
		"PostgreSQL": func(t *testing.T) storage.Store {
			s, err := pgstore.Open(t.Context(), pgtest.DSN(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, open(t), newRing(t, key("k1")))
			w.link(t, w.ada, "x")
			other := w.another(t)
			before := w.Calls("POST api.x.com/2/oauth2/token")
			w.Expire()
			release := w.Hold()
			errs := make([]error, 50)
			var wg sync.WaitGroup
			for i := range errs {
				s := w.Service
				if i%2 == 1 {
					s = other
				}
				wg.Go(func() { _, errs[i] = s.Do(t.Context(), w.ada, "x", whoAmI) })
			}
			<-w.Held()
			release()
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
			if n := w.Calls("POST api.x.com/2/oauth2/token") - before; n != 1 {
				t.Errorf("%d renewals; want 1", n)
			}
			w.Expire()
			if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
				t.Errorf("a renewal of the renewed: %v", err)
			}
		})
	}
}

// Whoever asked first may go away: the others still get the new grant.
func TestRefreshOutlivesItsCaller(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	w.Expire()
	release := w.Hold()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := w.Do(ctx, w.ada, "x", whoAmI); done <- err }()
	<-w.Held()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who goes away: %v", err)
	}
	release()
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
		t.Errorf("the next: %v", err)
	}
}

func TestRefreshWhileDown(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	w.Expire()
	w.Fail(connecttest.FailDown, "token")
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); !errors.Is(err, connect.ErrUnavailable) {
		t.Errorf("a platform that renews nothing: %v", err)
	}
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusConnected {
		t.Errorf("after an outage: %+v", s)
	}
	w.Fail(connecttest.FailNot, "")
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

// Nobody may have the lease for ever.
func TestLeaseOfTheDead(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	connections, _ := storage.RoleOf[storage.Connections](w.store)
	_, err := connections.UpdateConnection(t.Context(), w.ada, "x", func(c *storage.Connection) error {
		c.Data = []byte(fmt.Sprintf(`{"account":"ada","lease":{"by":"dead","until":%q}}`, storage.FormatTime(w.clock().Add(time.Minute))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Expire()
	w.pass(2 * time.Minute)
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
		t.Error(err)
	}
}

func TestLongGrants(t *testing.T) {
	w := newWorld(t)
	w.Lifetime(60 * 24 * time.Hour)
	w.NoRefresh()
	w.link(t, w.ada, "linkedin")
	w.link(t, w.ada, "instagram")
	if s := w.status(t, w.ada, "linkedin"); s.ExpiresAt.IsZero() {
		t.Errorf("it doesn't say when it ends: %+v", s)
	}
	w.pass(54 * 24 * time.Hour)
	w.do(t)
	if n := w.Calls("GET graph.instagram.com/refresh_access_token"); n != 1 {
		t.Errorf("what can be renewed was renewed %d times", n)
	}
	if got := w.events(t, w.ada); !slices.Equal(got, []string{"connected", "connected", "expiring"}) {
		t.Errorf("events %v", got)
	}
	if s := w.status(t, w.ada, "linkedin"); s.Status != connection.StatusConnected {
		t.Errorf("before its end: %+v", s)
	}
	if _, err := w.Do(t.Context(), w.ada, "linkedin", connect.Request{URL: "https://api.linkedin.com/v2/userinfo"}); err != nil {
		t.Errorf("before its end: %v", err)
	}
	w.pass(7 * 24 * time.Hour)
	if _, err := w.Do(t.Context(), w.ada, "linkedin", connect.Request{URL: "https://api.linkedin.com/v2/userinfo"}); !errors.Is(err, connect.ErrRevoked) {
		t.Errorf("after its end: %v", err)
	}
}

func TestRotate(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	old, fresh := key("k1"), key("k2")
	w := worldOn(t, store, newRing(t, old))
	for _, platform := range []string{"x", "linkedin", "gmail", "slack", "notion"} {
		w.link(t, w.ada, platform)
	}
	done, err := connection.Rotate(t.Context(), store, newRing(t, fresh, old), 2)
	if err != nil || done["k1"] != 5 || len(done) != 1 {
		t.Fatalf("%v, %v", done, err)
	}
	if done, err := connection.Rotate(t.Context(), store, newRing(t, fresh, old), 2); err != nil || len(done) != 0 {
		t.Errorf("once more: %v, %v", done, err)
	}
	w.ring = newRing(t, fresh)
	after := w.another(t)
	w.Expire()
	if _, err := after.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
		t.Errorf("without the old key: %v", err)
	}
	if _, err := connection.Rotate(t.Context(), store, newRing(t, key("k3")), 2); !errors.Is(err, seal.ErrKey) {
		t.Errorf("with neither key: %v", err)
	}
}

// A secret that is moved to another row opens nothing.
func TestMovedSecret(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	w.SignIn("bob")
	w.link(t, w.bob, "x")
	connections, _ := storage.RoleOf[storage.Connections](w.store)
	of, err := connections.Connection(t.Context(), w.ada, "x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = connections.UpdateConnection(t.Context(), w.bob, "x", func(c *storage.Connection) error { c.Sealed = of.Sealed; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Do(t.Context(), w.bob, "x", whoAmI); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("with another's secret: %v", err)
	}
}

func TestBadLinks(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		platforms []string
		want      error
	}{
		"an unknown platform": {[]string{"myspace"}, storage.ErrInvalid},
		"one twice":           {[]string{"x", "x"}, storage.ErrInvalid},
	} {
		if links, err := w.Links(t.Context(), w.ada, c.platforms, base); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, links, err)
		}
	}
	all, err := w.Links(t.Context(), w.ada, nil, base)
	if err != nil || len(all) != len(w.Platforms) {
		t.Errorf("all: %d, %v", len(all), err)
	}
	for err == nil {
		_, err = w.Links(t.Context(), w.ada, nil, base)
	}
	if !errors.Is(err, storage.ErrConflict) {
		t.Errorf("without end: %v", err)
	}
}
