package storagetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func fullCustomer(id string) storage.Customer {
	return storage.Customer{
		ID:             storage.CustomerID(id),
		ExternalID:     "external " + id,
		IdempotencyKey: "token " + id,
		Email:          "ada@example.com",
		Status:         storage.StatusPending,
		BrandName:      `Ada's "Café" \ 日本 ?0 $1 -- /*`,
		Website:        "https://example.com/?a=1&b=%20",
		Plan:           "pro",
		Onboarding:     true,
		SuspendedAt:    now.Add(time.Hour),
		EntitledUntil:  now.Add(24 * time.Hour),
		CreatedAt:      now,
		UpdatedAt:      now.Add(time.Minute),
	}
}

func testCreateCustomer(t *testing.T, s storage.Store) {
	ctx := t.Context()
	first := fullCustomer("1")
	ok(t, s.CreateCustomer(ctx, first))
	got, err := s.Customer(ctx, first.ID)
	ok(t, err)
	equal(t, got, first, "the stored customer")

	for _, taken := range []struct {
		what string
		make func(*storage.Customer)
	}{
		{"ID", func(c *storage.Customer) { c.ID = first.ID }},
		{"ExternalID", func(c *storage.Customer) { c.ExternalID = first.ExternalID }},
		{"IdempotencyKey", func(c *storage.Customer) { c.IdempotencyKey = first.IdempotencyKey }},
	} {
		c := fullCustomer("2")
		c.Email = "eve@example.com"
		taken.make(&c)
		wantErr(t, s.CreateCustomer(ctx, c), storage.ErrExists, "create with a taken "+taken.what)
		got, err := s.Customer(ctx, first.ID)
		ok(t, err)
		equal(t, got, first, "the first customer after a second with its "+taken.what)
		if c.ID != first.ID {
			_, err = s.Customer(ctx, c.ID)
			wantErr(t, err, storage.ErrNotFound, "the refused customer")
		}
	}

	// Empty names are not unique, and an e-mail address never is.
	ok(t, s.CreateCustomer(ctx, newCustomer("3")))
	ok(t, s.CreateCustomer(ctx, newCustomer("4")))

	_, err = s.Customer(ctx, "5")
	wantErr(t, err, storage.ErrNotFound, "an absent customer")
	_, err = s.Customer(ctx, "")
	wantErr(t, err, storage.ErrNotFound, "an empty ID")
}

func testCustomerByName(t *testing.T, s storage.Store) {
	ctx := t.Context()
	named, plain := fullCustomer("1"), newCustomer("2")
	ok(t, s.CreateCustomer(ctx, named))
	ok(t, s.CreateCustomer(ctx, plain))

	got, err := s.CustomerByExternalID(ctx, named.ExternalID)
	ok(t, err)
	equal(t, got, named, "customer by external ID")
	got, err = s.CustomerByIdempotencyKey(ctx, named.IdempotencyKey)
	ok(t, err)
	equal(t, got, named, "customer by idempotency key")

	for _, name := range []string{"", "nobody", string(named.ID), "EXTERNAL 1", "external%"} {
		_, err = s.CustomerByExternalID(ctx, name)
		wantErr(t, err, storage.ErrNotFound, fmt.Sprintf("external ID %q", name))
	}
	for _, token := range []string{"", "nobody", string(named.ID), "TOKEN 1", named.ExternalID} {
		_, err = s.CustomerByIdempotencyKey(ctx, token)
		wantErr(t, err, storage.ErrNotFound, fmt.Sprintf("idempotency key %q", token))
	}
}

func testUpdateCustomer(t *testing.T, s storage.Store) {
	ctx := t.Context()
	before, other := newCustomer("1"), newCustomer("2")
	ok(t, s.CreateCustomer(ctx, before))
	ok(t, s.CreateCustomer(ctx, other))

	want := fullCustomer("1")
	got, err := s.UpdateCustomer(ctx, before.ID, func(c *storage.Customer) error {
		equal(t, *c, before, "the customer given to change")
		*c = want
		c.ID, c.CreatedAt = "9", now.Add(-time.Hour)
		c.UpdatedAt = c.UpdatedAt.Add(999 * time.Nanosecond)
		return nil
	})
	ok(t, err)
	equal(t, got, want, "the customer returned")
	got, err = s.Customer(ctx, before.ID)
	ok(t, err)
	equal(t, got, want, "the customer stored")
	got, err = s.Customer(ctx, other.ID)
	ok(t, err)
	equal(t, got, other, "another customer")

	// All optional fields can be emptied again.
	got, err = s.UpdateCustomer(ctx, before.ID, func(c *storage.Customer) error { *c = storage.Customer{}; return nil })
	ok(t, err)
	equal(t, got, storage.Customer{ID: before.ID, CreatedAt: before.CreatedAt}, "the emptied customer")

	mine := errors.New("my own reason")
	_, err = s.UpdateCustomer(ctx, other.ID, func(c *storage.Customer) error { c.Email = ""; return mine })
	wantErr(t, err, mine, "an error of change")
	got, err = s.Customer(ctx, other.ID)
	ok(t, err)
	equal(t, got, other, "the customer after an error of change")

	_, err = s.UpdateCustomer(ctx, "3", func(*storage.Customer) error { t.Error("change was called for no customer"); return nil })
	wantErr(t, err, storage.ErrNotFound, "an absent customer")
}

