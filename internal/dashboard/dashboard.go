// Package dashboard has the pages of a host for its customers, and one for its operator.
//
//	pages, err := dashboard.New(app, dashboard.Config{Title: "HeyCMO"})
//	mux.Handle("/dashboard/", pages)
//
// The pages work without JavaScript; with it, events come by themselves and long work
// shows how far it is. What a catalog has decides what there is to see: a page that shows
// content is there when the tool list_content is. What customers do on a page, the tools
// and use cases do that clients call.
package dashboard

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

//go:embed templates
var builtIn embed.FS

//go:embed assets
var assets embed.FS

// Config is how pages look. Title is set.
type Config struct {
	Title string // of the product
	// Templates take the place of those of the same name; may be nil.
	Templates fs.FS
	// Style is CSS behind the built-in one; may be empty.
	Style string
}

// Handler serves the pages at /dashboard and /operator.
type Handler struct {
	app   *app.App
	title string
	pages map[string]*template.Template
	style []byte
	mux   *http.ServeMux

	mu      sync.Mutex
	live    map[storage.CustomerID]int // open live tails
	stopped chan struct{}
	stop    func()
}

// New returns the pages. The error names a template that makes no sense.
func New(a *app.App, c Config) (*Handler, error) {
	h := &Handler{app: a, title: c.Title, pages: map[string]*template.Template{}, mux: http.NewServeMux(), live: map[storage.CustomerID]int{}, stopped: make(chan struct{})}
	h.stop = sync.OnceFunc(func() { close(h.stopped) })
	style, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, err
	}
	h.style = append(append(style, '\n'), c.Style...)
	read := func(name string) (string, error) {
		if c.Templates != nil {
			text, err := fs.ReadFile(c.Templates, name)
			if err == nil || !errors.Is(err, fs.ErrNotExist) {
				return string(text), err
			}
		}
		text, err := builtIn.ReadFile("templates/" + name)
		return string(text), err
	}
	layout, err := read("layout.html")
	if err != nil {
		return nil, err
	}
	list, err := builtIn.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		name := f.Name()
		if name == "layout.html" {
			continue
		}
		text, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("dashboard: %w", err)
		}
		t, err := template.New("layout").Funcs(funcs).Parse(layout)
		if err == nil {
			t, err = t.Parse(text)
		}
		if err != nil {
			return nil, fmt.Errorf("dashboard: template %s: %w", name, err)
		}
		h.pages[strings.TrimSuffix(name, ".html")] = t
	}
	h.routes()
	return h, nil
}

// CloseStreams ends the live tails.
func (h *Handler) CloseStreams() { h.stop() }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Robots-Tag", "noindex")
	h.mux.ServeHTTP(w, r)
}

// visitor is who looks at a page.
type visitor struct {
	auth.Principal
	customer storage.Customer
	session  string
}

// view is what a template shows.
type view struct {
	Product  string
	Nonce    string
	Base     string // of addresses
	Path     string // of this page, below Base
	CSRF     string
	Brand    string
	Email    string
	Nav      []entry
	Done     string // what was done a moment ago
	Problem  string // why something was not
	Title    string
	Data     any
	SignedIn bool
	Refresh  int // seconds after which the page looks again; 0: never
}

type entry struct {
	Path, Title string
	Here        bool
}

// reply is what a page has to say.
type reply struct {
	page    string // name of the template
	title   string
	data    any
	refresh int
	to      string // where to go instead, below the base
	code    int    // default 200
}

// action is what a page does.
type action func(w http.ResponseWriter, r *http.Request, v visitor) (reply, error)

const cookieLife = 12 * 60 * 60

func (h *Handler) cookie(r *http.Request, name, value string, age int) *http.Cookie {
	secure := strings.HasPrefix(h.base(r), "https://")
	if secure {
		name = "__Host-" + name
	}
	return &http.Cookie{ //nolint:gosec // Secure over TLS; there is none on a developer's machine
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

func (h *Handler) kept(r *http.Request, name string) string {
	c, err := r.Cookie(h.cookie(r, name, "", 0).Name)
	if err != nil {
		return ""
	}
	return c.Value
}

const sessionCookie = "heycmo-session"

func (h *Handler) base(r *http.Request) string { return httpx.Base(r.Context()) }

// lead sends the browser to another page of this host.
func (h *Handler) lead(w http.ResponseWriter, r *http.Request, to string) {
	prefix := ""
	if u, err := url.Parse(h.base(r)); err == nil {
		prefix = u.Path
	}
	http.Redirect(w, r, prefix+to, http.StatusSeeOther) //nolint:gosec // a path of ours
}

// csrf is what forms of a session carry.
func csrf(session string) string {
	sum := sha256.Sum256([]byte("heycmo form " + session))
	return hex.EncodeToString(sum[:16])
}

// signedIn is an action of somebody who has a session.
func (h *Handler) signedIn(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session := h.kept(r, sessionCookie)
		p, c, err := h.app.Visitor(r.Context(), session)
		if errors.Is(err, app.ErrVisit) {
			h.show(w, r, visitor{}, reply{page: "signin", title: "Sign in", code: http.StatusUnauthorized, data: map[string]any{"Stage": "none"}})
			return
		}
		if err != nil {
			httpx.Error(w, r, err)
			return
		}
		httpx.NoteCaller(r.Context(), string(p.Customer), "")
		if err := h.app.Limit(r.Context(), w.Header(), app.ScopeREST, "dashboard:"+string(p.Customer)); err != nil {
			httpx.Error(w, r, err)
			return
		}
		v := visitor{p, c, session}
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				httpx.Error(w, r, storage.Invalid("the form", "of at most %d bytes", maxForm))
				return
			}
			if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(csrf(session))) != 1 {
				httpx.Error(w, r, httpx.Status(http.StatusForbidden, "this form is of another session; go back and load the page again"))
				return
			}
		}
		out, err := do(w, r, v)
		h.finish(w, r, v, out, err)
	}
}

