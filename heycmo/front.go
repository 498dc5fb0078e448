package heycmo

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/clientconfig"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

var (
	//go:embed front.html
	frontHTML     string
	frontTemplate = template.Must(template.New("front").Parse(frontHTML))
	//go:embed front.css
	frontCSS string
)

// front is the page at the root of the host: what it is and how to connect.
type front struct {
	publicURL   string
	name, title string
	catalog     *agent.Catalog
	policy      string
}

func newFront(publicURL, name, title string, catalog *agent.Catalog) front {
	return front{publicURL, name, title, catalog, "default-src 'none'; style-src '" + sourceHash(frontCSS) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
}

// sourceHash names a style or script in a Content-Security-Policy (CSP Level 3,
// section 2.3.1).
func sourceHash(text string) string {
	hash := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(hash[:])
}

// base returns the address of the host without a slash at the end.
func (f front) base(r *http.Request) string {
	if f.publicURL != "" {
		return f.publicURL
	}
	return addressOf(r)
}

func (f front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "method not allowed").WithHeader("Allow", "GET, HEAD"))
		return
	}
	base := f.base(r)
	f.show(w, r, http.StatusOK, frontTemplate, f.policy, map[string]any{
		"Base":    base,
		"Agents":  f.catalog.Agents,
		"Tools":   f.catalog.Tools,
		"Clients": clientconfig.Clients(base, f.name, clientconfig.KeyPlaceholder),
	})
}

// show writes a page with the host's title and style.
func (f front) show(w http.ResponseWriter, r *http.Request, code int, t *template.Template, policy string, values map[string]any) {
	values["Title"] = f.title
	values["CSS"] = template.CSS(frontCSS) //nolint:gosec // embedded at build time
	var page bytes.Buffer
	if err := t.Execute(&page, values); err != nil {
		httpx.Error(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.WriteHeader(code)
	_, _ = page.WriteTo(w)
}

// private marks a page that is for one person.
func private(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Robots-Tag", "noindex")
}

// formPolicy is the policy of a page with a form and nothing else.
func formPolicy() string {
	return "default-src 'none'; style-src '" + sourceHash(frontCSS) + "'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// addressOf returns the address that the client used for the root of the host.
func addressOf(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	return scheme + r.Host + strings.TrimSuffix(strings.TrimSuffix(asked, r.URL.EscapedPath()), "/")
}
