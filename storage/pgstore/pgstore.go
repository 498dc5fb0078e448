// Package pgstore keeps a host's records in PostgreSQL.
//
//	store, err := pgstore.Open(ctx, "postgres://heycmo@localhost/heycmo", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// Several hosts may share one database. PostgreSQL 13 or later is required.
package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/heycmo/heycmo-go/storage/bunstore"
)

// Options are the optional settings of a Store.
type Options struct {
	// Schema holds the tables. Open makes it if it is absent, unless NoMigrate.
	// Default: the first of the connection's search_path, usually "public".
	Schema string
	// NoMigrate leaves the tables as they are. Default: Open brings them up to
	// date.
	NoMigrate bool
	// NoPrepare keeps the hottest query from being a prepared statement, as a
	// pooler in transaction mode may need: see [bunstore.Options]. Such a pooler
	// can't migrate either, because that takes a lock of the session.
	NoPrepare bool
	// MaxConns is how many connections may be open at once. Default: 16.
	MaxConns int
	// MaxConnLifetime is when a connection is replaced by a new one, so that load
	// follows a failover. Default: 30 minutes. Negative: never.
	MaxConnLifetime time.Duration
}

// Store is a [storage.Store] in a PostgreSQL database.
type Store struct {
	*bunstore.Store
	db *sql.DB
}

// Open connects to the database that dsn names, a URL or the key=value form of
// libpq. What dsn leaves out is taken from the PG* environment variables.
func Open(ctx context.Context, dsn string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	s, err := open(ctx, dsn, o)
	if err != nil {
		return nil, fmt.Errorf("pgstore: open: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, dsn string, o Options) (*Store, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err // pgx masks the password
	}
	if o.MaxConns < 0 {
		return nil, errors.New("MaxConns must not be negative")
	}
	// bun writes values into the text of a statement: preparing each anew would
	// double its time.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	// With this off, a backslash in a value could end its quotes.
	config.RuntimeParams["standard_conforming_strings"] = "on"
	if o.Schema != "" {
		config.RuntimeParams["search_path"] = pgx.Identifier{o.Schema}.Sanitize()
	}

	db := stdlib.OpenDB(*config)
	if o.MaxConns == 0 {
		o.MaxConns = 16
	}
	if o.MaxConnLifetime == 0 {
		o.MaxConnLifetime = 30 * time.Minute
	}
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(o.MaxConnLifetime)

	s := &Store{db: db}
	if err := s.prepare(ctx, o); err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, o Options) error {
	if err := s.db.PingContext(ctx); err != nil {
		return err
	}
	db := bun.NewDB(s.db, pgdialect.New())
	if !o.NoMigrate {
		if err := createSchema(ctx, db, o.Schema); err != nil {
			return fmt.Errorf("create schema: %w", err)
		}
		if err := bunstore.Migrate(ctx, db); err != nil {
			return err
		}
	}
	var err error
	s.Store, err = bunstore.New(db, &bunstore.Options{NoPrepare: o.NoPrepare})
	return err
}

// createSchema makes the schema if it is absent. IF NOT EXISTS alone fails when
// two do it at once.
func createSchema(ctx context.Context, db *bun.DB, name string) error {
	if name == "" {
		return nil
	}
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext('heycmo schema'))"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS ?", bun.Ident(name))
		return err
	})
}

// Close closes the connections. The Store must not be used any more.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("pgstore: close: %w", err)
	}
	return nil
}
