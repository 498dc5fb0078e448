package usage_test

import (
	"testing"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// onMeters runs a benchmark with and without a limit, on SQLite in memory.
func onMeters(b *testing.B, run func(b *testing.B, m *usage.Meter, store storage.Store)) {
	for name, limit := range map[string]int64{"limit": 1 << 60, "no limit": -1} {
		b.Run(name, func(b *testing.B) {
			store, err := sqlitestore.Open(b.Context(), sqlitestore.Memory, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = store.Close() })
			createCustomer(b, store, ada)
			m, err := usage.New(usage.Config{Store: store, Allowance: newPlans(limit).allow, Log: zap.NewNop()})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			run(b, m, store)
		})
	}
}

// BenchmarkTake is a call of one tool.
func BenchmarkTake(b *testing.B) {
	onMeters(b, func(b *testing.B, m *usage.Meter, _ storage.Store) {
		go m.Run(b.Context())
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				held, err := m.Take(b.Context(), ada, calls, page, 1)
				if err != nil {
					b.Error(err)
					return
				}
				held.Settle(1)
			}
		})
	})
}

// BenchmarkRareCalls is the worst case: the call of a customer who hasn't called for
// long, with the storing of it. 1,000 customers call at the same time.
func BenchmarkRareCalls(b *testing.B) {
	onMeters(b, func(b *testing.B, m *usage.Meter, store storage.Store) {
		customers := make([]storage.CustomerID, 1000)
		for i := range customers {
			customers[i] = storage.CustomerID(storage.NewID())
			createCustomer(b, store, customers[i])
		}
		i := 0
		for b.Loop() {
			held, err := m.Take(b.Context(), customers[i], calls, page, 1)
			if err != nil {
				b.Fatal(err)
			}
			held.Settle(1)
			if i = (i + 1) % len(customers); i == 0 {
				if err := m.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
