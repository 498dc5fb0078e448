package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node returns the path of Node.js: the one that make setup brought, if the
// system's was too old, or else the system's. root is the way to the project's
// folder. It ends the test like Missing when there is none, or when packages, a
// folder that npm fills, is empty.
func Node(t testing.TB, root, packages string) string {
	t.Helper()
	node, err := filepath.Abs(filepath.Join(root, ".tools/node/bin/node"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(node); err != nil {
		if node, err = exec.LookPath("node"); err != nil {
			Missing(t, "node", "node is not installed; run make setup")
		}
	}
	if _, err := os.Stat(packages); err != nil {
		Missing(t, "node", packages+" is missing; run make setup")
	}
	return node
}
