package connecttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/connect"
)

// Subject is a connector whose platform a test is in command of.
type Subject struct {
	Connector connect.Connector
	// Visit opens a page as the visitor who is signed in and says yes, and returns the
	// address to which the platform sends them back.
	Visit func(ctx context.Context, page string) (*url.URL, error)
	// Account is the ID of the account that then is linked; empty: any.
	Account string
	// Probe is a call of the platform's API that any grant may make.
	Probe connect.Request
	// Deny has the visitor say no, and Fail the platform fail, from now on; nil: that can't
	// be had.
	Deny func()
	Fail func(Failure)
	// Renews says that Refresh gets another token, and Revokes that Revoke makes grants
	// useless.
	Renews, Revokes bool
	// Secret reports whether a text has a token, a code or a secret in it.
	Secret func(text string) bool
}

// Run checks a connector. open is called for each check.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"Link", testLink}, {"Denied", testDenied}, {"ForeignAnswer", testForeignAnswer}, {"UsedTwice", testUsedTwice},
		{"Refresh", testRefresh}, {"Revoke", testRevoke}, {"Failures", testFailures}, {"ForeignAddress", testForeignAddress}, {"NothingSecretShows", testSecrets},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func start(state string) connect.Start {
	return connect.Start{
		Customer: "c", RedirectURI: "http://127.0.0.1/connect/p/callback", State: state,
		Verifier: "a-verifier-with-more-than-forty-three-characters-in-it",
	}
}

// link links an account.
func (s Subject) link(t *testing.T, state string) connect.Grant {
	t.Helper()
	memo, answer := s.visit(t, state)
	g, err := s.Connector.Finish(t.Context(), start(state), memo, answer)
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return g
}

func (s Subject) visit(t *testing.T, state string) (memo string, answer url.Values) {
	t.Helper()
	page, memo, err := s.Connector.Begin(t.Context(), start(state))
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	back, err := s.Visit(t.Context(), page)
	if err != nil {
		t.Fatalf("the visit of the page: %v", err)
	}
	if !strings.HasPrefix(back.String(), start(state).RedirectURI) {
		t.Fatalf("the platform sends the visitor to %s", back.Path)
	}
	return memo, back.Query()
}

func testLink(t *testing.T, s Subject) {
	g := s.link(t, "state")
	if s.Account != "" && g.Account.ID != s.Account || g.Account.ID == "" || g.Account.Name == "" || g.Access == "" {
		t.Errorf("linked %+v; want account %q", g.Account, s.Account)
	}
	if _, err := s.Connector.Do(t.Context(), g, s.Probe); err != nil {
		t.Errorf("the grant opens nothing: %v", err)
	}
}

func testDenied(t *testing.T, s Subject) {
	if s.Deny == nil {
		t.Skip("the visitor can't say no")
	}
	s.Deny()
	memo, answer := s.visit(t, "state")
	if _, err := s.Connector.Finish(t.Context(), start("state"), memo, answer); !errors.Is(err, connect.ErrDenied) {
		t.Errorf("a visitor who says no: %v", err)
	}
}

func testForeignAnswer(t *testing.T, s Subject) {
	memo, answer := s.visit(t, "state")
	for name := range answer {
		if name == "state" {
			continue
		}
		changed := maps.Clone(answer)
		changed.Set(name, "made-up")
		g, err := s.Connector.Finish(t.Context(), start("state"), memo, changed)
		if !errors.Is(err, connect.ErrAnswer) && !errors.Is(err, connect.ErrUnavailable) {
			t.Errorf("an answer with another %s: %v, %v", name, g, err)
		}
	}
	if g, err := s.Connector.Finish(t.Context(), start("state"), memo, url.Values{"state": {"state"}}); !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("an empty answer: %v, %v", g, err)
	}
}

func testUsedTwice(t *testing.T, s Subject) {
	memo, answer := s.visit(t, "state")
	first, err := s.Connector.Finish(t.Context(), start("state"), memo, answer)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Connector.Finish(t.Context(), start("state"), memo, answer)
	if err == nil && again.Account != first.Account || err != nil && !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("an answer that was used: %v, %v", again, err)
	}
}

