package heycmo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

// replica starts a server on a store that others share.
func replica(t *testing.T, store storage.Store) (*heycmo.Server, string) {
	t.Helper()
	srv, err := heycmo.New(store, &heycmo.Options{Limits: heycmo.Limits{MCP: -1}})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- srv.Run(context.WithoutCancel(t.Context())) }()
	web := httptest.NewServer(srv)
	t.Cleanup(func() {
		if err := srv.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := <-ran; !errors.Is(err, heycmo.ErrClosed) {
			t.Errorf("Run: %v", err)
		}
		web.Close()
	})
	return srv, web.URL
}

// What one replica takes away ends on the others within 5 s.
func TestAccessIsLostOnEveryReplica(t *testing.T) {
	store := open(t)
	here, _ := replica(t, store)
	_, there := replica(t, store)
	ended := func(key string) <-chan struct{} {
		res, err := http.Get(there + "/mcp/sse?token=" + key)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}()
		return done
	}
	provision := func() heycmo.Provisioned {
		p, err := here.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	revoked, suspended, kept := provision(), provision(), provision()
	revokedEnd, suspendedEnd, keptEnd := ended(revoked.APIKey.Reveal()), ended(suspended.APIKey.Reveal()), ended(kept.APIKey.Reveal())

	keys, _, err := here.Admin().Keys(t.Context(), revoked.Customer.ID, 0, "")
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if err := here.Admin().RevokeKey(t.Context(), revoked.Customer.ID, keys[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Admin().Suspend(t.Context(), suspended.Customer.ID); err != nil {
		t.Fatal(err)
	}
	limit := time.After(5 * time.Second)
	for what, end := range map[string]<-chan struct{}{"revoked key": revokedEnd, "suspended customer": suspendedEnd} {
		select {
		case <-end:
		case <-limit:
			t.Errorf("the stream of a %s stays open", what)
		}
	}
	select {
	case <-keptEnd:
		t.Error("somebody else's stream ended")
	default:
	}
	for key, want := range map[string]int{revoked.APIKey.Reveal(): 401, suspended.APIKey.Reveal(): 401} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, there+"/api/customer/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%d, want %d", res.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
