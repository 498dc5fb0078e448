// Package pgtest gives tests a PostgreSQL of their own.
//
//	store, err := pgstore.Open(t.Context(), pgtest.DSN(t), nil)
//
// The first call in a test binary starts a private server from the installed
// programs. The server ends with the test binary, however that ends.
package pgtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/heycmo/heycmo-go/internal/testenv"
)

// Server is the environment variable that names a running server to use instead:
// the URL of a database whose user may create databases.
const Server = "HEYCMO_TEST_POSTGRES"

// DSN returns the URL of a new, empty database, which goes when the test ends.
// Without PostgreSQL the test ends as [testenv.Missing] says.
func DSN(t testing.TB) string {
	t.Helper()
	server := server(t)
	name := "heycmo_test_" + strings.ToLower(rand.Text())
	do(t, server, "CREATE DATABASE "+name+" TEMPLATE template0")
	t.Cleanup(func() { do(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u := *server
	u.Path = "/" + name
	return u.String()
}

func do(t testing.TB, server *url.URL, statement string) {
	t.Helper()
	// Not the test's context, which has ended when the cleanup runs.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.String())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

func server(t testing.TB) *url.URL {
	t.Helper()
	if named := os.Getenv(Server); named != "" {
		u, err := url.Parse(named)
		if err != nil || u.Scheme == "" {
			t.Fatalf("pgtest: %s must be a URL such as postgres://user@host/database", Server)
		}
		return u
	}
	bin := programs()
	if bin == "" {
		testenv.Missing(t, "postgres", "no PostgreSQL programs were found: install Debian's package postgresql, or set "+Server+" to the URL of a running server")
	}
	u, err := started(bin)
	if err != nil {
		t.Fatalf("pgtest: start PostgreSQL from %s: %v", bin, err)
	}
	return u
}

var (
	once    sync.Once
	private *url.URL
	failure error
)

func started(bin string) (*url.URL, error) {
	once.Do(func() { private, failure = start(bin) })
	return private, failure
}

// programs returns the folder of the newest installed server, or "". Debian
// keeps its programs out of PATH.
func programs() string {
	candidates := filepath.SplitList(os.Getenv("PATH"))
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int { // "9.6" is older than "15"
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	for _, folder := range append(candidates, debian...) {
		// A link's target has the other programs beside it.
		initdb, err := filepath.EvalSymlinks(filepath.Join(folder, "initdb"))
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(initdb), "pg_ctl")); err == nil {
			return filepath.Dir(initdb)
		}
	}
	return ""
}

// RequireVectors ends a test as [testenv.Missing] says where the server has no
// extension pgvector.
func RequireVectors(t testing.TB, db *sql.DB) {
	t.Helper()
	var there bool
	err := db.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')").Scan(&there)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if !there {
		testenv.Missing(t, "postgres", "PostgreSQL has no extension pgvector: run scripts/setup-pgvector, or install it where "+Server+" points to")
	}
}
