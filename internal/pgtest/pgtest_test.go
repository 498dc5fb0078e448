package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// childVariable makes this test binary a process that starts a server, tells its
// folder, and waits to be killed.
const childVariable = "HEYCMO_PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	u, err := started(programs())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(u.Query().Get("host"))
	select {}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestDSN(t *testing.T) {
	var first string
	t.Run("Database", func(t *testing.T) {
		first = DSN(t)
		second := DSN(t)
		a, b := connect(t, first), connect(t, second)
		defer b.Close(t.Context())
		if _, err := a.Exec(t.Context(), "CREATE TABLE things (id TEXT)"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Exec(t.Context(), "SELECT * FROM things"); err == nil {
			t.Error("two tests share a database")
		}
		// a stays open: a test that forgets to close must not keep the database.
	})
	if conn, err := pgx.Connect(t.Context(), first); err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there after its test")
	}
}

func TestNamedServer(t *testing.T) {
	named := server(t)
	t.Setenv(Server, named.String())
	conn := connect(t, DSN(t))
	defer conn.Close(t.Context())

	t.Setenv(Server, "postgres://nobody@localhost:1/none")
	if got := server(t); got.Port() != "1" {
		t.Errorf("%s is not used: %v", Server, got)
	}
}

// TestServerEndsWithItsProcess kills a process that has a server.
func TestServerEndsWithItsProcess(t *testing.T) {
	server(t) // skips without PostgreSQL
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	output := bufio.NewScanner(stdout)
	output.Scan()
	dir := output.Text()
	dsn := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}
	conn := connect(t, dsn.String())

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if _, err := conn.Exec(t.Context(), "SELECT pg_sleep(30)"); err == nil {
		t.Error("the server outlived its process by 30 s")
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("%s is still there", dir)
		}
	}
}

func TestStartFails(t *testing.T) {
	if u, err := start(t.TempDir()); err == nil {
		t.Errorf("it started without programs: %v", u)
	}
}
