package smtptest

import (
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/textproto"
	"strings"
)

// session is one connection (RFC 5321, section 3).
type session struct {
	server   *Server
	conn     net.Conn
	text     *textproto.Conn
	secure   bool
	loggedIn bool
	from     string
	to       []string
}

func (s *session) serve() {
	if s.server.opts.Security == ImplicitTLS {
		s.startTLS()
	}
	s.text = textproto.NewConn(s.conn)
	if !s.answer("CONNECT", "220 smtptest ready") {
		return
	}
	for {
		line, err := s.text.ReadLine()
		if err != nil || !s.command(line) {
			return
		}
	}
}

func (s *session) startTLS() {
	s.conn, s.secure = tls.Server(s.conn, s.server.tls), true
	s.text = textproto.NewConn(s.conn)
}

// answer answers a line as usual, unless Answer does it. It reports whether the
// conversation goes on.
func (s *session) answer(line, usual string) bool { return s.write(s.choose(line, usual)) }

func (s *session) choose(line, usual string) string {
	if s.server.opts.Answer != nil {
		if other := s.server.opts.Answer(line); other != "" {
			return other
		}
	}
	return usual
}

func (s *session) write(said string) bool {
	return said != Cut && s.text.PrintfLine("%s", said) == nil && !strings.HasPrefix(said, "221")
}

// command does what a line says. It reports whether the conversation goes on.
func (s *session) command(line string) bool {
	verb, argument, _ := strings.Cut(line, " ")
	opts := s.server.opts
	switch verb = strings.ToUpper(verb); {
	case verb == "EHLO":
		return s.answer(line, strings.Join(append([]string{"250-smtptest"}, s.extensions()...), "\r\n"))
	case verb == "HELO", verb == "NOOP":
		return s.answer(line, "250 smtptest")
	case verb == "RSET":
		s.from, s.to = "", nil
		return s.answer(line, "250 2.0.0 forgotten")
	case verb == "QUIT":
		return s.answer(line, "221 2.0.0 bye")
	case verb == "STARTTLS" && opts.Security == STARTTLS && !s.secure:
		said := s.choose(line, "220 2.0.0 go on")
		ok := s.write(said)
		if ok && strings.HasPrefix(said, "220") {
			s.startTLS()
		}
		return ok
	case verb == "AUTH" && opts.User != "" && (s.secure || opts.Security == NoTLS):
		return s.login(line, argument)
	case opts.User != "" && !s.loggedIn:
		return s.answer(line, "530 5.7.0 log in first")
	case verb == "MAIL":
		s.from, s.to = path(argument), nil
		return s.answer(line, "250 2.1.0 go on")
	case verb == "RCPT" && s.from != "":
		said := s.choose(line, "250 2.1.5 go on")
		if strings.HasPrefix(said, "2") {
			s.to = append(s.to, path(argument))
		}
		return s.write(said)
	case verb == "DATA" && len(s.to) > 0:
		said := s.choose(line, "354 go on")
		return s.write(said) && (!strings.HasPrefix(said, "354") || s.data())
	default:
		return s.answer(line, "503 5.5.1 not now")
	}
}

func (s *session) extensions() []string {
	opts := s.server.opts
	list := []string{"250-8BITMIME", "250-SMTPUTF8"}
	if opts.Security == STARTTLS && !s.secure {
		list = append(list, "250-STARTTLS")
	} else if opts.User != "" {
		list = append(list, "250-AUTH PLAIN LOGIN")
	}
	return append(list, "250 ENHANCEDSTATUSCODES")
}

// login takes user and password (RFC 4954): in one line with PLAIN, asked for one by
// one with LOGIN.
func (s *session) login(line, argument string) bool {
	mechanism, first, _ := strings.Cut(argument, " ")
	var user, password string
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		parts := strings.Split(decode(first), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		for _, ask := range []struct {
			name string
			into *string
		}{{"Username:", &user}, {"Password:", &password}} {
			said := s.choose(line, "334 "+base64.StdEncoding.EncodeToString([]byte(ask.name)))
			if ok := s.write(said); !ok || !strings.HasPrefix(said, "334") {
				return ok
			}
			var err error
			if line, err = s.text.ReadLine(); err != nil {
				return false
			}
			*ask.into = decode(line)
		}
	}
	if user != s.server.opts.User || password != s.server.opts.Password {
		return s.answer(line, "535 5.7.8 wrong user or password")
	}
	said := s.choose(line, "235 2.7.0 welcome")
	s.loggedIn = strings.HasPrefix(said, "235")
	return s.write(said)
}

// data reads a message to its end (RFC 5321, section 4.1.1.4).
func (s *session) data() bool {
	raw, err := s.text.ReadDotBytes()
	if err != nil {
		return false
	}
	said := s.choose(".", "250 2.0.0 kept")
	if said == Cut || strings.HasPrefix(said, "2") {
		s.server.keep(parse(s.from, s.to, raw))
	}
	return s.write(said)
}

// path returns the address of "FROM:<address> …".
func path(argument string) string {
	_, rest, _ := strings.Cut(argument, "<")
	return rest[:max(strings.LastIndex(rest, ">"), 0)]
}

func decode(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}
