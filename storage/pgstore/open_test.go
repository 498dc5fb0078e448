package pgstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
)

func create(t *testing.T, s storage.Store, c storage.Customer) {
	t.Helper()
	if err := s.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func exec(t *testing.T, dsn, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestSchemas(t *testing.T) {
	dsn := pgtest.DSN(t)
	names := []string{"", "a", "A", `odd "name"; --`, "public"}
	for i, name := range names {
		create(t, open(t, dsn, &pgstore.Options{Schema: name}), storage.Customer{ID: storage.CustomerID(fmt.Sprint(i))})
	}
	for i, want := range []string{"[4 0]", "[1]", "[2]", "[3]", "[4 0]"} { // no name is "public"
		list, err := open(t, dsn, &pgstore.Options{Schema: names[i]}).Customers(t.Context(), storage.CustomerQuery{Page: storage.Page{Limit: 9}})
		var ids []storage.CustomerID
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		if err != nil || fmt.Sprint(ids) != want {
			t.Errorf("schema %q: customers %v, want %s, %v", names[i], ids, want, err)
		}
	}
}

// TestOpenTogether has several hosts start on a new database.
func TestOpenTogether(t *testing.T) {
	dsn := pgtest.DSN(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: "shared"})
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
}

// TestSchemaMadeMeanwhile stops one host between making the schema and
// committing it, while another one starts.
func TestSchemaMadeMeanwhile(t *testing.T) {
	dsn := pgtest.DSN(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback() }() // when it was not committed
	for _, statement := range []string{"SELECT pg_advisory_xact_lock(hashtext('heycmo schema'))", "CREATE SCHEMA shared"} {
		if _, err := first.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	opened := make(chan error)
	go func() {
		s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: "shared"})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-opened:
			t.Fatalf("it did not wait for the first: %v", err)
		case <-time.After(time.Millisecond):
		}
		err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Commit(); err != nil {
		t.Error(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestNoMigrate(t *testing.T) {
	dsn := pgtest.DSN(t)
	bare := open(t, dsn, &pgstore.Options{Schema: "later", NoMigrate: true})
	if err := bare.CreateCustomer(t.Context(), storage.Customer{ID: "c"}); err == nil || !strings.Contains(err.Error(), `relation "customers" does not exist`) {
		t.Errorf("a customer without tables: %v", err)
	}
	create(t, open(t, dsn, &pgstore.Options{Schema: "later"}), storage.Customer{ID: "c"})
	if _, err := bare.Customer(t.Context(), "c"); err != nil {
		t.Errorf("once another has migrated: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dsn := pgtest.DSN(t)
	for _, c := range []struct {
		what, dsn, want string
		opts            *pgstore.Options
	}{
		{"no DSN at all", "postgres://user:secret@%zz/", "cannot parse", nil},
		{"a closed port", "postgres://user:secret@127.0.0.1:1/x?sslmode=disable", "connection refused", nil},
		{"an absent database", strings.Replace(dsn, "heycmo_test_", "absent_", 1), "does not exist", nil},
		{"nonsense", dsn, "MaxConns must not be negative", &pgstore.Options{MaxConns: -1}},
	} {
		s, err := pgstore.Open(t.Context(), c.dsn, c.opts)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", c.what)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text, "pgstore: open: ") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %v, want one that says %q", c.what, err, c.want)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error has the password: %v", c.what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pgstore.Open(ctx, dsn, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// TestBackslash has a database in which a backslash would end a literal's quotes
// early, if the connection let it.
func TestBackslash(t *testing.T) {
	dsn := pgtest.DSN(t)
	exec(t, dsn, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET standard_conforming_strings = off', current_database()); END $$`)
	s := open(t, dsn, nil)
	want := storage.Customer{ID: `c\`, ExternalID: `'\''`, Email: `\'; DROP TABLE customers; --`, Plan: `\\`}
	create(t, s, want)
	if got, err := s.CustomerByExternalID(t.Context(), want.ExternalID); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestLostConnections ends every connection, the one with the prepared
// statement too, as a restart of the server does.
func TestLostConnections(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, nil)
	create(t, s, storage.Customer{ID: "c"})
	k := storage.Key{ID: "k", CustomerID: "c", Hash: [32]byte{1}}
	if err := s.CreateKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := s.KeyByHash(t.Context(), k.Hash); err != nil {
			t.Fatal(err)
		}
		exec(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
		var err error
		for range 2 { // the first may find the connection dead
			if _, _, err = s.KeyByHash(t.Context(), k.Hash); err == nil {
				break
			}
		}
		if err != nil {
			t.Errorf("after the connections were lost: %v", err)
		}
	}
}

func TestNoPrepare(t *testing.T) {
	dsn := pgtest.DSN(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, noPrepare := range []bool{false, true} {
		s := open(t, dsn, &pgstore.Options{NoPrepare: noPrepare, MaxConns: 1})
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.KeyByHash(t.Context(), [32]byte{}); !errors.Is(err, storage.ErrNotFound) {
			t.Error(err)
		}
		var last string // what the store's connection ran; a prepared query has a placeholder
		err := db.QueryRowContext(t.Context(), `SELECT query FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE '%api_keys AS k JOIN%' AND pid <> pg_backend_pid()
			ORDER BY query_start DESC LIMIT 1`).Scan(&last)
		if err != nil || strings.Contains(last, "$1") == noPrepare {
			t.Errorf("NoPrepare %v: it ran %q, %v", noPrepare, last, err)
		}
	}
}

func TestMaxConns(t *testing.T) {
	s := open(t, pgtest.DSN(t), &pgstore.Options{MaxConns: 1})
	create(t, s, storage.Customer{ID: "c"})
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.InTx(t.Context(), func(context.Context, storage.Store) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Customer(ctx, "c"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second query on the only connection: %v", err)
	}
	close(release)
	wg.Wait()
}

func TestClose(t *testing.T) {
	s, err := pgstore.Open(t.Context(), pgtest.DSN(t), &pgstore.Options{Schema: rand.Text()})
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
