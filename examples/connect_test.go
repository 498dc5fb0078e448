package examples

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/connect/connecttest"
)

func TestOwnConnect(t *testing.T) {
	x := connecttest.NewServer()
	t.Cleanup(x.Close)
	app := x.Credentials()["x"]
	p := startWith(t, "ownconnect", []string{"X_CLIENT_ID=" + app.ClientID, "X_CLIENT_SECRET=" + app.ClientSecret, "PLATFORMS_URL=" + x.URL})
	session := connect(t, p.url, p.key)
	call := func(tool string, args map[string]any) (string, bool) {
		t.Helper()
		r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil {
			t.Fatal(err)
		}
		return r.Content[0].(*sdk.TextContent).Text, r.IsError
	}
	if text, failed := call("publish", map[string]any{"text": "Hello"}); !failed || !strings.Contains(text, "connect_platform") {
		t.Errorf("before it is connected: %s", text)
	}
	text, _ := call("connect_platform", map[string]any{"platform": "x"})
	link := regexp.MustCompile(`http://\S+/connect/\S+`).FindString(text)
	code := regexp.MustCompile(`Code: (\S+)`).FindStringSubmatch(text)
	if link == "" || code == nil {
		t.Fatalf("connect_platform: %s", text)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page := func(form url.Values, address string) string {
		t.Helper()
		method, body := http.MethodGet, io.Reader(http.NoBody)
		if form != nil {
			method, body = http.MethodPost, strings.NewReader(form.Encode())
		}
		r, err := http.NewRequestWithContext(t.Context(), method, address, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	leaving := page(url.Values{"link": {u.Query().Get("link")}, "code": {code[1]}}, p.url+"/connect/x")
	there := regexp.MustCompile(`content="1;url=([^"]*)"`).FindStringSubmatch(leaving)
	if there == nil {
		t.Fatalf("the code is not taken: %s", leaving)
	}
	page(nil, html.UnescapeString(there[1]))
	if done := page(url.Values{"answer": {"yes"}}, p.url+"/connect/x/confirm"); !strings.Contains(done, "Connected") {
		t.Fatalf("it is not connected: %s", done)
	}
	if text, failed := call("publish", map[string]any{"text": "Hello"}); failed || len(x.Posts()) != 1 {
		t.Errorf("publish: %s, %v", text, x.Posts())
	}
}
