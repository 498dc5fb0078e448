package heycmo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	mcpsdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// linkedHost is a host that serves, with platforms behind it.
type linkedHost struct {
	t         *testing.T
	platforms *connecttest.Server
	server    *httptest.Server
	host      *heycmo.Server
	store     *sqlitestore.Store
	file      string // of the database
	logs      *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) Sync() error { return nil }

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func secretKey(id string) heycmo.SecretKey {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return heycmo.SecretKey{ID: id, Key: key}
}

func newLinkedHost(t *testing.T) *linkedHost {
	t.Helper()
	return newLinkedHostAt(t, "")
}

func newLinkedHostAt(t *testing.T, publicURL string) *linkedHost {
	t.Helper()
	h := &linkedHost{t: t, platforms: connecttest.NewServer(), logs: &syncBuffer{}, file: filepath.Join(t.TempDir(), "heycmo.db")}
	var err error
	if h.store, err = sqlitestore.Open(t.Context(), h.file, nil); err != nil {
		t.Fatal(err)
	}
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), h.logs, zapcore.DebugLevel))
	h.host, err = heycmo.New(h.store, &heycmo.Options{
		PublicURL: publicURL, Log: log, SecretKeys: []heycmo.SecretKey{secretKey("k1")}, Limits: heycmo.Limits{REST: -1, MCP: -1, Login: -1},
		Platforms: oauth2connect.Platforms(h.platforms.Credentials(), &oauth2connect.Options{BaseURL: h.platforms.URL}),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.host)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); _ = h.host.Run(ctx) }()
	t.Cleanup(func() {
		stop, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		h.server.CloseClientConnections()
		h.host.CloseStreams()
		h.server.Close()
		cancel()
		if err := h.host.Shutdown(stop); err != nil {
			t.Error(err)
		}
		<-ran
		_ = h.store.Close()
		h.platforms.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return h
}

// customer makes one, and returns it with its key.
func (h *linkedHost) customer(brand string) (storage.CustomerID, string) {
	h.t.Helper()
	p, err := h.host.Admin().Provision(h.t.Context(), heycmo.NewCustomer{Email: "ada@example.com", BrandName: brand})
	if err != nil {
		h.t.Fatal(err)
	}
	return p.Customer.ID, p.APIKey.Reveal()
}

// rest calls the API.
func (h *linkedHost) rest(method, path, key, body string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// link asks for a link by the API.
func (h *linkedHost) link(id storage.CustomerID, key, platform string) (address, code string) {
	h.t.Helper()
	status, body := h.rest("POST", "/api/connect/"+string(id), key, fmt.Sprintf(`{"platforms":[%q]}`, platform))
	var list struct {
		Links []struct{ URL, Code string }
	}
	if err := json.Unmarshal([]byte(body), &list); status != 200 || err != nil || len(list.Links) != 1 {
		h.t.Fatalf("%d %s", status, body)
	}
	return list.Links[0].URL, list.Links[0].Code
}

// browser is somebody's browser: it keeps cookies, submits forms and follows redirects.
type browser struct {
	h      *linkedHost
	client *http.Client
	status int
	page   string
	at     *url.URL
}

func (h *linkedHost) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &browser{h: h, client: &http.Client{Jar: jar}}
}

func (b *browser) do(req *http.Request) {
	b.h.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	b.status, b.page, b.at = resp.StatusCode, string(data), resp.Request.URL
	if strings.HasPrefix(b.at.String(), b.h.server.URL) {
		for name, want := range map[string]string{"Cache-Control": "private, no-store", "Referrer-Policy": "strict-origin-when-cross-origin", "X-Frame-Options": "DENY"} {
			if got := resp.Header.Get(name); got != want {
				b.h.t.Errorf("%s: %s is %q", b.at.Path, name, got)
			}
		}
		if csp := resp.Header.Get("Content-Security-Policy"); strings.HasPrefix(b.page, "<") && !strings.Contains(csp, "default-src 'none'") {
			b.h.t.Errorf("%s: the policy is %q", b.at.Path, csp)
		}
	}
}

func (b *browser) open(address string) {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.h.t.Fatal(err)
	}
	b.do(req)
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	leaving    = regexp.MustCompile(`<meta http-equiv="refresh" content="1;url=([^"]*)"`)
)

