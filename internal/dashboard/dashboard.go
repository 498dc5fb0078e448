// Package dashboard has the pages of a host for its customers, and those for its operator.
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
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
)

var (
	//go:embed templates
	templates embed.FS
	//go:embed assets/style.css
	builtInStyle []byte
	//go:embed assets/app.js
	script []byte
)

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
	pages map[string]*template.Template // by the name of their file without its ending
	style []byte
	mux   *http.ServeMux
	tails *tails
}

// New returns the pages. The error names a template that makes no sense.
func New(a *app.App, c Config) (*Handler, error) {
	h := &Handler{
		app: a, title: c.Title, mux: http.NewServeMux(), tails: newTails(),
		style: []byte(string(builtInStyle) + "\n" + c.Style),
	}
	var err error
	if h.pages, err = parse(c.Templates); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	h.routes()
	return h, nil
}

// shared are the templates that are part of each page.
var shared = []string{"layout.html", "parts.html"}

// parse reads the templates, of which others take the place of ours.
func parse(others fs.FS) (map[string]*template.Template, error) {
	base := template.New("").Funcs(funcs)
	for _, name := range shared {
		if err := add(base, others, name); err != nil {
			return nil, err
		}
	}
	files, err := templates.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, f := range files {
		if slices.Contains(shared, f.Name()) {
			continue
		}
		page, err := base.Clone()
		if err == nil {
			err = add(page, others, f.Name())
		}
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(f.Name(), ".html")] = page
	}
	return pages, nil
}

// add parses the template of that name: the other one, if there is one.
func add(t *template.Template, others fs.FS, name string) error {
	text, err := templates.ReadFile("templates/" + name)
	if others != nil {
		if other, otherErr := fs.ReadFile(others, name); !errors.Is(otherErr, fs.ErrNotExist) {
			text, err = other, otherErr
		}
	}
	if err == nil {
		_, err = t.Parse(string(text))
	}
	if err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	return nil
}

// CloseStreams ends the live tails.
func (h *Handler) CloseStreams() { h.tails.stop() }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Robots-Tag", "noindex")
	h.mux.ServeHTTP(w, r)
}

// Render writes the overview for a caller with a key.
func (h *Handler) Render(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	c, err := h.app.Customer(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	v := visitor{Principal: p, customer: c}
	out, err := h.overview(w, r, v)
	if err != nil {
		return err
	}
	h.show(w, r, v, out)
	return nil
}
