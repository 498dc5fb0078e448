package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance runs what each revision requires. The suite's status says
// whether all of it passed; what it only reports, such as extensions, doesn't
// count.
func TestConformance(t *testing.T) {
	node, folder := testenv.Node(t, "../..", "test/conformance")
	url := serve(t)
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, node, folder+"/node_modules/@modelcontextprotocol/conformance/dist/index.js", "server",
				"--url", url, "--requirements", revision, "--output-dir", t.TempDir()).CombinedOutput()
			_, summary, ok := strings.Cut(string(out), "=== SUMMARY ===")
			if err != nil || !ok {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Log(summary)
		})
	}
}

// serve runs the program and returns the address that it prints.
func serve(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, in)
		_ = in.CloseWithError(fmt.Errorf("it ended: %w", err))
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
