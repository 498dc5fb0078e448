package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/api"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// pingTimeout is how long the database may take before the host is not ready.
const pingTimeout = 2 * time.Second

func (f *face) health(w http.ResponseWriter, _ *http.Request, _ auth.Principal) error {
	httpx.JSON(w, http.StatusOK, Health{Status: HealthStatusOk, Timestamp: Time{Time: storage.Now()}})
	return nil
}

func (f *face) ready(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	ctx, cancel := context.WithTimeout(r.Context(), pingTimeout)
	defer cancel()
	code, answer := http.StatusOK, Readiness{Status: ReadinessStatusReady, DB: true}
	if err := f.app.Store.Ping(ctx); err != nil {
		code, answer = http.StatusServiceUnavailable, Readiness{Status: ReadinessStatusNotReady}
		w.Header().Set("Retry-After", "5")
	}
	answer.Timestamp = Time{Time: storage.Now()}
	httpx.JSON(w, code, answer)
	return nil
}

func (f *face) document(w http.ResponseWriter, _ *http.Request, _ auth.Principal) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(api.JSON()) // a client that has gone
	return nil
}
