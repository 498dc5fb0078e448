package connecttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	address := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	s.calls[r.Method+" "+address]++
	fail := s.fail
	if !strings.Contains(address, s.failOnly) {
		fail = FailNot
	}
	s.mu.Unlock()
	switch fail {
	case FailDown:
		reply(w, http.StatusServiceUnavailable, map[string]any{"error": "down for maintenance"})
		return
	case FailHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Please stand by</body></html>"))
		return
	case FailLimit:
		w.Header().Set("Retry-After", "7")
		reply(w, http.StatusTooManyRequests, map[string]any{"error": "too many requests"})
		return
	case FailSlow:
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
		return
	case FailCut:
		s.route(httptest.NewRecorder(), r, address)
		panic(http.ErrAbortHandler)
	case FailNot:
	}
	s.mu.Lock()
	after := s.after
	if !strings.Contains(address, s.afterAt) {
		after = nil
	}
	s.mu.Unlock()
	if after == nil {
		s.route(w, r, address)
		return
	}
	answer := httptest.NewRecorder()
	s.route(answer, r, address)
	after()
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client may have gone
}

func (s *Server) route(w http.ResponseWriter, r *http.Request, address string) {
	for i := range shapes {
		sh := &shapes[i]
		switch {
		case address == sh.authorize && r.Method == http.MethodGet && (sh.client == "" || sh.mine(r.URL.Query().Get(sh.clientParam()))):
			s.consent(w, r, sh)
			return
		case address == sh.token && r.Method == http.MethodPost:
			s.token(w, r, sh)
			return
		case sh.longLived != "" && address == sh.longLived || sh.renew != "" && address == sh.renew:
			s.exchange(w, r, sh)
			return
		case sh.revoke != "" && (r.Method+" "+address == sh.revoke || strings.HasSuffix(sh.revoke, "/") && strings.HasPrefix(r.Method+" "+address, sh.revoke) && address != sh.token):
			s.revoke(w, r, sh)
			return
		}
	}
	if strings.HasPrefix(address, "api/v3/") {
		s.composio(w, r, address)
		return
	}
	s.api(w, r, address)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

func secret(kind string) string {
	return "CANARY-" + kind + "-" + rand.Text()
}

// consent is the page on which a visitor consents, who always does so at once.
func (s *Server) consent(w http.ResponseWriter, r *http.Request, sh *shape) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" || q.Get("response_type") != "code" || q.Get("state") == "" {
		http.Error(w, "this is no request for a consent", http.StatusBadRequest)
		return
	}
	if sh.pkce && q.Get("code_challenge_method") != "S256" {
		http.Error(w, "the challenge is missing", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	answer := back.Query()
	answer.Set("state", q.Get("state"))
	if s.deny {
		answer.Set("error", "access_denied")
	} else {
		code := secret("code")
		scopes := slices.DeleteFunc(split(q.Get("scope")), func(scope string) bool { return slices.Contains(s.withhold, scope) })
		s.codes[code] = &issue{
			shape: sh, user: s.signedIn, client: q.Get(sh.clientParam()), redirect: q.Get("redirect_uri"),
			challenge: q.Get("code_challenge"), scopes: scopes, expires: time.Now().Add(time.Minute),
		}
		answer.Set("code", code)
	}
	if sh.issuer != "" {
		answer.Set("iss", sh.issuer)
	}
	s.mu.Unlock()
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func split(scopes string) []string {
	return strings.FieldsFunc(scopes, func(r rune) bool { return r == ' ' || r == ',' })
}

// token makes tokens of a code or a refresh token (RFC 6749, sections 4.1.3 and 6).
func (s *Server) token(w http.ResponseWriter, r *http.Request, sh *shape) {
	form, ok := sh.authenticated(r)
	if !ok {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if form("grant_type") == "refresh_token" {
		s.mu.Lock()
		gate := s.gate
		s.mu.Unlock()
		if gate != nil {
			s.waiting <- struct{}{}
			select {
			case <-gate:
			case <-s.stop:
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var from *issue
	switch form("grant_type") {
	case "authorization_code":
		from = s.codes[form("code")]
		if from != nil {
			sum := sha256.Sum256([]byte(form("code_verifier")))
			proven := from.challenge == "" || from.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
			if from.dead || !proven || from.redirect != form("redirect_uri") || time.Now().After(from.expires) || from.shape.token != sh.token {
				from = nil
			} else {
				from.dead = true
			}
		}
	case "refresh_token":
		if from = s.refresh[form("refresh_token")]; from != nil && (from.dead || from.shape.token != sh.token) {
			if sh.rotates { // a token that was used twice was stolen
				s.kill(func(i *issue) bool { return i.shape == from.shape && i.user == from.user })
			}
			from = nil
		}
	}
	if from == nil {
		reply(w, sh.refusal(), map[string]any{"ok": false, "error": "invalid_grant", "error_description": "the code or token is not good"})
		return
	}
	scopes := slices.DeleteFunc(slices.Clone(from.scopes), func(scope string) bool { return slices.Contains(s.withhold, scope) })
	t := &issue{shape: from.shape, user: from.user, scopes: scopes, expires: time.Now().Add(s.lifetime)}
	access := secret("access")
	s.access[access] = t
	answer := map[string]any{"access_token": access, "token_type": "bearer"}
	if !sh.eternal {
		answer["expires_in"] = int(s.lifetime.Seconds())
	}
	if !sh.silent {
		answer["scope"] = strings.Join(scopes, sh.joiner())
	}
	if sh.refreshes && !s.noRefresh && (form("grant_type") != "refresh_token" || sh.rotates) {
		refresh := secret("refresh")
		s.refresh[refresh] = new(*t)
		answer["refresh_token"] = refresh
		if form("grant_type") == "refresh_token" {
			from.dead = true
		}
	}
	maps.Copy(answer, sh.more(t.user))
	reply(w, http.StatusOK, answer)
}

// exchange makes a long-lived token of another.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, sh *shape) {
	q := r.URL.Query()
	token := q.Get("access_token")
	if token == "" {
		token = q.Get("fb_exchange_token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.access[token]
	if from == nil || from.dead || from.shape != sh {
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "Invalid OAuth access token.", "code": 190}})
		return
	}
	access := secret("access")
	c := *from
	c.expires = time.Now().Add(s.lifetime)
	s.access[access] = &c
	from.dead = true
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "bearer", "expires_in": int(s.lifetime.Seconds())})
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request, sh *shape) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if strings.HasSuffix(sh.revoke, "/") && r.Method == http.MethodDelete {
		token = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	} else if form, ok := sh.authenticated(r); ok && form("token") != "" {
		token = form("token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[token]
	if t == nil {
		t = s.access[token]
	}
	if t == nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_token"})
		return
	}
	s.kill(func(i *issue) bool { return i.shape == t.shape && i.user == t.user })
	reply(w, http.StatusOK, map[string]any{"ok": true})
}

// caller returns whose token a call of the API has.
func (s *Server) caller(r *http.Request) (*issue, bool) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.access[token]
	return t, t != nil && !t.dead && (t.shape.eternal || time.Now().Before(t.expires))
}

// AccountOf is the ID of a user's account at a platform.
func AccountOf(platform, user string) string { return fmt.Sprintf("%s-of-%s", platform, user) }