const maxForm = 256 << 10

func (h *Handler) finish(w http.ResponseWriter, r *http.Request, v visitor, out reply, err error) {
	if errors.Is(err, storage.ErrNotFound) {
		h.show(w, r, v, reply{page: "problem", title: "Not found", code: http.StatusNotFound, data: "There is nothing here, or it is no longer there."})
		return
	}
	if text, ok := agent.CallerText(err); ok && err != nil {
		code := http.StatusConflict
		if errors.Is(err, storage.ErrInvalid) {
			code = http.StatusBadRequest
		}
		h.show(w, r, v, reply{page: "problem", title: "That did not work", code: code, data: text})
		return
	}
	if err != nil {
		httpx.Error(w, r, err)
		return
	}
	if out.to != "" {
		h.lead(w, r, out.to)
		return
	}
	if out.page != "" {
		h.show(w, r, v, out)
	}
}

// done are the messages that an address may ask for.
var done = map[string]string{
	"approved": "Approved.", "rejected": "Rejected.", "revised": "Sent back with your note.", "cancelled": "The run was cancelled.",
	"disconnected": "Disconnected. The permission is being taken back at the platform.", "revoked": "The key was revoked.", "forgotten": "Forgotten.",
	"saved": "Saved.", "remembered": "Remembered.", "started": "It has begun.", "suspended": "Suspended.", "resumed": "Resumed.", "decided": "Decided.",
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, v visitor, out reply) {
	nonce := rand.Text()
	page := view{
		Product: h.title, Nonce: nonce, Base: h.base(r), Path: path.Clean(r.URL.Path), Title: out.title, Data: out.data, Refresh: out.refresh,
		Done: done[r.URL.Query().Get("done")],
	}
	if v.Customer != "" {
		page.SignedIn, page.Brand, page.Email = true, v.customer.BrandName, v.customer.Email
		if v.session != "" { // a page for a key has no forms
			page.CSRF = csrf(v.session)
		}
		for _, e := range h.nav() {
			e.Here = page.Path == e.Path || e.Path != "/dashboard" && strings.HasPrefix(page.Path, e.Path)
			page.Nav = append(page.Nav, e)
		}
	}
	var b bytes.Buffer
	if err := h.pages[out.page].ExecuteTemplate(&b, "layout", page); err != nil {
		httpx.Error(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+"'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	if out.code == 0 {
		out.code = http.StatusOK
	}
	w.WriteHeader(out.code)
	_, _ = b.WriteTo(w)
}

// nav are the pages that this host has.
func (h *Handler) nav() []entry {
	list := []entry{{Path: "/dashboard", Title: "Overview"}}
	for _, e := range []struct {
		path, title string
		there       bool
	}{
		{"/dashboard/content", "Content", h.app.HasTool("list_content")},
		{"/dashboard/runs", "Workflows", h.app.Runs != nil},
		{"/dashboard/performance", "Performance", h.app.HasTool("get_performance_trend")},
		{"/dashboard/connections", "Connections", h.app.Connections != nil},
		{"/dashboard/keys", "Keys", true},
		{"/dashboard/scan", "Scan", h.app.HasTool("scan_page")},
		{"/dashboard/memory", "Memory", h.app.HasTool("list_memories")},
		{"/dashboard/settings", "Settings", h.app.HasTool("get_brand")},
		{"/dashboard/events", "Events", true},
	} {
		if e.there {
			list = append(list, entry{Path: e.path, Title: e.title})
		}
	}
	return list
}

func (h *Handler) routes() {
	h.mux.HandleFunc("GET /dashboard/assets/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(h.style)
	})
	h.mux.HandleFunc("GET /dashboard/assets/app.js", func(w http.ResponseWriter, _ *http.Request) {
		script, _ := assets.ReadFile("assets/app.js") // it is embedded
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(script)
	})
	h.mux.HandleFunc("GET /dashboard/sign-in", h.signInPage)
	h.mux.HandleFunc("POST /dashboard/sign-in", h.signIn)
	for pattern, do := range map[string]action{
		"POST /dashboard/sign-out": h.signOut,
		"GET /dashboard":           h.overview,
		"GET /dashboard/{$}":       h.overview,

		"GET /dashboard/content":              h.contentList,
		"GET /dashboard/content/{id}":         h.contentPiece,
		"POST /dashboard/content/{id}/review": h.review,
		"POST /dashboard/approvals/{id}":      h.decide,

		"GET /dashboard/runs":              h.runList,
		"GET /dashboard/runs/{id}":         h.runPage,
		"POST /dashboard/runs/{id}/cancel": h.cancelRun,

		"GET /dashboard/performance":                        h.performance,
		"GET /dashboard/connections":                        h.connections,
		"POST /dashboard/connections/{platform}":            h.connect,
		"POST /dashboard/connections/{platform}/disconnect": h.disconnect,
		"GET /dashboard/keys":                               h.keys,
		"POST /dashboard/keys":                              h.createKey,
		"POST /dashboard/keys/{id}/revoke":                  h.revokeKey,
		"POST /dashboard/keys/{id}/rotate":                  h.rotateKey,
		"POST /dashboard/notices":                           h.saveNotices,
		"GET /dashboard/scan":                               h.scan,
		"POST /dashboard/scan":                              h.scan,
		"GET /dashboard/memory":                             h.memory,
		"POST /dashboard/memory":                            h.remember,
		"POST /dashboard/memory/{id}/forget":                h.forget,
		"GET /dashboard/settings":                           h.settings,
		"POST /dashboard/settings":                          h.saveSettings,
		"GET /dashboard/events":                             h.events,
		"GET /dashboard/events/live":                        h.liveEvents,
	} {
		h.mux.HandleFunc(pattern, h.signedIn(do))
	}
	h.operatorRoutes()
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		httpx.Error(w, r, httpx.Status(http.StatusNotFound, "there is nothing at this path"))
	})
}

