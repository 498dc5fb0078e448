// Package connecttest has platforms to test with, and a suite for connectors.
//
//	platforms := connecttest.NewServer()
//	defer platforms.Close()
//	srv, err := heycmo.New(store, &heycmo.Options{
//		Platforms: oauth2connect.Platforms(platforms.Credentials(), &oauth2connect.Options{BaseURL: platforms.URL}),
//	})
//
// The server stands in for all platforms of package oauth2connect at once, each with its
// own addresses and forms. What stands behind its URL is the address at the platform:
// URL/api.x.com/2/tweets. It remembers what was granted, revoked, published and sent, and
// can be made to fail. Whoever opens a page to consent does so as [Server.SignIn] says.
package connecttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/connect/oauth2connect"
)

// Failure is a way in which platforms fail.
type Failure string

// The ways to fail.
const (
	FailNot   Failure = ""
	FailDown  Failure = "down"  // 503
	FailHTML  Failure = "html"  // a page of a proxy, with status 200
	FailLimit Failure = "limit" // 429, to be tried again in 7 s
	FailSlow  Failure = "slow"  // no answer
	FailCut   Failure = "cut"   // the connection breaks after the work was done
)

// Server is a server of platforms. Its methods may be called while it serves.
type Server struct {
	*httptest.Server

	mu        sync.Mutex
	signedIn  string
	deny      bool
	withhold  []string // scopes
	fail      Failure
	failOnly  string // part of the address
	afterAt   string // part of the address
	after     func()
	lifetime  time.Duration
	noRefresh bool
	codes     map[string]*issue
	access    map[string]*issue
	refresh   map[string]*issue
	brokered  map[string]*brokered // at Composio
	calls     map[string]int
	posts     []Post
	mails     []Mail
	gate      chan struct{} // closed: refreshes go on
	waiting   chan struct{}
	stop      chan struct{}
}

// issue is what was granted.
type issue struct {
	shape     *shape
	user      string
	client    string
	redirect  string
	challenge string
	scopes    []string
	expires   time.Time
	dead      bool
}

// Post is what was published.
type Post struct {
	Platform, User, ID, Text string
}

// Mail is what was sent: the whole message (RFC 5322).
type Mail struct {
	Platform, User, Message string
}

// NewServer starts a server on which "ada" is signed in everywhere, tokens last an hour
// and nothing fails.
func NewServer() *Server { return NewServerOn(nil) }

// NewServerOn is NewServer on a listener, which Close closes; nil: on a free port of this
// machine.
func NewServerOn(l net.Listener) *Server {
	s := &Server{
		signedIn: "ada", lifetime: time.Hour, codes: map[string]*issue{}, access: map[string]*issue{}, refresh: map[string]*issue{},
		brokered: map[string]*brokered{}, calls: map[string]int{}, waiting: make(chan struct{}, 1000), stop: make(chan struct{}),
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	if l != nil {
		_ = s.Listener.Close() // of the free port
		s.Listener = l
	}
	s.Start()
	return s
}

// Close ends the server and everything that it holds up.
func (s *Server) Close() {
	close(s.stop)
	s.CloseClientConnections()
	s.Server.Close()
}

// Credentials returns those of an app at every platform.
func (s *Server) Credentials() map[string]oauth2connect.Credentials {
	all := map[string]oauth2connect.Credentials{}
	for _, p := range oauth2connect.Table() {
		group := p.Group
		if group == "" {
			group = p.ID
		}
		all[group] = oauth2connect.Credentials{ClientID: "client-of-" + group, ClientSecret: "CANARY-secret-of-" + group}
	}
	return all
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// SignIn says who opens the pages to consent from now on.
func (s *Server) SignIn(user string) { s.set(func() { s.signedIn = user }) }

// Deny has visitors not consent.
func (s *Server) Deny(deny bool) { s.set(func() { s.deny = deny }) }

// Withhold has visitors not allow these scopes, and tokens that are renewed not have them.
func (s *Server) Withhold(scopes ...string) { s.set(func() { s.withhold = scopes }) }

// Lifetime is how long tokens last from now on.
func (s *Server) Lifetime(d time.Duration) { s.set(func() { s.lifetime = d }) }

// NoRefresh has links come without refresh tokens from now on.
func (s *Server) NoRefresh() { s.set(func() { s.noRefresh = true }) }

// Fail has the platforms fail at the addresses that have the text in them; empty: at all.
func (s *Server) Fail(how Failure, at string) { s.set(func() { s.fail, s.failOnly = how, at }) }

// AfterWork has fn called when a request to an address with the text in it was carried
// out, before it is answered; nil: no more.
func (s *Server) AfterWork(at string, fn func()) { s.set(func() { s.afterAt, s.after = at, fn }) }

// Hold holds requests for renewed tokens up until the function that it returns is called.
func (s *Server) Hold() (release func()) {
	gate := make(chan struct{})
	s.set(func() { s.gate = gate })
	return sync.OnceFunc(func() { s.set(func() { s.gate = nil }); close(gate) })
}

// Held returns a channel that gets a value for each request that is held up.
func (s *Server) Held() <-chan struct{} { return s.waiting }

// RevokeAll has every token be no longer good.
func (s *Server) RevokeAll() { s.set(func() { s.kill(func(*issue) bool { return true }) }) }

// Expire has every access token be over, while it can still be renewed.
func (s *Server) Expire() {
	s.set(func() {
		for _, i := range s.access {
			i.expires = time.Now().Add(-time.Second)
		}
	})
}

func (s *Server) kill(which func(*issue) bool) {
	for _, tokens := range []map[string]*issue{s.access, s.refresh} {
		for _, i := range tokens {
			i.dead = i.dead || which(i)
		}
	}
}

// Live returns how many tokens are good, of whichever user.
func (s *Server) Live() (n int) {
	s.set(func() {
		for _, tokens := range []map[string]*issue{s.access, s.refresh} {
			for _, i := range tokens {
				if !i.dead {
					n++
				}
			}
		}
	})
	return n
}

// Calls returns how often an address was called, such as "POST api.x.com/2/tweets".
func (s *Server) Calls(address string) (n int) {
	s.set(func() { n = s.calls[address] })
	return n
}

// Posts returns what was published.
func (s *Server) Posts() (posts []Post) {
	s.set(func() { posts = slices.Clone(s.posts) })
	return posts
}

// Mails returns what was sent.
func (s *Server) Mails() (mails []Mail) {
	s.set(func() { mails = slices.Clone(s.mails) })
	return mails
}

// Tokens returns every token, code and secret there has been, so that a test can look for
// them where they must not be.
func (s *Server) Tokens() (tokens []string) {
	s.set(func() {
		for _, all := range []map[string]*issue{s.access, s.refresh, s.codes} {
			tokens = slices.AppendSeq(tokens, maps.Keys(all))
		}
	})
	for _, c := range s.Credentials() {
		tokens = append(tokens, c.ClientSecret)
	}
	return tokens
}

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
