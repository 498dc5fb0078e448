package storagetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faultVariable names the fault with which TestSuites runs.
const faultVariable = "HEYCMO_STORAGETEST_FAULT"

// TestSuites passes without a fault. TestFaultsAreFound runs it with each.
func TestSuites(t *testing.T) {
	wrap := func(s storage.Store) storage.Store { return s }
	if name := os.Getenv(faultVariable); name != "" {
		wrap = func(s storage.Store) storage.Store { return faulty(s, faults[name].wrap) }
	}
	openPath := func(t *testing.T, path string) storage.Store {
		s, err := sqlitestore.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return wrap(s)
	}
	open := func(t *testing.T) storage.Store { return openPath(t, sqlitestore.Memory) }

	t.Run("Run", func(t *testing.T) { storagetest.Run(t, open) })
	t.Run("Tx", func(t *testing.T) { storagetest.RunTx(t, open) })
	t.Run("Concurrent", func(t *testing.T) { storagetest.RunConcurrent(t, open) })
	t.Run("Billing", func(t *testing.T) { storagetest.RunBilling(t, open) })
	t.Run("Runs", func(t *testing.T) { storagetest.RunRuns(t, open) })
	t.Run("Connections", func(t *testing.T) { storagetest.RunConnections(t, open) })
	t.Run("Memories", func(t *testing.T) { storagetest.RunMemories(t, open) })
	t.Run("Vectors", func(t *testing.T) { storagetest.RunVectors(t, open) })
	dir := t.TempDir()
	t.Run("Reopen", func(t *testing.T) {
		storagetest.RunReopen(t, func(t *testing.T, name string) storage.Store {
			if os.Getenv(faultVariable) == "records are lost when closed" {
				return open(t)
			}
			return openPath(t, filepath.Join(dir, name))
		})
	})
}

// TestFaultsAreFound checks the suites: each fault must make the check fail that
// is there to find it.
func TestFaultsAreFound(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestSuites$/^" + strings.ReplaceAll(fault.check, "/", "$/^") + "$"
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=60s")
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			output, err := cmd.CombinedOutput()
			out := string(output)
			if err == nil || !strings.Contains(out, "--- FAIL: TestSuites/"+fault.check+" (") || strings.Contains(out, "panic: ") {
				t.Errorf("%s did not find it: %v\n%s", fault.check, err, out)
			}
		})
	}
}
