package rest

import (
	"net/http"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// connecting is handle on a host that connects platforms.
func (f *face) connecting(h handle) handle {
	return func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		if f.app.Connections == nil {
			return missing("connecting platforms")(w, r, p)
		}
		return h(w, r, p)
	}
}

func (f *face) connect(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	body, err := decode[NewConnectLinks](w, r)
	if err != nil {
		return err
	}
	links, err := f.app.ConnectLinks(r.Context(), p.Customer, body.Platforms)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, ConnectLinkList{Links: each(links, func(l connection.Link) ConnectLink {
		return ConnectLink{Platform: l.Platform, URL: l.URL, Code: l.Code, ExpiresAt: app.Time{Time: l.ExpiresAt}}
	})})
	return nil
}

func (f *face) connections(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	list, err := f.app.Connections.List(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, ConnectionList{Connections: each(list, func(s connection.Status) Connection {
		return Connection{
			Platform: s.Platform, Title: s.Title, Status: ConnectionStatus(s.Status), Configured: s.Configured, Account: s.Account,
			ConnectedAt: app.Time{Time: s.ConnectedAt}, ExpiresAt: app.Time{Time: s.ExpiresAt}, Error: s.Error,
		}
	})})
	return nil
}

func (f *face) disconnect(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if err := f.app.Connections.Disconnect(r.Context(), p.Customer, r.PathValue("platform")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
