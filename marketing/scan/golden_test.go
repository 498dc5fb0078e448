package scan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/marketing/scan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pages are the saved pages and the addresses that they were found at.
var pages = map[string]string{
	"shop":     "https://shop.example/products/merino-hiking-socks?variant=3",
	"blog":     "https://blog.example/newsletter-frequency/",
	"spa":      "https://app.example/",
	"broken":   "http://plumber.example/Joe_Home.htm",
	"japanese": "https://taoru.example/%E3%82%BF%E3%82%AA%E3%83%AB/",
	"arabic":   "https://zayt.example/",
	"perfect":  "https://warmly.example/heat-pump-cost",
	"empty":    "https://empty.example/",
}

func markup(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".html"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGolden(t *testing.T) {
	for name, address := range pages {
		t.Run(name, func(t *testing.T) {
			r := scan.Page(address, markup(t, name))
			golden(t, name+".json", encode(t, r))
			golden(t, name+".md", []byte(r.ReadableText()))
		})
	}
}

func TestEveryPageIsListed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.html"))
	if err != nil || len(files) != len(pages) {
		t.Errorf("%d pages in testdata, %d in the table: %v", len(files), len(pages), err)
	}
}

func encode(t testing.TB, r scan.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("%s differs in line %d:\n got %s\nwant %s", name, i+1, a[i], b[i])
			}
		}
		t.Fatalf("%s: %d lines, want %d", name, len(a), len(b))
	}
}
