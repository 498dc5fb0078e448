package smtpnotify_test

import (
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

func TestCheck(t *testing.T) {
	var log transcript
	server, notifier := start(t, &smtptest.Options{User: "ada", Password: password, Answer: log.answer}, nil)
	if err := notifier.Check(t.Context()); err != nil {
		t.Error(err)
	}
	said := strings.Join(log.lines(), "\n")
	if !strings.Contains(said, "AUTH PLAIN ") || !strings.HasSuffix(said, "\nQUIT") || strings.Contains(said, "MAIL") {
		t.Errorf("it says\n%s", said)
	}
	if got := len(server.Messages()); got > 0 {
		t.Errorf("%d messages were sent", got)
	}
	stranger := connect(t, strings.Replace(server.URL(), "s3cret", "geheim", 1), server, nil)
	if err := stranger.Check(t.Context()); err == nil || err.Error() != "smtpnotify: AUTH: the server refuses with 535 5.7.8" {
		t.Errorf("a wrong password: %v", err)
	}
}
