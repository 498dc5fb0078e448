package storagetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func fullKey(customer storage.CustomerID, id string) storage.Key {
	k := newKey(customer, id)
	k.LastUsedAt, k.ExpiresAt = now.Add(time.Minute), now.Add(time.Hour)
	return k
}

func testCreateKey(t *testing.T, s storage.Store) {
	ctx := t.Context()
	mine, other := fill(t, s), fill(t, s)
	before := read(t, s, mine.customer.ID)

	k := fullKey(mine.customer.ID, "full")
	ok(t, s.CreateKey(ctx, k))
	got, _, err := s.KeyByHash(ctx, k.Hash)
	ok(t, err)
	equal(t, got, k, "the stored key")
	ok(t, s.DeleteKey(ctx, k.CustomerID, k.ID))

	for _, owner := range []storage.CustomerID{mine.customer.ID, other.customer.ID} {
		sameID := newKey(owner, string(mine.key.ID))
		sameID.Hash = sha256.Sum256([]byte("another"))
		wantErr(t, s.CreateKey(ctx, sameID), storage.ErrExists, "a taken ID")
		sameHash := newKey(owner, storage.NewID())
		sameHash.Hash = mine.key.Hash
		wantErr(t, s.CreateKey(ctx, sameHash), storage.ErrExists, "a taken hash")
	}
	unchanged(t, s, before, "refused keys")
	equal(t, len(read(t, s, other.customer.ID).Keys), 1, "keys of the other customer")
}

func testKeyByHash(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i, status := range []storage.Status{storage.StatusPending, storage.StatusOnboarding, storage.StatusActive, storage.StatusInactive} {
		c := fullCustomer(fmt.Sprint(i))
		c.Status = status
		ok(t, s.CreateCustomer(ctx, c))
		k := fullKey(c.ID, storage.NewID())
		k.ExpiresAt = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
		ok(t, s.CreateKey(ctx, k))

		gotKey, gotCustomer, err := s.KeyByHash(ctx, k.Hash)
		ok(t, err)
		equal(t, gotKey, k, "the key, which has expired")
		equal(t, gotCustomer, c, "its customer in state "+string(status))
	}
	for _, hash := range [][32]byte{{}, {1}, sha256.Sum256([]byte("unknown"))} {
		_, _, err := s.KeyByHash(ctx, hash)
		wantErr(t, err, storage.ErrNotFound, "an unknown hash")
	}
	// Hashes are bytes, not text.
	odd := newKey("0", storage.NewID())
	odd.Hash = [32]byte{0, 0xff, '\'', '\\', '?', '%', 0}
	ok(t, s.CreateKey(ctx, odd))
	got, _, err := s.KeyByHash(ctx, odd.Hash)
	ok(t, err)
	equal(t, got, odd, "a key with an odd hash")
}

func testKeys(t *testing.T, s storage.Store) {
	ctx := t.Context()
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	list, err := s.Keys(ctx, c.ID, all)
	equalIDs(t, list, err, keyID, nil, "a customer without keys")

	old, expired := newKey(c.ID, "1"), newKey(c.ID, "2")
	expired.ExpiresAt = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	ok(t, s.CreateKey(ctx, old))
	ok(t, s.CreateKey(ctx, expired))
	list, err = s.Keys(ctx, c.ID, all)
	ok(t, err)
	equal(t, list, []storage.Key{expired, old}, "keys")
}

func testUpdateKey(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	rest := newKey(f.customer.ID, storage.NewID())
	ok(t, s.CreateKey(ctx, rest))

	want := f.key
	want.Name, want.LastFour = "renamed", "cafe"
	want.LastUsedAt, want.ExpiresAt = now.Add(time.Minute), now.Add(time.Hour)
	got, err := s.UpdateKey(ctx, f.customer.ID, f.key.ID, func(k *storage.Key) error {
		equal(t, *k, f.key, "the key given to change")
		*k = want
		k.ID, k.CustomerID, k.Hash, k.CreatedAt = "9", "9", [32]byte{9}, now.Add(-time.Hour)
		k.ExpiresAt = k.ExpiresAt.Add(999 * time.Nanosecond)
		return nil
	})
	ok(t, err)
	equal(t, got, want, "the key returned")
	list, err := s.Keys(ctx, f.customer.ID, all)
	ok(t, err)
	equal(t, list, []storage.Key{rest, want}, "the keys stored")

	mine := errors.New("my own reason")
	_, err = s.UpdateKey(ctx, f.customer.ID, f.key.ID, func(k *storage.Key) error { k.Name = ""; return mine })
	wantErr(t, err, mine, "an error of change")
	list, err = s.Keys(ctx, f.customer.ID, all)
	ok(t, err)
	equal(t, list, []storage.Key{rest, want}, "the keys after an error of change")

	_, err = s.UpdateKey(ctx, f.customer.ID, "absent", func(*storage.Key) error { t.Error("change was called for no key"); return nil })
	wantErr(t, err, storage.ErrNotFound, "an absent key")
}