func testRefresh(t *testing.T, s Subject) {
	g := s.link(t, "state")
	fresh, err := s.Connector.Refresh(t.Context(), g)
	if !s.Renews {
		if err != nil && !errors.Is(err, connect.ErrRevoked) {
			t.Errorf("Refresh of a grant that can't be renewed: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Access == g.Access || fresh.Account != g.Account {
		t.Errorf("the renewed grant has the old token, or another account: %v", fresh)
	}
	if _, err := s.Connector.Do(t.Context(), fresh, s.Probe); err != nil {
		t.Errorf("the renewed grant opens nothing: %v", err)
	}
	again, err := s.Connector.Refresh(t.Context(), fresh)
	if err != nil || again.Access == fresh.Access {
		t.Errorf("the second renewal: %v", err)
	}
}

func testRevoke(t *testing.T, s Subject) {
	g := s.link(t, "state")
	if err := s.Connector.Revoke(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	_, err := s.Connector.Do(t.Context(), g, s.Probe)
	if s.Revokes && !errors.Is(err, connect.ErrRejected) {
		t.Errorf("the revoked grant: %v", err)
	}
	if _, err := s.Connector.Refresh(t.Context(), g); s.Revokes && s.Renews && !errors.Is(err, connect.ErrRevoked) {
		t.Errorf("Refresh of the revoked grant: %v", err)
	}
}

func testFailures(t *testing.T, s Subject) {
	if s.Fail == nil {
		t.Skip("the platform can't be made to fail")
	}
	g := s.link(t, "state")
	memo, answer := s.visit(t, "other")
	for _, f := range []Failure{FailDown, FailHTML, FailCut, FailSlow} {
		s.Fail(f)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		for name, call := range map[string]func() error{
			"Do":      func() error { _, err := s.Connector.Do(ctx, g, s.Probe); return err },
			"Refresh": func() error { _, err := s.Connector.Refresh(ctx, g); return err },
			"Finish":  func() error { _, err := s.Connector.Finish(ctx, start("other"), memo, answer); return err },
		} {
			err := call()
			if name == "Refresh" && (!s.Renews || f == FailCut) {
				continue // it asks nobody, or was done
			}
			if name == "Finish" && errors.Is(err, connect.ErrAnswer) { // the code was used before
				err = connect.ErrUnavailable
			}
			if !errors.Is(err, connect.ErrUnavailable) || connect.Unsent(err) && name == "Do" || s.Secret(fmt.Sprint(err)) {
				t.Errorf("%s when the platform is %s: %v", name, f, err)
			}
		}
		cancel()
	}
	s.Fail(FailLimit)
	_, err := s.Connector.Do(t.Context(), g, s.Probe)
	if limit, ok := errors.AsType[*connect.LimitError](err); !ok || limit.After != 7*time.Second || !connect.Unsent(err) {
		t.Errorf("too many calls: %v", err)
	}
}

func testForeignAddress(t *testing.T, s Subject) {
	g := s.link(t, "state")
	for _, address := range []string{
		"https://evil.example/", "http://" + strings.TrimPrefix(s.Probe.URL, "https://"), "//evil.example/", "https://evil.example.api.x.com.evil.example/",
		"https://user:password@" + strings.TrimPrefix(s.Probe.URL, "https://"), "", "%",
	} {
		if _, err := s.Connector.Do(t.Context(), g, connect.Request{URL: address}); err == nil {
			t.Errorf("a token was sent to %q", address)
		}
	}
	overridden := s.Probe
	overridden.Header = map[string]string{"authorization": "Bearer another"}
	if _, err := s.Connector.Do(t.Context(), g, overridden); err != nil {
		t.Errorf("a call with a header Authorization of its own: %v", err)
	}
}

func testSecrets(t *testing.T, s Subject) {
	g := s.link(t, "state")
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(form, g); s.Secret(text) || !strings.Contains(text, g.Account.Name) {
			t.Errorf("%s of a grant is %s", form, text)
		}
	}
}

// Visit opens a page of the server as a browser does, and returns where it sends the
// visitor.
func (s *Server) Visit(ctx context.Context, page string) (*url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("the page has status %d", resp.StatusCode)
	}
	return resp.Location()
}

// HasSecret reports whether a text has a token, a code or a secret of the server in it.
func (s *Server) HasSecret(text string) bool {
	for _, token := range s.Tokens() {
		if strings.Contains(text, token) {
			return true
		}
	}
	return false
}
