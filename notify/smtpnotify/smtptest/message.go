package smtptest

import (
	"bytes"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
)

// Message is a mail that a [Server] was given.
type Message struct {
	// From and To are the addresses of the envelope, without brackets.
	From string
	To   []string
	// Header is the message's header as it was sent; nil if it isn't one.
	Header mail.Header
	// Subject and Text are decoded. Lines end with "\n".
	Subject, Text string
	// Raw is the message as it was sent, without the dots of the protocol, its lines
	// ending with "\n".
	Raw []byte
}

func parse(from string, to []string, raw []byte) Message {
	m := Message{From: from, To: slices.Clone(to), Raw: raw}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m
	}
	m.Header = parsed.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		m.Subject = m.Header.Get("Subject")
	}
	body := parsed.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, _ := io.ReadAll(body)
	m.Text = string(text)
	return m
}