func testUpdateCustomerNames(t *testing.T, s storage.Store) {
	ctx := t.Context()
	first, second := fullCustomer("1"), fullCustomer("2")
	ok(t, s.CreateCustomer(ctx, first))
	ok(t, s.CreateCustomer(ctx, second))
	set := func(id storage.CustomerID, externalID, token string) error {
		_, err := s.UpdateCustomer(ctx, id, func(c *storage.Customer) error {
			c.ExternalID, c.IdempotencyKey, c.Plan = externalID, token, "free"
			return nil
		})
		return err
	}
	wantErr(t, set(second.ID, first.ExternalID, second.IdempotencyKey), storage.ErrExists, "a taken external ID")
	wantErr(t, set(second.ID, second.ExternalID, first.IdempotencyKey), storage.ErrExists, "a taken idempotency key")
	got, err := s.Customer(ctx, second.ID)
	ok(t, err)
	equal(t, got, second, "the customer after refused names")

	ok(t, set(first.ID, "", ""))
	ok(t, set(second.ID, "", "")) // empty is free for all
	ok(t, set(second.ID, first.ExternalID, first.IdempotencyKey))
	got, err = s.CustomerByExternalID(ctx, first.ExternalID)
	ok(t, err)
	equal(t, got.ID, second.ID, "the new owner of a name given up")
}

func testCustomers(t *testing.T, s storage.Store) {
	ctx := t.Context()
	list, err := s.Customers(ctx, storage.CustomerQuery{Page: all})
	equalIDs(t, list, err, customerID, nil, "an empty store")

	states := []storage.Status{storage.StatusPending, storage.StatusOnboarding, storage.StatusActive, storage.StatusInactive, storage.StatusActive}
	var want []storage.Customer // newest first
	for i, status := range states {
		c := fullCustomer(fmt.Sprint(i))
		c.Status = status
		ok(t, s.CreateCustomer(ctx, c))
		want = append([]storage.Customer{c}, want...)
	}
	list, err = s.Customers(ctx, storage.CustomerQuery{Page: all})
	ok(t, err)
	equal(t, list, want, "all customers")

	for status, ids := range map[storage.Status][]string{
		storage.StatusActive: {"4", "2"}, storage.StatusPending: {"0"}, "ACTIVE": nil, "a%": nil,
	} {
		list, err = s.Customers(ctx, storage.CustomerQuery{Status: status, Page: all})
		equalIDs(t, list, err, customerID, ids, fmt.Sprintf("customers in state %q", status))
	}
	list, err = s.Customers(ctx, storage.CustomerQuery{
		Search: "ada", Status: storage.StatusActive, Page: storage.Page{Limit: 1, Before: "4"}})
	equalIDs(t, list, err, customerID, []string{"2"}, "search, state and page together")
}

func testCustomersSearch(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for _, c := range []storage.Customer{
		{ID: "id-1", ExternalID: "Ext_1", Email: "ada.lovelace@example.com"},
		{ID: "id-2", ExternalID: "ext%2", Email: "bob@example.com", BrandName: "100% Wolle_Ökö"},
		{ID: "id-3", Email: "eve@test.org", Website: `https://C:\Example.NET/*!`},
		{ID: "id-4", IdempotencyKey: "secret-token", Email: "zoë@test.org", Plan: "planned"},
	} {
		ok(t, s.CreateCustomer(ctx, c))
	}
	for search, want := range map[string][]string{
		"":             {"id-4", "id-3", "id-2", "id-1"},
		"lovelace":     {"id-1"},
		"LOVElace":     {"id-1"},
		"example":      {"id-3", "id-2", "id-1"}, // also in another case, in the website
		"%":            {"id-2"},
		"_":            {"id-2"},
		"100% w":       {"id-2"},
		"ada_lovelace": nil,
		"ada%":         nil,
		`\`:            {"id-3"},
		`:\e`:          {"id-3"},
		"*":            {"id-3"},
		"!":            {"id-3"},
		"'":            nil,
		"Ökö":          {"id-2"},
		"ökö":          nil, // only ASCII letters lose their case
		"zoë":          {"id-4"},
		"ZOë":          {"id-4"},
		"zoË":          nil,
		"id-1":         {"id-1"},
		"id-":          nil, // an ID matches as a whole
		"ID-1":         nil,
		"Ext_1":        {"id-1"},
		"ext_1":        nil,
		"ext%2":        {"id-2"},
		"ext":          nil,
		"secret-token": nil,
		"planned":      nil,
	} {
		list, err := s.Customers(ctx, storage.CustomerQuery{Search: search, Page: all})
		equalIDs(t, list, err, customerID, want, fmt.Sprintf("search for %q", search))
	}
}

func testCustomerStates(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := newCustomer("a"), newCustomer("b")
	b.Status, b.EntitledUntil = storage.StatusInactive, now.Add(time.Hour)
	ok(t, s.CreateCustomer(ctx, a))
	ok(t, s.CreateCustomer(ctx, b))

	ids := []storage.CustomerID{b.ID, "A", a.ID, a.ID}
	for i := range 3000 {
		ids = append(ids, storage.CustomerID(fmt.Sprint("absent ", i)))
	}
	ids[2000], ids[0] = ids[0], ids[2000]
	got, err := s.CustomerStates(ctx, ids)
	ok(t, err)
	equal(t, got, map[storage.CustomerID]storage.CustomerState{
		a.ID: {Status: a.Status}, b.ID: {Status: b.Status, EntitledUntil: b.EntitledUntil},
	}, "states")
	got, err = s.CustomerStates(ctx, nil)
	ok(t, err)
	equal(t, len(got), 0, "states of nobody")
}
