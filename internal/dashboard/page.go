package dashboard

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// action does what a request asks for.
type action func(w http.ResponseWriter, r *http.Request, v visitor) (reply, error)

// reply is the page that comes of it. The zero reply is for what has been answered.
type reply struct {
	page  string // name of the template
	title string
	data  any    // for the template
	older string // cursor of what comes after a list
	code  int    // default 200
	to    string // where to go instead, such as /dashboard/keys
}

// view is what a template shows.
type view struct {
	Product  string
	Nonce    string
	Base     string // of addresses
	Title    string // of the page
	Data     any    // of the page
	Older    string // address of what comes after the list; may be empty
	Done     string // what was done a moment ago; may be empty
	SignedIn bool   // a customer is
	Brand    string // of the customer
	Email    string // of the customer
	CSRF     string // for forms; empty: there can be none
	Nav      []link
}

// part is what a template that pages share shows: something of the page.
type part struct {
	view
	Item any
}

// done are the messages that an address may ask for.
var done = map[string]string{
	"approved": "Approved.", "rejected": "Rejected.", "revised": "Sent back with your note.", "cancelled": "The run was cancelled.",
	"disconnected": "Disconnected. The permission is being taken back at the platform.", "revoked": "The key was revoked.",
	"forgotten": "Forgotten.", "remembered": "Remembered.", "saved": "Saved.", "suspended": "Suspended.", "resumed": "Resumed.",
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, v visitor, out reply) {
	page := view{
		Product: h.title, Nonce: rand.Text(), Base: base(r), Title: out.title, Data: out.data, Older: older(r, out.older),
		Done: done[r.URL.Query().Get("done")], SignedIn: v.Customer != "", Brand: v.customer.BrandName, Email: v.customer.Email,
	}
	if v.session != "" { // a page for a key has no forms
		page.CSRF = csrf(v.session)
	}
	if v.Status.Entitled() {
		page.Nav = h.nav(path.Clean(r.URL.Path))
	}
	var b bytes.Buffer
	if err := h.pages[out.page].ExecuteTemplate(&b, "layout", page); err != nil {
		httpx.Error(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+page.Nonce+"'; script-src 'nonce-"+page.Nonce+
		"'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(max(out.code, http.StatusOK))
	_, _ = b.WriteTo(w)
}

// older is the address of this page from a cursor on.
func older(r *http.Request, cursor string) string {
	if cursor == "" {
		return ""
	}
	q := r.URL.Query()
	q.Set("cursor", cursor)
	q.Del("done")
	return "?" + q.Encode()
}

// finish answers with what came of an action.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, v visitor, out reply, err error) {
	switch {
	case err != nil:
		h.fail(w, r, v, err)
	case out.to != "":
		h.lead(w, r, out.to)
	case out.page != "":
		h.show(w, r, v, out)
	}
}

// fail shows what went wrong, as far as it is for the visitor.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	var answer *httpx.StatusError
	text, told := agent.CallerText(err)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		answer = httpx.Status(http.StatusNotFound, "there is nothing here, or it is no longer there")
	case told && !errors.Is(err, storage.ErrInvalid) && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrExists):
		answer = httpx.Status(http.StatusConflict, text) // what a tool says of it
	default:
		answer = httpx.Answer(r, err)
	}
	title := "That did not work"
	switch {
	case answer.Code == http.StatusNotFound:
		title = "Not found"
	case answer.Code == http.StatusTooManyRequests:
		title = "Too much at once"
	case answer.Code >= 500:
		title = "Something went wrong"
	}
	maps.Copy(w.Header(), answer.Header)
	h.show(w, r, v, reply{page: "problem", title: title, code: answer.Code, data: sentence(answer.Message)})
}

// sentence makes one of a message.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

func base(r *http.Request) string { return httpx.Base(r.Context()) }

// lead sends the browser to another page of this host.
func (h *Handler) lead(w http.ResponseWriter, r *http.Request, to string) {
	prefix := ""
	if u, err := url.Parse(base(r)); err == nil {
		prefix = u.Path
	}
	http.Redirect(w, r, prefix+to, http.StatusSeeOther) //nolint:gosec // a path of ours
}

// funcs are what templates can call besides html/template's own.
var funcs = template.FuncMap{
	"part":    func(v view, item any) part { return part{v, item} },
	"date":    date,
	"words":   func(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "_", " ") },
	"cut":     cut,
	"percent": percent,
	"ring":    ring,
}

// date shows a time, given as such or as a tool gives it; scripts make it local.
func date(v any) template.HTML {
	at, _ := v.(time.Time)
	if text, ok := v.(string); ok {
		at, _ = time.Parse(time.RFC3339, text)
	}
	if at.IsZero() {
		return ""
	}
	at = at.UTC()
	return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `">` + at.Format("2 Jan 2006, 15:04 UTC") + `</time>`) //nolint:gosec // digits and letters of ours
}

// cut shows the beginning of a text: up to n characters.
func cut(text any, n int) string {
	runes := []rune(fmt.Sprint(text))
	if len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return string(runes)
}

// percent shows a share, as tools give it.
func percent(v any) string {
	f, ok := v.(float64)
	if !ok {
		return "–"
	}
	if f < 0.1 {
		return fmt.Sprintf("%.1f %%", 100*f)
	}
	return fmt.Sprintf("%.0f %%", 100*f)
}
