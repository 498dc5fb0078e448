package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func customer(id string) storage.Customer {
	return storage.Customer{ID: storage.CustomerID(id), Status: storage.StatusActive, CreatedAt: storage.Now()}
}

func create(t *testing.T, s storage.Store, id string) {
	t.Helper()
	if err := s.CreateCustomer(t.Context(), customer(id)); err != nil {
		t.Fatal(err)
	}
}

func TestFileModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	create(t, open(t, path), "c")
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}

	// The mode of a file that was there is the owner's business.
	existing := filepath.Join(t.TempDir(), "existing.db")
	if err := os.WriteFile(existing, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	open(t, existing)
	if info, err := os.Stat(existing); err != nil || info.Mode() != 0o640 {
		t.Errorf("an existing file got mode %v, %v", info.Mode(), err)
	}
}

func TestOddPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b", "a?mode=memory", "a#b", "100%41", "ä'\"", "a&b;c", ":memory:x", `a\b`} {
		path := filepath.Join(dir, name)
		create(t, open(t, path), "c")
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q: nothing was stored under that name: %v", name, err)
		}
	}
	t.Chdir(dir)
	create(t, open(t, "relative.db"), "c")
	if _, err := os.Stat(filepath.Join(dir, "relative.db")); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, path, want string
		opts             *sqlitestore.Options
	}{
		{"an empty path", "", "the path is empty", nil},
		{"an absent folder", filepath.Join(dir, "absent", "x.db"), "no such file or directory", nil},
		{"a folder", dir, "unable to open database file", nil},
		{"another file", text, "file is not a database", nil},
		{"another file, unmigrated", text, "file is not a database", &sqlitestore.Options{NoMigrate: true}},
		{"nonsense", filepath.Join(dir, "y.db"), "Readers must not be negative", &sqlitestore.Options{Readers: -1}},
	} {
		s, err := sqlitestore.Open(t.Context(), c.path, c.opts)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", c.what)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text, "sqlitestore: open "+c.path) || !strings.Contains(text, c.want) {
			t.Errorf("%s: %v, want one that says %q", c.what, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the absent folder was made")
	}
}

func TestOpenWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{sqlitestore.Memory, filepath.Join(t.TempDir(), "x.db")} {
		if _, err := sqlitestore.Open(ctx, path, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Open(%s) with an ended context: %v", path, err)
		}
	}
}

func TestNoMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Options{NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateCustomer(t.Context(), customer("c")); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("a customer without tables: %v", err)
	}
	create(t, open(t, path), "c")
	if _, err := s.Customer(t.Context(), "c"); err != nil {
		t.Errorf("once another has migrated: %v", err)
	}
}

// TestOpenTogether opens a new file several times at once, as several processes
// might.
func TestOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			s, err := sqlitestore.Open(t.Context(), path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.CreateCustomer(t.Context(), customer(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := open(t, path).Customers(t.Context(), storage.CustomerQuery{Page: storage.Page{Limit: 100}})
	if err != nil || len(list) != 6 {
		t.Errorf("%d customers, %v", len(list), err)
	}
}

func TestMemoryIsPrivate(t *testing.T) {
	a, b := open(t, sqlitestore.Memory), open(t, sqlitestore.Memory)
	create(t, a, "c")
	if _, err := b.Customer(t.Context(), "c"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a second database in memory: %v", err)
	}
	if _, err := os.Stat(sqlitestore.Memory); err == nil {
		t.Error("there is a file :memory:")
	}
}

// TestMemorySurvivesCancellation ends contexts in the middle of work: a lost
// connection would be a lost database.
func TestMemorySurvivesCancellation(t *testing.T) {
	s := open(t, sqlitestore.Memory)
	create(t, s, "c")
	for i := range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Microsecond)
		_ = s.CreateCustomer(ctx, customer(storage.NewID()))
		_ = s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
			return tx.CreateCustomer(ctx, customer(storage.NewID()))
		})
		_, _ = s.Customers(ctx, storage.CustomerQuery{Page: storage.Page{Limit: 100}})
		cancel()
	}
	if _, err := s.Customer(t.Context(), "c"); err != nil {
		t.Error(err)
	}
}

// TestOtherProcess has two stores on one file, which know as little of each
// other as two processes do.
func TestOtherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	mine, other := open(t, path), open(t, path)
	create(t, mine, "c")

	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := other.InTx(t.Context(), func(context.Context, storage.Store) error {
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	if _, err := mine.Customer(t.Context(), "c"); err != nil {
		t.Errorf("reading while the other writes: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := mine.CreateCustomer(ctx, customer("d")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("writing while the other writes: %v", err)
	}
	if waited := time.Since(begin); waited > 2*time.Second {
		t.Errorf("it took %v to give up", waited)
	}
	close(release)
	wg.Wait()
	create(t, mine, "d")

	// Both write as fast as they can.
	for _, s := range []storage.Store{mine, other, mine, other} {
		wg.Go(func() {
			for range 20 {
				_, err := s.UpdateCustomer(t.Context(), "c", func(c *storage.Customer) error { c.Plan += "x"; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if c, err := mine.Customer(t.Context(), "c"); err != nil || len(c.Plan) != 80 {
		t.Errorf("80 updates, of which %d were kept, %v", len(c.Plan), err)
	}
}

func TestClose(t *testing.T) {
	s, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("Ping answers after Close")
	}
}
