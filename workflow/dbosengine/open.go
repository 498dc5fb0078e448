package dbosengine

import (
	"database/sql"
	"errors"
	"net/url"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // the library's half of SQLite
	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver
)

// OpenSQLite returns an engine over a SQLite file, which may be that of a store. It opens
// nothing before Start, which also locks the file's neighbour with the ending
// ".engine-lock" and fails while another process has it.
func OpenSQLite(path string, o *Options) (*Engine, error) {
	if path == "" {
		return nil, errors.New("dbosengine: the path is empty")
	}
	e := newEngine(dbos.Config{}, o)
	e.path, e.lock = path, flock.New(path+".engine-lock", flock.SetPermissions(0o600))
	return e, nil
}

// openFile opens a SQLite file.
func openFile(path string) (*sql.DB, error) {
	q := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// OpenPostgres returns an engine over a PostgreSQL database, such as postgres://user@host/name,
// which may be that of a store. It connects when it is started.
func OpenPostgres(dsn string, o *Options) (*Engine, error) {
	if dsn == "" {
		return nil, errors.New("dbosengine: the address is empty")
	}
	return newEngine(dbos.Config{DatabaseURL: dsn}, o), nil
}
