package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The commands and settings that the documents name are there.
func TestDocuments(t *testing.T) {
	settings, _, err := command(t, nil, "config")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../../README.md", "../../docs/operations.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("(?m)(?:^|`)heycmo-server ?([^`#\n]*)").FindAllStringSubmatch(string(text), -1)
		if len(named) < 3 {
			t.Errorf("%s names only %d commands", path, len(named))
		}
		for _, c := range named {
			args := strings.Fields(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(c[1], "x"))
			// Help comes after the rest was understood.
			if _, _, err := command(t, nil, append(args, "--help")...); err != nil {
				t.Errorf("%s names heycmo-server %s: %v", path, c[1], err)
			}
		}
		for _, name := range regexp.MustCompile(`HEYCMO_[A-Z_]+`).FindAllString(string(text), -1) {
			if !strings.Contains(settings, name+"=") {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
	}
}
