// Package smtptest is a mail server for tests. It listens on loopback, keeps what it
// is given, and fails when it is told to.
//
//	server := smtptest.Start(t, nil)
//	notifier, err := smtpnotify.New(server.URL(), "HeyCMO <hello@example.com>", &smtpnotify.Options{RootCAs: server.RootCAs()})
//	…
//	for _, message := range server.Messages() {
//		// look at message.To, message.Subject, message.Text
//	}
package smtptest

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Security is how a [Server] protects a connection.
type Security int

// The ways to protect a connection.
const (
	STARTTLS    Security = iota // begins in the clear, goes on with TLS (RFC 3207)
	ImplicitTLS                 // TLS from the first byte (RFC 8314)
	NoTLS
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// Security protects connections. Default: STARTTLS.
	Security Security
	// User and Password are what a client must log in with, by PLAIN or LOGIN.
	// Default: none, and it need not.
	User, Password string
	// Answer may answer in place of the server, with a line such as
	// "550 5.1.1 no such person", with several, or with Cut; with "" the server
	// does it. It is asked about each line that the client sends, about "." when a
	// message has been read, and about "CONNECT" when nothing has been said yet. It
	// may wait, and is called by several goroutines when there are several
	// connections.
	Answer func(line string) string
}

// Cut as an answer closes the connection without one. After "." the message is
// kept: its sender can't know whether it was.
const Cut = "cut"

// Server is a mail server that keeps what it is given.
type Server struct {
	opts     Options
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool

	mu       sync.Mutex
	closed   bool
	conns    map[net.Conn]bool
	messages []Message
	running  sync.WaitGroup
}

// Start starts a server that stops with the test. Nil options are all defaults.
func Start(t testing.TB, o *Options) *Server {
	t.Helper()
	s := &Server{conns: map[net.Conn]bool{}}
	if o != nil {
		s.opts = *o
	}
	cert, roots, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	s.tls, s.roots = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, roots
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.running.Go(s.accept)
	t.Cleanup(s.stop)
	return s
}

// URL is the server's address as smtpnotify takes it, with user and password.
func (s *Server) URL() string {
	u := url.URL{Scheme: "smtp", Host: s.listener.Addr().String()}
	if s.opts.User != "" {
		u.User = url.UserPassword(s.opts.User, s.opts.Password)
	}
	switch s.opts.Security {
	case ImplicitTLS:
		u.Scheme = "smtps"
	case NoTLS:
		u.RawQuery = "tls=none"
	}
	return u.String()
}

// RootCAs holds the server's certificate, which is for 127.0.0.1.
func (s *Server) RootCAs() *x509.CertPool { return s.roots }

// Messages returns what was accepted so far, in the order of acceptance. A message
// is there before its sender has the answer.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

func (s *Server) keep(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		if s.closed {
			_ = conn.Close()
		}
		s.mu.Unlock()
		s.running.Go(func() {
			(&session{server: s, conn: conn}).serve()
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
	}
}

func (s *Server) stop() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
