package heycmo

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

var (
	//go:embed outside.html
	outsideHTML     string
	outsideTemplate = template.Must(template.New("outside").Parse(outsideHTML))
)

// outside are the catalog's pages for people who are no customers, at /go/NAME. Opening
// one changes nothing; a POST does, also one by a mail program (RFC 8058).
type outside struct {
	front
	app *app.App
}

func (p outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	private(w)
	var link *agent.Link
	for i, l := range p.app.Catalog.Links {
		if r.URL.Path == "/go/"+l.Name {
			link = &p.app.Catalog.Links[i]
		}
	}
	switch {
	case link == nil:
		httpx.Error(w, r, httpx.Status(http.StatusNotFound, "there is nothing at this path"))
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "method not allowed").WithHeader("Allow", "GET, HEAD, POST"))
		return
	}
	if err := p.app.Limit(r.Context(), w.Header(), app.ScopeREST, p.app.Address(r)); err != nil {
		httpx.Error(w, r, err)
		return
	}
	customer, token, _ := strings.Cut(r.URL.Query().Get("t"), ".")
	do := link.Show
	if r.Method == http.MethodPost {
		do = link.Do
	}
	text, err := do(r.Context(), storage.CustomerID(customer), token)
	code := http.StatusOK
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		code, text, err = http.StatusNotFound, "This address is not good.", nil
	}
	if err != nil {
		httpx.Error(w, r, err)
		return
	}
	p.show(w, r, code, outsideTemplate, formPolicy(), map[string]any{
		"Link": link, "Text": text, "Asks": code == http.StatusOK && r.Method != http.MethodPost,
	})
}
