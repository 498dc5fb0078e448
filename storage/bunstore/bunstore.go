// Package bunstore keeps a host's records in SQLite or PostgreSQL through a
// [bun.DB] that the embedder opened.
//
//	db := bun.NewDB(sqldb, pgdialect.New())
//	if err := bunstore.Migrate(ctx, db); err != nil {
//		return err
//	}
//	store, err := bunstore.New(db, nil)
//
// Packages sqlitestore and pgstore open a database with the settings that suit
// it and do all of this in one call.
//
// SQLite must be opened so that transactions begin IMMEDIATE and foreign keys
// are enforced.
package bunstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/heycmo/heycmo-go/storage"
)

// Options are the optional settings of a Store.
type Options struct {
	// Reader serves what only reads, outside transactions. It must be the same
	// database and see at once what was committed, so it can't be a replica that
	// lags. Default: the db given to New.
	Reader *bun.DB
	// NoPrepare keeps KeyByHash, which every request needs, from being a prepared
	// statement: for a pooler in transaction mode that doesn't know them, such as
	// PgBouncer before 1.21. Default: it is one, at a third of the time.
	NoPrepare bool
}

// Store is a [storage.Store] over SQL. It doesn't own the database: whoever
// opened that closes it.
type Store struct {
	write, read bun.IDB
	lookup      *prepared // of KeyByHash, or nil
}

var (
	_ storage.Store    = (*Store)(nil)
	_ storage.Billing  = (*Store)(nil)
	_ storage.Runs     = (*Store)(nil)
	_ storage.Memories = (*Store)(nil)
)

// New returns a Store over db, whose dialect must be SQLite or PostgreSQL and
// whose tables [Migrate] has made. It doesn't touch the database.
func New(db *bun.DB, opts *Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("bunstore: the database is nil")
	}
	if _, err := migrationsOf(db); err != nil {
		return nil, err
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	reader := cmp.Or(o.Reader, db)
	if reader.Dialect().Name() != db.Dialect().Name() {
		return nil, errors.New("bunstore: the reader is a database of another kind")
	}
	s := &Store{write: db, read: reader}
	if !o.NoPrepare {
		s.lookup = &prepared{db: reader.DB, query: s.placeholders(keyByHash)}
	}
	return s, nil
}

// InTx is described at [storage.Store]. Inside another transaction it is a
// savepoint: when fn fails, what fn did is undone and the outer transaction may
// go on.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Store) error) error {
	return s.inTx(ctx, func(tx *Store) error { return fn(ctx, tx) })
}

func (s *Store) inTx(ctx context.Context, fn func(tx *Store) error) error {
	if err := ctx.Err(); err != nil {
		return wrap(ctx, err)
	}
	begin := ctx
	if s.inside() {
		begin = context.WithoutCancel(ctx) // it must be possible to undo when ctx has ended
	}
	tx, err := s.write.BeginTx(begin, nil)
	if err != nil {
		return wrap(ctx, err)
	}
	committed := false
	defer func() {
		if !committed {
			_ = tx.Rollback() // if this fails the connection is lost, and the transaction with it
		}
	}()
	if err := fn(&Store{write: tx, read: tx}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return wrap(ctx, err)
	}
	if err := tx.Commit(); err != nil {
		return wrap(ctx, err)
	}
	committed = true
	return nil
}

func (s *Store) inside() bool {
	_, ok := s.write.(bun.Tx)
	return ok
}

// Ping is described at [storage.Store].
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.read.ExecContext(ctx, "SELECT 1")
	return wrap(ctx, err)
}

func (s *Store) postgres() bool { return s.write.Dialect().Name() == dialect.PG }

// exec runs a statement that writes and returns how many rows it concerned.
func (s *Store) exec(ctx context.Context, statement interface {
	Exec(context.Context, ...any) (sql.Result, error)
}) (int64, error) {
	run, err := s.writing(ctx)
	if err != nil {
		return 0, err
	}
	result, err := statement.Exec(run)
	if err != nil {
		return 0, wrap(ctx, err)
	}
	n, err := result.RowsAffected()
	return n, wrap(ctx, err)
}