// submit sends the form of the page.
func (b *browser) submit(values url.Values) {
	b.h.t.Helper()
	form := formAction.FindStringSubmatch(b.page)
	if form == nil {
		b.h.t.Fatalf("there is no form: %s", b.page)
	}
	for _, field := range hidden.FindAllStringSubmatch(b.page, -1) {
		values.Set(field[1], html.UnescapeString(field[2]))
	}
	req, err := http.NewRequestWithContext(b.h.t.Context(), http.MethodPost, html.UnescapeString(form[1]), strings.NewReader(values.Encode()))
	if err != nil {
		b.h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.h.server.URL)
	b.do(req)
}

// leave goes to the platform, which sends the visitor back.
func (b *browser) leave() {
	b.h.t.Helper()
	page := leaving.FindStringSubmatch(b.page)
	if page == nil {
		b.h.t.Fatalf("the page leads nowhere: %s", b.page)
	}
	b.open(html.UnescapeString(page[1]))
}

func (b *browser) shows(status int, text string) {
	b.h.t.Helper()
	if b.status != status || !strings.Contains(b.page, text) {
		b.h.t.Fatalf("%s has status %d, want %d and %q: %s", b.at, b.status, status, text, b.page)
	}
}

// connects links an account in a browser of its own.
func (h *linkedHost) connects(id storage.CustomerID, key, platform string) {
	h.t.Helper()
	address, code := h.link(id, key, platform)
	b := h.browser()
	b.open(address)
	b.submit(url.Values{"code": {code}})
	b.leave()
	b.submit(url.Values{"answer": {"yes"}})
	b.shows(200, "<h1>Connected</h1>")
}