func testDeleteKey(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	rest := newKey(f.customer.ID, storage.NewID())
	ok(t, s.CreateKey(ctx, rest))

	ok(t, s.DeleteKey(ctx, f.customer.ID, f.key.ID))
	_, _, err := s.KeyByHash(ctx, f.key.Hash)
	wantErr(t, err, storage.ErrNotFound, "a deleted key")
	wantErr(t, s.DeleteKey(ctx, f.customer.ID, f.key.ID), storage.ErrNotFound, "deleting again")
	list, err := s.Keys(ctx, f.customer.ID, all)
	ok(t, err)
	equal(t, list, []storage.Key{rest}, "the keys left")
}

func testKeyStates(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f, inactive := fill(t, s), newCustomer(storage.NewID())
	inactive.Status, inactive.EntitledUntil = storage.StatusInactive, now.Add(time.Minute)
	ok(t, s.CreateCustomer(ctx, inactive))
	expiring := fullKey(inactive.ID, storage.NewID())
	ok(t, s.CreateKey(ctx, expiring))

	ids := []storage.KeyID{f.key.ID, expiring.ID, expiring.ID}
	for i := range 3000 {
		ids = append(ids, storage.KeyID(fmt.Sprint("absent ", i)))
	}
	ids[2000], ids[0] = ids[0], ids[2000]
	got, err := s.KeyStates(ctx, ids)
	ok(t, err)
	equal(t, got, map[storage.KeyID]storage.KeyState{
		f.key.ID: {CustomerState: storage.CustomerState{Status: storage.StatusActive}, UpdatedAt: f.customer.UpdatedAt},
		expiring.ID: {
			ExpiresAt:     expiring.ExpiresAt,
			CustomerState: storage.CustomerState{Status: storage.StatusInactive, EntitledUntil: inactive.EntitledUntil},
			UpdatedAt:     inactive.UpdatedAt,
		},
	}, "states")
	got, err = s.KeyStates(ctx, nil)
	ok(t, err)
	equal(t, len(got), 0, "states of no keys")
}

func testTouchKeys(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	other := fullKey(f.customer.ID, storage.NewID())
	ok(t, s.CreateKey(ctx, other))
	untouched := newKey(f.customer.ID, storage.NewID())
	ok(t, s.CreateKey(ctx, untouched))
	check := func(first, second time.Time, what string) {
		t.Helper()
		a, b := f.key, other
		a.LastUsedAt, b.LastUsedAt = first, second
		list, err := s.Keys(ctx, f.customer.ID, all)
		ok(t, err)
		equal(t, list, []storage.Key{untouched, b, a}, what)
	}
	used := map[storage.KeyID]time.Time{
		f.key.ID: now.Add(time.Hour + 999*time.Nanosecond),
		other.ID: other.LastUsedAt.Add(-time.Microsecond),
	}
	for i := range 3000 {
		used[storage.KeyID(fmt.Sprint("absent ", i))] = now
	}
	ok(t, s.TouchKeys(ctx, used))
	check(now.Add(time.Hour), other.LastUsedAt, "first use recorded, earlier use passed over")

	ok(t, s.TouchKeys(ctx, map[storage.KeyID]time.Time{f.key.ID: now, other.ID: other.LastUsedAt.Add(time.Microsecond)}))
	check(now.Add(time.Hour), other.LastUsedAt.Add(time.Microsecond), "earlier use passed over, later use recorded")

	ok(t, s.TouchKeys(ctx, nil))
	ok(t, s.TouchKeys(ctx, map[storage.KeyID]time.Time{f.key.ID: {}, untouched.ID: {}}))
	check(now.Add(time.Hour), other.LastUsedAt.Add(time.Microsecond), "no time is no use")
}

func testDeleteExpiredKeys(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := fill(t, s), fill(t, s)
	for i, expires := range []time.Time{now.Add(-time.Hour), now.Add(-time.Microsecond), now, now.Add(time.Microsecond)} {
		for _, customer := range []storage.CustomerID{a.customer.ID, b.customer.ID} {
			k := newKey(customer, fmt.Sprint(i, customer))
			k.ExpiresAt = expires
			ok(t, s.CreateKey(ctx, k))
		}
	}
	for _, want := range []int{4, 0} {
		n, err := s.DeleteExpiredKeys(ctx, now)
		ok(t, err)
		equal(t, n, want, "number of deleted keys")
	}
	for _, f := range []fixture{a, b} {
		list, err := s.Keys(ctx, f.customer.ID, all)
		equalIDs(t, list, err, keyID, []string{
			fmt.Sprint(3, f.customer.ID), fmt.Sprint(2, f.customer.ID), string(f.key.ID),
		}, "keys that did not expire before")
	}
}
