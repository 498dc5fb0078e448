package billingtest

import (
	"html/template"
	"io"
	"net/http"
	"strings"
)

const (
	pagePath   = "/pay/"
	portalPath = pagePath + "portal/"

	portalPage = `<!doctype html><meta charset="utf-8"><title>Fake portal</title>
<h1>Fake portal</h1><p>What a customer does on this page, such as cancelling, is done by the Fake's methods.</p>
`
)

var payPage = template.Must(template.New("").Parse(`<!doctype html><meta charset="utf-8"><title>Fake checkout</title>
<h1>Fake checkout</h1><p>Nothing is charged here. This checkout is {{.Status}}.</p>
{{if .Open}}<form method="post"><button>Pay</button></form>{{with .Cancel}}<a href="{{.}}">Go back</a>{{end}}{{end}}
`))

// page is what stands behind the link of a checkout: a button that pays and
// returns to the success URL.
func (f *Fake) page(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, portalPath) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, portalPage)
		return
	}
	id := strings.TrimPrefix(r.URL.Path, pagePath)
	if r.Method == http.MethodPost {
		if err := f.Pay(id); err != nil {
			http.Error(w, "this checkout can't be paid", http.StatusConflict)
			return
		}
	}
	f.mu.Lock()
	s := f.sessions.byID[id]
	var status, cancel, success string
	if s != nil {
		status, cancel, success = s.status, s.cancel, s.success
	}
	f.mu.Unlock()
	switch {
	case s == nil:
		http.NotFound(w, r)
	case r.Method == http.MethodPost:
		http.Redirect(w, r, strings.ReplaceAll(success, "{CHECKOUT_SESSION_ID}", id), http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = payPage.Execute(w, struct {
			Status, Cancel string
			Open           bool
		}{status, cancel, status == "open"})
	}
}
