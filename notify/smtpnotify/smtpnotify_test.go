package smtpnotify_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

func TestNotify(t *testing.T) {
	for name, o := range map[string]*smtptest.Options{
		"STARTTLS":           nil,
		"STARTTLS and login": {User: "ada@mail", Password: password},
		"TLS":                {Security: smtptest.ImplicitTLS},
		"TLS and login":      {Security: smtptest.ImplicitTLS, User: "ada@mail", Password: password},
		"no TLS":             {Security: smtptest.NoTLS},
		"no TLS but a login": {Security: smtptest.NoTLS, User: "ada@mail", Password: password},
	} {
		t.Run(name, func(t *testing.T) {
			server, notifier := start(t, o, nil)
			if err := notifier.Notify(t.Context(), notice()); err != nil {
				t.Fatal(err)
			}
			got := only(t, server)
			if got.From != "hello@heycmo.example" || len(got.To) != 1 || got.To[0] != "ada@example.com" {
				t.Errorf("the envelope is from %q to %q", got.From, got.To)
			}
			want, err := notice().Message()
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != want.Subject || got.Text != want.Body {
				t.Errorf("got %q and\n%s\nwant %q and\n%s", got.Subject, got.Text, want.Subject, want.Body)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	server, notifier := start(t, nil, &smtpnotify.Options{ReplyTo: "Zoë <zoe@heycmo.example>"})
	before := time.Now().Add(-time.Second)
	if err := notifier.Notify(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	got := only(t, server)
	for name, want := range map[string]string{
		"From":                      `"HeyCMO" <hello@heycmo.example>`,
		"To":                        "<ada@example.com>",
		"Reply-To":                  "=?utf-8?q?Zo=C3=AB?= <zoe@heycmo.example>",
		"Auto-Submitted":            "auto-generated",
		"Message-Id":                "<lavksyVk44jDFOUyDoh5qA@heycmo.example>",
		"Mime-Version":              "1.0",
		"Content-Type":              "text/plain; charset=UTF-8",
		"Content-Transfer-Encoding": "quoted-printable",
	} {
		if values := got.Header[name]; len(values) != 1 || values[0] != want {
			t.Errorf("%s is %q, want %q", name, values, want)
		}
		delete(got.Header, name)
	}
	date, err := got.Header.Date()
	if err != nil || date.Before(before) || date.After(time.Now()) || !strings.HasSuffix(got.Header.Get("Date"), " +0000") {
		t.Errorf("Date is %q", got.Header.Get("Date"))
	}
	delete(got.Header, "Date")
	delete(got.Header, "Subject")
	if len(got.Header) > 0 {
		t.Errorf("there is more in the header: %v", got.Header)
	}
	for line := range strings.SplitSeq(string(got.Raw), "\n") {
		if len(line) > 78 {
			t.Errorf("a line is too long: %q", line)
		}
	}
}

func TestARepetitionIsRecognisable(t *testing.T) {
	server, notifier := start(t, nil, nil)
	other := notice()
	other.ID += "0"
	for _, n := range []notify.Notice{notice(), notice(), other} {
		if err := notifier.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, m := range server.Messages() {
		ids = append(ids, m.Header.Get("Message-Id"))
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("the Message-IDs are %q", ids)
	}
}

func TestHostileWords(t *testing.T) {
	server, notifier := start(t, nil, nil)
	n := notice()
	n.BrandName = "Eve\r\nBcc: eve@example.com"
	n.Product = ".=?utf-8?q?=0D=0ABcc:_eve?=\r\nBcc: x"
	n.Note = "\r\n.\r\nMAIL FROM:<eve@example.com>"
	if err := notifier.Notify(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	got := only(t, server)
	if got.Header.Get("Bcc") != "" || got.Subject != "Your payment for .= ?utf-8?q?=0D=0ABcc:_eve?= Bcc: x didn't go through" {
		t.Errorf("the header is %v", got.Header)
	}
	if !strings.HasPrefix(got.Text, "Hello Eve Bcc: eve@example.com,\n\n") ||
		!strings.Contains(got.Text, "\n\n. MAIL FROM:<eve@example.com>\n\n") ||
		!strings.HasSuffix(got.Text, "\n\n.=?utf-8?q?=0D=0ABcc:_eve?= Bcc: x\n") {
		t.Errorf("the text is\n%s", got.Text)
	}
}

func TestNobodyToTell(t *testing.T) {
	server, notifier := start(t, nil, nil)
	n := notice()
	n.Email = ""
	if err := notifier.Notify(t.Context(), n); err != nil || len(server.Messages()) > 0 {
		t.Errorf("got %v and %d messages", err, len(server.Messages()))
	}
}

func TestManyAtOnce(t *testing.T) {
	server, notifier := start(t, &smtptest.Options{User: "ada", Password: password}, nil)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			n := notice()
			n.ID, n.BrandName = fmt.Sprint(i), fmt.Sprint("Brand ", i)
			if err := notifier.Notify(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	texts := map[string]bool{}
	for _, m := range server.Messages() {
		texts[m.Header.Get("Message-Id")+m.Text] = true
	}
	if len(texts) != 20 {
		t.Errorf("%d different messages arrived", len(texts))
	}
}

func TestHello(t *testing.T) {
	for name, want := range map[string]string{"": "EHLO [127.0.0.1]", "app.example.com": "EHLO app.example.com"} {
		var log transcript
		_, notifier := start(t, &smtptest.Options{Answer: log.answer}, &smtpnotify.Options{Hello: name})
		if err := notifier.Notify(t.Context(), notice()); err != nil {
			t.Fatal(err)
		}
		if got := log.lines(); got[1] != want {
			t.Errorf("it says %q, want %q", got[1], want)
		}
	}
}

// The whole conversation, so that nothing is said that need not be.
func TestConversation(t *testing.T) {
	var log transcript
	_, notifier := start(t, &smtptest.Options{User: "ada", Password: "s3cret", Answer: log.answer}, nil)
	if err := notifier.Notify(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(log.lines(), "\n")
	want := strings.Join([]string{
		"CONNECT", "EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]",
		"AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00ada\x00s3cret")),
		"MAIL FROM:<hello@heycmo.example> BODY=8BITMIME", "RCPT TO:<ada@example.com>", "DATA", ".", "QUIT",
	}, "\n")
	if got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		url, from string
		o         *smtpnotify.Options
		want      string // in the error; empty: none
	}{
		{"smtp://mail.example.com", from, nil, ""},
		{"smtp://mail.example.com/", from, nil, ""},
		{"smtp://ada%40mail:s3cret@mail.example.com:2525", from, nil, ""},
		{"smtps://ada@mail:s3cret@mail.example.com", from, nil, ""},
		{"smtp://localhost?tls=none", from, nil, ""},
		{"smtp://ada:s3cret@127.0.0.1?tls=none", from, nil, ""},
		{"smtp://[::1]:25?tls=none", "hello@heycmo.example", nil, ""},
		{"smtp://mailpit:1025?tls=none", from, &smtpnotify.Options{AllowPlaintext: true}, ""},

		{"", from, nil, "the URL must be"},
		{"mail.example.com:587", from, nil, "the URL must be"},
		{"http://ada:s3cret@mail.example.com", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@:587", from, nil, "the URL must be"},
		{"smtp://ada:s3cret%zz@mail.example.com", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@mail.example.com:s3cret", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@mail.example.com/inbox", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@mail.example.com#s3cret", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@mail.example.com?tls=maybe", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@mail.example.com?tls=none&tls=none", from, nil, "the URL must be"},
		{"smtps://ada:s3cret@localhost?tls=none", from, nil, "the URL must be"},
		{"smtp://ada:s3cret@mail.example.com:0", from, nil, "port"},
		{"smtp://ada:s3cret@mail.example.com:65536", from, nil, "port"},
		{"smtp://ada@mail.example.com", from, nil, "both user and password"},
		{"smtp://:s3cret@mail.example.com", from, nil, "both user and password"},
		{"smtp://ada:s3cret%00@mail.example.com", from, nil, "control characters"},
		{"smtp://mail.example.com?tls=none", from, nil, "on this machine"},
		{"smtp://localhost.example.com?tls=none", from, nil, "on this machine"},
		{"smtp://127.0.0.1.example.com?tls=none", from, nil, "on this machine"},
		{"smtp://ada:s3cret@mailpit?tls=none", from, &smtpnotify.Options{AllowPlaintext: true}, "password"},
		{"smtp://mail.example.com", "", nil, "from must be"},
		{"smtp://mail.example.com", "HeyCMO", nil, "from must be"},
		{"smtp://mail.example.com", "a@example.com, b@example.com", nil, "from must be"},
		{"smtp://mail.example.com", "a@example.com\r\nBcc: b@example.com", nil, "from must be"},
		{"smtp://mail.example.com", "jürgen@example.com", nil, "from must be"},
		{"smtp://mail.example.com", from, &smtpnotify.Options{ReplyTo: "nobody"}, "ReplyTo must be"},
		{"smtp://mail.example.com", from, &smtpnotify.Options{Timeout: -1}, "Timeout"},
		{"smtp://mail.example.com", from, &smtpnotify.Options{Hello: "a\r\nMAIL"}, "Hello"},
	} {
		n, err := smtpnotify.New(c.url, c.from, c.o)
		switch {
		case c.want == "" && (err != nil || n == nil):
			t.Errorf("%q from %q: %v", c.url, c.from, err)
		case c.want != "" && (err == nil || n != nil || !strings.HasPrefix(err.Error(), "smtpnotify: ") || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q from %q: got %v, want %q", c.url, c.from, err, c.want)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%q: the password is in %q", c.url, err)
		}
	}
}

func TestPorts(t *testing.T) {
	for url, want := range map[string]string{
		"smtp://mail.example.com":          "mail.example.com:587",
		"smtps://mail.example.com":         "mail.example.com:465",
		"smtp://[::1]?tls=none":            "[::1]:25",
		"smtps://ada:pw@mail.example:2525": "mail.example:2525",
	} {
		n, err := smtpnotify.New(url, from, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Address(); got != want {
			t.Errorf("%s is %s, want %s", url, got, want)
		}
	}
}

func TestTheNotifierHidesItsPassword(t *testing.T) {
	n, err := smtpnotify.New("smtp://ada:s3cret@mail.example.com", from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s %q", n, n, n, n, n); strings.Contains(shown, "s3cret") {
		t.Errorf("the password is in %s", shown)
	}
}

// transcript keeps what a server was told.
type transcript struct {
	mu   sync.Mutex
	said []string
}

func (l *transcript) answer(line string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, line)
	return ""
}

func (l *transcript) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.said...)
}

func only(t *testing.T, server *smtptest.Server) smtptest.Message {
	t.Helper()
	messages := server.Messages()
	if len(messages) != 1 {
		t.Fatalf("%d messages arrived, want 1", len(messages))
	}
	return messages[0]
}
