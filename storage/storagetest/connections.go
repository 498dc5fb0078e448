package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// RunConnections checks a store that has [storage.Connections]: the methods one by one,
// outside and inside a transaction, and what holds when many use them at once.
func RunConnections(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, connectionMethods)
	run(t, open, inside(connectionMethods))
	run(t, open, []check{
		{"EndedContext", of(connectionsSample, testEndedContext)},
		{"UndoneWithItsTransaction", of(withConnections, testConnectionsUndone)},
		{"AnAccountIsTakenOnce", of(withConnections, testAccountsConcurrent)},
	})
}

// connectionMethods are the checks of the methods. They hold inside a transaction too.
var connectionMethods = []check{
	{"EveryMethodIsCovered", of(connectionsSample, testCovered)},
	{"ForeignCustomer", of(withConnections, testConnectionsForeign)},
	{"Order", of(connectionListings, testOrder)},
	{"Paging", of(connectionListings, testPaging)},
	{"Text", of(connectionsSample, testText)},
	{"CreateConnection", of(withConnections, testCreateConnection)},
	{"UpdateConnection", of(withConnections, testUpdateConnection)},
	{"ConnectionByAccount", of(withConnections, testConnectionByAccount)},
	{"StaleConnections", of(withConnections, testStaleConnections)},
}

// connectionStore is a store with the role.
type connectionStore struct {
	storage.Store
	storage.Connections
}

func withConnections(t *testing.T, s storage.Store) connectionStore {
	t.Helper()
	role, has := storage.RoleOf[storage.Connections](s)
	if !has {
		t.Fatal("the store has no storage.Connections: neither has it the methods itself, nor a method Unwrap() storage.Store that leads to them")
	}
	return connectionStore{s, role}
}

func newConnection(customer storage.CustomerID, platform, account string) storage.Connection {
	return storage.Connection{
		CustomerID: customer, Platform: platform, Account: account, Status: "connected", Data: json.RawMessage(`{"n":1}`),
		Sealed: []byte{1, 0, 255}, SealedWith: "k1", CreatedAt: now, UpdatedAt: now,
	}
}

func platformOf(c storage.Connection) string { return c.Platform }

func connectionsSample(t *testing.T, s storage.Store) sample {
	t.Helper()
	store := withConnections(t, s)
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	one := newConnection(c.ID, "one", "account of "+string(c.ID))
	ok(t, store.CreateConnection(t.Context(), one))
	stored := func() []storage.Connection {
		list, err := store.Connections.Connections(context.WithoutCancel(t.Context()), c.ID, all)
		ok(t, err)
		return list
	}
	before := stored()
	return sample{
		contract: reflect.TypeFor[storage.Connections](),
		on:       store.Connections,
		calls: func() map[string][]any {
			return map[string][]any{
				"CreateConnection":    {newConnection(c.ID, "two", "")},
				"Connection":          {c.ID, "one"},
				"UpdateConnection":    {c.ID, "one", func(c *storage.Connection) error { c.Status = "changed"; return nil }},
				"DeleteConnection":    {c.ID, "one"},
				"Connections":         {c.ID, all},
				"ConnectionByAccount": {"one", one.Account},
				"StaleConnections":    {"k2", storage.ConnectionKey{Customer: "a", Platform: "b"}, 10},
			}
		},
		restore: func(t *testing.T) { _ = store.CreateConnection(t.Context(), one) },
		unchanged: func(t *testing.T, after string) {
			t.Helper()
			equal(t, stored(), before, "connections after "+after)
		},
		called: func(*testing.T) {},
	}
}

func connectionListings(t *testing.T, s storage.Store) map[string]listing {
	store := withConnections(t, s)
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	rows := map[string]listing{"Connections": {
		add: func(id string) error { return store.CreateConnection(t.Context(), newConnection(c.ID, id, "")) },
		list: func(p storage.Page) ([]string, error) {
			list, err := store.Connections.Connections(t.Context(), c.ID, p)
			return ids(list, platformOf), err
		},
	}}
	allTakePages(t, reflect.TypeFor[storage.Connections](), rows)
	return rows
}