// Render writes the overview for a caller with a key.
func (h *Handler) Render(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	c, err := h.app.Customer(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	v := visitor{p, c, ""}
	out, err := h.overview(w, r, v)
	if err != nil {
		return err
	}
	h.show(w, r, v, out)
	return nil
}

// signInPage asks for a click: links are opened by scanners and previews too.
func (h *Handler) signInPage(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("t")
	if !h.limited(w, r) {
		return
	}
	err := h.app.LookAtLink(r.Context(), token)
	switch {
	case errors.Is(err, app.ErrVisit):
		h.show(w, r, visitor{}, reply{page: "signin", title: "Sign in", code: http.StatusGone, data: map[string]any{"Stage": "bad"}})
	case err != nil:
		httpx.Error(w, r, err)
	default:
		h.show(w, r, visitor{}, reply{page: "signin", title: "Sign in", data: map[string]any{"Stage": "button", "Token": token}})
	}
}

func (h *Handler) limited(w http.ResponseWriter, r *http.Request) bool {
	if err := h.app.Limit(r.Context(), w.Header(), app.ScopeREST, h.app.Address(r)); err != nil {
		httpx.Error(w, r, err)
		return false
	}
	return true
}

func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	session, _, err := h.app.SignIn(r.Context(), r.PostFormValue("t"))
	switch {
	case errors.Is(err, app.ErrVisit):
		h.show(w, r, visitor{}, reply{page: "signin", title: "Sign in", code: http.StatusGone, data: map[string]any{"Stage": "bad"}})
	case err != nil:
		httpx.Error(w, r, err)
	default:
		http.SetCookie(w, h.cookie(r, sessionCookie, session, cookieLife))
		h.lead(w, r, "/dashboard")
	}
}

func (h *Handler) signOut(w http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	err := h.app.SignOut(r.Context(), v.session)
	http.SetCookie(w, h.cookie(r, sessionCookie, "", -1))
	h.show(w, r, visitor{}, reply{page: "signin", title: "Signed out", data: map[string]any{"Stage": "out"}})
	return reply{}, err
}

var funcs = template.FuncMap{
	"date": func(v any) template.HTML {
		at, ok := v.(time.Time)
		if text, is := v.(string); is {
			parsed, err := time.Parse(time.RFC3339, text)
			at, ok = parsed, err == nil
		}
		if !ok || at.IsZero() {
			return ""
		}
		at = at.UTC()
		return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `">` + at.Format("2 Jan 2006, 15:04") + `</time>`) //nolint:gosec // digits and letters of ours
	},
	"words": func(state any) string { return strings.ReplaceAll(fmt.Sprint(state), "_", " ") },
	"cut": func(text any, n int) string {
		runes := []rune(fmt.Sprint(text))
		if len(runes) > n {
			return string(runes[:n]) + "…"
		}
		return string(runes)
	},
	"or2": func(v any, otherwise string) any {
		if v == nil || v == "" {
			return otherwise
		}
		return v
	},
	"percent": func(v any) string {
		f, ok := v.(float64)
		if !ok {
			return "–"
		}
		return fmt.Sprintf("%.0f %%", 100*f)
	},
	"ring":  ring,
	"query": url.QueryEscape,
}
