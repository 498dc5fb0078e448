package dashboard

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
)

const operatorCookie = "heycmo-operator"

// operatorRoutes are the pages of whoever has an admin key.
func (h *Handler) operatorRoutes() {
	h.mux.HandleFunc("GET /operator", h.operator)
	h.mux.HandleFunc("POST /operator/sign-in", h.operatorSignIn)
	h.mux.HandleFunc("POST /operator/sign-out", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, h.cookie(r, operatorCookie, "", -1))
		h.lead(w, r, "/operator")
	})
	h.mux.HandleFunc("GET /operator/customers/{id}", h.operatorCustomer)
	h.mux.HandleFunc("POST /operator/customers/{id}/{what}", h.operatorChange)
}

type customerRow struct {
	storage.Customer
	Now storage.Status
}

func (h *Handler) operator(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	session := h.kept(r, operatorCookie)
	if !h.app.IsOperator(session) {
		h.show(w, r, visitor{}, reply{page: "operator", title: "Operator", code: http.StatusUnauthorized, data: map[string]any{"Has": h.app.HasAdmin()}})
		return
	}
	search := r.URL.Query().Get("q")
	list, next, err := h.app.Customers(r.Context(), search, "", listed, r.URL.Query().Get("cursor"))
	if err != nil {
		h.finish(w, r, visitor{}, reply{}, err)
		return
	}
	state, err := h.app.State(r.Context())
	if err != nil {
		httpx.Error(w, r, err)
		return
	}
	var rows []customerRow
	for _, c := range list {
		rows = append(rows, customerRow{c, c.StatusAt(time.Now())})
	}
	h.show(w, r, visitor{}, reply{page: "operator", title: "Operator", data: map[string]any{
		"Has": true, "SignedIn": true, "Customers": rows, "Next": next, "Search": search, "State": state, "CSRF": csrf(session),
	}})
}

// operatorCustomer shows one customer: no content, and nothing secret.
func (h *Handler) operatorCustomer(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	if !h.app.IsOperator(h.kept(r, operatorCookie)) {
		h.lead(w, r, "/operator")
		return
	}
	d, err := h.customerData(r, storage.CustomerID(r.PathValue("id")))
	if err != nil {
		h.finish(w, r, visitor{}, reply{}, err)
		return
	}
	c, _ := d["Customer"].(storage.Customer)
	h.show(w, r, visitor{}, reply{page: "customer", title: cmp.Or(c.BrandName, c.Email), data: d})
}

func (h *Handler) customerData(r *http.Request, id storage.CustomerID) (map[string]any, error) {
	ctx := r.Context()
	c, err := h.app.Customer(ctx, id)
	if err != nil {
		return nil, err
	}
	d := map[string]any{"Customer": c, "Now": c.StatusAt(time.Now())}
	if h.app.Usage != nil {
		u, err := h.app.UsageOf(ctx, id, usageDays)
		if err != nil {
			return nil, err
		}
		d["Quotas"] = quotasOf(u)
	}
	if d["Keys"], _, err = h.app.Keys(ctx, id, storage.MaxLimit, ""); err != nil {
		return nil, err
	}
	if h.app.Runs != nil {
		var open []runRow
		for _, status := range []string{runner.StatusRunning, runner.StatusWaiting, runner.StatusQueued} {
			rows, _, err := h.runRows(r, visitor{Principal: auth.Principal{Customer: id}}, status, listed, "")
			if err != nil {
				return nil, err
			}
			open = append(open, rows...)
		}
		d["Runs"] = open
	}
	events, _, err := h.app.Events(ctx, id, "", 20, "")
	d["Events"] = eventRows(events)
	return d, err
}

func (h *Handler) operatorSignIn(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	token, err := h.app.OperatorSignIn(r, r.PostFormValue("key"))
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		h.show(w, r, visitor{}, reply{page: "operator", title: "Operator", code: http.StatusUnauthorized, data: map[string]any{"Has": h.app.HasAdmin(), "Wrong": true}})
	case err != nil:
		httpx.Error(w, r, err)
	default:
		http.SetCookie(w, h.cookie(r, operatorCookie, token, 60*60))
		h.lead(w, r, "/operator")
	}
}

func (h *Handler) operatorChange(w http.ResponseWriter, r *http.Request) {
	session := h.kept(r, operatorCookie)
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	if !h.app.IsOperator(session) || subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(csrf(session))) != 1 {
		httpx.Error(w, r, httpx.Status(http.StatusForbidden, "this form is of another session; go back and load the page again"))
		return
	}
	id, word := storage.CustomerID(r.PathValue("id")), ""
	var err error
	switch r.PathValue("what") {
	case "suspend":
		word = "suspended"
		_, err = h.app.Suspend(r.Context(), id)
	case "resume":
		word = "resumed"
		_, err = h.app.Resume(r.Context(), id)
	default:
		err = storage.ErrNotFound
	}
	h.finish(w, r, visitor{}, reply{to: "/operator?done=" + word}, err)
}
