package marketing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
)

var allPlatforms = func() (ids []string) {
	for _, p := range oauth2connect.Table() {
		ids = append(ids, p.ID)
	}
	return ids
}()

// linkedTB is a test whose context is that of a call with every platform linked.
type linkedTB struct {
	testing.TB
	ctx context.Context
}

func (t linkedTB) Context() context.Context { return t.ctx }

// connected returns the desk of a customer whose calls reach platforms.
func (d desk) connected() (desk, *connecttest.Server) {
	d.Helper()
	s := connecttest.NewServer()
	d.Cleanup(s.Close)
	d.TB = linkedTB{d.TB, reaching(d.TB, s.URL, s)}
	return d, s
}

// reaching returns a context in which the platforms at an address are linked; visit opens
// pages there.
func reaching(t testing.TB, base string, s *connecttest.Server) context.Context {
	t.Helper()
	grants := map[string]connect.Grant{}
	connectors := map[string]connect.Connector{}
	for _, p := range oauth2connect.Platforms(s.Credentials(), &oauth2connect.Options{BaseURL: base}) {
		start := connect.Start{Customer: "c", RedirectURI: "http://127.0.0.1/callback", State: "s", Verifier: strings.Repeat("v", 50)}
		page, memo, err := p.Connector.Begin(t.Context(), start)
		if err != nil {
			t.Fatal(err)
		}
		back, err := s.Visit(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		if grants[p.ID], err = p.Connector.Finish(t.Context(), start, memo, back.Query()); err != nil {
			t.Fatalf("%s: %v", p.ID, err)
		}
		connectors[p.ID] = p.Connector
	}
	ctx := connect.WithDoer(t.Context(), func(ctx context.Context, platform string, r connect.Request) (connect.Response, error) {
		return connectors[platform].Do(ctx, grants[platform], r)
	})
	return agent.WithLinks(ctx, func(_ context.Context, name, token string) (string, error) {
		return "https://host.example/go/" + name + "?t=" + token, nil
	})
}

// approved saves a piece that the customer approved.
func (d desk) approved(kind, title, body string, meta object) string {
	d.Helper()
	id := d.call("save_content", object{"agent": "social", "type": kind, "title": title, "body": body, "meta": meta})["id"].(string)
	d.call("review_content", object{"id": id, "version": 1, "decision": "approve"})
	return id
}

func TestQueries(t *testing.T) {
	d, _ := newDesk(t).connected()
	out := d.call("query_analytics", object{"dimensions": []string{"landingPage"}, "metrics": []string{"sessions", "keyEvents"}})
	rows := out["rows"].([]any)
	if len(rows) != 1 || rows[0].(object)["landingPage"] != "some landingPage" || rows[0].(object)["keyEvents"] != 101.0 || !strings.HasPrefix(out["of"].(string), "42 ") {
		t.Errorf("query_analytics: %v", out)
	}
	d.refuse("query_analytics", object{"property": "7"}, "42 (acme.com)")
	d.refuse("query_analytics", object{"metrics": []string{"a;b"}}, "metrics")
	out = d.call("query_search_console", object{})
	rows = out["rows"].([]any)
	if len(rows) != 1 || rows[0].(object)["query"] != "acme anvils" || rows[0].(object)["clicks"] != 12.0 || out["of"] != "sc-domain:acme.com" {
		t.Errorf("query_search_console: %v", out)
	}
	d.refuse("query_search_console", object{"site": "https://other.example/"}, "sc-domain:acme.com")
}

func TestPublish(t *testing.T) {
	d, s := newDesk(t).connected()
	id := d.approved("social_post", "Anvils", "We make anvils (since 1920)", nil)
	for _, platform := range []string{"linkedin", "x", "facebook"} {
		first := d.call("publish_post", object{"id": id, "platform": platform})
		if first["state"] != "published" || first["id"] == "" || first["url"] == "" {
			t.Errorf("%s: %v", platform, first)
		}
		again := d.call("publish_post", object{"id": id, "platform": platform})
		if again["id"] != first["id"] {
			t.Errorf("%s again: %v", platform, again)
		}
	}
	posts := s.Posts()
	if len(posts) != 3 || posts[0].Text != `We make anvils \(since 1920\)` || posts[1].Text != "We make anvils (since 1920)" {
		t.Errorf("published: %+v", posts)
	}
	figures := d.call("query_post_analytics", object{})["posts"].([]any)
	if len(figures) != 4 {
		t.Errorf("query_post_analytics: %v", figures)
	}
	for _, f := range figures {
		if f := f.(object); f["platform"] == "x" && (f["impressions"] != 500.0 || f["engagementRate"] != 0.032) {
			t.Errorf("figures of X: %v", f)
		}
	}
	if n := strings.Count(d.everything(), "content.published"); n != 3 {
		t.Errorf("%d events of publishing", n)
	}
}

func TestPublishRefuses(t *testing.T) {
	d, s := newDesk(t).connected()
	draft := d.call("save_content", object{"agent": "social", "type": "social_post", "title": "Anvils", "body": "Soon."})["id"].(string)
	d.refuse("publish_post", object{"id": draft, "platform": "x"}, "only what the customer approved")
	d.refuse("publish_post", object{"id": storage.NewID(), "platform": "x"}, "no such piece")
	d.refuse("publish_post", object{"id": draft, "platform": "myspace"}, "platform")
	long := d.approved("social_post", "Long", strings.Repeat("a", 281), nil)
	if _, err := d.try(d.Context(), "publish_post", object{"id": long, "platform": "x"}); err == nil || !strings.Contains(err.Error(), "at most 280 characters") {
		t.Errorf("a long post: %v", err)
	}
	ready := d.approved("social_post", "Anvils", "Now.", nil)
	s.Fail(connecttest.FailLimit, "tweets")
	if _, err := d.try(d.Context(), "publish_post", object{"id": ready, "platform": "x"}); err == nil || !strings.Contains(err.Error(), "wait 7s") {
		t.Errorf("too many calls: %v", err)
	}
	s.Fail(connecttest.FailNot, "")
	if out := d.call("publish_post", object{"id": ready, "platform": "x"}); out["state"] != "published" {
		t.Errorf("after nothing went out: %v", out)
	}
	if n := len(s.Posts()); n != 1 {
		t.Errorf("%d posts", n)
	}
	plain := newDesk(t)
	other := plain.approved("social_post", "Anvils", "Now.", nil)
	if _, err := plain.try(plain.Context(), "publish_post", object{"id": other, "platform": "x"}); err == nil || !strings.Contains(err.Error(), "connect_platform") {
		t.Errorf("without an account: %v", err)
	}
}

// An answer that is lost leaves it unknown, and nothing goes out twice by itself.
func TestPublishUnknown(t *testing.T) {
	for _, failure := range []connecttest.Failure{connecttest.FailCut, connecttest.FailHTML} {
		d, s := newDesk(t).connected()
		id := d.approved("social_post", "Anvils", "Now.", nil)
		s.Fail(failure, "2/tweets")
		if _, err := d.try(d.Context(), "publish_post", object{"id": id, "platform": "x"}); err == nil || !strings.Contains(err.Error(), "not known whether") {
			t.Errorf("%s: %v", failure, err)
		}
		s.Fail(connecttest.FailNot, "")
		before := len(s.Posts())
		for _, missing := range []bool{false, true} { // for two minutes it may be on its way
			if _, err := d.try(d.Context(), "publish_post", object{"id": id, "platform": "x", "notThere": missing}); err == nil || !strings.Contains(err.Error(), "two minutes") {
				t.Errorf("%s, again: %v", failure, err)
			}
		}
		if n := len(s.Posts()); n != before {
			t.Errorf("%s: it went out again", failure)
		}
	}
}

// Only a person can say that what is unknown did not go out.
func TestPublishAfterLooking(t *testing.T) {
	o := newOutreach(t)
	id := o.approved("social_post", "Anvils", "Now.", nil)
	o.platforms.Fail(connecttest.FailHTML, "2/tweets") // nothing goes out
	if _, err := o.try(o.Context(), "publish_post", object{"id": id, "platform": "x"}); err == nil {
		t.Fatal("it was published")
	}
	o.platforms.Fail(connecttest.FailNot, "")
	o.pass(3 * time.Minute)
	o.refuse("publish_post", object{"id": id, "platform": "x"}, "Have the customer look")
	if out := o.call("publish_post", object{"id": id, "platform": "x", "notThere": true}); out["state"] != "published" || len(o.platforms.Posts()) != 1 {
		t.Errorf("after looking: %v", out)
	}
}

const crashVariable = "HEYCMO_TEST_CRASH"

// TestCrash is the process that TestKilledBetweenSendAndRecord kills.
func TestCrash(t *testing.T) {
	parts := strings.Split(os.Getenv(crashVariable), "|")
	if len(parts) != 4 {
		t.Skip("this is a part of TestKilledBetweenSendAndRecord")
	}
	d := newDeskAt(t, parts[0]).as(storage.CustomerID(parts[1]))
	x := connectorAt(parts[2])
	ctx := connect.WithDoer(t.Context(), func(ctx context.Context, _ string, r connect.Request) (connect.Response, error) {
		return x.Do(ctx, connect.Grant{Access: strings.Split(parts[3], ",")[1]}, r)
	})
	out, err := d.try(ctx, "publish_post", object{"id": strings.Split(parts[3], ",")[0], "platform": "x"})
	t.Fatalf("it was not killed: %v, %v", out, err)
}

func connectorAt(base string) connect.Connector {
	for _, p := range oauth2connect.Platforms(map[string]oauth2connect.Credentials{"x": {ClientID: "client-of-x", ClientSecret: "CANARY-secret-of-x"}}, &oauth2connect.Options{BaseURL: base}) {
		if p.ID == "x" {
			return p.Connector
		}
	}
	return nil
}

func TestKilledBetweenSendAndRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heycmo.db")
	d := newDeskAt(t, path)
	id := d.approved("social_post", "Anvils", "Now.", nil)
	s := connecttest.NewServer()
	t.Cleanup(s.Close)
	x := connectorAt(s.URL)
	start := connect.Start{Customer: "c", RedirectURI: "http://127.0.0.1/callback", State: "s", Verifier: strings.Repeat("v", 50)}
	page, _, err := x.Begin(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Visit(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	g, err := x.Finish(t.Context(), start, "", back.Query())
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrash$")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s|%s,%s", crashVariable, path, d.customer, s.URL, id, g.Access))
	// The post is there, and the answer is not sent yet.
	started, killed := make(chan struct{}), make(chan error, 1)
	s.AfterWork("2/tweets", func() { <-started; killed <- child.Process.Kill() })
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := child.Wait(); err == nil || strings.Contains(out.String(), "it was not killed") {
		t.Fatalf("%v: %s", err, out.String())
	}
	select {
	case err := <-killed:
		if err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("nothing was sent: %s", out.String())
	}
	s.AfterWork("", nil)
	ctx := connect.WithDoer(t.Context(), func(ctx context.Context, _ string, r connect.Request) (connect.Response, error) {
		return x.Do(ctx, g, r)
	})
	for range 3 {
		if out, err := d.try(ctx, "publish_post", object{"id": id, "platform": "x"}); err == nil {
			t.Errorf("it went out again: %v", out)
		}
	}
	if n := len(s.Posts()); n != 1 {
		t.Errorf("%d posts; want the one", n)
	}
}

