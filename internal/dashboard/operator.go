package dashboard

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
)

const operatorCookie = "heycmo-operator"

// operators is an action of whoever has signed in with an admin key.
func (h *Handler) operators(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !h.limited(w, r) {
			return
		}
		v := visitor{session: httpx.CookieValue(r, base(r), operatorCookie)}
		if !h.app.IsOperator(v.session) {
			h.show(w, r, visitor{}, h.operatorDoor(false))
			return
		}
		err := checkForm(w, r, v.session)
		var out reply
		if err == nil {
			out, err = do(w, r, v)
		}
		h.finish(w, r, v, out, err)
	}
}

// doorView asks an operator for a key.
type doorView struct {
	Open  bool // there are admin keys
	Wrong bool // the key that was given
}

func (h *Handler) operatorDoor(wrong bool) reply {
	return reply{page: "door", title: "Operator", code: http.StatusUnauthorized, data: doorView{h.app.HasAdmin(), wrong}}
}

func (h *Handler) operatorSignIn(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	token, until, err := h.app.OperatorSignIn(r, r.PostFormValue("key"))
	out := reply{to: "/operator"}
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		out, err = h.operatorDoor(true), nil
	case err == nil:
		keep(w, r, operatorCookie, token, until)
	}
	h.finish(w, r, visitor{}, out, err)
}

func (h *Handler) operatorSignOut(w http.ResponseWriter, r *http.Request, _ visitor) (reply, error) {
	forgetCookie(w, r, operatorCookie)
	return reply{to: "/operator"}, nil
}

// operatorView is the host.
type operatorView struct {
	app.State
	Search    string
	Customers []customerRow
}

// customerRow is a customer in their state of now.
type customerRow struct {
	storage.Customer
	Now storage.Status
}

func (h *Handler) operator(_ http.ResponseWriter, r *http.Request, _ visitor) (reply, error) {
	d := operatorView{Search: r.URL.Query().Get("q")}
	list, older, err := h.app.Customers(r.Context(), d.Search, "", listed, r.URL.Query().Get("cursor"))
	if err != nil {
		return reply{}, err
	}
	for _, c := range list {
		d.Customers = append(d.Customers, customerRow{c, c.StatusAt(time.Now())})
	}
	d.State, err = h.app.State(r.Context())
	return reply{page: "operator", title: "Operator", data: d, older: older}, err
}

// customerView is one customer: no content, and nothing secret.
type customerView struct {
	customerRow
	Quotas []quota
	Keys   []storage.Key
	Runs   []runRow // that have not ended
	Events []eventRow
}

func (h *Handler) operatorCustomer(_ http.ResponseWriter, r *http.Request, _ visitor) (reply, error) {
	ctx, id := r.Context(), storage.CustomerID(r.PathValue("id"))
	c, err := h.app.Customer(ctx, id)
	if err != nil {
		return reply{}, err
	}
	d := customerView{customerRow: customerRow{c, c.StatusAt(time.Now())}}
	if h.app.Usage != nil {
		u, err := h.app.UsageOf(ctx, id, usageDays)
		if err != nil {
			return reply{}, err
		}
		d.Quotas = quotasOf(u)
	}
	if d.Keys, _, err = h.app.Keys(ctx, id, storage.MaxLimit, ""); err != nil {
		return reply{}, err
	}
	if h.app.Runner != nil {
		for _, status := range []string{runner.StatusRunning, runner.StatusWaiting, runner.StatusQueued} {
			rows, _, err := h.runRows(r, id, status, listed, "")
			if err != nil {
				return reply{}, err
			}
			d.Runs = append(d.Runs, rows...)
		}
	}
	events, _, err := h.app.Events(ctx, id, "", 20, "")
	d.Events = eventRows(events)
	return reply{page: "customer", title: cut(cmp.Or(c.BrandName, c.Email), 120), data: d}, err
}

func (h *Handler) suspend(_ http.ResponseWriter, r *http.Request, _ visitor) (reply, error) {
	id := r.PathValue("id")
	_, err := h.app.Suspend(r.Context(), storage.CustomerID(id))
	return reply{to: "/operator/customers/" + url.PathEscape(id) + "?done=suspended"}, err
}

func (h *Handler) resume(_ http.ResponseWriter, r *http.Request, _ visitor) (reply, error) {
	id := r.PathValue("id")
	_, err := h.app.Resume(r.Context(), storage.CustomerID(id))
	return reply{to: "/operator/customers/" + url.PathEscape(id) + "?done=resumed"}, err
}
