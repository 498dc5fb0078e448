package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

func TestTakeQueryToken(t *testing.T) {
	for _, c := range []struct {
		name, uri     string
		authorization []string
		token, rest   string
	}{
		{"none", "/mcp?a=1", nil, "", "/mcp?a=1"},
		{"none, with a key", "/mcp?a=1", []string{"Bearer k"}, "k", "/mcp?a=1"},
		{"alone", "/mcp/sse?token=k", nil, "k", "/mcp/sse"},
		{"first", "/mcp?token=k&a=1&b=%20", nil, "k", "/mcp?a=1&b=%20"},
		{"last", "/mcp?a=1&token=k", nil, "k", "/mcp?a=1"},
		{"between", "/mcp?a=1&token=k&b=2", nil, "k", "/mcp?a=1&b=2"},
		{"escaped", "/mcp?%74oken=%6B", nil, "k", "/mcp"},
		{"same in the header", "/mcp?token=k", []string{"bearer k"}, "k", "/mcp"},
		{"empty", "/mcp?token=&a=1", nil, "", "/mcp?a=1"},
		{"empty, with a key", "/mcp?token", []string{"Bearer k"}, "k", "/mcp"},
		{"in a query that can't be decoded", "/mcp?a=%zz&token=k", nil, "k", "/mcp?a=%zz"},
		{"that can't be decoded", "/mcp?token=k%zz", nil, "k%zz", "/mcp"},
		{"behind a semicolon", "/mcp?a=1;token=k", nil, "k", "/mcp?a=1"},
		{"with a space", "/mcp?token=%20k", nil, "+k", "/mcp"},
		{"with a line break", "/mcp?token=k%0d%0aX:y", nil, "k%0D%0AX%3Ay", "/mcp"},
		{"not ASCII", "/mcp?token=%ff%c3%bc", nil, "%FF%C3%BC", "/mcp"},
		{"of another name", "/mcp?Token=a&tokens=b&atoken=c", nil, "", "/mcp?Token=a&tokens=b&atoken=c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, c.uri, nil)
			r.Header["Authorization"] = c.authorization
			_ = r.ParseForm()
			before := r.Header.Clone()
			got, err := httpx.TakeQueryToken(r)
			if err != nil {
				t.Fatal(err)
			}
			if token, _ := auth.BearerToken(got); token != c.token {
				t.Errorf("the token is %q, must be %q", token, c.token)
			}
			if got.URL.String() != c.rest || got.RequestURI != c.rest {
				t.Errorf("the URL is %s, the request URI %s, must be %s", got.URL, got.RequestURI, c.rest)
			}
			if r.RequestURI != c.uri || r.URL.String() != c.uri || strings.Join(r.Header["Authorization"], ",") != strings.Join(before["Authorization"], ",") {
				t.Error("the request that came in was changed")
			}
			if got.FormValue("token") != "" {
				t.Errorf("the form has %q", got.FormValue("token"))
			}
			if strings.Contains(c.rest, "a=1") && got.FormValue("a") != "1" {
				t.Error("the form has lost a parameter")
			}
		})
	}
}

func TestTakeQueryTokenRefuses(t *testing.T) {
	for _, c := range []struct {
		uri           string
		authorization []string
	}{
		{"/mcp?token=a&token=b", nil},
		{"/mcp?token=a&token=a", nil},
		{"/mcp?token=a&%74oken=", nil},
		{"/mcp?token=a;token=b", nil},
		{"/mcp?token=a", []string{"Bearer b"}},
		{"/mcp?token=a", []string{"Basic a"}},
		{"/mcp?token=a", []string{""}},
		{"/mcp?token=a", []string{"Bearer a", "Bearer a"}},
	} {
		r := httptest.NewRequest(http.MethodGet, c.uri, nil)
		r.Header["Authorization"] = c.authorization
		_, err := httpx.TakeQueryToken(r)
		if err == nil {
			t.Errorf("%s with %q was taken", c.uri, c.authorization)
			continue
		}
		if w := answer(t.Context(), err); w.Code != 400 {
			t.Errorf("%s with %q: status %d", c.uri, c.authorization, w.Code)
		}
	}
}

func FuzzTakeQueryToken(f *testing.F) {
	f.Add("a=1", "secret", "b=%zz")
	f.Add(";&", "%&\x00=", "?#")
	f.Fuzz(func(t *testing.T, before, token, after string) {
		const mark = "5ecret"
		r := &http.Request{
			URL:    &url.URL{Path: "/mcp", RawQuery: before + "&token=" + mark + url.QueryEscape(token) + "&" + after},
			Header: http.Header{},
		}
		r.RequestURI = "/mcp?" + r.URL.RawQuery
		got, err := httpx.TakeQueryToken(r)
		if err != nil || strings.Contains(before+after, mark) {
			return
		}
		if strings.Contains(got.URL.String()+got.RequestURI, mark) {
			t.Errorf("%s still has the token", got.RequestURI)
		}
		bearer, ok := auth.BearerToken(got)
		if !ok || !strings.HasPrefix(bearer, mark) {
			t.Errorf("the token is %q", bearer)
		}
		for _, c := range []byte(bearer) {
			if c <= ' ' || c > '~' {
				t.Errorf("the header holds %q", bearer)
			}
		}
	})
}
