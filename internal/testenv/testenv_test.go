package testenv

import (
	"fmt"
	"testing"
)

// recorder is a test that notes how it ends.
type recorder struct {
	testing.TB
	ended string
}

func (*recorder) Helper()         {}
func (r *recorder) Skip(a ...any) { r.ended = "skipped: " + fmt.Sprint(a...) }
func (r *recorder) Fatalf(format string, a ...any) {
	r.ended = "failed: " + fmt.Sprintf(format, a...)
}

func TestMissing(t *testing.T) {
	for require, want := range map[string]string{
		"":               "skipped: install it",
		"redis":          "skipped: install it",
		"postgresql":     "skipped: install it",
		"postgres":       "failed: postgres is required by HEYCMO_TEST_REQUIRE, but install it",
		"redis,postgres": "failed: postgres is required by HEYCMO_TEST_REQUIRE, but install it",
		"a, postgres ,b": "failed: postgres is required by HEYCMO_TEST_REQUIRE, but install it",
	} {
		t.Setenv(Require, require)
		r := &recorder{TB: t}
		Missing(r, "postgres", "install it")
		if r.ended != want {
			t.Errorf("%s=%q: %s, want %s", Require, require, r.ended, want)
		}
	}
}
