package inngestengine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// maxCall bounds the body of a request. Inngest leaves out state beyond 4 MB.
const maxCall = 8 << 20

// ServeHTTP is the endpoint: GET says what is here, PUT has Inngest told which functions
// there are, and POST runs a step. Unsigned requests learn and do nothing, but GET, which
// says no more than how many functions there are.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Inngest-Sdk", sdk)
	h.Set("X-Inngest-Req-Version", "1")
	h.Set("X-Inngest-Framework", "net/http")
	h.Set("Cache-Control", "no-store")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must have at most %d bytes", maxCall))
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body could not be read to its end")
		return
	}
	known := e.options.Dev || signed(r.Header.Get("X-Inngest-Signature"), body, time.Now(), e.options.SigningKey, e.options.SigningKeyFallback)
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		e.inspect(w, known)
	case r.Method != http.MethodPut && r.Method != http.MethodPost:
		h.Set("Allow", "GET, HEAD, POST, PUT")
		refuse(w, http.StatusMethodNotAllowed, "this path takes GET, HEAD, POST and PUT only")
	case !known:
		refuse(w, http.StatusUnauthorized, "the request must have a valid, recent signature of Inngest")
	case r.Method == http.MethodPut:
		e.sync(w, r, body)
	case r.URL.Query().Get("probe") == "trust":
		e.answer(w, http.StatusOK, struct{}{})
	default:
		e.serveCall(w, r, body)
	}
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// answer answers, and signs what it says.
func (e *Engine) answer(w http.ResponseWriter, status int, v any) {
	body := encode(v)
	w.Header().Set("Content-Type", "application/json")
	if e.options.SigningKey != "" {
		w.Header().Set("X-Inngest-Signature", sign(e.options.SigningKey, body, time.Now()))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// inspect says what is here (SDK specification, section 4.5).
func (e *Engine) inspect(w http.ResponseWriter, known bool) {
	e.mu.Lock()
	count := len(e.definitions) + len(e.schedules)
	e.mu.Unlock()
	mode := "cloud"
	if e.options.Dev {
		mode = "dev"
	}
	says := map[string]any{
		"function_count": count, "has_event_key": e.options.EventKey != "", "has_signing_key": e.options.SigningKey != "", "mode": mode,
	}
	if known && e.options.SigningKey != "" {
		says["signing_key_hash"] = hashedKey(e.options.SigningKey)
		says["signing_key_fallback_hash"] = ""
		if e.options.SigningKeyFallback != "" {
			says["signing_key_fallback_hash"] = hashedKey(e.options.SigningKeyFallback)
		}
	}
	e.answer(w, http.StatusOK, says)
}

// sync tells Inngest which functions there are: in the answer when it asks for that, and
// else by a request of ours. The address is always the one that was set.
func (e *Engine) sync(w http.ResponseWriter, r *http.Request, _ []byte) {
	if err := e.started(r.Context()); err != nil {
		w.Header().Set("Retry-After", "2")
		refuse(w, http.StatusServiceUnavailable, "the server is starting or stopping; try again")
		return
	}
	functions := e.functions()
	if strings.EqualFold(r.Header.Get("X-Inngest-Sync-Kind"), "in_band") {
		w.Header().Set("X-Inngest-Sync-Kind", "in_band")
		e.answer(w, http.StatusOK, map[string]any{
			"app_id": e.options.App, "url": e.options.ServeURL, "framework": "net/http", "sdk_language": "go", "sdk_version": sdk,
			"env": nil, "platform": nil, "functions": functions, "inspection": map[string]any{},
		})
		return
	}
	modified, err := e.api.register(r.Context(), functions, r.URL.Query().Get("deployId"))
	if err != nil {
		e.options.Log.Warn("Inngest can't be told which workflows there are", zap.Error(err))
		e.answer(w, http.StatusInternalServerError, map[string]any{"message": "Inngest could not be told which workflows there are", "modified": false})
		return
	}
	e.answer(w, http.StatusOK, map[string]any{"message": "Successfully synced.", "modified": modified})
}
