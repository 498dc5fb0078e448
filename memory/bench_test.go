package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/memory"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// BenchmarkSearch looks among 10,000 memories of a customer, with vectors of 1,536
// dimensions.
func BenchmarkSearch(b *testing.B) {
	const n, dimensions = 10_000, 1536
	random := rand.New(rand.NewPCG(1, 2))
	vector := func() []float32 {
		v := make([]float32, dimensions)
		for i := range v {
			v[i] = random.Float32() - 0.5
		}
		return v
	}
	for name, open := range map[string]func() (storage.Store, error){
		"SQLite":     func() (storage.Store, error) { return sqlitestore.Open(b.Context(), b.TempDir()+"/test.db", nil) },
		"PostgreSQL": func() (storage.Store, error) { return pgstore.Open(b.Context(), pgtest.DSN(b), nil) },
	} {
		s, err := open()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.CreateCustomer(b.Context(), storage.Customer{ID: "ada", Status: storage.StatusActive}); err != nil {
			b.Fatal(err)
		}
		err = s.InTx(b.Context(), func(ctx context.Context, tx storage.Store) error {
			role, _ := storage.RoleOf[storage.Memories](tx)
			for i := range n {
				if err := role.PutMemory(ctx, storage.Memory{
					CustomerID: "ada", ID: fmt.Sprint(i), Layer: memory.Semantic, Text: fmt.Sprintf("A note on subject %d among many others", i), Data: []byte(`{}`), Vector: vector(), Space: "s",
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		role, _ := storage.RoleOf[storage.Memories](s)
		for kind, search := range map[string]storage.MemorySearch{
			"words":   {Text: "a note on subject 4711", Limit: 100},
			"vectors": {Vector: vector(), Space: "s", Limit: 100},
		} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					if hits, err := role.SearchMemories(b.Context(), "ada", search); err != nil || len(hits) == 0 {
						b.Fatal(len(hits), err)
					}
				}
			})
		}
		if closer, ok := s.(interface{ Close() error }); ok {
			_ = closer.Close()
		}
	}
}
