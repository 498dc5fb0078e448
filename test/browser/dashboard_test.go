package browser

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

const adminKey = "an-admin-key-with-more-than-32-characters"

// hostile is a text that would like to be more than one.
const hostile = `<script>alert("1")</script>"><img src=x onerror=alert(2)>` + "\u202Eevil"

// host is a running host with a customer who has something to see.
type host struct {
	t         testing.TB
	server    *httptest.Server
	heycmo    *heycmo.Server
	store     storage.Store
	platforms *connecttest.Server
	customer  storage.CustomerID
	key       string
}

func newHost(t testing.TB) *host {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, store: store, platforms: connecttest.NewServer()}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i * 7)
	}
	h.heycmo, err = heycmo.New(store, &heycmo.Options{
		SecretKeys: []heycmo.SecretKey{{ID: "k", Key: key}}, AdminKeys: []string{adminKey}, Limits: heycmo.Limits{REST: -1, MCP: -1, Login: -1},
		Billing:   &heycmo.Billing{Plans: []billing.Plan{{ID: "pro", Name: "Pro", Quotas: map[string]int64{"tool_calls": 500}}}},
		Platforms: oauth2connect.Platforms(h.platforms.Credentials(), &oauth2connect.Options{BaseURL: h.platforms.URL}),
		Marketing: &marketing.Options{AllowPrivateAddresses: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.heycmo)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); _ = h.heycmo.Run(ctx) }()
	t.Cleanup(func() {
		stop, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		h.server.CloseClientConnections()
		h.heycmo.CloseStreams()
		h.server.Close()
		cancel()
		if err := h.heycmo.Shutdown(stop); err != nil {
			t.Error(err)
		}
		<-ran
		_ = store.Close()
		h.platforms.Close()
	})
	p, err := h.heycmo.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", BrandName: "Acme " + hostile, Website: "https://acme.example", Plan: "pro"})
	if err != nil {
		t.Fatal(err)
	}
	h.customer, h.key = p.Customer.ID, p.APIKey.Reveal()
	return h
}

