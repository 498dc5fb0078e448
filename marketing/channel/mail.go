package channel

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/plain"
)

// Mail is an e-mail in plain text.
type Mail struct {
	To      mail.Address
	Subject string
	Body    string
	// Unsubscribe is an address at which the recipient ends this by a POST (RFC 8058); may
	// be empty.
	Unsubscribe string
}

// message puts a mail into the form of RFC 5322.
func (m Mail) message(now time.Time) []byte {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("To", m.To.String())
	header("Subject", mime.QEncoding.Encode("utf-8", plain.Line(m.Subject)))
	header("Date", now.UTC().Format(time.RFC1123Z))
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	if m.Unsubscribe != "" {
		header("List-Unsubscribe", "<"+m.Unsubscribe+">")
		header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(strings.ReplaceAll(plain.Clean(m.Body), "\n", "\r\n"))) // into memory
	_ = w.Close()
	return b.Bytes()
}

// Send sends a mail from the customer's own box, by gmail or outlook, and returns the
// platform's ID of it, which may be empty. When an error is not [Unsent], nobody knows
// whether it was sent.
func Send(ctx context.Context, platform string, m Mail) (id string, err error) {
	if parsed, err := mail.ParseAddress(m.To.Address); err != nil || parsed.Address != m.To.Address || strings.ContainsAny(m.To.Address, "\r\n ") {
		return "", unsent(agent.Errorf("%q is no e-mail address", plain.Line(m.To.Address)))
	}
	message := m.message(time.Now())
	switch platform {
	case "gmail":
		a, err := ask[struct{ ID string }](ctx, platform, connect.Request{
			Method: post, URL: "https://gmail.googleapis.com/gmail/v1/users/me/messages/send",
			JSON: map[string]string{"raw": base64.RawURLEncoding.EncodeToString(message)},
		})
		return a.ID, err
	case "outlook":
		_, err := connect.Do(ctx, platform, connect.Request{
			Method: post, URL: "https://graph.microsoft.com/v1.0/me/sendMail", Header: map[string]string{"Content-Type": "text/plain"},
			Body: []byte(base64.StdEncoding.EncodeToString(message)),
		})
		return "", explain(platform, err)
	}
	return "", unsent(explain(platform, connect.ErrNotConnected))
}
