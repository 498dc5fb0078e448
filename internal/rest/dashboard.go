package rest

import (
	"net/http"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// showing is handle on a host that has pages.
func (f *face) showing(h handle) handle {
	return func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		if f.app.Pages == nil {
			return missing("the dashboard")(w, r, p)
		}
		return h(w, r, p)
	}
}

func (f *face) dashboard(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	return f.app.Pages.Render(w, r, p)
}

func (f *face) dashboardLink(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if err := noBody(w, r); err != nil {
		return err
	}
	link, err := f.app.DashboardLink(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, DashboardLink{URL: link.URL, ExpiresAt: app.Time{Time: link.ExpiresAt}})
	return nil
}
