package browser

import (
	"net/url"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

// Who is not signed in, or signed in as somebody else, gets nothing and changes nothing.
func TestForeignVisitors(t *testing.T) {
	h := newHost(t, nil)
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
	h := newHost(t, nil)
	muchToSee(t, h)
	ada := visitor(t, h)
	long := strings.Repeat("ä", 50_000) // 100 kB
	piece := h.tool("save_content", map[string]any{
		"agent": "social", "type": "social_post", "title": long[:200], "body": long, "channel": long[:40], "meta": map[string]any{"note": long[:2000]},
	})
	h.tool("log_event", map[string]any{"type": "page.read", "data": map[string]any{"title": long[:7000]}})
	if _, err := h.store.UpdateCustomer(t.Context(), h.customer, func(c *storage.Customer) error { c.BrandName = long; return nil }); err != nil {
		t.Fatal(err)
	}
	h.until(func() bool { // the host remembers customers for a moment
		_, text := ada.get("/dashboard")
		return strings.Contains(text, long[:160]+"…")
	})
	all := pages()
	all["piece"] = "/dashboard/content/" + piece["id"].(string)
	for name, path := range all {
		status, text := ada.get(path)
		if status != 200 || len(text) > 300_000 {
			t.Errorf("%s: %d, %d bytes", name, status, len(text))
		}
	}
}
