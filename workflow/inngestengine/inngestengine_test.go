package inngestengine_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/inngestengine"
	"github.com/heycmo/heycmo-go/workflow/inngestengine/inngesttest"
	"github.com/heycmo/heycmo-go/workflow/workflowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key      = "signkey-test-0123456789abcdef"
	otherKey = "signkey-test-fedcba9876543210"
)

// house is an Inngest server, and an app that it calls.
type house struct {
	*inngestengine.Engine
	inngest *inngesttest.Server
	app     *httptest.Server
	store   storage.Store
}

// newHouse has an engine that isn't started, for customers ada and bob.
func newHouse(t *testing.T, o inngesttest.Options, change func(*inngestengine.Options)) *house {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []storage.CustomerID{"ada", "bob"} {
		if err := store.CreateCustomer(t.Context(), storage.Customer{ID: id, Email: "a@example.com", Status: storage.StatusActive, CreatedAt: storage.Now(), UpdatedAt: storage.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	h := &house{store: store, inngest: inngesttest.NewServer(o)}
	var handler atomic.Pointer[inngestengine.Engine]
	h.app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.Load().ServeHTTP(w, r) }))
	options := inngestengine.Options{SigningKey: o.SigningKey, EventKey: "test", URL: h.inngest.URL, ServeURL: h.app.URL + "/api/inngest", Dev: o.SigningKey == ""}
	if change != nil {
		change(&options)
	}
	if h.Engine, err = inngestengine.New(store, options); err != nil {
		t.Fatal(err)
	}
	handler.Store(h.Engine)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		h.inngest.Close()
		h.app.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// patient waits for the server to know the functions before anything is triggered.
type patient struct{ *house }

func (p patient) Start(ctx context.Context, definitions ...workflow.Definition) error {
	if err := p.Engine.Start(ctx, definitions...); err != nil {
		return err
	}
	select {
	case <-p.inngest.Registered():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestEngine(t *testing.T) {
	for name, k := range map[string]string{"signed": key, "dev": ""} {
		t.Run(name, func(t *testing.T) {
			workflowtest.Run(t, func(t *testing.T) workflow.Engine {
				return patient{newHouse(t, inngesttest.Options{SigningKey: k}, nil)}
			})
		})
	}
}
