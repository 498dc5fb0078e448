package storagetest_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// What every request costs (KeyByHash), what every tool call does (AppendEvent,
// Reserve), and what a host does now and then for all of them (KeyStates,
// Settle), with a thousand customers.
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
	var customers []storage.CustomerID
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
		customers = append(customers, key.CustomerID)
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
	benchmarkLedger(b, s, customers)
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

// benchmarkLedger is about calls of many customers, and of one.
func benchmarkLedger(b *testing.B, s storage.Store, customers []storage.CustomerID) {
	ledger, _ := storage.RoleOf[storage.Billing](s)
	reserve := func(b *testing.B, customer storage.CustomerID) storage.Use {
		r := storage.Reservation{
			CustomerID: customer, ID: storage.NewID(), Metric: "tool_call", Source: "ask_cmo", Period: time.Unix(0, 0),
			Units: 1, CreatedAt: storage.Now(), Until: storage.Now().Add(time.Hour),
		}
		if _, err := ledger.Reserve(b.Context(), r, 1<<40); err != nil {
			b.Fatal(err)
		}
		return storage.Use{CustomerID: customer, ID: r.ID, Used: 1, Done: true}
	}
	for what, of := range map[string][]storage.CustomerID{"OfMany": customers, "OfOne": customers[:1]} {
		next := func(i int) storage.CustomerID { return of[i%len(of)] }
		b.Run("Reserve"+what, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				reserve(b, next(i))
			}
		})
		b.Run("ReserveTogether"+what, func(b *testing.B) {
			var n atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					reserve(b, next(int(n.Add(1))))
				}
			})
		})
		b.Run("Settle1000"+what, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				uses := make([]storage.Use, 1000)
				for i := range uses {
					uses[i] = reserve(b, next(i))
				}
				b.StartTimer()
				if err := ledger.Settle(b.Context(), uses); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
