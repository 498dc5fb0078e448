package storagetest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

type caching struct {
	storage.Store
	mu   sync.Mutex
	last storage.Document
}

func (s *caching) Document(ctx context.Context, customer storage.CustomerID, kind, id string) (storage.Document, error) {
	d, err := s.Store.Document(ctx, customer, kind, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = d
	return d, err
}

func (s *caching) Documents(ctx context.Context, customer storage.CustomerID, q storage.DocumentQuery) ([]storage.Document, error) {
	list, err := s.Store.Documents(ctx, customer, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		if list[i].ID == s.last.ID {
			list[i].Data = s.last.Data
		}
	}
	return list, err
}

type ignoresContext struct{ storage.Store }

func (s ignoresContext) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	return s.Store.UpdateCustomer(context.WithoutCancel(ctx), id, change)
}

func (s ignoresContext) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return s.Store.InTx(context.WithoutCancel(ctx), fn)
}

type deafPing struct{ storage.Store }

func (deafPing) Ping(context.Context) error { return nil }

func swallow(err error) error {
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}

type swallowsExists struct{ storage.Store }

func (s swallowsExists) CreateCustomer(ctx context.Context, c storage.Customer) error {
	return swallow(s.Store.CreateCustomer(ctx, c))
}
func (s swallowsExists) CreateKey(ctx context.Context, k storage.Key) error {
	return swallow(s.Store.CreateKey(ctx, k))
}
func (s swallowsExists) AppendEvent(ctx context.Context, e storage.Event) error {
	return swallow(s.Store.AppendEvent(ctx, e))
}

type emptyName struct{ storage.Store }

func (s emptyName) CustomerByExternalID(ctx context.Context, externalID string) (storage.Customer, error) {
	if list, err := everyone(ctx, s); externalID == "" && err == nil {
		return list[0], nil
	}
	return s.Store.CustomerByExternalID(ctx, externalID)
}

type returnsChange struct{ storage.Store }

func (s returnsChange) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (made storage.Customer, err error) {
	_, err = s.Store.UpdateCustomer(ctx, id, func(c *storage.Customer) error {
		err := change(c)
		made = *c
		return err
	})
	return made, err
}

type unclear struct{ storage.Store }

func (s unclear) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	c, err := s.Store.UpdateCustomer(ctx, id, change)
	if errors.Is(err, storage.ErrExists) {
		err = errors.New("UNIQUE constraint failed")
	}
	return c, err
}

type wildcards struct{ storage.Store }

func (s wildcards) Customers(ctx context.Context, q storage.CustomerQuery) ([]storage.Customer, error) {
	q.Search = strings.TrimSuffix(q.Search, "%")
	return s.Store.Customers(ctx, q)
}

type partsOfIDs struct{ storage.Store }

func (s partsOfIDs) Customers(ctx context.Context, q storage.CustomerQuery) ([]storage.Customer, error) {
	if q.Search == "id-" {
		q.Search = ""
	}
	return s.Store.Customers(ctx, q)
}

type absentStates struct{ storage.Store }

func (s absentStates) CustomerStatuses(ctx context.Context, ids []storage.CustomerID) (map[storage.CustomerID]storage.Status, error) {
	found, err := s.Store.CustomerStatuses(ctx, ids)
	for _, id := range ids {
		if _, known := found[id]; !known {
			found[id] = storage.StatusInactive
		}
	}
	return found, err
}

type hidesExpired struct{ storage.Store }

func (s hidesExpired) KeyByHash(ctx context.Context, hash [32]byte) (storage.Key, storage.Customer, error) {
	k, c, err := s.Store.KeyByHash(ctx, hash)
	if err == nil && !k.ExpiresAt.IsZero() && k.ExpiresAt.Before(time.Now()) {
		return storage.Key{}, storage.Customer{}, storage.ErrNotFound
	}
	return k, c, err
}

type deletesNothing struct{ storage.Store }

