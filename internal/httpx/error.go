package httpx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// StatusError is an error that says how to answer it.
type StatusError struct {
	Code    int         // HTTP status
	Message string      // for the client
	Header  http.Header // further headers of the response; may be nil
	Cause   error       // for the log; may be nil
}

// Status returns an error that is answered with the status and message.
func Status(code int, message string) *StatusError {
	return &StatusError{Code: code, Message: message}
}

// WithHeader returns a copy of e that also sets a header of the response.
func (e *StatusError) WithHeader(name, value string) *StatusError {
	c := *e
	if c.Header = maps.Clone(e.Header); c.Header == nil {
		c.Header = http.Header{}
	}
	c.Header.Set(name, value)
	return &c
}

// WithCause returns a copy of e that wraps an error. The client doesn't see it.
func (e *StatusError) WithCause(err error) *StatusError {
	c := *e
	c.Cause = err
	return &c
}

// Error returns the message.
func (e *StatusError) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *StatusError) Unwrap() error { return e.Cause }

// Unavailable returns the error for a request that can't be served right now
// because of cause.
func Unavailable(cause error) *StatusError {
	return Status(http.StatusServiceUnavailable, "the service can't serve this request right now; try again").
		WithHeader("Retry-After", "5").WithCause(cause)
}

// statusClientGone is nginx's status for a client that didn't wait. Nobody gets
// it; it is for the access log.
const statusClientGone = 499

// Error answers the request with err, in the form {"error":"…"}. What the client
// may not see goes to the access log. When the header was sent already, it does
// that alone.
//
//	context.Canceled, if the client has gone  499, which nobody sees
//	*StatusError                              its own status
//	auth.ErrNoCredential, ErrUnauthenticated  401, one text for every cause
//	storage.ErrUnavailable                    503, to be tried again
//	storage.ErrNotFound                       404
//	storage.ErrExists, ErrConflict            409
//	storage.ErrInvalid                        400
//	*billing.QuotaError                       402
//	*http.MaxBytesError                       413
//	everything else                           500 with the request ID
//
// Answers to the errors of package storage, but ErrNotFound, have the text of
// the error that wraps it.
func Error(w http.ResponseWriter, r *http.Request, err error) {
	e := Answer(r, err)
	if written(w) {
		return
	}
	h := w.Header()
	if e.Code == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer") // RFC 9110, section 15.5.2
	}
	maps.Copy(h, e.Header)
	JSON(w, e.Code, struct {
		Error string `json:"error"`
	}{e.Message})
}

// Answer returns how Error answers, for those who answer in another form. What the
// client may not see goes to the access log.
func Answer(r *http.Request, err error) *StatusError {
	e := answerTo(r, err)
	if e.Cause != nil && e.Code >= 500 {
		noteFailure(r.Context(), e.Cause)
	}
	return e
}

func answerTo(r *http.Request, err error) *StatusError {
	status, hasStatus := errors.AsType[*StatusError](err)
	quota, isQuota := errors.AsType[*billing.QuotaError](err)
	tooLarge, isTooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return Status(statusClientGone, "the client has gone")
	case hasStatus:
		return status
	case errors.Is(err, auth.ErrNoCredential), errors.Is(err, auth.ErrUnauthenticated):
		return Status(http.StatusUnauthorized, "API key is missing or not valid")
	case errors.Is(err, storage.ErrUnavailable):
		return Unavailable(err)
	case errors.Is(err, storage.ErrNotFound):
		return Status(http.StatusNotFound, "not found")
	case errors.Is(err, storage.ErrExists):
		return Status(http.StatusConflict, sentence(err, storage.ErrExists))
	case errors.Is(err, storage.ErrConflict):
		return Status(http.StatusConflict, sentence(err, storage.ErrConflict))
	case errors.Is(err, storage.ErrInvalid):
		return Status(http.StatusBadRequest, sentence(err, storage.ErrInvalid))
	case isQuota:
		return Status(http.StatusPaymentRequired, quota.Error())
	case isTooLarge:
		return Status(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must have at most %d bytes", tooLarge.Limit))
	}
	return Status(http.StatusInternalServerError, fmt.Sprintf("internal error (request %s)", RequestIDFrom(r.Context()))).WithCause(err)
}

// sentence returns the text of the error in err that wraps kind directly,
// without the text of kind.
func sentence(err, kind error) string {
	inner := unwrap(err, kind)
	if inner != nil && unwrap(inner, kind) != nil {
		return sentence(inner, kind)
	}
	return strings.TrimSuffix(err.Error(), ": "+kind.Error())
}

// unwrap returns the error inside err that is or wraps kind, or nil.
func unwrap(err, kind error) error {
	switch e := any(err).(type) {
	case interface{ Unwrap() error }:
		return e.Unwrap()
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if errors.Is(inner, kind) {
				return inner
			}
		}
	}
	return nil
}
