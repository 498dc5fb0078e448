package bunstore_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/bunstore"
)

// withoutVectors: a database that can't compare vectors keeps texts all the same.
func withoutVectors(t *testing.T, s *bunstore.Store) {
	t.Helper()
	ctx := t.Context()
	if err := s.CreateCustomer(ctx, storage.Customer{ID: "c", Status: storage.StatusActive}); err != nil {
		t.Fatal(err)
	}
	m := storage.Memory{CustomerID: "c", ID: "m", Layer: "semantic", Text: "The launch", Data: json.RawMessage(`{}`), Vector: []float32{1}, Space: "s"}
	if err := s.PutMemory(ctx, m); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SearchMemories(ctx, "c", storage.MemorySearch{Vector: []float32{1}, Space: "s", Limit: 1}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a search by vector: %v", err)
	}
	if hits, err := s.SearchMemories(ctx, "c", storage.MemorySearch{Text: "launch", Limit: 1}); err != nil || len(hits) != 1 {
		t.Errorf("a search by words: %v, %v", hits, err)
	}
	if err := s.DeleteMemory(ctx, "c", "m"); err != nil {
		t.Error(err)
	}
}

func TestSQLiteWithoutVectors(t *testing.T) {
	withoutVectors(t, newStore(t, sqlite(t, filepath.Join(t.TempDir(), "x.db")), nil))
}

// TestPostgresWithoutVectors also brings the extension back: vectors are kept from
// then on.
func TestPostgresWithoutVectors(t *testing.T) {
	db := postgres(t, pgtest.DSN(t))
	pgtest.RequireVectors(t, db.DB)
	s := newStore(t, db, nil)
	if _, err := db.ExecContext(t.Context(), "DROP EXTENSION vector CASCADE"); err != nil {
		t.Fatal(err)
	}
	withoutVectors(t, s)
	// What is left of the table has lost the column.
	if _, err := db.ExecContext(t.Context(), "DROP TABLE memory_vectors"); err != nil {
		t.Fatal(err)
	}
	if err := bunstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	m := storage.Memory{CustomerID: "c", ID: "m", Layer: "semantic", Text: "The launch", Data: json.RawMessage(`{}`), Vector: []float32{1}, Space: "s"}
	if err := s.PutMemory(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if hits, err := s.SearchMemories(t.Context(), "c", storage.MemorySearch{Vector: []float32{1}, Space: "s", Limit: 1}); err != nil || len(hits) != 1 {
		t.Errorf("a search by vector: %v, %v", hits, err)
	}
}
