// Package testenv decides what becomes of a test whose program is not installed.
package testenv

import (
	"os"
	"strings"
	"testing"
)

// Require is the environment variable that lists, separated by commas, what may
// not be missing: "postgres,redis,chromium".
const Require = "HEYCMO_TEST_REQUIRE"

// Missing ends a test that can't run without name: it skips it, or fails it when
// [Require] lists name. The reason says what is missing and what to install.
func Missing(t testing.TB, name, reason string) {
	t.Helper()
	for listed := range strings.SplitSeq(os.Getenv(Require), ",") {
		if strings.TrimSpace(listed) == name {
			t.Fatalf("%s is required by %s, but %s", name, Require, reason)
			return
		}
	}
	t.Skip(reason)
}
