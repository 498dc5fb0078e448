// Package smtpnotify is the [notify.Notifier] that sends mail (RFC 5321).
//
//	n, err := smtpnotify.New("smtp://user:password@mail.example.com", "HeyCMO <hello@example.com>", nil)
//
// Connections are protected by TLS, whose certificate must be valid, or not made. A
// connection is made for each notice. No text of an error holds the password, a
// customer's address, or anything that the server wrote, except its reply codes and
// the names in its certificate.
//
// Package smtptest is a server for tests.
package smtpnotify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/heycmo/heycmo-go/notify"
)

const defaultTimeout = 10 * time.Second

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// ReplyTo is where answers go, such as "Support <support@example.com>".
	// Default: where notices come from.
	ReplyTo string
	// Hello is the domain name by which this machine introduces itself. Default: its
	// IP address (RFC 5321, section 4.1.4).
	Hello string
	// Timeout is how long a notice may take from connecting to the server's word
	// that it has it. RFC 5321, section 4.5.3.2, would wait for minutes; what was
	// given up may arrive all the same. Default: 10 s.
	Timeout time.Duration
	// RootCAs vouch for the server's certificate. Default: those of the system.
	RootCAs *x509.CertPool
	// AllowPlaintext lets "tls=none" reach other machines, so that notices can be
	// read on their way. A password isn't sent so.
	AllowPlaintext bool
}

// Notifier sends mail. It is a [notify.Notifier].
type Notifier struct {
	server
	from    *mail.Address
	replyTo *mail.Address // nil: none
	hello   string
	timeout time.Duration
}

var _ notify.Notifier = (*Notifier)(nil)

// New returns a Notifier that sends by the server at a URL, and connects to nothing
// yet. Nil options are all defaults. The URL is one of:
//
//   - smtp://user:password@host:587, which begins in the clear and goes on with TLS,
//     or ends if the server has none (STARTTLS, RFC 3207);
//   - smtps://user:password@host:465, which is TLS from the first byte (RFC 8314);
//   - smtp://localhost:25?tls=none, which is never protected, and for servers on this
//     machine (localhost, 127.0.0.1, ::1); see AllowPlaintext.
//
// The ports above are the defaults. User and password, percent-encoded, may be left
// out together. From is who the mail is from, such as "HeyCMO <hello@example.com>".
func New(url, from string, o *Options) (*Notifier, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	s, err := parseURL(url)
	if err != nil {
		return nil, fmt.Errorf("smtpnotify: %w", err)
	}
	s.tls.RootCAs = opts.RootCAs
	n := &Notifier{server: s, hello: opts.Hello, timeout: opts.Timeout}
	switch {
	case s.security == plain && !isLoopback(s.host) && !opts.AllowPlaintext:
		return nil, errors.New("smtpnotify: tls=none is for servers on this machine; see AllowPlaintext")
	case s.security == plain && !isLoopback(s.host) && s.user != "":
		return nil, errors.New("smtpnotify: the URL has a password, which is not sent to another machine with tls=none")
	case opts.Timeout < 0:
		return nil, errors.New("smtpnotify: Timeout is negative")
	case strings.ContainsFunc(opts.Hello, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("smtpnotify: Hello is not a domain name")
	}
	if n.timeout == 0 {
		n.timeout = defaultTimeout
	}
	// The envelope of what comes back is of ASCII.
	if n.from, err = mail.ParseAddress(from); err != nil || !isASCII(n.from.Address) {
		return nil, errors.New(`smtpnotify: from must be an address such as "HeyCMO <hello@example.com>"`)
	}
	if opts.ReplyTo != "" {
		if n.replyTo, err = mail.ParseAddress(opts.ReplyTo); err != nil || !isASCII(n.replyTo.Address) {
			return nil, errors.New(`smtpnotify: ReplyTo must be an address such as "Support <support@example.com>"`)
		}
	}
	return n, nil
}

// String hides the password from %v.
func (n *Notifier) String() string { return "smtpnotify.Notifier" }

// GoString hides it from %#v.
func (n *Notifier) GoString() string { return n.String() }

type security int

const (
	startTLS security = iota
	implicitTLS
	plain
)

// server is where to send by.
type server struct {
	host, port     string
	user, password string // user is empty: no login
	security       security
	tls            *tls.Config
}

var errURL = errors.New("the URL must be smtp://user:password@host:587, smtps://user:password@host:465 or smtp://localhost:25?tls=none")

// parseURL reads what New describes. Its errors repeat nothing of the URL, which may
// hold a password.
func parseURL(raw string) (server, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return server{}, errURL
	}
	s := server{host: u.Hostname(), port: u.Port(), tls: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	usual := "587"
	switch {
	case u.Scheme == "smtp" && u.RawQuery == "":
	case u.Scheme == "smtp" && u.RawQuery == "tls=none":
		s.security, usual = plain, "25"
	case u.Scheme == "smtps" && u.RawQuery == "":
		s.security, usual = implicitTLS, "465"
	default:
		return server{}, errURL
	}
	if s.port == "" {
		s.port = usual
	}
	if port, err := strconv.ParseUint(s.port, 10, 16); err != nil || port == 0 {
		return server{}, errors.New("the port of the URL must be a number from 1 to 65535")
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
		if s.user == "" || s.password == "" || strings.ContainsFunc(s.user+s.password, unicode.IsControl) {
			return server{}, errors.New("the URL must have both user and password, without control characters, or neither")
		}
	}
	return s, nil
}

func (s server) address() string { return net.JoinHostPort(s.host, s.port) }

// isLoopback knows the names of this machine to which go-mail sends a password
// without TLS.
func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
