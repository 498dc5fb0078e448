package rest

import (
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// KeyOf returns the key as clients see it.
func KeyOf(k storage.Key) Key {
	return Key{
		ID:         string(k.ID),
		Name:       k.Name,
		LastFour:   k.LastFour,
		CreatedAt:  Time{Time: k.CreatedAt},
		LastUsedAt: Time{Time: k.LastUsedAt},
		ExpiresAt:  Time{Time: k.ExpiresAt},
	}
}

func (f *face) keys(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	_, limit, cursor, err := page(r)
	if err != nil {
		return err
	}
	keys, next, err := f.app.Keys(r.Context(), p.Customer, limit, cursor)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, KeyList{Keys: each(keys, KeyOf), NextCursor: next})
	return nil
}

func (f *face) createKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	body, err := decode[NewKey](w, r)
	if err != nil {
		return err
	}
	apiKey, key, err := f.app.CreateKey(r.Context(), p.Customer, body.Name)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, IssuedKey{APIKey: apiKey.Reveal(), Key: KeyOf(key)})
	return nil
}

func (f *face) rotateKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if err := noBody(w, r); err != nil {
		return err
	}
	q, err := query(r, "overlap")
	if err != nil {
		return err
	}
	overlap, err := number(q, "overlap", 0, int(app.MaxOverlap/time.Second), int(app.DefaultOverlap/time.Second))
	if err != nil {
		return err
	}
	done, err := f.app.RotateKey(r.Context(), p, time.Duration(overlap)*time.Second)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, RotatedKey{
		APIKey:            done.APIKey.Reveal(),
		Key:               KeyOf(done.Key),
		PreviousExpiresAt: Time{Time: done.PreviousExpiresAt},
	})
	return nil
}

func (f *face) revokeKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	id := r.PathValue("keyId")
	if !isID(id) {
		return storage.ErrNotFound
	}
	if err := f.app.RevokeKey(r.Context(), p.Customer, storage.KeyID(id)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
