package rest

import (
	"net/http"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// reaching is handle on a host whose catalog has work for the customer's browser.
func (f *face) reaching(h handle) handle {
	return func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		if f.app.Catalog.LinkedIn == nil {
			return missing("LinkedIn outreach")(w, r, p)
		}
		return h(w, r, p)
	}
}

func (f *face) outreach(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	_, limit, cursor, err := page(r)
	if err != nil {
		return err
	}
	tasks, next, err := f.app.Catalog.LinkedIn.Pull(r.Context(), p.Customer, limit, cursor)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, OutreachList{Items: each(tasks, outreachItem), NextCursor: next})
	return nil
}

func (f *face) reportOutreach(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	id := r.PathValue("itemId")
	if _, err := f.app.Catalog.LinkedIn.Task(r.Context(), p.Customer, id); err != nil {
		return err
	}
	body, err := httpx.DecodeJSON[OutreachReport](w, r, maxBody)
	if err != nil {
		return err
	}
	task, err := f.app.Catalog.LinkedIn.Report(r.Context(), p.Customer, id, string(body.Status), body.Error)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, outreachItem(task))
	return nil
}

func outreachItem(t agent.Task) OutreachItem {
	return OutreachItem{
		ID: t.ID, Action: OutreachItemAction(t.Action), TargetURL: t.Target, Text: t.Text, Status: OutreachItemStatus(t.Status),
		CreatedAt: app.Time{Time: t.CreatedAt}, ExpiresAt: app.Time{Time: t.ExpiresAt},
	}
}