func testConnectionsForeign(t *testing.T, s connectionStore) {
	ctx := t.Context()
	mine, other := fill(t, s), fill(t, s)
	ok(t, s.CreateConnection(ctx, newConnection(mine.customer.ID, "linkedin", "ada")))
	for _, who := range []storage.CustomerID{other.customer.ID, "nobody", ""} {
		_, err := s.Connection(ctx, who, "linkedin")
		wantErr(t, err, storage.ErrNotFound, "Connection")
		_, err = s.UpdateConnection(ctx, who, "linkedin", func(*storage.Connection) error { t.Error("changed"); return nil })
		wantErr(t, err, storage.ErrNotFound, "UpdateConnection")
		wantErr(t, s.DeleteConnection(ctx, who, "linkedin"), storage.ErrNotFound, "DeleteConnection")
		list, err := s.Connections.Connections(ctx, who, all)
		equalIDs(t, list, err, platformOf, nil, "Connections")
	}
	wantErr(t, s.CreateConnection(ctx, newConnection("nobody", "linkedin", "")), storage.ErrNotFound, "a connection of an unknown customer")
}

func testCreateConnection(t *testing.T, s connectionStore) {
	ctx := t.Context()
	f, g := fill(t, s), fill(t, s)
	c := newConnection(f.customer.ID, "linkedin", "ada")
	ok(t, s.CreateConnection(ctx, c))
	got, err := s.Connection(ctx, f.customer.ID, "linkedin")
	ok(t, err)
	equal(t, got, c, "the stored connection")
	wantErr(t, s.CreateConnection(ctx, newConnection(f.customer.ID, "linkedin", "bob")), storage.ErrExists, "a second one for the platform")
	wantErr(t, s.CreateConnection(ctx, newConnection(g.customer.ID, "linkedin", "ada")), storage.ErrExists, "an account that another has")
	for _, fine := range []storage.Connection{
		newConnection(g.customer.ID, "linkedin", "Ada"), newConnection(f.customer.ID, "LinkedIn", "ada"),
		newConnection(f.customer.ID, "x", ""), newConnection(g.customer.ID, "x", ""),
	} {
		ok(t, s.CreateConnection(ctx, fine))
	}
	for _, bad := range []func(*storage.Connection){
		func(c *storage.Connection) { c.Data = json.RawMessage(`[]`) },
		func(c *storage.Connection) { c.Data = nil },
		func(c *storage.Connection) { c.Sealed = nil },
		func(c *storage.Connection) { c.SealedWith = "" },
	} {
		c := newConnection(f.customer.ID, "bad", "")
		bad(&c)
		wantErr(t, s.CreateConnection(ctx, c), storage.ErrInvalid, fmt.Sprintf("%+v", c))
	}
	open := newConnection(f.customer.ID, "open", "")
	open.Sealed, open.SealedWith = nil, ""
	ok(t, s.CreateConnection(ctx, open))
	got, err = s.Connection(ctx, f.customer.ID, "open")
	ok(t, err)
	equal(t, got, open, "the connection that nothing opens")
}

func testUpdateConnection(t *testing.T, s connectionStore) {
	ctx := t.Context()
	f, g := fill(t, s), fill(t, s)
	c := newConnection(f.customer.ID, "linkedin", "ada")
	ok(t, s.CreateConnection(ctx, c))
	ok(t, s.CreateConnection(ctx, newConnection(g.customer.ID, "linkedin", "bob")))
	want := c
	want.Account, want.Status, want.Data = "eve", "needs_reconnect", json.RawMessage(`{"n":2}`)
	want.Sealed, want.SealedWith, want.UpdatedAt = []byte("x"), "k2", now.Add(time.Hour)
	got, err := s.UpdateConnection(ctx, c.CustomerID, "linkedin", func(u *storage.Connection) error {
		equal(t, *u, c, "the connection given to change")
		*u = want
		u.CustomerID, u.Platform, u.CreatedAt = "9", "9", now.Add(-time.Hour)
		return nil
	})
	ok(t, err)
	equal(t, got, want, "the connection returned")
	stored := func(what string) {
		t.Helper()
		got, err := s.Connection(ctx, c.CustomerID, "linkedin")
		ok(t, err)
		equal(t, got, want, what)
	}
	stored("the connection stored")
	own := errors.New("my own reason")
	_, err = s.UpdateConnection(ctx, c.CustomerID, "linkedin", func(u *storage.Connection) error { u.Status = ""; return own })
	wantErr(t, err, own, "an error of change")
	_, err = s.UpdateConnection(ctx, c.CustomerID, "linkedin", func(u *storage.Connection) error { u.Account = "bob"; return nil })
	wantErr(t, err, storage.ErrExists, "an account that another has")
	stored("the connection after refused changes")
	ok(t, s.DeleteConnection(ctx, g.customer.ID, "linkedin"))
	want.Account = "bob"
	_, err = s.UpdateConnection(ctx, c.CustomerID, "linkedin", func(u *storage.Connection) error { u.Account = "bob"; return nil })
	ok(t, err)
	stored("the connection with an account that is free again")
}

