package connecttest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// ComposioKey is the key that the server takes as Composio, at its own URL.
const ComposioKey = "CANARY-composio-key"

// brokered is an account at Composio.
type brokered struct {
	User, Status, callback string
}

// composio answers as Composio does, and as the platform Trello behind it.
func (s *Server) composio(w http.ResponseWriter, r *http.Request, address string) {
	path, _ := strings.CutPrefix(address, "api/v3/")
	if r.Method == http.MethodGet && strings.HasPrefix(path, "visit/") { // the page that a visitor sees
		s.consentAtComposio(w, r, strings.TrimPrefix(path, "visit/"))
		return
	}
	if r.Header.Get("X-Api-Key") != ComposioKey {
		reply(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"message": "Invalid API key", "slug": "AUTH_INVALID"}})
		return
	}
	id, one := strings.CutPrefix(path, "connected_accounts/")
	switch {
	case r.Method == http.MethodPost && path == "connected_accounts/link":
		var in struct {
			AuthConfig string `json:"auth_config_id"`
			User       string `json:"user_id"`
			Callback   string `json:"callback_url"`
		}
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.AuthConfig == "" || in.User == "" {
			reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "auth_config_id is required"}})
			return
		}
		id := secret("ca")
		s.set(func() { s.brokered[id] = &brokered{in.User, "INITIATED", in.Callback} })
		reply(w, http.StatusCreated, map[string]any{"link_token": "lk_1", "redirect_url": s.URL + "/api/v3/visit/" + id, "connected_account_id": id})
	case one && r.Method == http.MethodGet:
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.brokered[id]
		if a == nil {
			reply(w, http.StatusNotFound, map[string]any{"error": map[string]any{"message": "Connected account not found"}})
			return
		}
		reply(w, http.StatusOK, map[string]any{"id": id, "status": a.Status, "user_id": a.User, "toolkit": map[string]any{"slug": "trello"}})
	case one && r.Method == http.MethodDelete:
		s.set(func() { delete(s.brokered, id) })
		reply(w, http.StatusOK, map[string]any{"success": true})
	case r.Method == http.MethodPost && path == "tools/execute/proxy":
		var in struct {
			Endpoint, Method string
			Account          string `json:"connected_account_id"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		s.mu.Lock()
		defer s.mu.Unlock()
		if a := s.brokered[in.Account]; a == nil || a.Status != "ACTIVE" {
			reply(w, http.StatusOK, map[string]any{"status": http.StatusUnauthorized, "data": map[string]any{"message": "unauthorized"}, "headers": map[string]any{}})
			return
		}
		if u, err := url.Parse(in.Endpoint); err != nil || u.Host != "" && u.Host != "api.trello.com" {
			reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "The endpoint is not the toolkit's"}})
			return
		}
		reply(w, http.StatusOK, map[string]any{"status": 200, "data": map[string]any{"id": "1", "username": s.signedIn}, "headers": map[string]any{"content-type": "application/json"}})
	default:
		reply(w, http.StatusNotFound, map[string]any{"error": map[string]any{"message": "Not found"}})
	}
}

func (s *Server) consentAtComposio(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.brokered[id]
	if a == nil {
		http.NotFound(w, r)
		return
	}
	back, err := url.Parse(a.callback)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	q := back.Query()
	q.Set("status", "success")
	if a.Status = "ACTIVE"; s.deny {
		a.Status = "FAILED"
		q.Set("status", "failed")
	}
	q.Set("connected_account_id", id)
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}
