package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"

	"code.dny.dev/ssrf"
)

// Reason is why a page could not be fetched.
type Reason string

// The reasons.
const (
	ReasonURL      Reason = "url"      // the URL is not one that may be fetched
	ReasonAddress  Reason = "address"  // the host is not on the public Internet
	ReasonHost     Reason = "host"     // the host has no address
	ReasonConnect  Reason = "connect"  // nobody answers there
	ReasonTLS      Reason = "tls"      // the connection can't be trusted
	ReasonRedirect Reason = "redirect" // too many redirects, or to a wrong place
	ReasonTimeout  Reason = "timeout"  // it took too long
	ReasonAnswer   Reason = "answer"   // the answer is not HTTP, or its header too large
	ReasonBody     Reason = "body"     // the body is damaged
)

// Error says why a page could not be fetched.
type Error struct {
	Reason Reason
	text   string
	cause  error
}

// Error returns a text that a caller may see. It holds nothing that a server
// said, and nothing about the host's own network.
func (e *Error) Error() string { return e.text }

// Unwrap returns the cause, whose text is for the log alone.
func (e *Error) Unwrap() error { return e.cause }

const textPort = "the URL's port must be 80 or 443"

// errNoAddress has the same text for names that don't exist and names that lead
// into a private network, so that nobody can find out the names in there.
func errNoAddress(cause error) *Error {
	reason := ReasonAddress
	if _, ok := errors.AsType[*net.DNSError](cause); ok {
		reason = ReasonHost
	}
	return &Error{Reason: reason, text: "the URL's host has no public address", cause: cause}
}

// explain turns an error of the HTTP client into one for the caller.
func explain(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && !isTimeout(e.cause) {
		return e
	}
	because := func(reason Reason, text string) *Error { return &Error{Reason: reason, text: text, cause: err} }
	dns, _ := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return because(ReasonURL, textPort)
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return errNoAddress(err)
	case dns != nil && dns.IsNotFound:
		return errNoAddress(err)
	case isTimeout(err):
		return because(ReasonTimeout, "the site took too long to answer")
	case dns != nil:
		return because(ReasonHost, "the URL's host could not be looked up; try again later")
	}
	op, _ := errors.AsType[*net.OpError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case certificate, record, op != nil && (op.Op == "remote error" || op.Op == "local error"):
		return because(ReasonTLS, "the site's certificate is not valid, or it doesn't speak TLS as it should")
	case op != nil && op.Op == "dial":
		return because(ReasonConnect, "the site doesn't take connections")
	}
	return because(ReasonAnswer, "the site's answer can't be understood")
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}
