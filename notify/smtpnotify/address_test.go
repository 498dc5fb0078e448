package smtpnotify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

func TestAddresses(t *testing.T) {
	local64 := strings.Repeat("a", 64)
	for _, c := range []struct{ address, want string }{
		{"ada@example.com", ""},
		{"ada+news.1'x@mail.example.com", ""},
		{`"ada lovelace"@example.com`, ""},
		{"ada@[192.0.2.1]", ""},
		{local64 + "@" + strings.Repeat("b", 189), ""},

		{"ada@example.com\r\nBcc: eve@example.com", "line break"},
		{"ada@example.com\n", "line break"},
		{"ada\r@example.com", "line break"},
		{"ada\x00@example.com", "NUL"},
		{"ada", "of the form"},
		{"@example.com", "of the form"},
		{"ada@", "of the form"},
		{" ada@example.com", "of the form"},
		{"ada@example.com ", "of the form"},
		{"<ada@example.com>", "of the form"},
		{"Ada <ada@example.com>", "of the form"},
		{"ada@example.com (Ada)", "of the form"},
		{"ada@example.com, eve@example.com", "of the form"},
		{"ada@example.com>\tRCPT", "of the form"},
		{"ada eve@example.com", "of the form"},
		{"undisclosed:;", "of the form"},
		{"ada\xff@example.com", "of the form"},
		{"ada\x7f@example.com", "of the form"},
		{local64 + "@" + strings.Repeat("b", 190), "longer"},
	} {
		server, notifier := start(t, nil, nil)
		n := notice()
		n.Email = c.address
		err := notifier.Notify(t.Context(), n)
		if c.want == "" {
			if err != nil || only(t, server).To[0] != c.address {
				t.Errorf("%q: got %v", c.address, err)
			}
			continue
		}
		if !errors.Is(err, notify.ErrPermanent) || !strings.Contains(err.Error(), c.want) || len(server.Messages()) > 0 {
			t.Errorf("%q: got %v and %d messages", c.address, err, len(server.Messages()))
		}
		if err != nil && strings.Contains(err.Error(), "eve") {
			t.Errorf("%q is in %q", c.address, err)
		}
	}
}

func TestLettersBeyondASCII(t *testing.T) {
	n := notice()
	n.Email = "jürgen@exämple.com"
	var log transcript
	server, notifier := start(t, &smtptest.Options{Answer: log.answer}, nil)
	if err := notifier.Notify(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if got := only(t, server); got.To[0] != n.Email || got.Header.Get("To") != "<"+n.Email+">" {
		t.Errorf("it is to %q, %q", got.To, got.Header.Get("To"))
	}
	if said := strings.Join(log.lines(), "\n"); !strings.Contains(said, " SMTPUTF8\nRCPT") {
		t.Errorf("it says %s", said)
	}

	server, notifier = start(t, &smtptest.Options{Answer: replace("EHLO", "250-smtptest\r\n250 STARTTLS")}, nil)
	if err := notifier.Notify(t.Context(), n); !errors.Is(err, notify.ErrPermanent) || !strings.Contains(err.Error(), "RFC 6531") || len(server.Messages()) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestNoticesThatCannotBeSent(t *testing.T) {
	for want, change := range map[string]func(*notify.Notice){
		"kind":      func(n *notify.Notice) { n.Kind = "other" },
		"has no ID": func(n *notify.Notice) { n.ID = "" },
		"URL":       func(n *notify.Notice) { n.URL = "https://example.com/\r\n" },
	} {
		server, notifier := start(t, nil, nil)
		n := notice()
		change(&n)
		err := notifier.Notify(t.Context(), n)
		if !errors.Is(err, notify.ErrPermanent) || !strings.Contains(err.Error(), want) || len(server.Messages()) > 0 {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