// writing returns the context for a statement that writes. Interrupting one makes
// SQLite end the whole transaction, and what follows would be stored on its own.
func (s *Store) writing(ctx context.Context) (context.Context, error) {
	if !s.inside() || s.postgres() {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), wrap(ctx, ctx.Err())
}

// insert stores a row. A conflict is found by what was stored and not by the
// driver's error, after which PostgreSQL would refuse the rest of a transaction.
func (s *Store) insert(ctx context.Context, row any) error {
	n, err := s.exec(ctx, s.write.NewInsert().Model(row).On("CONFLICT DO NOTHING").Returning("NULL"))
	if err == nil && n == 0 {
		return storage.ErrExists
	}
	return err
}

// insertOf stores a row that belongs to a customer.
func (s *Store) insertOf(ctx context.Context, customer storage.CustomerID, row any) error {
	if err := s.known(ctx, customer); err != nil {
		return err
	}
	err := s.insert(ctx, row)
	if err != nil && !errors.Is(err, storage.ErrExists) && errors.Is(s.known(ctx, customer), storage.ErrNotFound) {
		return storage.ErrNotFound // deleted meanwhile
	}
	return err
}

// known returns ErrNotFound if there is no such customer. Inside a transaction
// the customer stays until its end.
func (s *Store) known(ctx context.Context, customer storage.CustomerID) error {
	q := s.read.NewSelect().Model((*customerRow)(nil)).Column("id").Where("id = ?", customer)
	if s.postgres() && s.inside() {
		q = q.For("KEY SHARE")
	}
	var id storage.CustomerID
	return wrap(ctx, q.Scan(ctx, &id))
}

// update reads the row whose key is in row, lets change alter it and stores it.
func (s *Store) update(ctx context.Context, row any, change func() error) error {
	return s.inTx(ctx, func(tx *Store) error {
		// Others may store what belongs to the row meanwhile.
		q := tx.lock(tx.read.NewSelect().Model(row).WherePK(), "NO KEY UPDATE")
		if err := q.Scan(ctx); err != nil {
			return wrap(ctx, err)
		}
		if err := change(); err != nil {
			return err
		}
		_, err := tx.exec(ctx, tx.write.NewUpdate().Model(row).WherePK())
		return err
	})
}

// lock has PostgreSQL lock what q selects. SQLite has one writer at a time anyway.
func (s *Store) lock(q *bun.SelectQuery, how string) *bun.SelectQuery {
	if s.postgres() {
		q = q.For(how)
	}
	return q
}

// remove deletes the row whose key is in row.
func (s *Store) remove(ctx context.Context, row any) error {
	n, err := s.exec(ctx, s.write.NewDelete().Model(row).WherePK())
	if err == nil && n == 0 {
		return storage.ErrNotFound
	}
	return err
}

// list returns one page of what q selects, ordered by the column id.
func list[T any, R interface{ record() T }](ctx context.Context, q *bun.SelectQuery, id bun.Ident, p storage.Page) ([]T, error) {
	if err := checkText("cursor", p.Before); err != nil {
		return nil, err
	}
	if p.Before != "" {
		q = q.Where("? < ?", id, p.Before)
	}
	var rows []R
	if err := limited(q, p.Limit).Model(&rows).OrderExpr("? DESC", id).Scan(ctx); err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}

// limited has q return up to limit rows.
func limited(q *bun.SelectQuery, limit int) *bun.SelectQuery {
	if limit <= 0 {
		return q.Where("1 = 0") // bun takes a limit of 0 for none
	}
	return q.Limit(int64(limit))
}

func records[T any, R interface{ record() T }](rows []R) []T {
	list := make([]T, len(rows))
	for i, r := range rows {
		list[i] = r.record()
	}
	return list
}

// wrap makes an error of the database fit to leave the package.
func wrap(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("bunstore: %w", ctx.Err())
	case errors.Is(err, sql.ErrNoRows):
		return storage.ErrNotFound
	case isUnavailable(err):
		return fmt.Errorf("bunstore: %w: %w", storage.ErrUnavailable, err)
	}
	return fmt.Errorf("bunstore: %w", err)
}

// checkText refuses what can't be stored as text. It takes names and values in
// turn.
func checkText(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if value := pairs[i+1]; !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return storage.Invalid(pairs[i], "valid UTF-8 without NUL bytes")
		}
	}
	return nil
}
