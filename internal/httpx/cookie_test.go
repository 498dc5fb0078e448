package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

func TestCookie(t *testing.T) {
	for base, name := range map[string]string{"https://shop.example/ai": "__Host-visit", "http://127.0.0.1:8787": "visit"} {
		c := httpx.Cookie(base, "visit", "secret", 60)
		if c.Name != name || c.Secure != (name != "visit") || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 60 {
			t.Errorf("%s: %+v", base, c)
		}
		r := httptest.NewRequestWithContext(t.Context(), "GET", base, nil)
		if got := httpx.CookieValue(r, base, "visit"); got != "" {
			t.Errorf("%s: without a cookie: %q", base, got)
		}
		r.AddCookie(c)
		if got := httpx.CookieValue(r, base, "visit"); got != "secret" {
			t.Errorf("%s: %q", base, got)
		}
	}
	// Over TLS, one that another host of the domain could have set doesn't count.
	r := httptest.NewRequestWithContext(t.Context(), "GET", "https://shop.example", nil)
	r.AddCookie(&http.Cookie{Name: "visit", Value: "forged"})
	if got := httpx.CookieValue(r, "https://shop.example", "visit"); got != "" {
		t.Errorf("a cookie without its prefix: %q", got)
	}
}