func TestSendEmail(t *testing.T) {
	d, s := newDesk(t).connected()
	id := d.approved("email", "The close, in numbers", "Grüße aus Bergen.\n\nAda", object{"subject": "Fünf Zahlen"})
	for _, box := range []string{"gmail", "outlook"} {
		out := d.call("send_email", object{"id": id, "to": box + "@example.com", "toName": "Bob Ångström", "mailbox": box})
		if out["state"] != "published" {
			t.Errorf("%s: %v", box, out)
		}
	}
	d.call("send_email", object{"id": id, "to": "GMAIL@example.com", "mailbox": "gmail"}) // the same person
	mails := s.Mails()
	if len(mails) != 2 {
		t.Fatalf("%d mails: %+v", len(mails), mails)
	}
	for i, want := range []string{"gmail", "outlook"} {
		m := mails[i]
		if m.Platform != want || !strings.Contains(m.Message, "Subject: =?utf-8?q?F=C3=BCnf_Zahlen?=\r\n") || !strings.Contains(m.Message, "Gr=C3=BC=C3=9Fe aus Bergen.\r\n") {
			t.Errorf("%s: %s", want, m.Message)
		}
	}
	d.call("suppress_address", object{"email": "eve@example.com"})
	d.refuse("send_email", object{"id": id, "to": "Eve@example.com", "mailbox": "gmail"}, "no more mails")
	d.refuse("send_email", object{"id": id, "to": "bob@example.com\r\nBcc: all@example.com", "mailbox": "gmail"}, "e-mail address")
	d.refuse("send_email", object{"id": id, "to": "Bob <bob@example.com>", "mailbox": "gmail"}, "e-mail address")
	d.refuse("send_email", object{"id": id, "to": "bob@example.com"}, "mailbox must be one of gmail, outlook")
}

