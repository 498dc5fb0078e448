package storagetest

import (
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// RunReopen checks that records outlive the store, those of [storage.Billing] too
// if it has that. open returns the store of
// that name, which is empty the first time; it closes it by t.Cleanup.
func RunReopen(t *testing.T, open func(t *testing.T, name string) storage.Store) {
	var f fixture
	var before contents
	var b billed
	var billedBefore billingContents
	t.Run("Write", func(t *testing.T) {
		s := open(t, "first")
		f = fill(t, s)
		before = read(t, s, f.customer.ID)
		if hasBilling(s) {
			b = fillBilling(t, withBilling(t, s))
			billedBefore = readBilling(t, withBilling(t, s), b)
		}
	})
	for _, again := range []string{"Read", "ReadAgain"} {
		t.Run(again, func(t *testing.T) {
			s := open(t, "first")
			unchanged(t, s, before, "opening again")
			got, _, err := s.KeyByHash(t.Context(), f.key.Hash)
			ok(t, err)
			equal(t, got, f.key, "the key")
			ok(t, s.AppendEvent(t.Context(), newEvent(f.customer.ID, storage.NewID())))
			before = read(t, s, f.customer.ID)
			if hasBilling(s) {
				equal(t, readBilling(t, withBilling(t, s), b), billedBefore, "records of billing after opening again")
			}
		})
	}
	t.Run("Other", func(t *testing.T) {
		list, err := open(t, "second").Customers(t.Context(), storage.CustomerQuery{Page: all})
		equalIDs(t, list, err, customerID, nil, "a store of another name")
	})
}
