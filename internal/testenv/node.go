package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node returns the command of Node.js and the absolute path of a folder of scripts
// whose packages npm has installed. Without them the test ends as [Missing] says.
// Root is the way from the test's folder to the module's, and scripts from there.
func Node(t testing.TB, root, scripts string) (node, folder string) {
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
	folder = filepath.Join(root, scripts)
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		Missing(t, "node", "the packages of "+scripts+" are not installed; run make setup")
	}
	return node, folder
}
