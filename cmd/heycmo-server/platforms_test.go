package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// secretForTests looks random enough.
const secretForTests = "k1:MDEyMzQ1Njc4OUFCQ0RFRkdISUpLTE1OT1BRUlNUVVY="

func TestPlatformSettings(t *testing.T) {
	const key1, key2 = secretForTests, "k2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="
	for name, c := range map[string]struct {
		environ []string
		want    string // part of the error; empty: none
	}{
		"nothing":            {nil, ""},
		"a whole app":        {[]string{"HEYCMO_CONNECT_X_CLIENT_ID=id", "HEYCMO_CONNECT_X_CLIENT_SECRET=secret"}, ""},
		"no secret":          {[]string{"HEYCMO_CONNECT_GOOGLE_CLIENT_ID=id"}, "HEYCMO_CONNECT_GOOGLE_CLIENT_SECRET is missing"},
		"no ID":              {[]string{"HEYCMO_CONNECT_LINKEDIN_CLIENT_SECRET=secret"}, "HEYCMO_CONNECT_LINKEDIN_CLIENT_ID is missing"},
		"fakes for real":     {[]string{"HEYCMO_CONNECT_URL=http://127.0.0.1:1", "HEYCMO_ENV=production", "HEYCMO_SECRET_KEYS=" + key1}, "HEYCMO_CONNECT_URL must not be set"},
		"PostgreSQL, no key": {[]string{"HEYCMO_CONNECT_X_CLIENT_ID=id", "HEYCMO_CONNECT_X_CLIENT_SECRET=secret", "HEYCMO_DATABASE=postgres://h/d"}, "HEYCMO_SECRET_KEYS is missing"},
		"Composio":           {[]string{"HEYCMO_COMPOSIO_KEY=key", "HEYCMO_COMPOSIO_PLATFORMS=trello=ac_1"}, ""},
		"Composio, no key":   {[]string{"HEYCMO_COMPOSIO_PLATFORMS=trello=ac_1"}, "HEYCMO_COMPOSIO_KEY is missing"},
		"half a toolkit":     {[]string{"HEYCMO_COMPOSIO_KEY=key", "HEYCMO_COMPOSIO_PLATFORMS=trello"}, "AuthConfig is missing"},
	} {
		out, _, err := command(t, c.environ, "config")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(out, "CLIENT_SECRET=secret") {
			t.Errorf("%s: a secret is printed", name)
		}
	}
	out, _, err := command(t, []string{"HEYCMO_CONNECT_X_CLIENT_ID=id", "HEYCMO_CONNECT_X_CLIENT_SECRET=secret", "HEYCMO_DATABASE=:memory:", "HEYCMO_PUBLIC_URL=https://host.example/"}, "doctor")
	if err != nil || !strings.Contains(out, "platform x: it must allow the redirect URI https://host.example/connect/x/callback") || strings.Contains(out, "platform linkedin") {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	database := "HEYCMO_DATABASE=" + filepath.Join(t.TempDir(), "heycmo.db")
	out, _, err = command(t, []string{database, "HEYCMO_SECRET_KEYS=" + key2 + "," + key1}, "vault", "rotate")
	if err != nil || !strings.Contains(out, "newest key") {
		t.Errorf("vault rotate: %q, %v", out, err)
	}
	if _, _, err := command(t, []string{database, "HEYCMO_SECRET_KEYS=k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "vault", "rotate"); err == nil || !strings.Contains(err.Error(), "placeholder") {
		t.Errorf("a placeholder for a key: %v", err)
	}
}
