// Package browser walks through the dashboard in a real browser.
package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/heycmo/heycmo-go/internal/testenv"
)

var shots = flag.String("screenshots", "", "folder to write screenshots of each page to")

const patience = 30 * time.Second

// chromium starts the system's browser, for a whole test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testenv.Missing(t, "chromium", "Chromium is not installed; run make setup")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	for _, name := range []string{"disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(name, true))
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// look is how somebody looks at pages.
type look struct {
	name          string
	width, height int64
	dark, scripts bool
}

var looks = []look{
	{"desktop-light", 1200, 900, false, true}, {"phone-dark", 390, 800, true, true}, {"phone-light-noscript", 390, 800, false, false}, {"desktop-dark-noscript", 1200, 900, true, false},
}

// tab is a tab of the browser, which reports whatever goes wrong in it.
type tab struct {
	*testing.T
	ctx  context.Context
	look look
	axe  string
	base string

	mu     sync.Mutex
	faults []string
}

// newTab opens one in a browser of its own, without the cookies of others.
func newTab(t *testing.T, l look, base string) *tab {
	t.Helper()
	ctx := chromium(t)
	b := &tab{T: t, ctx: ctx, look: l, base: base}
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		testenv.Missing(t, "node", "axe-core is not installed; run make setup")
	}
	b.axe = string(axe)
	chromedp.ListenTarget(ctx, func(event any) {
		text := ""
		switch e := event.(type) {
		case *log.EventEntryAdded:
			// A page that answers with 4xx is no fault of the page.
			if (e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning) && !strings.Contains(e.Entry.Text, "the server responded with a status of 4") {
				text = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			text = e.ExceptionDetails.Error()
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				text = fmt.Sprint("console: ", e.Type)
			}
		case *page.EventJavascriptDialogOpening:
			text = "a dialog opened: " + e.Message
		}
		if text != "" {
			b.mu.Lock()
			b.faults = append(b.faults, text)
			b.mu.Unlock()
		}
	})
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	b.run(log.Enable(), chromedp.EmulateViewport(l.width, l.height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		emulation.SetScriptExecutionDisabled(!l.scripts))
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var where string
		_ = chromedp.Run(b.ctx, chromedp.Location(&where))
		b.Fatalf("%s, at %s: %v", b.look.name, where, err)
	}
}

func (b *tab) open(path string) {
	b.Helper()
	b.run(chromedp.Navigate(b.base+path), chromedp.WaitVisible("main", chromedp.ByQuery))
}

// press submits the form of a button, and waits for the next page.
func (b *tab) press(selector string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(selector, chromedp.ByQuery)); err != nil {
		b.Fatalf("%s: %s: %v", b.look.name, selector, err)
	}
	b.run(chromedp.WaitVisible("main", chromedp.ByQuery))
}

func (b *tab) text() (text string) {
	b.Helper()
	b.run(chromedp.Text("body", &text, chromedp.ByQuery))
	return text
}

func (b *tab) shows(want string) {
	b.Helper()
	if text := b.text(); !strings.Contains(text, want) {
		b.Errorf("%s: the page doesn't show %q: %.600s", b.look.name, want, text)
	}
}

// check looks for faults of the page that is shown, and takes a picture of it.
func (b *tab) check(name string) {
	b.Helper()
	if *shots != "" {
		var picture []byte
		b.run(chromedp.FullScreenshot(&picture, 100))
		if err := os.WriteFile(filepath.Join(*shots, name+"-"+b.look.name+".png"), picture, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.mu.Lock()
	for _, f := range b.faults {
		b.Errorf("%s, %s: %s", name, b.look.name, f)
	}
	b.faults = nil
	b.mu.Unlock()
	var wide bool
	var found string
	// axe is a script; those of the page don't run for that.
	b.run(emulation.SetScriptExecutionDisabled(false),
		chromedp.Evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide),
		chromedp.Evaluate(b.axe, nil),
		chromedp.Evaluate(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary)}))))`,
			&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
		emulation.SetScriptExecutionDisabled(!b.look.scripts))
	if wide {
		b.Errorf("%s, %s: the page is wider than the window", name, b.look.name)
	}
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.Fatal(err)
	}
	for _, v := range violations {
		b.Errorf("%s, %s: %s: %s\n%s", name, b.look.name, v.ID, v.Help, strings.Join(v.Nodes, "\n"))
	}
}

// site is a page to scan.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Anvils &lt;script&gt;alert(1)&lt;/script&gt; that last</title></head><body><main><h1>Anvils</h1><p>We make anvils since 1920.</p></main></body></html>`))
	}))
	t.Cleanup(s.Close)
	return s
}