func TestPlatformErrors(t *testing.T) {
	d, s := newDesk(t).connected()
	for failure, want := range map[connecttest.Failure]string{
		connecttest.FailDown: "does not answer as it should", connecttest.FailHTML: "does not answer as it should", connecttest.FailLimit: "wait 7s",
	} {
		s.Fail(failure, "")
		_, err := d.try(d.Context(), "query_analytics", object{})
		if text, ok := agent.CallerText(err); !ok || !strings.Contains(text, want) || s.HasSecret(text) {
			t.Errorf("%s: %v", failure, err)
		}
	}
	s.Fail(connecttest.FailNot, "")
	s.RevokeAll()
	_, err := d.try(d.Context(), "query_analytics", object{})
	if text, _ := agent.CallerText(err); !strings.Contains(text, "must be connected again") || !errors.Is(err, connect.ErrRejected) {
		t.Errorf("a revoked grant: %v", err)
	}
}

// Tools are there for the platforms that the host has, and for no others.
func TestToolsOfPlatforms(t *testing.T) {
	for platforms, want := range map[string]string{
		"": "", "google_analytics": "query_analytics", "gmail": "send_email,create_campaign", "x": "query_post_analytics,publish_post", "instagram": "query_post_analytics",
	} {
		catalog := catalogWith(t, strings.Fields(platforms))
		has := func(name string) bool {
			return slices.ContainsFunc(catalog.Tools, func(tool *agent.Tool) bool { return tool.Name == name })
		}
		for _, name := range []string{"query_analytics", "query_search_console", "query_post_analytics", "publish_post", "send_email", "create_campaign"} {
			if wanted := slices.Contains(strings.Split(want, ","), name); has(name) != wanted {
				t.Errorf("with %q: %s is there: %v", platforms, name, has(name))
			}
		}
		if err := catalog.Validate(); err != nil {
			t.Errorf("with %q: %v", platforms, err)
		}
	}
}

