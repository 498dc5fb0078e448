package pgstore_test

import (
	"crypto/rand"
	"database/sql"
	"testing"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dsn string, opts *pgstore.Options) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), dsn, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	dsn := pgtest.DSN(t)
	open := func(t *testing.T) storage.Store { return open(t, dsn, &pgstore.Options{Schema: rand.Text()}) }
	t.Run("Run", func(t *testing.T) { storagetest.Run(t, open) })
	t.Run("Tx", func(t *testing.T) { storagetest.RunTx(t, open) })
	t.Run("Concurrent", func(t *testing.T) { storagetest.RunConcurrent(t, open) })
	t.Run("Billing", func(t *testing.T) { storagetest.RunBilling(t, open) })
	t.Run("Runs", func(t *testing.T) { storagetest.RunRuns(t, open) })
	t.Run("Connections", func(t *testing.T) { storagetest.RunConnections(t, open) })
	t.Run("Memories", func(t *testing.T) { storagetest.RunMemories(t, open) })
	t.Run("Vectors", func(t *testing.T) {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		pgtest.RequireVectors(t, db)
		storagetest.RunVectors(t, open)
	})
}

func TestReopen(t *testing.T) {
	dsn := pgtest.DSN(t)
	storagetest.RunReopen(t, func(t *testing.T, name string) storage.Store {
		return open(t, dsn, &pgstore.Options{Schema: name})
	})
}