func TestConnectPages(t *testing.T) {
	h := newLinkedHost(t)
	id, key := h.customer(`Acme <script>alert(1)</script>`)
	address, code := h.link(id, key, "x")
	b := h.browser()
	b.open(address)
	b.shows(200, "Acme &lt;script&gt;")
	if strings.Contains(b.page, "ada@example.com") {
		t.Error("the e-mail address is shown to whoever has the link")
	}
	b.submit(url.Values{"code": {"WRONG"}})
	b.shows(403, "That is not the code")
	b.submit(url.Values{"code": {strings.ToLower(code)}})
	b.shows(200, "To X")
	if n := len(b.client.Jar.Cookies(must(url.Parse(h.server.URL)))); n != 1 {
		t.Errorf("%d cookies", n)
	}
	b.leave()
	b.shows(200, "<h1>Connect ada?</h1>")
	if b.at.Path != "/connect/x/callback" {
		t.Errorf("the platform leads to %s", b.at)
	}
	_, before := h.rest("GET", "/api/connections/"+string(id), key, "")
	if !strings.Contains(before, `"status":"pending"`) {
		t.Errorf("before it is confirmed: %s", before)
	}
	b.submit(url.Values{"answer": {"yes"}})
	b.shows(200, "<h1>Connected</h1>")
	if n := len(b.client.Jar.Cookies(must(url.Parse(h.server.URL)))); n != 0 {
		t.Errorf("%d cookies are left", n)
	}
	status, after := h.rest("GET", "/api/connections/"+string(id), key, "")
	if status != 200 || !strings.Contains(after, `"account":"ada"`) || !strings.Contains(after, `"status":"connected"`) {
		t.Errorf("after: %d %s", status, after)
	}
	b.open(address)
	b.shows(400, "This link is not good")
	if status, body := h.rest("DELETE", "/api/connections/"+string(id)+"/x", key, ""); status != 204 || body != "" {
		t.Errorf("DELETE: %d %s", status, body)
	}
	if status, _ := h.rest("DELETE", "/api/connections/"+string(id)+"/x", key, ""); status != 404 {
		t.Errorf("DELETE again: %d", status)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The one who begins a link must be the one who ends it: an attacker's link must not get a
// victim's account, nor the other way round.
func TestConnectAcrossBrowsers(t *testing.T) {
	h := newLinkedHost(t)
	id, key := h.customer("Acme")
	address, code := h.link(id, key, "x")
	attacker, victim := h.browser(), h.browser()
	attacker.open(address)
	attacker.submit(url.Values{"code": {code}})
	page := html.UnescapeString(leaving.FindStringSubmatch(attacker.page)[1])
	victim.open(page) // the attacker sends it to them
	victim.shows(400, "This link is not good")
	attacker.leave()
	attacker.shows(200, "Connect ada?")
	callback := attacker.at.String()
	attacker.open(callback)
	attacker.shows(400, "This link is not good")
	victim.page = `<form method="post" action="` + h.server.URL + `/connect/x/confirm">`
	victim.submit(url.Values{"answer": {"yes"}})
	victim.shows(400, "This link is not good")

	address, code = h.link(id, key, "x")
	b := h.browser()
	b.open(address)
	b.submit(url.Values{"code": {code}})
	b.leave()
	b.open(strings.Replace(b.at.String(), "/connect/x/", "/connect/linkedin/", 1))
	b.shows(400, "This link is not good")
}

func TestConnectRefusals(t *testing.T) {
	h := newLinkedHost(t)
	id, key := h.customer("Acme")
	for name, c := range map[string]struct {
		set    func()
		status int
		text   string
	}{
		"denied":      {func() { h.platforms.Deny(true) }, 403, "You didn&#39;t give the permission"},
		"scopes":      {func() { h.platforms.Withhold("tweet.write") }, 403, "<code>tweet.write</code>"},
		"unavailable": {func() { h.platforms.Fail(connecttest.FailHTML, "token") }, 502, "doesn&#39;t answer as it should"},
		"limited":     {func() { h.platforms.Fail(connecttest.FailLimit, "token") }, 502, "doesn&#39;t answer as it should"},
	} {
		c.set()
		address, code := h.link(id, key, "x")
		b := h.browser()
		b.open(address)
		b.submit(url.Values{"code": {code}})
		b.leave()
		if c.text = html.UnescapeString(c.text); b.status != c.status || !strings.Contains(html.UnescapeString(b.page), c.text) {
			t.Errorf("%s: %d %s", name, b.status, b.page)
		}
		h.platforms.Deny(false)
		h.platforms.Withhold()
		h.platforms.Fail(connecttest.FailNot, "")
	}
	if n := h.platforms.Live(); n != 0 {
		t.Errorf("%d tokens are good that nobody uses", n)
	}
	_, list := h.rest("GET", "/api/connections/"+string(id), key, "")
	if strings.Contains(list, `"connected"`) {
		t.Errorf("something is connected: %s", list)
	}
	for path, want := range map[string]int{
		"/connect/x": 400, "/connect/x?link=nonsense": 400, "/connect/myspace?link=a.b": 400, "/connect/x/callback": 400,
		"/connect/x/confirm": 405, "/connect/x/other": 404, "/connect/": 400,
	} {
		b := h.browser()
		b.open(h.server.URL + path)
		if b.status != want {
			t.Errorf("GET %s: %d, want %d", path, b.status, want)
		}
	}
	for body, want := range map[string]int{`{"platforms":["myspace"]}`: 400, `{"platforms":["x","x"]}`: 400, `{"platform":"x"}`: 400, ``: 200} {
		if status, answer := h.rest("POST", "/api/connect/"+string(id), key, body); status != want {
			t.Errorf("POST %s: %d %s", body, status, answer)
		}
	}
	_, otherKey := h.customer("Other")
	if status, _ := h.rest("POST", "/api/connect/"+string(id), otherKey, `{"platforms":["x"]}`); status != 404 {
		t.Errorf("a link for somebody else: %d", status)
	}
}

func TestConnectTakeover(t *testing.T) {
	h := newLinkedHost(t)
	first, firstKey := h.customer("First")
	second, secondKey := h.customer("Second")
	h.connects(first, firstKey, "linkedin")
	address, code := h.link(second, secondKey, "linkedin")
	b := h.browser()
	b.open(address)
	b.submit(url.Values{"code": {code}})
	b.leave()
	b.shows(200, "has connected this account")
	page := b.page
	b.submit(url.Values{"answer": {"yes"}}) // not what the page offers
	b.shows(409, "has connected this account")
	b.page = page
	b.submit(url.Values{"answer": {"takeover"}})
	b.shows(200, "<h1>Connected</h1>")
	_, list := h.rest("GET", "/api/connections/"+string(first), firstKey, "")
	if !strings.Contains(list, `"status":"needs_reconnect"`) {
		t.Errorf("the first: %s", list)
	}
}

// session connects an MCP client.
func (h *linkedHost) session(key string, opts *mcpsdk.ClientOptions) *mcpsdk.ClientSession {
	h.t.Helper()
	client := mcpsdk.NewClient(&mcpsdk.Implementation{Name: "test", Version: "1"}, opts)
	s, err := client.Connect(h.t.Context(), &mcpsdk.StreamableClientTransport{
		Endpoint: h.server.URL + "/mcp", HTTPClient: &http.Client{Transport: bearer(key)},
	}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = s.Close() })
	return s
}

type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// call calls a tool, and returns its text and whether it is an error.
func (h *linkedHost) call(s *mcpsdk.ClientSession, name string, args any) (string, bool) {
	h.t.Helper()
	result, err := s.CallTool(h.t.Context(), &mcpsdk.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		h.t.Fatalf("%s: %v", name, err)
	}
	var text strings.Builder
	for _, c := range result.Content {
		if t, ok := c.(*mcpsdk.TextContent); ok {
			text.WriteString(t.Text)
		}
	}
	return text.String(), result.IsError
}

var shownLink = regexp.MustCompile(`(http://\S+/connect/\S+)\s+Code: (\S+)`)

func TestConnectTools(t *testing.T) {
	h := newLinkedHost(t)
	_, key := h.customer("Acme")
	s := h.session(key, nil)
	text, _ := h.call(s, "list_connections", map[string]any{})
	if !strings.Contains(text, `"platform":"linkedin"`) || !strings.Contains(text, `"not_connected"`) {
		t.Errorf("list_connections: %s", text)
	}
	text, _ = h.call(s, "connect_platform", map[string]any{"platform": "x"})
	shown := shownLink.FindStringSubmatch(text)
	if shown == nil {
		t.Fatalf("connect_platform: %s", text)
	}
	b := h.browser()
	b.open(shown[1])
	b.submit(url.Values{"code": {shown[2]}})
	b.leave()
	b.submit(url.Values{"answer": {"yes"}})
	b.shows(200, "<h1>Connected</h1>")
	if text, _ = h.call(s, "list_connections", map[string]any{}); !strings.Contains(text, `"account":"ada"`) {
		t.Errorf("list_connections: %s", text)
	}
	if text, failed := h.call(s, "disconnect_platform", map[string]any{"platform": "x"}); failed {
		t.Errorf("disconnect_platform: %s", text)
	}
	if text, failed := h.call(s, "disconnect_platform", map[string]any{"platform": "x"}); !failed || !strings.Contains(text, "is not connected") {
		t.Errorf("disconnect_platform again: %s", text)
	}
}

// A client that can open pages is asked to.
func TestConnectByElicitation(t *testing.T) {
	h := newLinkedHost(t)
	_, key := h.customer("Acme")
	asked := make(chan *mcpsdk.ElicitParams, 5)
	s := h.session(key, &mcpsdk.ClientOptions{
		Capabilities: &mcpsdk.ClientCapabilities{Elicitation: &mcpsdk.ElicitationCapabilities{URL: &mcpsdk.URLElicitationCapabilities{}}},
		ElicitationHandler: func(_ context.Context, r *mcpsdk.ElicitRequest) (*mcpsdk.ElicitResult, error) {
			asked <- r.Params
			return &mcpsdk.ElicitResult{Action: "accept"}, nil
		},
	})
	text, failed := h.call(s, "connect_platform", map[string]any{"platform": "x"})
	if failed || !strings.Contains(text, "was shown the page") {
		t.Fatalf("connect_platform: %s", text)
	}
	p := <-asked
	code := regexp.MustCompile(`[A-Z0-9]{4}-[A-Z0-9]{4}`).FindString(p.Message)
	b := h.browser()
	b.open(p.URL)
	b.submit(url.Values{"code": {code}})
	b.shows(200, "To X")
}

// Nothing that opens an account, or could have, is in the database's files or the logs.
func TestNoTokenIsLeft(t *testing.T) {
	h := newLinkedHost(t)
	id, key := h.customer("Acme")
	for _, p := range oauth2connect.Table() {
		h.connects(id, key, p.ID)
	}
	h.platforms.Expire()
	s := h.session(key, nil)
	if text, failed := h.call(s, "list_connections", map[string]any{}); failed || strings.Count(text, `"connected"`) != len(oauth2connect.Table()) {
		t.Errorf("list_connections: %s", text)
	}
	piece, _ := h.call(s, "save_content", map[string]any{"agent": "social", "type": "social_post", "title": "Anvils", "body": "Now."})
	contentID := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(piece)
	h.call(s, "review_content", map[string]any{"id": contentID, "version": 1, "decision": "approve"})
	for name, args := range map[string]map[string]any{ // with tokens that must be renewed first
		"publish_post": {"id": contentID, "platform": "x"}, "query_analytics": {}, "query_search_console": {},
		"send_email": {"id": contentID, "to": "bob@example.com", "mailbox": "outlook"}, "disconnect_platform": {"platform": "notion"},
	} {
		if text, failed := h.call(s, name, args); failed {
			t.Errorf("%s: %s", name, text)
		}
	}
	if len(h.platforms.Posts()) != 1 || len(h.platforms.Mails()) != 1 {
		t.Errorf("published %v, sent %v", h.platforms.Posts(), h.platforms.Mails())
	}
	h.platforms.Fail(connecttest.FailHTML, "token")
	address, code := h.link(id, key, "x")
	b := h.browser()
	b.open(address)
	b.submit(url.Values{"code": {code}})
	b.leave()
	b.shows(502, "Not connected")
	secrets := append(h.platforms.Tokens(), code)
	if len(secrets) < 40 {
		t.Fatalf("there were only %d secrets", len(secrets))
	}
	texts := map[string]string{"the logs": h.logs.String()}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(h.file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		texts["the database"+suffix] = string(data)
	}
	for where, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s have %s…", where, secret[:min(len(secret), 20)])
			}
		}
	}
	if !strings.Contains(texts["the database"]+texts["the database-wal"], "google_analytics") {
		t.Error("the database was not looked at")
	}
}

