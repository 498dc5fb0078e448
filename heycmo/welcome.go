package heycmo

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/clientconfig"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/storage"
)

var (
	//go:embed welcome.html
	welcomeHTML     string
	welcomeTemplate = template.Must(template.New("welcome").Parse(welcomeHTML))
)

// stripScript takes the checkout's ID out of the address, and so out of the
// browser's history, when nobody needs to come back to it.
const stripScript = `history.replaceState(null, "", location.pathname)`

// welcome is the page to which buyers return. A link to it may be opened by
// scanners and previews: only its button, which works without JavaScript, claims
// the key.
type welcome struct {
	front
	app    *app.App
	policy string
}

func newWelcome(f front, a *app.App) welcome {
	return welcome{f, a, "default-src 'none'; style-src '" + sourceHash(frontCSS) + "'; script-src '" + sourceHash(stripScript) +
		"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"}
}

func (p welcome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	private(w)
	claim := subscription.Claim{Nonces: p.app.ClaimNonces(r)}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		claim.Session, claim.Look = r.URL.Query().Get("session"), true
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
		claim.Session, claim.Again = r.PostFormValue("session"), true
	default:
		httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "method not allowed").WithHeader("Allow", "GET, HEAD, POST"))
		return
	}
	if err := p.app.Limit(r.Context(), w.Header(), app.ScopeREST, p.app.Address(r)); err != nil {
		httpx.Error(w, r, err)
		return
	}
	s, err := p.app.Subscriptions.Session(r.Context(), claim)
	code, stage := http.StatusOK, string(s.Stage)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		code, stage = http.StatusNotFound, "unknown"
	case errors.Is(err, subscription.ErrNotYours):
		code, stage = http.StatusForbidden, "foreign"
	case err != nil:
		httpx.Error(w, r, err)
		return
	}
	p.show(w, r, code, welcomeTemplate, p.policy, map[string]any{
		"Script":   template.JS(stripScript), //nolint:gosec // a constant
		"Stage":    stage,
		"Session":  claim.Session,
		"Customer": s.Customer,
		"Key":      s.APIKey.Reveal(),
		"Clients":  clientconfig.Clients(p.base(r), p.name, s.APIKey.Reveal()),
		"Again":    p.app.Subscriptions.CancelURL,
	})
}
