package rest

import (
	"context"
	"net/http"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

const idempotencyKey = "Idempotency-Key"

func (f *face) provision(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	body, err := httpx.DecodeJSON[NewCustomer](w, r, maxBody)
	if err != nil {
		return err
	}
	token := r.Header.Get(idempotencyKey)
	if given := r.Header.Values(idempotencyKey); len(given) > 1 || len(given) == 1 && token == "" {
		return storage.Invalid(idempotencyKey, "there once, with 1 to 255 characters")
	}
	done, err := f.app.Provision(r.Context(), app.NewCustomer{
		Email:          body.Email,
		BrandName:      body.BrandName,
		Website:        body.Website,
		Plan:           body.Plan,
		ExternalID:     body.ExternalID,
		IdempotencyKey: token,
	})
	if err != nil {
		return err
	}
	code, answer := http.StatusOK, ProvisionedCustomer{Customer: CustomerOf(done.Customer)}
	if done.Created {
		code, answer.APIKey = http.StatusCreated, done.APIKey.Reveal()
	}
	httpx.JSON(w, code, answer)
	return nil
}

func (f *face) customers(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	q, limit, cursor, err := page(r, "search", "status")
	if err != nil {
		return err
	}
	customers, next, err := f.app.Customers(r.Context(), q.Get("search"), storage.Status(q.Get("status")), limit, cursor)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, CustomerList{Customers: each(customers, CustomerOf), NextCursor: next})
	return nil
}

func (f *face) suspend(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	return changeCustomer(w, r, p, f.app.Suspend)
}

func (f *face) resume(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	return changeCustomer(w, r, p, f.app.Resume)
}

func changeCustomer(w http.ResponseWriter, r *http.Request, p auth.Principal,
	change func(context.Context, storage.CustomerID) (storage.Customer, error),
) error {
	if err := noBody(w, r); err != nil {
		return err
	}
	c, err := change(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, CustomerOf(c))
	return nil
}