func TestRotateSecrets(t *testing.T) {
	h := newLinkedHost(t)
	id, key := h.customer("Acme")
	h.connects(id, key, "x")
	if done, err := h.host.Admin().RotateSecrets(t.Context()); err != nil || len(done) != 0 {
		t.Errorf("with one key: %v, %v", done, err)
	}
}

func TestPlatformsNeedKeys(t *testing.T) {
	platforms := oauth2connect.Platforms(map[string]oauth2connect.Credentials{"x": {ClientID: "id", ClientSecret: "secret"}}, nil)
	if _, err := heycmo.New(open(t), &heycmo.Options{Platforms: platforms}); err == nil || !strings.Contains(err.Error(), "SecretKeys must be set") {
		t.Errorf("without SecretKeys: %v", err)
	}
	if _, err := heycmo.New(open(t), &heycmo.Options{Platforms: append(platforms, platforms...), SecretKeys: []heycmo.SecretKey{secretKey("k")}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("twice: %v", err)
	}
}

// Whoever gets a mail of a campaign can end it: by the page, or by their mail program.
func TestUnsubscribe(t *testing.T) {
	h := newLinkedHostAt(t, "https://host.example")
	id, _ := h.customer("Acme")
	other, _ := h.customer("Other")
	token := "TOKEN"
	now := storage.Now()
	if err := h.store.CreateDocument(t.Context(), storage.Document{
		CustomerID: id, Kind: "unsubscribe", ID: token, Data: []byte(`{"email":"bob<i>@example.com"}`), CreatedAt: now, UpdatedAt: now,
	}); err != nil {
		t.Fatal(err)
	}
	suppressed := func() bool {
		list, err := h.store.Documents(t.Context(), id, storage.DocumentQuery{Kind: "suppression", Page: storage.Page{Limit: 10}})
		if err != nil {
			t.Fatal(err)
		}
		return len(list) == 1
	}
	page := h.server.URL + "/go/unsubscribe?t="
	b := h.browser()
	b.open(page + string(id) + "." + token)
	b.shows(200, "bob&lt;i&gt;@example.com will get no more")
	if suppressed() {
		t.Error("opening the page ended the mails")
	}
	for _, bad := range []string{"", ".", string(id), string(id) + ".other", string(other) + "." + token, "\x00.x"} {
		b.open(page + url.QueryEscape(bad))
		b.shows(404, "This address is not good")
	}
	b.open(h.server.URL + "/go/other")
	if b.status != 404 {
		t.Errorf("an unknown page: %d", b.status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page+string(id)+"."+token, strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.do(req)
	b.shows(200, "gets no more")
	if !suppressed() {
		t.Error("a mail program can't end the mails")
	}
}
