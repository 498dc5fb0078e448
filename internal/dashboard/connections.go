package dashboard

import (
	"net/http"
	"strings"

	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/storage"
)

func (h *Handler) connections(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Connections == nil {
		return reply{}, storage.ErrNotFound
	}
	list, err := h.app.Connections.List(r.Context(), v.Customer)
	return reply{page: "connections", title: "Connections", data: list}, err
}

// connectView leads on to a platform.
type connectView struct {
	connection.Link
	Token string // of the link
}

// connect makes a link and carries its code: the session proves who asks.
func (h *Handler) connect(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Connections == nil {
		return reply{}, storage.ErrNotFound
	}
	links, err := h.app.ConnectLinks(r.Context(), v.Customer, []string{r.PathValue("platform")})
	if err != nil {
		return reply{}, err
	}
	_, token, _ := strings.Cut(links[0].URL, "?link=")
	return reply{page: "connect", title: "Connect " + links[0].Title, data: connectView{links[0], token}}, nil
}

func (h *Handler) disconnect(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Connections == nil {
		return reply{}, storage.ErrNotFound
	}
	err := h.app.Connections.Disconnect(r.Context(), v.Customer, r.PathValue("platform"))
	return reply{to: "/dashboard/connections?done=disconnected"}, err
}