// tool calls a tool as a client does.
func (h *host) tool(name string, args map[string]any) map[string]any {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{
		"name": name, "arguments": args,
		"_meta": map[string]any{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{}},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	answer := h.call("POST", "/mcp", string(body), map[string]string{
		"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name,
	})
	var out struct {
		Result struct {
			IsError    bool
			Structured map[string]any `json:"structuredContent"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Result.IsError || out.Result.Structured == nil {
		h.t.Fatalf("%s: %s", name, answer)
	}
	return out.Result.Structured
}

func (h *host) call(method, path, body string, header map[string]string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

// link makes a link into the dashboard, without the address of the host.
func (h *host) link() string {
	h.t.Helper()
	var link struct{ URL string }
	answer := h.call("POST", "/api/dashboard/"+string(h.customer)+"/link", "", nil)
	if err := json.Unmarshal([]byte(answer), &link); err != nil || link.URL == "" {
		h.t.Fatalf("no link: %s", answer)
	}
	return strings.TrimPrefix(link.URL, h.server.URL)
}

// fill gives the customer something to see.
func (h *host) fill() (draft string) {
	h.t.Helper()
	h.tool("update_brand", map[string]any{"offer": "Anvils " + hostile, "voice": "Dry.", "goals": []string{"30 leads in June"}})
	for i, title := range []string{"Why anvils last", hostile, strings.Repeat("A long title ", 20)} {
		piece := h.tool("save_content", map[string]any{"agent": "social", "type": "social_post", "title": title[:min(len(title), 190)], "body": "We make anvils.\n\n" + hostile, "channel": "linkedin"})
		draft = piece["id"].(string)
		if i == 0 {
			h.tool("review_content", map[string]any{"id": draft, "version": 1, "decision": "approve", "reviewer": hostile})
		}
	}
	h.tool("remember", map[string]any{"layer": "brand", "text": "Founded in 1920. " + hostile})
	h.tool("log_event", map[string]any{"type": "lead.logged", "data": map[string]any{"name": hostile}})
	for range 2 {
		h.tool("start_workflow", map[string]any{"workflow": "performance-snapshot", "wait": 30})
	}
	h.tool("start_workflow", map[string]any{"workflow": "content-production", "input": map[string]any{"task": "A post on anvils"}, "wait": 5})
	return draft
}

func signIn(b *tab, h *host) {
	b.Helper()
	link := h.link()
	b.open(link)
	b.check("sign-in")
	b.press("main button")
	b.shows("Waits for you")
	b.open(link)
	b.shows("This link was used or is over")
	b.open("/dashboard")
}

func TestDashboard(t *testing.T) {
	page := site(t)
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			h := newHost(t)
			b := newTab(t, l, h.server.URL)
			b.open("/dashboard")
			b.shows("You are not signed in")
			b.check("signed-out")
			empty := newTab(t, l, h.server.URL)
			signIn(empty, h)
			for name, path := range pages(h) {
				empty.open(path)
				empty.check("empty-" + name)
			}
			draft := h.fill()
			signIn(b, h)
			b.check("overview")
			for name, path := range pages(h) {
				b.open(path)
				b.check(name)
			}
			walk(b, h, draft, page.URL)
		})
	}
}

func pages(*host) map[string]string {
	return map[string]string{
		"overview": "/dashboard", "content": "/dashboard/content", "runs": "/dashboard/runs", "performance": "/dashboard/performance", "connections": "/dashboard/connections",
		"keys": "/dashboard/keys", "scan": "/dashboard/scan", "memory": "/dashboard/memory", "settings": "/dashboard/settings", "events": "/dashboard/events",
	}
}

// walk does everything that a customer can do.
func walk(b *tab, h *host, draft, page string) {
	b.Helper()
	b.open("/dashboard/content/" + draft)
	b.check("piece")
	b.run(chromedp.SendKeys("#note", "Shorter, please", chromedp.ByQuery))
	b.press(`button[value="revise"]`)
	b.shows("Sent back with your note.")
	b.shows("Shorter, please")
	b.open("/dashboard/content?state=draft")
	b.press("main .list a")
	b.press(`button[value="approve"]`)
	b.shows("Approved.")

	b.open("/dashboard/runs")
	b.press("main .list a")
	b.check("run")
	b.run(chromedp.Click(".danger summary", chromedp.ByQuery))
	b.press("button.risky")
	b.shows("The run was cancelled.")

	b.open("/dashboard/keys")
	b.run(chromedp.SendKeys("#name", "laptop "+hostile, chromedp.ByQuery))
	b.press("main form button")
	b.shows("hcmo_live_")
	b.check("key")
	b.open("/dashboard/keys")
	if strings.Contains(b.text(), "hcmo_live_") {
		b.Error("a key is shown twice")
	}
	b.run(chromedp.Click(".list details:not(.danger) summary", chromedp.ByQuery))
	b.press(".list details:not(.danger) button")
	b.shows("hcmo_live_")
	b.open("/dashboard/keys")
	b.run(chromedp.Click(".list .danger summary", chromedp.ByQuery))
	b.press(".list button.risky")
	b.shows("The key was revoked.")

	b.open("/dashboard/connections")
	b.press(`form[action$="/connections/x"] button`)
	b.check("connect")
	b.press("main form button") // on to the platform, which comes back
	b.run(chromedp.WaitVisible(`button[value="yes"]`, chromedp.ByQuery))
	b.check("confirm")
	b.press(`button[value="yes"]`)
	b.shows("is connected to")
	b.open("/dashboard/connections")
	b.shows("ada")
	b.check("connected")
	b.run(chromedp.Click(".list .danger summary", chromedp.ByQuery))
	b.press(".list button.risky")
	b.shows("Disconnected.")

	b.open("/dashboard/scan")
	b.run(chromedp.SetValue("#url", page, chromedp.ByQuery))
	b.press("main form button")
	b.shows("Grade for being cited")
	b.check("scanned")

	b.open("/dashboard/memory?layer=brand")
	b.run(chromedp.Click(".list .danger summary", chromedp.ByQuery))
	b.press(".list button.risky")
	b.shows("Forgotten.")
	b.run(chromedp.Click("main > details summary", chromedp.ByQuery), chromedp.SendKeys("#text", "We close at six.", chromedp.ByQuery))
	b.press("main > details button")
	b.shows("We close at six.")

	b.open("/dashboard/settings")
	b.run(chromedp.SetValue("#industry", "Forging "+hostile[:20], chromedp.ByQuery))
	b.press("main form button")
	b.shows("Saved.")
	b.run(chromedp.Click("#notice-reconnect", chromedp.ByQuery))
	b.press(`form[action$="/notices"] button`)
	b.shows("Saved.")
	var wanted bool
	b.run(chromedp.Evaluate(`document.querySelector("#notice-reconnect").hasAttribute("checked") || !document.querySelector("#notice-approval_waiting").hasAttribute("checked")`, &wanted))
	if wanted {
		b.Error("the notices are not as they were chosen")
	}
	b.open("/dashboard/events?type=brand.*")
	b.shows("brand.updated")
	b.open("/dashboard/content/nonsense")
	b.shows("There is nothing here")
	b.check("missing")
	b.press("header form button")
	b.shows("You are signed out")
	b.open("/dashboard")
	b.shows("You are not signed in")

	b.open("/operator")
	b.check("operator-signed-out")
	b.run(chromedp.SendKeys("#key", "wrong", chromedp.ByQuery))
	b.press("main form button")
	b.shows("That is no admin key.")
	b.run(chromedp.SendKeys("#key", adminKey, chromedp.ByQuery))
	b.press("main form button")
	b.shows("ada@example.com")
	b.check("operator")
	b.run(chromedp.Click(".danger summary", chromedp.ByQuery))
	b.press("button.risky")
	b.shows("Suspended.")
	b.press(`form[action$="/resume"] button`)
	b.shows("Resumed.")
	b.shows("Runs that have not ended")
	b.check("customer")
}

// New events come into an open page by themselves.
func TestLiveEvents(t *testing.T) {
	h := newHost(t)
	b := newTab(t, looks[0], h.server.URL)
	signIn(b, h)
	b.open("/dashboard/events")
	b.run(chromedp.WaitReady("#live:not(:empty)", chromedp.ByQuery))
	h.tool("log_event", map[string]any{"type": "webinar.held", "data": map[string]any{"name": hostile}})
	b.run(chromedp.WaitVisible(`//li[contains(@class,"new")]/code[text()="webinar.held"]`, chromedp.BySearch))
	b.check("live")
}

// Who is not signed in, or signed in as somebody else, gets nothing and changes nothing.
func TestForeignVisitors(t *testing.T) {
	h := newHost(t)
	draft := h.fill()
	other, err := h.heycmo.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "eve@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	ada := visitor(t, h)
	mine := h.customer
	h.customer, h.key = other.Customer.ID, other.APIKey.Reveal()
	eve := visitor(t, h)
	for _, path := range []string{"/dashboard/content/" + draft, "/dashboard/runs/" + storage.NewID()} {
		if status, text := eve.get(path); status != 404 || strings.Contains(text, "Acme") {
			t.Errorf("eve reads %s: %d", path, status)
		}
	}
	if status, _ := eve.post("/dashboard/content/"+draft+"/review", url.Values{"decision": {"approve"}, "version": {"1"}}); status != 404 {
		t.Errorf("eve approves: %d", status)
	}
	// Without the session's word, from another site, and with forged cookies.
	if status, _ := ada.do("POST", "/dashboard/content/"+draft+"/review", url.Values{"decision": {"approve"}, "version": {"1"}}, nil); status != 403 {
		t.Errorf("a form without its word: %d", status)
	}
	if status, _ := ada.do("POST", "/dashboard/sign-out", url.Values{"csrf": {ada.word}}, map[string]string{"Origin": "https://evil.example"}); status != 403 {
		t.Errorf("a form of another site: %d", status)
	}
	for _, cookie := range []string{"", "nonsense", string(mine) + ".made-up", "\x00.\x00", strings.Repeat("a.", 500)} {
		forged := &client{t: t, base: h.server.URL, cookie: "heycmo-session=" + url.QueryEscape(cookie)}
		if status, text := forged.get("/dashboard"); status != 401 || strings.Contains(text, "Acme") {
			t.Errorf("with the cookie %.20q: %d", cookie, status)
		}
	}
	if status, _ := ada.get("/dashboard/content/" + draft); status != 200 {
		t.Errorf("ada reads her own: %d", status)
	}
	if _, err := h.heycmo.Admin().Suspend(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	if status, text := ada.get("/dashboard"); status != 403 || !strings.Contains(text, "This account is suspended.") || strings.Contains(text, "<nav") {
		t.Errorf("a customer who was suspended: %d %s", status, text)
	}
}

// Pages stay small and quick, however much there is to see.
func TestMuchToSee(t *testing.T) {
	h := newHost(t)
	muchToSee(t, h)
	ada := visitor(t, h)
	for name, path := range pages(h) {
		status, text := ada.get(path)
		if status != 200 || len(text) > 300_000 {
			t.Errorf("%s: %d, %d bytes", name, status, len(text))
		}
	}
}

// client is somebody's browser without the browser.
type client struct {
	t            *testing.T
	base, cookie string
	word         string // of the session's forms
}

// visitor signs the host's customer in.
func visitor(t *testing.T, h *host) *client {
	t.Helper()
	c := &client{t: t, base: h.server.URL}
	u, err := url.Parse(h.link())
	if err != nil {
		t.Fatal(err)
	}
	c.do("POST", "/dashboard/sign-in", url.Values{"t": {u.Query().Get("t")}}, nil)
	if c.cookie == "" {
		t.Fatal("nobody is signed in")
	}
	_, page := c.get("/dashboard")
	_, rest, _ := strings.Cut(page, `name="csrf" value="`)
	c.word, _, _ = strings.Cut(rest, `"`)
	return c
}

func (c *client) get(path string) (int, string) { return c.do("GET", path, nil, nil) }

func (c *client) post(path string, form url.Values) (int, string) {
	form.Set("csrf", c.word)
	return c.do("POST", path, form, nil)
}

func (c *client) do(method, path string, form url.Values, header map[string]string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for _, k := range resp.Cookies() {
		if k.Value != "" {
			c.cookie = k.Name + "=" + k.Value
		}
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
