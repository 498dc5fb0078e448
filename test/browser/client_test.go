package browser

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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
