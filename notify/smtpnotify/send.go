package smtpnotify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/heycmo/heycmo-go/notify"
)

// Notify sends a notice, and nothing when it has no address. A repetition has the
// same Message-ID. Errors wrap [notify.ErrPermanent] when the notice can't be put
// into words, when its address isn't one, and when the server refuses the recipient
// or the mail for good. Whatever an operator can mend, such as a wrong password, is
// no such error.
func (n *Notifier) Notify(ctx context.Context, notice notify.Notice) error {
	if notice.Email == "" {
		return nil
	}
	l, err := n.write(notice, time.Now())
	if err == nil {
		err = n.send(ctx, &l)
	}
	if err != nil {
		return fmt.Errorf("smtpnotify: %w", err)
	}
	return nil
}

// Check connects to the server and logs in, and sends nothing.
func (n *Notifier) Check(ctx context.Context) error {
	if err := n.send(ctx, nil); err != nil {
		return fmt.Errorf("smtpnotify: %w", err)
	}
	return nil
}

var (
	errSlow   = errors.New("no answer in time")
	errBroken = errors.New("the connection broke, or the answer isn't SMTP")
	errNoTLS  = errors.New("the server offers no STARTTLS")
	errNoAuth = errors.New("the server offers no login by PLAIN or LOGIN")
	errNoUTF8 = fmt.Errorf("the server takes no address with letters beyond ASCII (RFC 6531): %w", notify.ErrPermanent)
)

// send has the conversation of RFC 5321, section 3, over a connection of its own.
// Without a letter it ends with the login.
func (n *Notifier) send(ctx context.Context, l *letter) error {
	ctx, cancel := context.WithTimeoutCause(ctx, n.timeout, errSlow)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", n.address())
	if err != nil {
		return judge(ctx, "connecting", err)
	}
	defer func() { _ = conn.Close() }()
	// go-mail looks at no context once it is connected.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	step, c, err := n.converse(&limited{Conn: conn, left: maxAnswers}, l)
	if _, refused := errors.AsType[*textproto.Error](err); c != nil && (err == nil || refused) {
		_ = c.Quit() // the mail is there or it isn't, whatever becomes of this
	}
	if err != nil {
		return judge(ctx, step, err)
	}
	return nil
}

// converse returns an error with the step at which it came up, and the client as it
// is then.
func (n *Notifier) converse(conn net.Conn, l *letter) (step string, c *smtp.Client, err error) {
	if n.security == implicitTLS {
		conn = tls.Client(conn, n.tls)
	}
	if c, err = smtp.NewClient(conn, n.host); err != nil {
		return "greeting", nil, err
	}
	if err = c.Hello(n.name(conn)); err != nil {
		return "EHLO", c, err
	}
	if n.security == startTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return "STARTTLS", c, errNoTLS
		}
		if err = c.StartTLS(n.tls); err != nil {
			return "STARTTLS", c, err
		}
	}
	if n.user != "" {
		if err = n.login(c); err != nil {
			return "AUTH", c, err
		}
	}
	if l == nil {
		return "", c, nil
	}
	// Asked for without need, it makes relays that don't know it send mail back.
	c.SkipSMTPUTF8(l.ascii)
	if ok, _ := c.Extension("SMTPUTF8"); !ok && !l.ascii {
		return stepRecipient, c, errNoUTF8
	}
	if err = c.Mail(l.from); err != nil {
		return "MAIL", c, err
	}
	if err = c.Rcpt(l.to); err != nil {
		return stepRecipient, c, err
	}
	w, err := c.Data()
	if err != nil {
		return stepData, c, err
	}
	if _, err = w.Write(l.data); err != nil {
		return stepData, c, err
	}
	return stepData, c, w.Close()
}

// The steps at which a refusal is about the recipient or the mail.
const (
	stepRecipient = "RCPT"
	stepData      = "DATA"
)

// login uses PLAIN, which every server with a login must know (RFC 4954, section 4),
// or LOGIN, which some of Microsoft's offer alone.
func (n *Notifier) login(c *smtp.Client) error {
	_, offered := c.Extension("AUTH")
	mechanisms := strings.Fields(offered)
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return c.Auth(smtp.PlainAuth("", n.user, n.password, n.host, false))
	case slices.Contains(mechanisms, "LOGIN"):
		return c.Auth(smtp.LoginAuth(n.user, n.password, n.host, false))
	}
	return errNoAuth
}

// name is how this machine introduces itself: by an address literal if it isn't told
// a name (RFC 5321, sections 4.1.3 and 4.1.4).
func (n *Notifier) name(conn net.Conn) string {
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	switch ip := local.Addr().Unmap().WithZone(""); {
	case n.hello != "":
		return n.hello
	case err != nil:
		return "localhost"
	case ip.Is6():
		return "[IPv6:" + ip.String() + "]"
	default:
		return "[" + ip.String() + "]"
	}
}

// judge says what an error means. It keeps reply codes and what is about the network;
// the rest may repeat what was sent, the password included.
func judge(ctx context.Context, step string, err error) error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		code := replyCode(reply)
		if (step == stepRecipient || step == stepData) && isPermanent(code) {
			return fmt.Errorf("%s: the server refuses with %s: %w", step, code, notify.ErrPermanent)
		}
		return fmt.Errorf("%s: the server refuses with %s", step, code)
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w", step, cause)
	}
	return fmt.Errorf("%s: %w", step, harmless(err))
}

func harmless(err error) error {
	for _, ours := range []error{errNoTLS, errNoAuth, errNoUTF8, errEndless} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	return errBroken
}

// enhanced is an enhanced status code (RFC 3463, section 2).
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// replyCode returns "550", or "550 5.1.1" if the server says as much (RFC 2034).
func replyCode(reply *textproto.Error) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", reply.Code, enhanced.FindString(reply.Msg)))
}

// isPermanent reports whether a refusal of a recipient or a mail stays (RFC 5321,
// section 4.2.1). A login that is missing, commands out of order, and a policy
// against us (RFC 3463, section 3.8) are an operator's to mend.
func isPermanent(code string) bool {
	return strings.HasPrefix(code, "5") && !strings.HasPrefix(code, "530") && !strings.HasPrefix(code, "503") && !strings.Contains(code, " 5.7.")
}

// maxAnswers is how much a server may say in one conversation, in bytes.
const maxAnswers = 1 << 20

var errEndless = errors.New("the server doesn't stop talking")

// limited bounds what is read of a connection: go-mail reads replies of any length.
type limited struct {
	net.Conn
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errEndless
	}
	n, err := l.Conn.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
