package rest

import (
	"net/http"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

var errNoAdmin = httpx.Status(http.StatusNotImplemented, "the admin API is not part of this host: it has no admin key")

// admit takes the decisions that come before the work of a route: is the
// credential good, is the limit kept, is the customer in the path the caller's
// own. Nothing else of the request is read.
func (f *face) admit(rt route, w http.ResponseWriter, r *http.Request) (auth.Principal, error) {
	p, err := f.login(rt.credential, r)
	if err != nil {
		return p, err
	}
	if err := f.limit(rt, p, w, r); err != nil {
		return p, err
	}
	if rt.credential == adminKey && !f.app.HasAdmin() {
		return p, errNoAdmin
	}
	id := storage.CustomerID(r.PathValue("id"))
	switch {
	case id == "":
		return p, nil
	case !isID(string(id)):
		return p, storage.ErrNotFound
	case rt.credential == adminKey:
		_, err := f.app.Customer(r.Context(), id)
		return auth.Principal{Customer: id}, err
	case id != p.Customer:
		return p, storage.ErrNotFound
	}
	return p, nil
}

// login returns who is calling, or nobody on routes that ask for no key.
func (f *face) login(c credential, r *http.Request) (auth.Principal, error) {
	switch {
	case c == apiKey:
		return f.app.Login(r)
	case c == billingKey:
		return f.app.LoginToPay(r)
	case c == adminKey && f.app.HasAdmin():
		return auth.Principal{}, f.app.LoginAdmin(r)
	}
	return auth.Principal{}, nil
}

// limit counts the request: for its customer, or else for its address. What is
// signed by a provider is not limited here; only wrong signatures count, and
// only the part that they are meant for can tell.
func (f *face) limit(rt route, p auth.Principal, w http.ResponseWriter, r *http.Request) error {
	if rt.limit == unlimited || rt.limit == app.ScopeWebhook {
		return nil
	}
	who := string(p.Customer)
	if who == "" {
		who = f.app.Address(r)
	}
	return f.app.Limit(r.Context(), w.Header(), rt.limit, who)
}
