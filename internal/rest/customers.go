package rest

import (
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// CustomerOf returns the customer as clients see it.
func CustomerOf(c storage.Customer) Customer {
	return Customer{
		ID:         string(c.ID),
		ExternalID: c.ExternalID,
		Email:      c.Email,
		Status:     CustomerStatus(c.StatusAt(time.Now())),
		BrandName:  c.BrandName,
		Website:    c.Website,
		Plan:       c.Plan,
		CreatedAt:  Time{Time: c.CreatedAt},
		UpdatedAt:  Time{Time: c.UpdatedAt},
	}
}

func (f *face) customer(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	c, err := f.app.Customer(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	shown, err := f.withSubscription(r, c)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, shown)
	return nil
}

func eventOf(e storage.Event) Event {
	return Event{ID: string(e.ID), Type: e.Type, Data: e.Data, CreatedAt: Time{Time: e.CreatedAt}}
}

func (f *face) events(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, limit, cursor, err := page(r, "type")
	if err != nil {
		return err
	}
	events, next, err := f.app.Events(r.Context(), p.Customer, q.Get("type"), limit, cursor)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, EventList{Events: each(events, eventOf), NextCursor: next})
	return nil
}