func TestOutsideFigures(t *testing.T) {
	d, s := newDesk(t).connected()
	id := d.approved("social_post", "Anvils", "Now.", nil)
	d.call("publish_post", object{"id": id, "platform": "x"})
	found, k, err := marketing.Outside(d.Context(), d.store, allPlatforms, d.customer, 7*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if found["google_analytics"]["sessions"] != 100 || found["search_console"]["clicks"] != 12 || found["x"]["impressions"] != 500 || found["x"]["engagementRate"] != 0.032 {
		t.Errorf("figures: %v", found)
	}
	if k.Conversions == nil || *k.Conversions != 105 || k.CTR == nil || *k.CTR != 0.035 || k.Engagement == nil || *k.Engagement != 0.032 {
		t.Errorf("of a snapshot: %+v", k)
	}
	s.Fail(connecttest.FailDown, "")
	found, k, err = marketing.Outside(d.Context(), d.store, allPlatforms, d.customer, 7*24*time.Hour)
	if err != nil || len(found["google_analytics"])+len(found["x"]) != 0 || k.Conversions != nil || k.Engagement != nil {
		t.Errorf("while the platforms are down: %v, %+v, %v", found, k, err)
	}
	plain := newDesk(t)
	if _, k, err := marketing.Outside(plain.Context(), plain.store, nil, plain.customer, time.Hour); err != nil || k.CTR != nil {
		t.Errorf("without platforms: %+v, %v", k, err)
	}
}
