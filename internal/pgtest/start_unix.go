//go:build unix

package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The shell outlives the test binary: when the pipe on its standard input is
// closed, which the kernel does for a killed process too, it stops the server
// and removes the folder.
//
// The databases sort as people do, where possible, so that a column that must
// sort by bytes and doesn't is found out.
const script = `
bin=$1 dir=$2
init() {
	"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync "$@"
}
{ init --locale-provider=icu --icu-locale=en-US || init; } >"$dir/log" 2>&1 &&
"$bin/pg_ctl" start -w -D "$dir/data" -l "$dir/log" \
	-o "-k $dir -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=200" \
	>>"$dir/start" 2>&1 &&
echo ready || cat "$dir/log" "$dir/start"
exec >&-
cat >/dev/null
"$bin/pg_ctl" stop -m immediate -D "$dir/data" >/dev/null 2>&1
rm -rf "$dir"
`

// start makes a server that listens on a socket in a temporary folder.
func start(bin string) (*url.URL, error) {
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	if len(filepath.Join(dir, ".s.PGSQL.5432")) > 100 { // the system's limit for sockets
		_ = os.Remove(dir)
		if dir, err = os.MkdirTemp("/tmp", "pgtest"); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", bin, dir)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	// A group of its own: Ctrl-C must not end the shell before its work is done.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if cmd.SysProcAttr.Credential, err = unprivileged(dir); err != nil {
			return nil, err
		}
	}
	// The write end of the pipe stays open as long as this process lives.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	output := bufio.NewScanner(stdout)
	var log strings.Builder
	for output.Scan() {
		if output.Text() == "ready" {
			keep = stdin
			return &url.URL{
				Scheme:   "postgres",
				User:     url.User("postgres"),
				Path:     "/postgres",
				RawQuery: url.Values{"host": {dir}}.Encode(),
			}, nil
		}
		log.WriteString("\n" + output.Text())
	}
	_ = stdin.Close()
	return nil, errors.New("it did not become ready:" + log.String())
}

// keep holds the pipe, which would be closed when it is collected as garbage.
var keep any //nolint:unused // only ever written

// unprivileged returns a user fit to run the server and gives it the folder.
func unprivileged(dir string) (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("there is neither a user postgres nor nobody to run it as")
}
