package smtpnotify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/heycmo/heycmo-go/notify"
)

// letter is a mail that is ready to be sent.
type letter struct {
	from, to string // of the envelope, in brackets (RFC 5321, section 4.1.2)
	ascii    bool   // it needs no SMTPUTF8
	data     []byte
}

// write puts a notice into a mail.
func (n *Notifier) write(notice notify.Notice, now time.Time) (letter, error) {
	to, err := recipient(notice.Email)
	if err != nil {
		return letter{}, err
	}
	if notice.ID == "" {
		return letter{}, fmt.Errorf("the notice has no ID: %w", notify.ErrPermanent)
	}
	words, err := notice.Message()
	if err != nil {
		return letter{}, err
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(n.from)
	m.ToMailAddress(to)
	if n.replyTo != nil {
		m.ReplyToMailAddress(n.replyTo)
	}
	// In a name from outside it would begin an encoded word (RFC 2047), in which
	// anything may hide; go-mail leaves it as it is.
	m.Subject(strings.ReplaceAll(words.Subject, "=?", "= ?"))
	m.SetMessageIDWithValue(n.messageID(notice.ID))
	m.SetDateWithValue(now.UTC())
	// Keeps away-messages from answering (RFC 3834, section 5).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(mail.TypeTextPlain, words.Body)

	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return letter{}, fmt.Errorf("writing the mail: %w", err)
	}
	return letter{from: envelope(n.from), to: envelope(to), ascii: isASCII(to.Address), data: b.Bytes()}, nil
}

// messageID is the same for the same notice, so that mailboxes can tell a
// repetition, and tells nothing of it (RFC 5322, section 3.6.4).
func (n *Notifier) messageID(id string) string {
	sum := sha256.Sum256([]byte(id))
	domain := n.from.Address[strings.LastIndexByte(n.from.Address, '@')+1:]
	return base64.RawURLEncoding.EncodeToString(sum[:16]) + "@" + domain
}

// maxAddress is the longest path without its brackets (RFC 5321, section 4.5.3.1.3).
const maxAddress = 254

// recipient takes an addr-spec (RFC 5322, section 3.4.1), of ASCII or not (RFC 6532),
// and nothing around it: a name or a comment might be anything.
func recipient(address string) (*netmail.Address, error) {
	refused := func(what string) (*netmail.Address, error) {
		return nil, fmt.Errorf("the customer's address %s: %w", what, notify.ErrPermanent)
	}
	if strings.ContainsAny(address, "\r\n\x00") {
		return refused("has a line break or a NUL in it")
	}
	parsed, err := netmail.ParseAddress(address)
	if err != nil || envelope(parsed) != "<"+address+">" {
		return refused("is not of the form ada@example.com")
	}
	if len(address) > maxAddress {
		return refused("is longer than 254 bytes")
	}
	return parsed, nil
}

// envelope returns the address in brackets, without a name.
func envelope(a *netmail.Address) string { return (&netmail.Address{Address: a.Address}).String() }
