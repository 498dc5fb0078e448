package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, nil)
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

func TestFile(t *testing.T) {
	suites(t, func(t *testing.T) storage.Store { return open(t, filepath.Join(t.TempDir(), "test.db")) })
}

func TestMemory(t *testing.T) {
	suites(t, func(t *testing.T) storage.Store { return open(t, sqlitestore.Memory) })
}

func suites(t *testing.T, open func(*testing.T) storage.Store) {
	t.Run("Run", func(t *testing.T) { storagetest.Run(t, open) })
	t.Run("Tx", func(t *testing.T) { storagetest.RunTx(t, open) })
	t.Run("Concurrent", func(t *testing.T) { storagetest.RunConcurrent(t, open) })
	t.Run("Billing", func(t *testing.T) { storagetest.RunBilling(t, open) })
	t.Run("Runs", func(t *testing.T) { storagetest.RunRuns(t, open) })
	t.Run("Connections", func(t *testing.T) { storagetest.RunConnections(t, open) })
	t.Run("Memories", func(t *testing.T) { storagetest.RunMemories(t, open) })
	t.Run("Vectors", func(t *testing.T) { storagetest.RunVectors(t, open) })
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	storagetest.RunReopen(t, func(t *testing.T, name string) storage.Store {
		return open(t, filepath.Join(dir, name+".db"))
	})
}
