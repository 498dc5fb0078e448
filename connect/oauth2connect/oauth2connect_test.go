package oauth2connect_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// probes are calls that any grant may make.
var probes = map[string]string{
	"linkedin": "https://api.linkedin.com/v2/userinfo", "x": "https://api.x.com/2/users/me", "facebook": "https://graph.facebook.com/v23.0/me",
	"instagram": "https://graph.instagram.com/me", "outlook": "https://graph.microsoft.com/v1.0/me",
	"tiktok": "https://open.tiktokapis.com/v2/user/info/?fields=open_id", "hubspot": "https://api.hubapi.com/account-info/v3/details",
	"mailchimp": "https://login.mailchimp.com/oauth2/metadata", "slack": "https://slack.com/api/auth.test",
	"wordpress": "https://public-api.wordpress.com/rest/v1.1/me", "notion": "https://api.notion.com/v1/users/me",
}

// bare are what differs from a platform that renews and revokes.
var (
	noRenewal    = []string{"facebook", "mailchimp", "slack", "wordpress", "notion"}
	noRevocation = []string{"instagram", "outlook", "mailchimp", "wordpress"}
)

func account(platform string) string {
	switch {
	case strings.HasPrefix(platform, "google") || platform == "gmail" || platform == "youtube":
		return connecttest.AccountOf("google", "ada")
	case platform == "hubspot" || platform == "mailchimp":
		n := int64(0)
		for _, c := range "ada" {
			n = n*31 + int64(c)
		}
		return fmt.Sprint(n)
	}
	return connecttest.AccountOf(platform, "ada")
}

func TestPlatforms(t *testing.T) {
	for i, p := range oauth2connect.Table() {
		t.Run(p.ID, func(t *testing.T) {
			connecttest.Run(t, func(t *testing.T) connecttest.Subject {
				s := connecttest.NewServer()
				t.Cleanup(s.Close)
				connector := oauth2connect.Platforms(s.Credentials(), &oauth2connect.Options{BaseURL: s.URL})[i].Connector
				probe := probes[p.ID]
				if probe == "" {
					probe = "https://openidconnect.googleapis.com/v1/userinfo"
				}
				return connecttest.Subject{
					Connector: connector, Visit: s.Visit, Account: account(p.ID), Probe: connect.Request{URL: probe},
					Deny: func() { s.Deny(true) }, Fail: func(f connecttest.Failure) { s.Fail(f, "") },
					Renews: !slices.Contains(noRenewal, p.ID), Revokes: !slices.Contains(noRevocation, p.ID), Secret: s.HasSecret,
				}
			})
		})
	}
}

// world is a server of platforms with a connector of one.
func world(t *testing.T, platform string) (*connecttest.Server, connect.Connector) {
	t.Helper()
	s := connecttest.NewServer()
	t.Cleanup(s.Close)
	for _, p := range oauth2connect.Platforms(s.Credentials(), &oauth2connect.Options{BaseURL: s.URL}) {
		if p.ID == platform {
			return s, p.Connector
		}
	}
	t.Fatalf("there is no platform %s", platform)
	return nil, nil
}

func beginning(state string) connect.Start {
	return connect.Start{Customer: "c", RedirectURI: "http://127.0.0.1/callback", State: state, Verifier: strings.Repeat("v", 50)}
}

