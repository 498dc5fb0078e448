package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestEngineSettings(t *testing.T) {
	const signing, event, public = "HEYCMO_INNGEST_SIGNING_KEY=signkey-prod-hunter2", "HEYCMO_INNGEST_EVENT_KEY=hunter2", "HEYCMO_PUBLIC_URL=https://mcp.example.com"
	for name, c := range map[string]struct {
		environ []string
		want    string // of the error; empty: none
	}{
		"nothing":             {nil, ""},
		"Inngest":             {[]string{"HEYCMO_ENGINE=inngest", signing, event, public}, ""},
		"Inngest's dev":       {[]string{"HEYCMO_ENGINE=inngest", "HEYCMO_INNGEST_DEV=true"}, ""},
		"another engine":      {[]string{"HEYCMO_ENGINE=other"}, "engine"},
		"no signing key":      {[]string{"HEYCMO_ENGINE=inngest", event, public}, "HEYCMO_INNGEST_SIGNING_KEY is missing"},
		"no event key":        {[]string{"HEYCMO_ENGINE=inngest", signing, public}, "HEYCMO_INNGEST_EVENT_KEY is missing"},
		"no address":          {[]string{"HEYCMO_ENGINE=inngest", signing, event}, "HEYCMO_PUBLIC_URL is missing"},
		"keys alone":          {[]string{signing}, "HEYCMO_ENGINE must be inngest"},
		"dev in production":   {[]string{"HEYCMO_ENV=production", "HEYCMO_ENGINE=inngest", "HEYCMO_INNGEST_DEV=true"}, "HEYCMO_INNGEST_DEV must not be set in production"},
		"dev for everybody":   {[]string{"HEYCMO_ADDR=0.0.0.0:80", "HEYCMO_ENGINE=inngest", "HEYCMO_INNGEST_DEV=true"}, "HEYCMO_INNGEST_DEV needs HEYCMO_ADDR on this machine"},
		"answers":             {[]string{"HEYCMO_PERPLEXITY_KEY=hunter2", "HEYCMO_GEMINI_KEY=hunter2"}, ""},
		"a key that is wrong": {[]string{"HEYCMO_PERPLEXITY_KEY=hun ter2"}, "HEYCMO_PERPLEXITY_KEY is wrong"},
	} {
		out, errOut, err := command(t, append(c.environ, "HEYCMO_DATABASE=:memory:"), "config")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if strings.Contains(out+errOut+fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: a key is shown:\n%s%s%v", name, out, errOut, err)
		}
	}
}

// A second server on the same file says why it can't run, and the first goes on.
func TestOneServerForAFile(t *testing.T) {
	environ := database(t)
	first := start(t, environ)
	if _, _, err := command(t, append(environ, "HEYCMO_ADDR=127.0.0.1:0")); err == nil || !strings.Contains(err.Error(), "another process runs workflows in this file") {
		t.Errorf("a second server: %v", err)
	}
	if status, _ := get(t, first.url+"/api/health/ready", ""); status != http.StatusOK {
		t.Errorf("the first: %d", status)
	}
}
