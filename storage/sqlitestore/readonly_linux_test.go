package sqlitestore_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// TestReadOnlyFile works for root as well, by taking another user's rights to
// files for this thread.
func TestReadOnlyFile(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "sqlitestore") //nolint:usetesting // the other user can't enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "x.db")
	s, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for file, mode := range map[string]os.FileMode{path: 0o444, dir: 0o777} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // never unlocked: the thread ends with the test
		const nobody = 65534
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0) // returns the user before
	}
	for _, opts := range []*sqlitestore.Options{nil, {NoMigrate: true}} {
		s, err := sqlitestore.Open(t.Context(), path, opts)
		if err == nil {
			_ = s.Close()
			t.Error("it was opened")
		} else if !strings.Contains(err.Error(), "readonly database") {
			t.Error(err)
		}
	}
}
