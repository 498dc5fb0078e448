package app

import (
	"context"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	// DefaultOverlap is how long a rotated key goes on working.
	DefaultOverlap = 24 * time.Hour
	// MaxOverlap is the longest overlap that can be asked for.
	MaxOverlap = 7 * 24 * time.Hour

	maxKeys = 100
)

// Keys lists the customer's keys that still work, newest first.
func (a *App) Keys(ctx context.Context, customer storage.CustomerID, limit int, cursor string) ([]storage.Key, string, error) {
	keys, next, err := storage.List(limit, cursor,
		func(k storage.Key) string { return string(k.ID) },
		func(p storage.Page) ([]storage.Key, error) { return a.Store.Keys(ctx, customer, p) })
	live := keys[:0]
	for _, k := range keys {
		if !auth.Expired(k.ExpiresAt) {
			live = append(live, k)
		}
	}
	return live, next, err
}

// CreateKey makes a further key for the customer. The whole key is in the
// answer and nowhere else.
func (a *App) CreateKey(ctx context.Context, customer storage.CustomerID, name string) (auth.APIKey, storage.Key, error) {
	if err := checkText("name", name, 100); err != nil {
		return auth.APIKey{}, storage.Key{}, err
	}
	apiKey, key := auth.Mint(customer, name)
	err := a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := makeRoom(ctx, tx, customer); err != nil {
			return err
		}
		if err := tx.CreateKey(ctx, key); err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "key.created", map[string]any{"keyId": key.ID})
	})
	return apiKey, key, err
}

// makeRoom sees to it that the customer may have one more key: those that have
// expired go, and too many others are refused.
func makeRoom(ctx context.Context, tx storage.Store, customer storage.CustomerID) error {
	// Holding the customer keeps two requests from counting at the same time.
	if _, err := tx.UpdateCustomer(ctx, customer, func(*storage.Customer) error { return nil }); err != nil {
		return err
	}
	keys, err := tx.Keys(ctx, customer, storage.Page{Limit: maxKeys})
	if err != nil {
		return err
	}
	live := 0
	for _, k := range keys {
		if !auth.Expired(k.ExpiresAt) {
			live++
		} else if err := tx.DeleteKey(ctx, customer, k.ID); err != nil {
			return err
		}
	}
	if live == maxKeys {
		return fmt.Errorf("there are %d keys already; revoke one first: %w", maxKeys, storage.ErrConflict)
	}
	return nil
}

// Rotation is the outcome of RotateKey.
type Rotation struct {
	APIKey            auth.APIKey
	Key               storage.Key
	PreviousExpiresAt time.Time
}

// RotateKey makes a new key in place of the one that the principal used. The
// old one works for the overlap; with none it and its streams end at once.
func (a *App) RotateKey(ctx context.Context, p auth.Principal, overlap time.Duration) (Rotation, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Rotation{}, storage.Invalid("overlap", "between 0 and %d seconds", int(MaxOverlap.Seconds()))
	}
	if p.Key == "" {
		return Rotation{}, fmt.Errorf("this request used no API key; make a new key instead: %w", storage.ErrConflict)
	}
	var done Rotation
	err := a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := makeRoom(ctx, tx, p.Customer); err != nil {
			return err
		}
		var name string
		old, err := tx.UpdateKey(ctx, p.Customer, p.Key, func(k *storage.Key) error {
			name = k.Name
			if end := storage.Now().Add(overlap); k.ExpiresAt.IsZero() || end.Before(k.ExpiresAt) {
				k.ExpiresAt = end
			}
			return nil
		})
		if err != nil {
			return err
		}
		done.PreviousExpiresAt = old.ExpiresAt
		done.APIKey, done.Key = auth.Mint(p.Customer, name)
		if err := tx.CreateKey(ctx, done.Key); err != nil {
			return err
		}
		return storage.Record(ctx, tx, p.Customer, "key.rotated", map[string]any{
			"keyId": done.Key.ID, "previousKeyId": p.Key, "previousExpiresAt": Time{old.ExpiresAt},
		})
	})
	if err != nil {
		return Rotation{}, err
	}
	if overlap == 0 {
		a.endKey(p.Key)
	}
	return done, nil
}

// RevokeKey ends a key and its streams at once.
func (a *App) RevokeKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := tx.DeleteKey(ctx, customer, id); err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "key.revoked", map[string]any{"keyId": id})
	})
	if err == nil {
		a.endKey(id)
	}
	return err
}

func (a *App) endKey(id storage.KeyID) {
	a.endStreams(func(p auth.Principal) bool { return p.Key == id })
}
