package dashboard

import (
	"net/http"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/storage"
)

// keysView is the list of keys.
type keysView struct {
	Keys []storage.Key
	New  string // the key that was made just now, to be shown once
}

func (h *Handler) keys(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	return h.keysWith(r, v, "")
}

func (h *Handler) keysWith(r *http.Request, v visitor, made string) (reply, error) {
	keys, _, err := h.app.Keys(r.Context(), v.Customer, storage.MaxLimit, "")
	return reply{page: "keys", title: "Keys", data: keysView{keys, made}}, err
}

func (h *Handler) createKey(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	key, _, err := h.app.CreateKey(r.Context(), v.Customer, strings.TrimSpace(r.PostForm.Get("name")))
	if err != nil {
		return reply{}, err
	}
	return h.keysWith(r, v, key.Reveal())
}

// ownKey returns a key of the visitor's that works.
func (h *Handler) ownKey(r *http.Request, v visitor) (storage.KeyID, error) {
	id := storage.KeyID(r.PathValue("id"))
	keys, _, err := h.app.Keys(r.Context(), v.Customer, storage.MaxLimit, "")
	if err == nil && !slices.ContainsFunc(keys, func(k storage.Key) bool { return k.ID == id }) {
		err = storage.ErrNotFound
	}
	return id, err
}

// rotateKey makes a key in place of one, which goes on working for a day.
func (h *Handler) rotateKey(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	id, err := h.ownKey(r, v)
	if err != nil {
		return reply{}, err
	}
	p := v.Principal
	p.Key = id
	rotated, err := h.app.RotateKey(r.Context(), p, app.DefaultOverlap)
	if err != nil {
		return reply{}, err
	}
	return h.keysWith(r, v, rotated.APIKey.Reveal())
}

func (h *Handler) revokeKey(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	id, err := h.ownKey(r, v)
	if err != nil {
		return reply{}, err
	}
	return reply{to: "/dashboard/keys?done=revoked"}, h.app.RevokeKey(r.Context(), v.Customer, id)
}
