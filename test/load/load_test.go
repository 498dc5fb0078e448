package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain serves when this program was started as a server by a test.
func TestMain(m *testing.M) {
	if isServer() {
		os.Exit(serveMain())
	}
	// Servers with the race detector would wait for a second before they end.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=20 "+os.Getenv("GORACE"))
	os.Exit(m.Run())
}

// measure runs the program with little of everything and returns what it
// printed. The figures mean nothing then.
func measure(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"-pin=false", "-rounds=1", "-round=20ms", "-conns=2", "-customers=10", "-cycles=4", "-duration=1600ms", "-pause=20ms"}, args...)
	var out, progress bytes.Buffer
	short, err := run(t.Context(), args, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if short {
		t.Error("figures were judged without -check")
	}
	return out.String()
}

// rows returns how many rows of the tables begin with this cell.
func rows(out, cell string) int { return strings.Count(out, "\n| "+cell+" |") }

func TestCompare(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out := measure(t, "-profile="+folder, "-log", "compare")
	for _, c := range contests() {
		if rows(out, c.what) != 1 {
			t.Errorf("%q is not in the table:\n%s", c.what, out)
		}
		for _, who := range []string{"ours", "peer"} {
			if info, err := os.Stat(filepath.Join(folder, who+"-"+c.file+".pprof")); err != nil || info.Size() == 0 {
				t.Errorf("no profile of %s over %s: %v", who, c.name, err)
			}
		}
	}
	if !strings.Contains(out, "Ours writes an access log") {
		t.Error("the text doesn't say that there is a log")
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	out := measure(t, "memory")
	for _, g := range goodbyes {
		if rows(out, g.name) != 1 {
			t.Errorf("%q is not in the table:\n%s", g.name, out)
		}
	}
	if rows(out, "heycmo") != 1 || rows(out, "bare mcp-go") != 1 {
		t.Errorf("a server is not in the table:\n%s", out)
	}
}

func TestFlat(t *testing.T) {
	t.Parallel()
	out := measure(t, "flat")
	for _, over := range []transport{overREST, overLegacy, overModern} {
		if rows(out, over.name) != 5 {
			t.Errorf("%s is not in the table with five servers:\n%s", over.name, out)
		}
	}
}

func TestAbuse(t *testing.T) {
	t.Parallel()
	out := measure(t, "abuse")
	for _, want := range []string{"| failed calls |  | 0 of ", "| answers from 500 up |  | 0 |"} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	for _, a := range attacks() {
		if rows(out, a.name) != 1 {
			t.Errorf("%q is not in the table:\n%s", a.name, out)
		}
	}
}

func TestModeNames(t *testing.T) {
	for _, args := range [][]string{{}, {"nonsense"}, {"compare", "nonsense"}, {"-nonsense", "compare"}} {
		var out, progress bytes.Buffer
		if _, err := run(t.Context(), args, &out, &progress); err == nil || out.Len() > 0 {
			t.Errorf("%q: error %v, printed %q", args, err, out.String())
		}
	}
}

// A server must not outlive the process that started it, however that ends.
func TestServerEndsWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks at /proc")
	}
	t.Parallel()
	if os.Getenv("LOAD_TEST_PARENT") != "" {
		s, err := (&settings{}).start(t.Context(), serverConfig{Customers: 1})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("child", s.cmd.Process.Pid)
		time.Sleep(time.Minute)
		return
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsParent$")
	parent.Env = append(os.Environ(), "LOAD_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	_, scanned := fmt.Fscanf(out, "child %d", &child)
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if scanned != nil {
		t.Fatal(scanned)
	}
	for end := time.Now().Add(endTimeout); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(child))); err != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d outlives its parent", child)
		}
	}
}
