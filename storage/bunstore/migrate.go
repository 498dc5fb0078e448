package bunstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

//go:embed migrations
var migrations embed.FS

// versionTable has a name of its own: the embedder may use goose as well.
const versionTable = "heycmo_migrations"

// migration is how one kind of database is migrated.
type migration struct {
	folder  string
	dialect goose.Dialect
}

func migrationsOf(db *bun.DB) (migration, error) {
	switch name := db.Dialect().Name(); name {
	case dialect.SQLite:
		return migration{"migrations/sqlite", goose.DialectSQLite3}, nil
	case dialect.PG:
		return migration{"migrations/postgres", goose.DialectPostgres}, nil
	default:
		return migration{}, fmt.Errorf("bunstore: no support for the SQL dialect %s", name)
	}
}

// Migrate brings the tables of db up to what this version of the package needs.
// On PostgreSQL it also installs the extension pgvector if it may; without it,
// memories are found by their words alone. It only goes forward, changes nothing when there is nothing to do, and may run
// in several processes at once: the others wait.
func Migrate(ctx context.Context, db *bun.DB) error {
	m, err := migrationsOf(db)
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrations, m.folder)
	if err != nil {
		return fmt.Errorf("bunstore: %w", err)
	}
	options := []goose.ProviderOption{
		goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	}
	tries := 1
	if m.dialect == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return fmt.Errorf("bunstore: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	} else {
		// SQLite locks one migration, not all of them together. When another
		// process is faster, the next try finds the work done.
		tries = 5
	}
	provider, err := goose.NewProvider(m.dialect, db.DB, files, options...)
	if err != nil {
		return fmt.Errorf("bunstore: %w", err)
	}
	for range tries {
		if _, err = provider.Up(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err == nil && m.dialect == goose.DialectPostgres {
		err = vectorTable(ctx, db)
	}
	if err != nil {
		return fmt.Errorf("bunstore: migrate: %w", err)
	}
	return nil
}
