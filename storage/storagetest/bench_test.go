package storagetest_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// What every request costs (KeyByHash) and what every tool call does
// (AppendEvent), with a thousand customers.
func BenchmarkStore(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		s, err := sqlitestore.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		benchmark(b, s)
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		s, err := pgstore.Open(b.Context(), pgtest.DSN(b), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		benchmark(b, s)
	})
}

func benchmark(b *testing.B, s storage.Store) {
	var key storage.Key
	for i := range 1000 {
		key = storage.Key{
			ID:         storage.KeyID(storage.NewID()),
			CustomerID: storage.CustomerID(storage.NewID()),
			Hash:       sha256.Sum256(fmt.Append(nil, i)),
		}
		if err := s.CreateCustomer(b.Context(), storage.Customer{ID: key.CustomerID, Status: storage.StatusActive}); err != nil {
			b.Fatal(err)
		}
		if err := s.CreateKey(b.Context(), key); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("KeyByHash", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := s.KeyByHash(b.Context(), key.Hash); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("KeyStates", func(b *testing.B) { // of 500 keys
		ids := make([]storage.KeyID, 0, 500)
		for i := range 500 {
			k := storage.Key{ID: storage.KeyID(storage.NewID()), CustomerID: key.CustomerID, Hash: sha256.Sum256(fmt.Append(nil, "state", i))}
			if err := s.CreateKey(b.Context(), k); err != nil {
				b.Fatal(err)
			}
			ids = append(ids, k.ID)
		}
		for b.Loop() {
			if _, err := s.KeyStates(b.Context(), ids); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("AppendEvent", func(b *testing.B) {
		for b.Loop() {
			err := s.AppendEvent(b.Context(), storage.Event{
				ID: storage.EventID(storage.NewID()), CustomerID: key.CustomerID, Type: "tool.called", Data: []byte(`{"tool":"ask_cmo"}`),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
