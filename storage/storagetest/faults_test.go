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

// A fault is a way to get the contract wrong, and the check that finds it.
type fault struct {
	check string
	wrap  func(storage.Store) storage.Store
}

// faulty returns s with a fault, which its transactions have too.
func faulty(s storage.Store, wrap func(storage.Store) storage.Store) storage.Store {
	if wrap == nil {
		return s
	}
	return wrap(&rewrapping{s, wrap})
}

type rewrapping struct {
	storage.Store
	wrap func(storage.Store) storage.Store
}

func (r *rewrapping) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return fn(ctx, faulty(tx, r.wrap)) })
}

// everyone is all customers of a store.
func everyone(ctx context.Context, s storage.Store) ([]storage.Customer, error) {
	return s.Customers(ctx, storage.CustomerQuery{Page: storage.Page{Limit: 1000}})
}

var faults = map[string]fault{
	"Keys forgets the customer":           {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return keysOfAll{s} }},
	"UpdateKey forgets the customer":      {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return updateKeyOfAll{s} }},
	"DeleteDocument forgets the customer": {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return deleteDocumentOfAll{s} }},
	"an event makes its customer":         {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return makesCustomers{s} }},
	"identifiers ignore case":             {"Run/Identifiers", func(s storage.Store) storage.Store { return ignoresCase{s} }},
	"lists are oldest first":              {"Run/Order", func(s storage.Store) storage.Store { return oldestFirst{s} }},
	"Before is included":                  {"Run/Paging", func(s storage.Store) storage.Store { return beforeIncluded{s} }},
	"no limit is the default one":         {"Run/Paging", func(s storage.Store) storage.Store { return limitless{s} }},
	"pages are found by counting":         {"Run/Paging", func(s storage.Store) storage.Store { return &counting{Store: s, offsets: map[string]int{}} }},
	"times are kept to the millisecond":   {"Run/Times", func(s storage.Store) storage.Store { return milliseconds{s} }},
	"times are rounded":                   {"Run/Times", func(s storage.Store) storage.Store { return rounds{s} }},
	"times come back in local time":       {"Run/Times", func(s storage.Store) storage.Store { return localTime{s} }},
	"NUL bytes are stripped":              {"Run/Text", func(s storage.Store) storage.Store { return stripsNUL{s} }},
	"searching takes any text":            {"Run/Text", func(s storage.Store) storage.Store { return repairsSearch{s} }},
	"any JSON is taken":                   {"Run/JSON", func(s storage.Store) storage.Store { return anyJSON{s} }},
	"records are shared with a cache":     {"Run/RecordsBelongToTheCaller", func(s storage.Store) storage.Store { return &caching{Store: s} }},
	"an ended context is ignored":         {"Run/EndedContext", func(s storage.Store) storage.Store { return ignoresContext{s} }},
	"Ping asks nobody":                    {"Run/EndedContext", func(s storage.Store) storage.Store { return deafPing{s} }},

	"a taken name is swallowed":          {"Run/CreateCustomer", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"an empty name finds somebody":       {"Run/CustomerByName", func(s storage.Store) storage.Store { return emptyName{s} }},
	"an update returns what change made": {"Run/UpdateCustomer", func(s storage.Store) storage.Store { return returnsChange{s} }},
	"a taken new name is some error":     {"Run/UpdateCustomerNames", func(s storage.Store) storage.Store { return unclear{s} }},
	"search has wildcards":               {"Run/CustomersSearch", func(s storage.Store) storage.Store { return wildcards{s} }},
	"search finds parts of an ID":        {"Run/CustomersSearch", func(s storage.Store) storage.Store { return partsOfIDs{s} }},
	"absent customers have a state":      {"Run/CustomerStatuses", func(s storage.Store) storage.Store { return absentStates{s} }},
	"a taken key is swallowed":           {"Run/CreateKey", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"expired keys are hidden":            {"Run/KeyByHash", func(s storage.Store) storage.Store { return hidesExpired{s} }},
	"deleting nothing succeeds":          {"Run/DeleteKey", func(s storage.Store) storage.Store { return deletesNothing{s} }},
	"only a thousand IDs are looked at":  {"Run/KeyStates", func(s storage.Store) storage.Store { return thousand{s} }},
	"a use goes back in time":            {"Run/TouchKeys", func(s storage.Store) storage.Store { return touchesAlways{s} }},
	"keys expire a moment early":         {"Run/DeleteExpiredKeys", func(s storage.Store) storage.Store { return expiresEarly{s} }},
	"event types ignore case":            {"Run/Events", func(s storage.Store) storage.Store { return typesIgnoreCase{s} }},
	"a taken event is swallowed":         {"Run/AppendEvent", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"a taken document is overwritten":    {"Run/CreateDocument", func(s storage.Store) storage.Store { return overwrites{s} }},
	"a failed change is stored":          {"Run/UpdateDocument", func(s storage.Store) storage.Store { return storesFailed{s} }},
	"documents of all kinds are listed":  {"Run/Documents", func(s storage.Store) storage.Store { return allKinds{s} }},

	"InTx is no transaction":             {"Tx/TxRollsBackOnError", func(s storage.Store) storage.Store { return noTx{s} }},
	"InTx has an error of its own":       {"Tx/TxRollsBackOnError", func(s storage.Store) storage.Store { return ownError{s} }},
	"InTx commits after a panic":         {"Tx/TxRollsBackOnPanic", func(s storage.Store) storage.Store { return commitsPanic{s} }},
	"InTx commits after its context":     {"Tx/TxRollsBackWhenTheContextEnds", func(s storage.Store) storage.Store { return ignoresContext{s} }},
	"a refusal ends the transaction":     {"Tx/TxIsUsableAfterARefusal", func(s storage.Store) storage.Store { return &poisoned{Store: s} }},
	"an inner transaction commits early": {"Tx/NestedTxJoins", func(s storage.Store) storage.Store { return commitsEarly{s} }},
	"an inner transaction is none":       {"Tx/NestedTxUndoesItsOwn", func(s storage.Store) storage.Store { return &flat{Store: s} }},

	"updates are lost":                {"Concurrent/NoUpdateIsLost", func(s storage.Store) storage.Store { return losesUpdates{s} }},
	"two creators win":                {"Concurrent/OneCreatorWins", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"two deleters win":                {"Concurrent/OneDeleterWins", func(s storage.Store) storage.Store { return deletesNothing{s} }},
	"half a transaction is seen":      {"Concurrent/NoHalfTransactionIsSeen", func(s storage.Store) storage.Store { return noTx{s} }},
	"pages move while records arrive": {"Concurrent/PagingWhileRecordsArrive", func(s storage.Store) storage.Store { return &counting{Store: s, offsets: map[string]int{}} }},
	"the last to touch wins":          {"Concurrent/TouchKeysTogether", func(s storage.Store) storage.Store { return touchesAlways{s} }},
	"waiting ignores the context":     {"Concurrent/WaitingEndsWithTheContext", func(s storage.Store) storage.Store { return ignoresContext{s} }},

	"records are lost when closed": {"Reopen/Read", nil},
}

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
