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
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
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
