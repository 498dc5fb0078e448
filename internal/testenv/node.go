package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Clients returns the command of Node.js and the folder of the scripts that play
// MCP clients. Without them the test ends as [Missing] says. Root is the way from
// the test's folder to the module's.
func Clients(t testing.TB, root string) (node, folder string) {
	t.Helper()
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	node = filepath.Join(root, ".tools/node/bin/node") // what make setup brings where the system's is too old
	if _, err := os.Stat(node); err != nil {
		if node, err = exec.LookPath("node"); err != nil {
			Missing(t, "node", "node is not installed; run make setup")
		}
	}
	folder = filepath.Join(root, "test/clients")
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		Missing(t, "node", "the clients are not installed; run make setup")
	}
	return node, folder
}
