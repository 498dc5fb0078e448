// Package sqlitestore keeps a host's records in a SQLite file.
//
//	store, err := sqlitestore.Open(ctx, "heycmo.db", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// The file may be shared with other processes on the same machine, but not over
// a network file system. Beside it SQLite keeps two more, with "-wal" and "-shm"
// after the name: they belong to the database and must be moved along with it.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
	_ "modernc.org/sqlite/vec" // compares the vectors of memories

	"github.com/heycmo/heycmo-go/storage/bunstore"
)

// Memory is the path of a database in memory. Each Open of it is a database of
// its own, which is gone after Close.
const Memory = ":memory:"

// busyTimeout is how long to wait for another process.
const busyTimeout = 5 * time.Second

// Options are the optional settings of a Store.
type Options struct {
	// NoMigrate leaves the tables as they are. Default: Open brings them up to
	// date.
	NoMigrate bool
	// Readers is how many queries outside transactions may run at once, each on
	// a connection of its own. Default: 4, or the number of processors if that
	// is more. A database in memory has one connection for everything.
	Readers int
}

// Store is a [storage.Store] in a SQLite database.
type Store struct {
	*bunstore.Store
	writer, reader *sql.DB
}

// Open opens the database at path, or makes it, readable by its owner only, if
// there is none. The directory must exist.
//
// There is one connection that writes, for which callers wait in turn, and
// several that read. Only another process can keep the writer waiting, and after
// 5 seconds of that it gives up.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: open %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Readers < 0 {
		return nil, errors.New("option Readers must not be negative")
	}
	if path != Memory {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	s, err := connect(path, o)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, o); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// create makes the file if there is none. SQLite would do so with wider
// permissions. An existing file is left alone: closing it here would drop the
// locks of other connections of this process (POSIX).
func create(path string) error {
	if path == "" {
		return errors.New("the path is empty") // to SQLite this is a temporary file
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err // the message has the path already
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func connect(path string, o Options) (*Store, error) {
	writer, err := sql.Open("sqlite", dsn(path, url.Values{"_txlock": {"immediate"}}))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	s := &Store{writer: writer, reader: writer}
	if path != Memory {
		s.reader, err = sql.Open("sqlite", dsn(path, url.Values{"_query_only": {"1"}}))
		if err != nil {
			return nil, err
		}
		n := o.Readers
		if n == 0 {
			n = max(4, runtime.NumCPU())
		}
		s.reader.SetMaxOpenConns(n)
		s.reader.SetMaxIdleConns(n)
	}
	return s, nil
}

func dsn(path string, q url.Values) string {
	q.Set("_busy_timeout", strconv.FormatInt(busyTimeout.Milliseconds(), 10))
	q.Set("_foreign_keys", "1")
	q.Set("_synchronous", "NORMAL")
	q.Set("_pragma", "secure_delete(1)") // what was deleted isn't in the file any more
	if path == Memory {
		path = "file::memory:"
	} else {
		path = (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
	}
	return path + "?" + q.Encode()
}

func (s *Store) prepare(ctx context.Context, o Options) error {
	if err := s.probe(ctx); err != nil {
		return err
	}
	if s.reader != s.writer {
		if err := s.useWAL(ctx); err != nil {
			return err
		}
	}
	writer := bun.NewDB(s.writer, sqlitedialect.New())
	if !o.NoMigrate {
		if err := bunstore.Migrate(ctx, writer); err != nil {
			return err
		}
	}
	var err error
	s.Store, err = bunstore.New(writer, &bunstore.Options{Reader: bun.NewDB(s.reader, sqlitedialect.New())})
	return err
}

// probe writes and takes it back: what is no database, or can't be written, is
// refused here and not at the first use.
func (s *Store) probe(ctx context.Context) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "CREATE TABLE heycmo_probe (x)")
	return errors.Join(err, tx.Rollback())
}

// useWAL lets readers and the writer work at the same time. The file remembers
// it. Two processes that do this to a new file at once get in each other's way,
// and SQLite doesn't wait there.
func (s *Store) useWAL(ctx context.Context) error {
	for end := time.Now().Add(busyTimeout); ; {
		_, err := s.writer.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		var failure *sqlite.Error
		if !errors.As(err, &failure) || failure.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Close closes the database. The Store must not be used any more.
func (s *Store) Close() error {
	err := s.writer.Close()
	if s.reader != s.writer {
		err = errors.Join(s.reader.Close(), err)
	}
	if err != nil {
		return fmt.Errorf("sqlitestore: close: %w", err)
	}
	return nil
}