func (s deletesNothing) DeleteKey(ctx context.Context, customer storage.CustomerID, id storage.KeyID) error {
	err := s.Store.DeleteKey(ctx, customer, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

type thousand struct{ storage.Store }

func (s thousand) KeyStates(ctx context.Context, ids []storage.KeyID) (map[storage.KeyID]storage.KeyState, error) {
	return s.Store.KeyStates(ctx, ids[:min(len(ids), 1000)])
}

type touchesAlways struct{ storage.Store }

func (s touchesAlways) TouchKeys(ctx context.Context, used map[storage.KeyID]time.Time) error {
	customers, err := everyone(ctx, s)
	for _, c := range customers {
		for id, at := range used {
			_, _ = s.UpdateKey(ctx, c.ID, id, func(k *storage.Key) error { k.LastUsedAt = at; return nil })
		}
	}
	return err
}

type expiresEarly struct{ storage.Store }

func (s expiresEarly) DeleteExpiredKeys(ctx context.Context, t time.Time) (int, error) {
	return s.Store.DeleteExpiredKeys(ctx, t.Add(time.Microsecond))
}

type typesIgnoreCase struct{ storage.Store }

func (s typesIgnoreCase) Events(ctx context.Context, customer storage.CustomerID, q storage.EventQuery) ([]storage.Event, error) {
	q.Type = strings.ToLower(q.Type)
	return s.Store.Events(ctx, customer, q)
}

type overwrites struct{ storage.Store }

func (s overwrites) CreateDocument(ctx context.Context, d storage.Document) error {
	err := s.Store.CreateDocument(ctx, d)
	if errors.Is(err, storage.ErrExists) {
		_, _ = s.UpdateDocument(ctx, d.CustomerID, d.Kind, d.ID, func(old *storage.Document) error { *old = d; return nil })
	}
	return err
}

type storesFailed struct{ storage.Store }

func (s storesFailed) UpdateDocument(ctx context.Context, customer storage.CustomerID, kind, id string, change func(*storage.Document) error) (storage.Document, error) {
	var failed error
	d, err := s.Store.UpdateDocument(ctx, customer, kind, id, func(d *storage.Document) error {
		failed = change(d)
		return nil
	})
	return d, errors.Join(failed, err)
}

type allKinds struct{ storage.Store }

func (s allKinds) Documents(ctx context.Context, customer storage.CustomerID, q storage.DocumentQuery) ([]storage.Document, error) {
	if q.Kind == "" {
		q.Kind = "content"
	}
	return s.Store.Documents(ctx, customer, q)
}

type noTx struct{ storage.Store }

func (s noTx) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return fn(ctx, s)
}

type ownError struct{ storage.Store }

func (s ownError) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	if s.Store.InTx(ctx, fn) != nil {
		return errors.New("the transaction was rolled back")
	}
	return nil
}

type commitsPanic struct{ storage.Store }

func (s commitsPanic) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	var v any
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		defer func() { v = recover() }()
		return fn(ctx, tx)
	})
	if v != nil {
		panic(v)
	}
	return err
}

// poisoned refuses everything after a refusal, as PostgreSQL does in a
// transaction after an error.
type poisoned struct {
	storage.Store
	refused bool
}

func (s *poisoned) CreateKey(ctx context.Context, k storage.Key) error {
	err := s.Store.CreateKey(ctx, k)
	s.refused = s.refused || err != nil
	return err
}

func (s *poisoned) AppendEvent(ctx context.Context, e storage.Event) error {
	if s.refused {
		return errors.New("current transaction is aborted")
	}
	return s.Store.AppendEvent(ctx, e)
}

// commitsEarly has transactions at the second level only.
type commitsEarly struct{ storage.Store }

func (s commitsEarly) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return fn(ctx, s.Store)
}

// flat has no savepoints.
type flat struct {
	storage.Store
	inside bool
}

func (s *flat) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	if s.inside {
		return fn(ctx, s)
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		tx.(*flat).inside = true
		return fn(ctx, tx)
	})
}

type losesUpdates struct{ storage.Store }

func (s losesUpdates) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	c, err := s.Customer(ctx, id)
	if err != nil {
		return c, err
	}
	if err := change(&c); err != nil {
		return c, err
	}
	return s.Store.UpdateCustomer(ctx, id, func(stored *storage.Customer) error { *stored = c; return nil })
}
