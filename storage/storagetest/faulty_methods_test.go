package storagetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

type keysOfAll struct{ storage.Store }

func (s keysOfAll) Keys(ctx context.Context, _ storage.CustomerID, p storage.Page) (list []storage.Key, err error) {
	customers, err := everyone(ctx, s)
	for _, c := range customers {
		keys, err := s.Store.Keys(ctx, c.ID, p)
		if err != nil {
			return nil, err
		}
		list = append(list, keys...)
	}
	return list, err
}

type updateKeyOfAll struct{ storage.Store }

func (s updateKeyOfAll) UpdateKey(ctx context.Context, _ storage.CustomerID, id storage.KeyID, change func(*storage.Key) error) (storage.Key, error) {
	customers, err := everyone(ctx, s)
	for _, c := range customers {
		if k, err := s.Store.UpdateKey(ctx, c.ID, id, change); !errors.Is(err, storage.ErrNotFound) {
			return k, err
		}
	}
	return storage.Key{}, errors.Join(err, storage.ErrNotFound)
}

type deleteDocumentOfAll struct{ storage.Store }

func (s deleteDocumentOfAll) DeleteDocument(ctx context.Context, _ storage.CustomerID, kind, id string) error {
	customers, err := everyone(ctx, s)
	for _, c := range customers {
		if err := s.Store.DeleteDocument(ctx, c.ID, kind, id); !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return errors.Join(err, storage.ErrNotFound)
}

type makesCustomers struct{ storage.Store }

func (s makesCustomers) AppendEvent(ctx context.Context, e storage.Event) error {
	_ = s.CreateCustomer(ctx, storage.Customer{ID: e.CustomerID})
	return s.Store.AppendEvent(ctx, e)
}

type ignoresCase struct{ storage.Store }

func (s ignoresCase) Document(ctx context.Context, customer storage.CustomerID, kind, id string) (storage.Document, error) {
	list, err := s.Documents(ctx, customer, storage.DocumentQuery{Kind: kind, Page: storage.Page{Limit: 1000}})
	for _, d := range list {
		if strings.EqualFold(d.ID, id) {
			return d, nil
		}
	}
	return storage.Document{}, errors.Join(err, storage.ErrNotFound)
}

type oldestFirst struct{ storage.Store }

func (s oldestFirst) Events(ctx context.Context, customer storage.CustomerID, q storage.EventQuery) ([]storage.Event, error) {
	list, err := s.Store.Events(ctx, customer, q)
	slices.Reverse(list)
	return list, err
}

type beforeIncluded struct{ storage.Store }

func (s beforeIncluded) Keys(ctx context.Context, customer storage.CustomerID, p storage.Page) ([]storage.Key, error) {
	if p.Before != "" {
		p.Before += "\x01"
	}
	return s.Store.Keys(ctx, customer, p)
}

type limitless struct{ storage.Store }

func (s limitless) Customers(ctx context.Context, q storage.CustomerQuery) ([]storage.Customer, error) {
	if q.Limit <= 0 {
		q.Limit = storage.DefaultLimit
	}
	return s.Store.Customers(ctx, q)
}

// counting remembers how many records came before the end of each page.
type counting struct {
	storage.Store
	mu      sync.Mutex
	offsets map[string]int
}

func (s *counting) Keys(ctx context.Context, customer storage.CustomerID, p storage.Page) ([]storage.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(time.Millisecond) // lets records arrive
	offset, known := s.offsets[p.Before]
	if !known && p.Before != "" {
		list, err := s.Store.Keys(ctx, customer, p)
		if err != nil || len(list) == 0 {
			return list, err
		}
		all, err := s.Store.Keys(ctx, customer, storage.Page{Limit: 10000})
		s.offsets[string(list[len(list)-1].ID)] = slices.Index(all, list[len(list)-1]) + 1
		return list, err
	}
	list, err := s.Store.Keys(ctx, customer, storage.Page{Limit: 10000})
	if err != nil || p.Limit <= 0 || offset >= len(list) {
		return nil, err
	}
	list = list[offset:min(len(list), offset+min(p.Limit, 10000))]
	s.offsets[string(list[len(list)-1].ID)] = offset + len(list)
	return list, nil
}

type milliseconds struct{ storage.Store }

func (s milliseconds) AppendEvent(ctx context.Context, e storage.Event) error {
	e.CreatedAt = e.CreatedAt.Truncate(time.Millisecond)
	return s.Store.AppendEvent(ctx, e)
}

type rounds struct{ storage.Store }

func (s rounds) CreateKey(ctx context.Context, k storage.Key) error {
	k.ExpiresAt = k.ExpiresAt.Round(time.Microsecond)
	return s.Store.CreateKey(ctx, k)
}

type localTime struct{ storage.Store }

func (s localTime) Customer(ctx context.Context, id storage.CustomerID) (storage.Customer, error) {
	c, err := s.Store.Customer(ctx, id)
	c.CreatedAt = c.CreatedAt.In(time.FixedZone("", 3600))
	return c, err
}

type stripsNUL struct{ storage.Store }

func (s stripsNUL) CreateCustomer(ctx context.Context, c storage.Customer) error {
	c.Website = strings.ReplaceAll(c.Website, "\x00", "")
	return s.Store.CreateCustomer(ctx, c)
}

type repairsSearch struct{ storage.Store }

func (s repairsSearch) Customers(ctx context.Context, q storage.CustomerQuery) ([]storage.Customer, error) {
	q.Search = strings.ToValidUTF8(strings.ReplaceAll(q.Search, "\x00", ""), "")
	return s.Store.Customers(ctx, q)
}

type anyJSON struct{ storage.Store }

func (s anyJSON) UpdateDocument(ctx context.Context, customer storage.CustomerID, kind, id string, change func(*storage.Document) error) (storage.Document, error) {
	return s.Store.UpdateDocument(ctx, customer, kind, id, func(d *storage.Document) error {
		err := change(d)
		if string(d.Data) == "[]" {
			d.Data = json.RawMessage("{}")
		}
		return err
	})
}

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

type anyStatus struct{ storage.Store }

func (s anyStatus) Customers(ctx context.Context, q storage.CustomerQuery) ([]storage.Customer, error) {
	q.Status = ""
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

func (s absentStates) CustomerStates(ctx context.Context, ids []storage.CustomerID) (map[storage.CustomerID]storage.CustomerState, error) {
	found, err := s.Store.CustomerStates(ctx, ids)
	for _, id := range ids {
		if _, known := found[id]; !known {
			found[id] = storage.CustomerState{Status: storage.StatusInactive}
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

type listsLiving struct{ storage.Store }

func (s listsLiving) Keys(ctx context.Context, customer storage.CustomerID, p storage.Page) ([]storage.Key, error) {
	list, err := s.Store.Keys(ctx, customer, p)
	return slices.DeleteFunc(list, func(k storage.Key) bool {
		return !k.ExpiresAt.IsZero() && k.ExpiresAt.Before(time.Now())
	}), err
}

type deletesTwins struct{ storage.Store }

func (s deletesTwins) DeleteDocument(ctx context.Context, customer storage.CustomerID, kind, id string) error {
	_ = s.Store.DeleteDocument(ctx, customer, "brand", id)
	return s.Store.DeleteDocument(ctx, customer, kind, id)
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