func testConnectionByAccount(t *testing.T, s connectionStore) {
	ctx := t.Context()
	f := fill(t, s)
	c := newConnection(f.customer.ID, "linkedin", "ada")
	ok(t, s.CreateConnection(ctx, c))
	ok(t, s.CreateConnection(ctx, newConnection(f.customer.ID, "x", "")))
	got, err := s.ConnectionByAccount(ctx, "linkedin", "ada")
	ok(t, err)
	equal(t, got, c, "the connection with the account")
	for _, key := range [][2]string{{"linkedin", "Ada"}, {"x", "ada"}, {"x", ""}, {"linkedin", ""}, {"linkedin", "a%"}} {
		_, err := s.ConnectionByAccount(ctx, key[0], key[1])
		wantErr(t, err, storage.ErrNotFound, fmt.Sprintf("the connection of %q", key))
	}
}

func testStaleConnections(t *testing.T, s connectionStore) {
	ctx := t.Context()
	low, high := newCustomer("a"), newCustomer("b")
	ok(t, s.CreateCustomer(ctx, low))
	ok(t, s.CreateCustomer(ctx, high))
	for _, c := range []storage.Connection{
		newConnection(high.ID, "p", ""), newConnection(low.ID, "q", ""), newConnection(low.ID, "p", ""),
	} {
		ok(t, s.CreateConnection(ctx, c))
	}
	fresh := newConnection(low.ID, "fresh", "")
	fresh.SealedWith = "k2"
	ok(t, s.CreateConnection(ctx, fresh))
	open := newConnection(low.ID, "open", "")
	open.Sealed, open.SealedWith = nil, ""
	ok(t, s.CreateConnection(ctx, open))
	for _, c := range []struct {
		key   string
		after storage.ConnectionKey
		limit int
		want  []string
	}{
		{"k2", storage.ConnectionKey{}, 10, []string{"a/p", "a/q", "b/p"}},
		{"k2", storage.ConnectionKey{}, 2, []string{"a/p", "a/q"}},
		{"k2", storage.ConnectionKey{Customer: "a", Platform: "p"}, 10, []string{"a/q", "b/p"}},
		{"k2", storage.ConnectionKey{Customer: "a", Platform: "z"}, 10, []string{"b/p"}},
		{"k2", storage.ConnectionKey{Customer: "b", Platform: "p"}, 10, nil},
		{"k1", storage.ConnectionKey{}, 10, []string{"a/fresh"}},
		{"K1", storage.ConnectionKey{}, 1, []string{"a/fresh"}},
		{"k2", storage.ConnectionKey{}, 0, nil},
	} {
		list, err := s.StaleConnections(ctx, c.key, c.after, c.limit)
		equalIDs(t, list, err, func(c storage.Connection) string { return string(c.CustomerID) + "/" + c.Platform }, c.want, fmt.Sprintf("%+v", c))
	}
}

func testConnectionsUndone(t *testing.T, s connectionStore) {
	f := fill(t, s)
	c := newConnection(f.customer.ID, "linkedin", "ada")
	ok(t, s.CreateConnection(t.Context(), c))
	own := errors.New("my own reason")
	err := s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		in := withConnections(t, tx)
		ok(t, in.DeleteConnection(ctx, f.customer.ID, "linkedin"))
		ok(t, in.CreateConnection(ctx, newConnection(f.customer.ID, "x", "ada")))
		return own
	})
	wantErr(t, err, own, "the transaction")
	list, err := s.Connections.Connections(t.Context(), f.customer.ID, all)
	ok(t, err)
	equal(t, list, []storage.Connection{c}, "connections after a transaction that was undone")
}

func testAccountsConcurrent(t *testing.T, s connectionStore) {
	const workers = 8
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		f := fill(t, s)
		wg.Go(func() { errs[i] = s.CreateConnection(t.Context(), newConnection(f.customer.ID, "linkedin", "ada")) })
	}
	wg.Wait()
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
			continue
		}
		wantErr(t, err, storage.ErrExists, "an account that another has")
	}
	equal(t, taken, 1, "customers who got the account")
}
