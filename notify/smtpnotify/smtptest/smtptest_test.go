package smtptest_test

import (
	"crypto/tls"
	"net/smtp"
	"net/url"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

const mail = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n.Gr=C3=BC=C3=9Fe\r\n..\r\nBye\r\n"

// The client here is the standard library's, so that server and smtpnotify don't
// only understand each other.
func dial(t *testing.T, server *smtptest.Server) *smtp.Client {
	t.Helper()
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.Dial(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if u.RawQuery == "tls=none" {
		return c
	}
	if err := c.StartTLS(&tls.Config{ServerName: "127.0.0.1", RootCAs: server.RootCAs(), MinVersion: tls.VersionTLS12}); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(c *smtp.Client, to ...string) error {
	if err := c.Mail("hello@example.com"); err != nil {
		return err
	}
	for _, address := range to {
		if err := c.Rcpt(address); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(mail)); err != nil {
		return err
	}
	return w.Close()
}

func TestMessages(t *testing.T) {
	server := smtptest.Start(t, &smtptest.Options{User: "ada", Password: "s3cret"})
	c := dial(t, server)
	if err := c.Auth(smtp.PlainAuth("", "ada", "s3cret", "127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	if err := send(c, "ada@example.com", "eve@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := send(c, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages()
	if len(messages) != 2 {
		t.Fatalf("%d messages, want 2", len(messages))
	}
	got := messages[0]
	if got.From != "hello@example.com" || strings.Join(got.To, " ") != "ada@example.com eve@example.com" || len(messages[1].To) != 1 {
		t.Errorf("from %q to %q", got.From, got.To)
	}
	if got.Subject != "Grüße" || got.Text != ".Grüße\n..\nBye\n" || string(got.Raw) != strings.ReplaceAll(mail, "\r\n", "\n") {
		t.Errorf("got %q and %q", got.Subject, got.Text)
	}
	if err := c.Quit(); err != nil {
		t.Error(err)
	}
}

func TestOrder(t *testing.T) {
	c := dial(t, smtptest.Start(t, &smtptest.Options{User: "ada", Password: "s3cret"}))
	if err := c.Mail("hello@example.com"); err == nil || !strings.HasPrefix(err.Error(), "530") {
		t.Errorf("MAIL without a login: %v", err)
	}

	server := smtptest.Start(t, &smtptest.Options{Security: smtptest.NoTLS})
	c = dial(t, server)
	if err := c.Rcpt("ada@example.com"); err == nil || !strings.HasPrefix(err.Error(), "503") {
		t.Errorf("RCPT before MAIL: %v", err)
	}
	if err := send(c); err == nil || !strings.HasPrefix(err.Error(), "503") {
		t.Errorf("DATA without a recipient: %v", err)
	}
	if err := c.Rcpt("ada@example.com"); err != nil {
		t.Error(err)
	}
	if err := c.Reset(); err != nil {
		t.Error(err)
	}
	if _, err := c.Data(); err == nil {
		t.Error("DATA after RSET is accepted")
	}
	if len(server.Messages()) > 0 {
		t.Error("there are messages")
	}
}

func TestTheServerStopsWithTheTest(t *testing.T) {
	var server *smtptest.Server
	var c *smtp.Client
	t.Run("test", func(sub *testing.T) {
		server = smtptest.Start(sub, nil)
		c = dial(t, server)
	})
	if err := c.Noop(); err == nil {
		t.Error("the connection is still open")
	}
}

func TestAnswer(t *testing.T) {
	var asked []string
	server := smtptest.Start(t, &smtptest.Options{Security: smtptest.NoTLS, Answer: func(line string) string {
		asked = append(asked, line)
		switch {
		case line == "RCPT TO:<eve@example.com>":
			return "550 5.1.1 no such person"
		case line == "." && len(asked) > 9:
			return smtptest.Cut
		}
		return ""
	}})
	c := dial(t, server)
	if err := send(c, "eve@example.com"); err == nil || !strings.Contains(err.Error(), "5.1.1 no such person") {
		t.Errorf("got %v", err)
	}
	if err := send(c, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := send(c, "ada@example.com"); err == nil || len(server.Messages()) != 2 {
		t.Errorf("got %v and %d messages", err, len(server.Messages()))
	}
	want := "CONNECT|EHLO localhost|MAIL FROM:<hello@example.com> BODY=8BITMIME SMTPUTF8|RCPT TO:<eve@example.com>"
	if got := strings.Join(asked, "|"); !strings.HasPrefix(got, want) {
		t.Errorf("asked about %s", got)
	}
}