func answer(t *testing.T, s *connecttest.Server, c connect.Connector) url.Values {
	t.Helper()
	page, _, err := c.Begin(t.Context(), beginning("s"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Visit(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	return back.Query()
}

func TestFewerScopes(t *testing.T) {
	s, x := world(t, "x")
	s.Withhold("tweet.write")
	_, err := x.Finish(t.Context(), beginning("s"), "", answer(t, s, x))
	if missing, ok := errors.AsType[*connect.ScopeError](err); !ok || fmt.Sprint(missing.Missing) != "[tweet.write]" {
		t.Errorf("a visitor who allows less: %v", err)
	}
	if n := s.Live(); n != 0 {
		t.Errorf("%d tokens are good that nobody uses", n)
	}
	s.Withhold()
	g, err := x.Finish(t.Context(), beginning("s"), "", answer(t, s, x))
	if err != nil {
		t.Fatal(err)
	}
	s.Withhold("tweet.write")
	if _, err := x.Refresh(t.Context(), g); !errors.Is(err, connect.ErrRevoked) {
		t.Errorf("a renewed token that may do less: %v", err)
	}
}

func TestAnotherVerifier(t *testing.T) {
	s, x := world(t, "x")
	other := beginning("s")
	other.Verifier = strings.Repeat("w", 50)
	if _, err := x.Finish(t.Context(), other, "", answer(t, s, x)); !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("a code that another asked for: %v", err)
	}
}

// A code of one platform is worth nothing at another.
func TestCodeOfAnotherPlatform(t *testing.T) {
	s, x := world(t, "x")
	google := oauth2connect.Platforms(s.Credentials(), &oauth2connect.Options{BaseURL: s.URL})[0].Connector
	if _, err := google.Finish(t.Context(), beginning("s"), "", url.Values{"code": answer(t, s, x)["code"]}); !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("a code of X at Google: %v", err)
	}
	mixed := answer(t, s, google)
	mixed.Set("iss", "https://x.com")
	if _, err := google.Finish(t.Context(), beginning("s"), "", mixed); !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("an answer of another issuer: %v", err)
	}
}

func TestPageOfFacebook(t *testing.T) {
	s, facebook := world(t, "facebook")
	g, err := facebook.Finish(t.Context(), beginning("s"), "", answer(t, s, facebook))
	if err != nil {
		t.Fatal(err)
	}
	post := connect.Request{Method: "POST", URL: "https://graph.facebook.com/v23.0/page-of-ada/feed", JSON: map[string]string{"message": "Hello"}}
	if _, err := facebook.Do(t.Context(), g, post); !isRefused(err) {
		t.Errorf("a post of a page in the visitor's own name: %v", err)
	}
	post.As = "page-of-bob"
	if _, err := facebook.Do(t.Context(), g, post); !isRefused(err) {
		t.Errorf("a post in the name of somebody else's page: %v", err)
	}
	post.As = "page-of-ada"
	if _, err := facebook.Do(t.Context(), g, post); err != nil || len(s.Posts()) != 1 {
		t.Errorf("a post of the page: %v, %v", err, s.Posts())
	}
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*connect.RefusedError](err)
	return ok
}

func TestNew(t *testing.T) {
	good := oauth2connect.Platform{
		ID: "acme", Title: "Acme", AuthURL: "https://acme.com/oauth", TokenURL: "https://acme.com/token",
		Identity: oauth2connect.Identity{URL: "https://api.acme.com/me", ID: "id"},
	}
	app := oauth2connect.Credentials{ClientID: "id", ClientSecret: "secret"}
	if p, err := oauth2connect.New(good, app, nil); err != nil || p.Connector == nil {
		t.Errorf("a good one: %v", err)
	}
	for want, spoil := range map[string]func(*oauth2connect.Platform){
		"AuthURL":      func(p *oauth2connect.Platform) { p.AuthURL = "http://acme.com" },
		"TokenURL":     func(p *oauth2connect.Platform) { p.TokenURL = "" },
		"Identity.URL": func(p *oauth2connect.Platform) { p.Identity.URL = "acme.com" },
		"Identity.ID":  func(p *oauth2connect.Platform) { p.Identity.ID = "" },
	} {
		bad := good
		spoil(&bad)
		if _, err := oauth2connect.New(bad, app, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("one without %s: %v", want, err)
		}
	}
	if _, err := oauth2connect.New(good, oauth2connect.Credentials{}, nil); err == nil || !strings.Contains(err.Error(), "ClientID") {
		t.Errorf("one without credentials: %v", err)
	}
	var bare []connect.Platform
	for _, p := range oauth2connect.Platforms(nil, nil) {
		if p.Connector != nil {
			t.Errorf("%s is connected without credentials", p.ID)
		}
		bare = append(bare, p)
	}
	if err := connect.Check(bare); err != nil {
		t.Error(err)
	}
}

func TestEndedContext(t *testing.T) {
	s, x := world(t, "x")
	g, err := x.Finish(t.Context(), beginning("s"), "", answer(t, s, x))
	if err != nil {
		t.Fatal(err)
	}
	s.Fail(connecttest.FailSlow, "")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := x.Do(ctx, g, connect.Request{URL: "https://api.x.com/2/users/me"}); !errors.Is(err, connect.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow platform: %v", err)
	}
}
