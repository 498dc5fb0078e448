package stripebilling

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

var (
	errSlow      = errors.New("no answer in time")
	errTooLarge  = errors.New("the answer is too large")
	errNotStripe = errors.New("the answer is not one of Stripe's")
	errBroken    = errors.New("the connection broke")
	errEndless   = errors.New("a list has too many pages")
)

func unavailable(cause error, after time.Duration) error {
	return &billing.UnavailableError{After: after, Err: cause}
}

// refused wraps [billing.ErrRefused] with a code, never with a message: those
// repeat what was sent.
func refused(code string) error { return fmt.Errorf("%w: %s", billing.ErrRefused, code) }

// errDuplicate is a refusal that means the usage was counted already.
var errDuplicate = fmt.Errorf("%w: duplicate_meter_event", billing.ErrRefused)

var codePattern = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// judge decides what a complete answer means
// (https://docs.stripe.com/api/errors, https://docs.stripe.com/error-low-level).
func (a *answer) judge() {
	if a.status >= 200 && a.status < 300 {
		return
	}
	// Not the library's stripe.Error: one mistyped field there loses the code.
	var said struct {
		Error *struct{ Type, Code, Message json.RawMessage }
	}
	parsed := json.Unmarshal(a.body, &said) == nil && said.Error != nil
	switch {
	case a.status == http.StatusConflict, a.status == http.StatusTooManyRequests, a.status >= 500:
		a.err, a.again = unavailable(fmt.Errorf("status %d", a.status), a.after), true
	case a.status < 400 || !parsed:
		a.err = unavailable(fmt.Errorf("status %d: %w", a.status, errNotStripe), a.after)
	default:
		code := text(said.Error.Code)
		// Measured by others: refusing a known identifier comes without a code.
		if code == "duplicate_meter_event" || strings.HasPrefix(text(said.Error.Message), "An event already exists with identifier") {
			a.err = errDuplicate
			break
		}
		if code == "" {
			code = text(said.Error.Type)
		}
		if !codePattern.MatchString(code) {
			code = "without a code"
		}
		if code == "resource_missing" {
			a.err = billing.ErrNotFound
			break
		}
		a.err = refused(fmt.Sprintf("%s (%d)", code, a.status))
	}
	switch a.header.Get("Stripe-Should-Retry") {
	case "true":
		a.again = true
	case "false":
		a.again = false
	}
}

// harmless keeps of an error of the HTTP client what is about the network. The
// rest may quote what the other side sent, or the path with an ID in it.
func harmless(err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	return errBroken
}
