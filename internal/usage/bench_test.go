package usage_test

import (
	"testing"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// BenchmarkTake is a call of one tool. Its blocks are set aside in SQLite in memory.
func BenchmarkTake(b *testing.B) {
	for name, limit := range map[string]int64{"limit": 1 << 60, "no limit": -1} {
		b.Run(name, func(b *testing.B) {
			store, err := sqlitestore.Open(b.Context(), sqlitestore.Memory, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = store.Close() })
			createAda(b, store)
			m, err := usage.New(usage.Config{Store: store, Allowance: newPlans(limit).allow, Log: zap.NewNop()})
			if err != nil {
				b.Fatal(err)
			}
			go m.Run(b.Context())
			b.ReportAllocs()
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
}
