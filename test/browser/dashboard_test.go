package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

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
			h := newHost(t, nil)
			b := newTab(t, l, h.server.URL)
			b.open("/dashboard")
			b.shows("You are not signed in")
			b.check("signed-out")
			empty := newTab(t, l, h.server.URL)
			signIn(empty, h)
			for name, path := range pages() {
				empty.open(path)
				empty.check("empty-" + name)
			}
			draft := h.fill()
			signIn(b, h)
			b.check("overview")
			for name, path := range pages() {
				b.open(path)
				b.check(name)
			}
			walk(b, h, draft, page.URL)
		})
	}
}

func pages() map[string]string {
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

// New events come into an open page by themselves, those that it asks for.
func TestLiveEvents(t *testing.T) {
	h := newHost(t, nil)
	b := newTab(t, looks[0], h.server.URL)
	signIn(b, h)
	for _, path := range []string{"/dashboard/events", "/dashboard/events?type=webinar.*"} {
		b.open(path)
		b.run(chromedp.WaitReady("#live:not(:empty)", chromedp.ByQuery))
		h.tool("log_event", map[string]any{"type": "booth.built", "data": map[string]any{"name": hostile}})
		h.tool("log_event", map[string]any{"type": "webinar.held", "data": map[string]any{"name": hostile}})
		b.run(chromedp.WaitVisible(`//li[contains(@class,"new")]/code[text()="webinar.held"]`, chromedp.BySearch))
		if all := path == "/dashboard/events"; strings.Contains(b.text(), "booth.built") != all {
			b.Errorf("%s shows %s", path, b.text())
		}
		b.check("live")
	}
}
