package bunstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/jackc/pgx/v5"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/bunstore"
	"github.com/heycmo/heycmo-go/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sqlite opens a database as the package comment asks for, and no more.
func sqlite(t *testing.T, path string) *bun.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_txlock=immediate&_foreign_keys=1&_busy_timeout=20000&_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return bun.NewDB(db, sqlitedialect.New())
}

// postgres opens a database with what pgx does by default.
func postgres(t *testing.T, dsn string) *bun.DB {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return bun.NewDB(db, pgdialect.New())
}

func newStore(t *testing.T, db *bun.DB, opts *bunstore.Options) *bunstore.Store {
	t.Helper()
	if err := bunstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s, err := bunstore.New(db, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEmbeddersSQLite runs the suites on a database that an embedder opened.
func TestEmbeddersSQLite(t *testing.T) {
	open := func(t *testing.T) storage.Store {
		return newStore(t, sqlite(t, filepath.Join(t.TempDir(), "x.db")), &bunstore.Options{NoPrepare: true})
	}
	t.Run("Run", func(t *testing.T) { storagetest.Run(t, open) })
	t.Run("Tx", func(t *testing.T) { storagetest.RunTx(t, open) })
	t.Run("Concurrent", func(t *testing.T) { storagetest.RunConcurrent(t, open) })
	t.Run("Billing", func(t *testing.T) { storagetest.RunBilling(t, open) })
	t.Run("Runs", func(t *testing.T) { storagetest.RunRuns(t, open) })
	t.Run("Connections", func(t *testing.T) { storagetest.RunConnections(t, open) })
	t.Run("Memories", func(t *testing.T) { storagetest.RunMemories(t, open) })
}

func TestEmbeddersPostgres(t *testing.T) {
	s := newStore(t, postgres(t, pgtest.DSN(t)), &bunstore.Options{NoPrepare: true})
	c := storage.Customer{ID: "c", Status: storage.StatusActive}
	k := storage.Key{ID: "k", CustomerID: "c", Hash: [32]byte{0, 1, '\'', '\\', 0xff}, CreatedAt: storage.Now()}
	if err := errors.Join(s.CreateCustomer(t.Context(), c), s.CreateKey(t.Context(), k)); err != nil {
		t.Fatal(err)
	}
	gotKey, gotCustomer, err := s.KeyByHash(t.Context(), k.Hash)
	if err != nil || gotKey != k || gotCustomer != c {
		t.Errorf("KeyByHash: %v, %v, %v", gotKey, gotCustomer, err)
	}
}

func TestNewRefuses(t *testing.T) {
	db := sqlite(t, filepath.Join(t.TempDir(), "x.db"))
	other := bun.NewDB(db.DB, pgdialect.New())
	for what, try := range map[string]func() (*bunstore.Store, error){
		"no database":    func() (*bunstore.Store, error) { return bunstore.New(nil, nil) },
		"another reader": func() (*bunstore.Store, error) { return bunstore.New(db, &bunstore.Options{Reader: other}) },
	} {
		if s, err := try(); err == nil || s != nil || !strings.HasPrefix(err.Error(), "bunstore: ") {
			t.Errorf("%s: %v, %v", what, s, err)
		}
	}
}

func TestMigrateTogether(t *testing.T) {
	dsn := pgtest.DSN(t)
	for name, db := range map[string]func() *bun.DB{
		"SQLite":     func() *bun.DB { return sqlite(t, filepath.Join(t.TempDir(), "x.db")) },
		"PostgreSQL": func() *bun.DB { return postgres(t, dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			db := db()
			for range 4 {
				wg.Go(func() {
					if err := bunstore.Migrate(t.Context(), db); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if err := bunstore.Migrate(t.Context(), db); err != nil {
				t.Errorf("once more: %v", err)
			}
			var versions int
			if err := db.NewRaw("SELECT count(*) FROM heycmo_migrations WHERE version_id = 1").Scan(t.Context(), &versions); err != nil || versions != 1 {
				t.Errorf("the first migration is on record %d times, %v", versions, err)
			}
		})
	}
}

// TestMigrateBesideOthers has an embedder who uses goose too.
func TestMigrateBesideOthers(t *testing.T) {
	db := sqlite(t, filepath.Join(t.TempDir(), "x.db"))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER, tstamp TIMESTAMP)")
	if err != nil {
		t.Fatal(err)
	}
	newStore(t, db, nil)
	var n int
	if err := db.NewRaw("SELECT count(*) FROM goose_db_version").Scan(t.Context(), &n); err != nil || n != 0 {
		t.Errorf("the embedder's table has %d rows, %v", n, err)
	}
}

func TestMigrateFails(t *testing.T) {
	db := sqlite(t, filepath.Join(t.TempDir(), "x.db"))
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE events (id TEXT)"); err != nil {
		t.Fatal(err)
	}
	err := bunstore.Migrate(t.Context(), db)
	if err == nil || !strings.Contains(err.Error(), "events already exists") {
		t.Errorf("with a table of that name: %v", err)
	}
	if err := db.NewRaw("SELECT 1 FROM customers").Scan(t.Context()); err == nil {
		t.Error("half of the migration is left")
	}
}

// TestInterruptedWrite ends the context of single writes inside a transaction
// that goes on. SQLite would end the transaction when a write is interrupted,
// and store the rest for good.
func TestInterruptedWrite(t *testing.T) {
	s := newStore(t, sqlite(t, filepath.Join(t.TempDir(), "x.db")), nil)
	if err := s.CreateCustomer(t.Context(), storage.Customer{ID: "c"}); err != nil {
		t.Fatal(err)
	}
	used := map[storage.KeyID]time.Time{}
	for i := range 1000 {
		k := storage.Key{ID: storage.KeyID(fmt.Sprint(i)), CustomerID: "c", Hash: [32]byte{byte(i), byte(i >> 8)}}
		if err := s.CreateKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		used[k.ID] = storage.Now()
	}
	mine := errors.New("my own reason")
	for i := range 60 {
		err := s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
			short, cancel := context.WithTimeout(ctx, time.Duration(i)*100*time.Microsecond)
			defer cancel()
			_ = tx.TouchKeys(short, used)
			if err := tx.CreateCustomer(ctx, storage.Customer{ID: "left over"}); err != nil {
				return err
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Fatalf("InTx: %v", err)
		}
		if _, err := s.Customer(t.Context(), "left over"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("what a rolled back transaction wrote is there: %v", err)
		}
	}
}

// TestHugeUses settles numbers whose sum is too large to be stored: nothing must
// wrap or be left.
func TestHugeUses(t *testing.T) {
	dsn := pgtest.DSN(t)
	for name, db := range map[string]func() *bun.DB{
		"SQLite":     func() *bun.DB { return sqlite(t, filepath.Join(t.TempDir(), "x.db")) },
		"PostgreSQL": func() *bun.DB { return postgres(t, dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, db(), nil)
			if err := s.CreateCustomer(t.Context(), storage.Customer{ID: "c"}); err != nil {
				t.Fatal(err)
			}
			use := func(id string, n int64) storage.Use { return storage.Use{CustomerID: "c", ID: id, Used: n} }
			for _, id := range []string{"1", "2"} {
				if _, err := s.Reserve(t.Context(), storage.Reservation{CustomerID: "c", ID: id, Metric: "m", Units: 1}, -1); err != nil {
					t.Fatal(err)
				}
			}
			err := s.Settle(t.Context(), []storage.Use{use("1", math.MaxInt64), use("2", math.MaxInt64)})
			if !errors.Is(err, storage.ErrInvalid) {
				t.Errorf("both at once: %v", err)
			}
			if err := s.Settle(t.Context(), []storage.Use{use("1", math.MaxInt64-5)}); err != nil {
				t.Errorf("the first: %v", err)
			}
			if err := s.Settle(t.Context(), []storage.Use{use("2", 6)}); err == nil {
				t.Error("the second was stored too")
			}
			want := storage.Balance{Used: math.MaxInt64 - 5, Held: 1}
			if b, err := s.Balance(t.Context(), "c", "m", time.Time{}); err != nil || b != want {
				t.Errorf("the balance is %+v, want %+v, %v", b, want, err)
			}
			if b, err := s.Reserve(t.Context(), storage.Reservation{CustomerID: "c", ID: "3", Metric: "m", Units: 5}, -1); !errors.Is(err, storage.ErrConflict) || b != want {
				t.Errorf("Reserve: %+v, %v", b, err)
			}
		})
	}
}
