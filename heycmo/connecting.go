package heycmo

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

var (
	//go:embed connecting.html
	connectingHTML     string
	connectingTemplate = template.Must(template.New("connecting").Parse(connectingHTML))
)

// connecting are the pages on which customers link accounts:
//
//	/connect/PLATFORM           asks for the code, and leads to the platform
//	/connect/PLATFORM/callback  shows whose account it is
//	/connect/PLATFORM/confirm   links it, or not
//
// A cookie for each platform tells the browser again that proved itself.
type connecting struct {
	front
	app *app.App
}

// leaf is what a page shows.
type leaf struct {
	Stage    string
	Platform connect.Platform
	Brand    string // of the customer; may be empty
	Email    string // only once the visitor has proved to be the customer
	Link     string
	Page     string // of the platform
	Account  string
	Before   string
	Missing  []string
}

func (p connecting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	private(w)
	platform, step, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/connect/"), "/")
	handle := map[string]func(w http.ResponseWriter, r *http.Request, platform string) (leaf, error){
		"GET ": p.ask, "HEAD ": p.ask, "POST ": p.prove, "GET callback": p.answer, "POST confirm": p.confirm,
	}[r.Method+" "+step]
	if handle == nil {
		if step == "" || step == "callback" || step == "confirm" {
			allow := map[string]string{"": "GET, HEAD, POST", "callback": "GET", "confirm": "POST"}[step]
			httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "method not allowed").WithHeader("Allow", allow))
			return
		}
		httpx.Error(w, r, httpx.Status(http.StatusNotFound, "there is nothing at this path"))
		return
	}
	if err := p.app.Limit(r.Context(), w.Header(), app.ScopeREST, p.app.Address(r)); err != nil {
		httpx.Error(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	l, err := handle(w, r, platform)
	code := http.StatusOK
	scope, few := errors.AsType[*connect.ScopeError](err)
	_, busy := errors.AsType[*connect.LimitError](err)
	switch {
	case err == nil:
	case errors.Is(err, connection.ErrCode):
		// Who guesses codes is as one who guesses keys.
		if err := p.app.Limit(r.Context(), make(http.Header), app.ScopeLogin, p.app.Address(r)); err != nil {
			httpx.Error(w, r, err)
			return
		}
		code = http.StatusForbidden
		l.Stage = "wrong"
	case errors.Is(err, connect.ErrElsewhere):
		code, l.Stage = http.StatusConflict, "elsewhere"
	case errors.Is(err, connect.ErrDenied):
		code, l.Stage = http.StatusForbidden, "denied"
	case few:
		code, l.Stage, l.Missing = http.StatusForbidden, "scopes", scope.Missing
	case busy, errors.Is(err, connect.ErrUnavailable):
		w.Header().Set("Retry-After", "60")
		code, l.Stage = http.StatusBadGateway, "unavailable"
		p.app.Log.Warn("a platform failed while an account was linked", zap.String("platform", platform), zap.Error(err))
	case errors.Is(err, connection.ErrLink), errors.Is(err, connect.ErrAnswer), errors.Is(err, storage.ErrInvalid):
		code, l.Stage = http.StatusBadRequest, "bad"
	default:
		httpx.Error(w, r, err)
		return
	}
	p.show(w, r, code, connectingTemplate, formPolicy(), map[string]any{"Base": p.base(r), "L": l})
}

// ask shows the field for the code. Opening it changes nothing: links are opened by
// scanners and previews too.
func (p connecting) ask(_ http.ResponseWriter, r *http.Request, platform string) (leaf, error) {
	link := r.URL.Query().Get("link")
	v, err := p.app.Connections.Look(r.Context(), platform, link)
	return leaf{Stage: "code", Platform: v.Platform, Brand: v.Customer.BrandName, Link: link}, err
}

// prove takes the code, and leads to the platform by a page of its own: a policy for
// forms would not let a form be answered with a redirect to anywhere.
func (p connecting) prove(w http.ResponseWriter, r *http.Request, platform string) (leaf, error) {
	link := r.PostFormValue("link")
	v, err := p.app.Connections.Look(r.Context(), platform, link)
	if err != nil {
		return leaf{}, err
	}
	l := leaf{Stage: "leave", Platform: v.Platform, Brand: v.Customer.BrandName, Link: link}
	page, cookie, err := p.app.Connections.Prove(r.Context(), platform, link, r.PostFormValue("code"), p.base(r))
	if err != nil {
		return l, err
	}
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return l, connect.ErrUnavailable
	}
	l.Page = page
	p.setCookie(w, r, platform, cookie, 30*60)
	return l, nil
}

const connectCookie = "heycmo-connect-" // and the platform

func (p connecting) setCookie(w http.ResponseWriter, r *http.Request, platform, value string, age int) {
	http.SetCookie(w, httpx.Cookie(p.base(r), connectCookie+platform, value, age))
}

func (p connecting) kept(r *http.Request, platform string) string {
	return httpx.CookieValue(r, p.base(r), connectCookie+platform)
}

// answer takes what the platform sent along with the visitor.
func (p connecting) answer(_ http.ResponseWriter, r *http.Request, platform string) (leaf, error) {
	v, err := p.app.Connections.Answer(r.Context(), platform, p.kept(r, platform), r.URL.Query())
	l := leafOf(v, "confirm")
	if v.Elsewhere {
		l.Stage = "elsewhere"
	}
	return l, err
}

func leafOf(v connection.View, stage string) leaf {
	return leaf{
		Stage: stage, Platform: v.Platform, Brand: v.Customer.BrandName, Email: v.Customer.Email, Account: v.Account.Name, Before: v.Before,
	}
}

// confirm ends it.
func (p connecting) confirm(w http.ResponseWriter, r *http.Request, platform string) (leaf, error) {
	kept := p.kept(r, platform)
	var v connection.View
	var err error
	stage := "done"
	switch r.PostFormValue("answer") {
	case "yes":
		v, err = p.app.Connections.Confirm(r.Context(), platform, kept, false)
	case "takeover":
		v, err = p.app.Connections.Confirm(r.Context(), platform, kept, true)
	case "no":
		stage, err = "refused", p.app.Connections.Refuse(r.Context(), platform, kept)
	default:
		err = connection.ErrLink
	}
	if err == nil {
		p.setCookie(w, r, platform, "", -1)
	}
	return leafOf(v, stage), err
}
