package smtpnotify_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

// replace answers lines that begin like this, and nothing else.
func replace(prefix, answer string) func(string) string {
	return func(line string) string {
		if strings.HasPrefix(line, prefix) {
			return answer
		}
		return ""
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		line, answer string
		want         string // of the error
		permanent    bool
	}{
		{"CONNECT", "554 5.7.1 go away", "greeting: the server refuses with 554 5.7.1", false},
		{"CONNECT", "421 4.3.2 later", "greeting: the server refuses with 421 4.3.2", false},
		{"EHLO", "250 smtptest", "STARTTLS: the server offers no STARTTLS", false},
		{"STARTTLS", "454 4.7.0 later", "STARTTLS: the server refuses with 454 4.7.0", false},
		{"AUTH", "535 5.7.8 wrong", "AUTH: the server refuses with 535 5.7.8", false},
		{"AUTH", "454 4.7.0 later", "AUTH: the server refuses with 454 4.7.0", false},
		{"MAIL", "550 5.7.1 not you", "MAIL: the server refuses with 550 5.7.1", false},
		{"MAIL", "553 5.1.8 not you", "MAIL: the server refuses with 553 5.1.8", false},
		{"RCPT", "550 5.1.1 no such person", "RCPT: the server refuses with 550 5.1.1: trying again is of no use", true},
		{"RCPT", "550 no such person", "RCPT: the server refuses with 550: trying again is of no use", true},
		{"RCPT", "550-5.2.1 gone\r\n550 5.2.1 for ever", "RCPT: the server refuses with 550 5.2.1: trying again is of no use", true},
		{"RCPT", "552 5.2.2 full", "RCPT: the server refuses with 552 5.2.2: trying again is of no use", true},
		{"RCPT", "450 4.2.1 grey", "RCPT: the server refuses with 450 4.2.1", false},
		{"RCPT", "452 full", "RCPT: the server refuses with 452", false},
		{"RCPT", "554 5.7.1 relaying denied", "RCPT: the server refuses with 554 5.7.1", false},
		{"RCPT", "530 log in first", "RCPT: the server refuses with 530", false},
		{"RCPT", "503 not now", "RCPT: the server refuses with 503", false},
		{"DATA", "554 nobody to write to", "DATA: the server refuses with 554: trying again is of no use", true},
		{"DATA", "451 4.3.0 later", "DATA: the server refuses with 451 4.3.0", false},
		{".", "554 5.6.0 not such words", "DATA: the server refuses with 554 5.6.0: trying again is of no use", true},
		{".", "550 5.7.1 spam", "DATA: the server refuses with 550 5.7.1", false},
		{".", "452 4.3.1 full", "DATA: the server refuses with 452 4.3.1", false},
	} {
		t.Run(c.line+" "+c.answer[:3], func(t *testing.T) {
			server, notifier := start(t, &smtptest.Options{User: "ada", Password: password, Answer: replace(c.line, c.answer)}, nil)
			err := notifier.Notify(t.Context(), notice())
			if err == nil || err.Error() != "smtpnotify: "+c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if errors.Is(err, notify.ErrPermanent) != c.permanent {
				t.Errorf("permanent is %v: %v", !c.permanent, err)
			}
			if got := len(server.Messages()); got > 0 {
				t.Errorf("%d messages were accepted", got)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	server := smtptest.Start(t, &smtptest.Options{User: "ada", Password: password})
	notifier := connect(t, strings.Replace(server.URL(), "s3cret", "geheim", 1), server, nil)
	err := notifier.Notify(t.Context(), notice())
	if err == nil || err.Error() != "smtpnotify: AUTH: the server refuses with 535 5.7.8" {
		t.Errorf("got %v", err)
	}
}

func TestLoginOfOldServers(t *testing.T) {
	ehlo := func(mechanisms string) func(string) string {
		return replace("EHLO", "250-smtptest\r\n250-STARTTLS\r\n250"+mechanisms)
	}
	server, notifier := start(t, &smtptest.Options{User: "ada", Password: password, Answer: ehlo(" AUTH NTLM LOGIN XOAUTH2")}, nil)
	if err := notifier.Notify(t.Context(), notice()); err != nil || len(server.Messages()) != 1 {
		t.Errorf("LOGIN: %v", err)
	}
	for _, mechanisms := range []string{" AUTH NTLM XPLAIN", " PIPELINING"} {
		_, notifier = start(t, &smtptest.Options{User: "ada", Password: password, Answer: ehlo(mechanisms)}, nil)
		if err := notifier.Notify(t.Context(), notice()); err == nil || !strings.Contains(err.Error(), "no login by PLAIN or LOGIN") {
			t.Errorf("%s: %v", mechanisms, err)
		}
	}
}

// What was sent doesn't come back in an error, even if the server repeats it.
func TestErrorsRepeatNothing(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00ada\x00" + password))
	for _, line := range []string{"AUTH", "MAIL", "RCPT", "DATA", "."} {
		for _, answer := range []string{"550 5.1.1 ", "451 ", "999 ", "334 ", ""} {
			echo := func(said string) string {
				if !strings.HasPrefix(said, line) {
					return ""
				}
				return answer + plain + " " + password + " ada@example.com"
			}
			_, notifier := start(t, &smtptest.Options{User: "ada", Password: password, Answer: echo}, &smtpnotify.Options{Timeout: time.Second})
			err := notifier.Notify(t.Context(), notice())
			if err == nil {
				t.Errorf("%s: %q is no error", line, answer)
				continue
			}
			for _, secret := range []string{plain, password, "s3cret", "ada@example.com"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: %q is in %q", line, secret, err)
				}
			}
		}
	}
}

func TestNothingIsSaidInTheClear(t *testing.T) {
	for name, c := range map[string]struct {
		security smtptest.Security
		url      func(string) string
		trusted  bool
		want     string
	}{
		"the server has no TLS":   {smtptest.NoTLS, func(url string) string { return strings.TrimSuffix(url, "?tls=none") }, true, "offers no STARTTLS"},
		"not trusted":             {smtptest.STARTTLS, strings.Clone, false, "unknown authority"},
		"not trusted, implicitly": {smtptest.ImplicitTLS, strings.Clone, false, "unknown authority"},
		"another name":            {smtptest.STARTTLS, func(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }, true, "not valid for any names, but wanted to match localhost"},
		"not implicit":            {smtptest.STARTTLS, func(url string) string { return strings.Replace(url, "smtp:", "smtps:", 1) }, true, "does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			var log transcript
			server := smtptest.Start(t, &smtptest.Options{Security: c.security, User: "ada", Password: password, Answer: log.answer})
			o := &smtpnotify.Options{Timeout: 2 * time.Second}
			if c.trusted {
				o.RootCAs = server.RootCAs()
			}
			notifier, err := smtpnotify.New(c.url(server.URL()), from, o)
			if err != nil {
				t.Fatal(err)
			}
			err = notifier.Notify(t.Context(), notice())
			if err == nil || !strings.HasSuffix(err.Error(), c.want) || errors.Is(err, notify.ErrPermanent) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			for _, line := range log.lines() {
				if strings.HasPrefix(line, "AUTH") || strings.HasPrefix(line, "MAIL") {
					t.Errorf("it says %q", line)
				}
			}
		})
	}
}

var steps = []string{"CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."}

func TestCutConnections(t *testing.T) {
	for _, step := range steps {
		server, notifier := start(t, &smtptest.Options{User: "ada", Password: password, Answer: replace(step, smtptest.Cut)}, nil)
		err := notifier.Notify(t.Context(), notice())
		if err == nil || errors.Is(err, notify.ErrPermanent) || !strings.HasPrefix(err.Error(), "smtpnotify: ") {
			t.Errorf("%s: got %v", step, err)
		}
		if got := len(server.Messages()); (got == 1) != (step == ".") {
			t.Errorf("%s: %d messages were accepted", step, got)
		}
	}
}

// hang waits at a step until the test ends, and says when it is there.
func hang(t *testing.T, step string) (answer func(string) string, reached chan struct{}) {
	reached = make(chan struct{})
	return func(line string) string {
		if !strings.HasPrefix(line, step) {
			return ""
		}
		close(reached)
		<-t.Context().Done()
		return smtptest.Cut
	}, reached
}

// cancelledAt returns a context that ends when a moment is reached.
func cancelledAt(t *testing.T, reached <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		select {
		case <-reached:
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx
}

func TestTheContextIsHonoured(t *testing.T) {
	for _, security := range []smtptest.Security{smtptest.STARTTLS, smtptest.ImplicitTLS} {
		for _, step := range steps {
			if step == "STARTTLS" && security == smtptest.ImplicitTLS {
				continue
			}
			answer, reached := hang(t, step)
			_, notifier := start(t, &smtptest.Options{Security: security, User: "ada", Password: password, Answer: answer}, &smtpnotify.Options{Timeout: time.Hour})
			err := notifier.Notify(cancelledAt(t, reached), notice())
			if !errors.Is(err, context.Canceled) || errors.Is(err, notify.ErrPermanent) {
				t.Errorf("%s: got %v", step, err)
			}
		}
	}
}

func TestTimeout(t *testing.T) {
	for _, step := range []string{"CONNECT", "RCPT", "."} {
		answer, _ := hang(t, step)
		_, notifier := start(t, &smtptest.Options{Answer: answer}, &smtpnotify.Options{Timeout: 100 * time.Millisecond})
		err := notifier.Notify(t.Context(), notice())
		if err == nil || !strings.HasSuffix(err.Error(), ": no answer in time") || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", step, err)
		}
	}
	// Not the TLS handshake either.
	listener := listen(t, func(net.Conn) { <-t.Context().Done() })
	notifier, err := smtpnotify.New("smtps://"+listener, from, &smtpnotify.Options{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := notifier.Notify(t.Context(), notice()); err == nil || !strings.HasSuffix(err.Error(), ": no answer in time") {
		t.Errorf("TLS: got %v", err)
	}
}

// The server has the mail; what it says to QUIT changes nothing.
func TestNothingAfterTheMailCounts(t *testing.T) {
	for _, answer := range []string{smtptest.Cut, "500 5.5.1 what"} {
		server, notifier := start(t, &smtptest.Options{Answer: replace("QUIT", answer)}, nil)
		if err := notifier.Notify(t.Context(), notice()); err != nil || len(server.Messages()) != 1 {
			t.Errorf("%s: %d messages, and %v", answer, len(server.Messages()), err)
		}
	}
	answer, reached := hang(t, "QUIT")
	server, notifier := start(t, &smtptest.Options{Answer: answer}, &smtpnotify.Options{Timeout: time.Hour})
	if err := notifier.Notify(cancelledAt(t, reached), notice()); err != nil || len(server.Messages()) != 1 {
		t.Errorf("%d messages, and %v", len(server.Messages()), err)
	}
}

func TestEndlessAnswers(t *testing.T) {
	for _, step := range []string{"CONNECT", "EHLO", "RCPT"} {
		_, notifier := start(t, &smtptest.Options{Answer: replace(step, strings.Repeat("250-and so on\r\n", 1<<17))}, nil)
		err := notifier.Notify(t.Context(), notice())
		if err == nil || !strings.HasSuffix(err.Error(), ": the server doesn't stop talking") {
			t.Errorf("%s: got %v", step, err)
		}
	}
}

// go-mail leaves connections open when it fails.
func TestConnectionsAreClosed(t *testing.T) {
	closed := make(chan struct{})
	address := listen(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "220 here\r\n")
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			_, _ = io.WriteString(conn, "500 5.5.1 what\r\n")
		}
		close(closed)
	})
	notifier, err := smtpnotify.New("smtp://"+address, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := notifier.Notify(t.Context(), notice()); err == nil || err.Error() != "smtpnotify: EHLO: the server refuses with 500 5.5.1" {
		t.Errorf("got %v", err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open")
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	notifier, err := smtpnotify.New("smtp://ada:s3cret@"+listener.Addr().String(), from, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = notifier.Notify(t.Context(), notice())
	if err == nil || !strings.Contains(err.Error(), "connecting: dial tcp 127.0.0.1") || errors.Is(err, notify.ErrPermanent) {
		t.Errorf("got %v", err)
	}
}

// listen serves one connection.
func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err == nil {
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}
