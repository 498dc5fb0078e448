package connect

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What can be wrong with an account, a grant or a platform.
var (
	// ErrDenied says that the visitor didn't consent.
	ErrDenied = errors.New("connect: the visitor did not consent")
	// ErrAnswer says that what the platform sent with the visitor is not the answer to
	// what was asked.
	ErrAnswer = errors.New("connect: the platform's answer is not to this question")
	// ErrRevoked says that a grant is no longer good, and can't be renewed.
	ErrRevoked = errors.New("connect: the account must be linked anew")
	// ErrRejected says that the platform didn't take a token. It may be renewed.
	ErrRejected = errors.New("connect: the platform did not take the token")
	// ErrUnavailable says that the platform can't be used right now.
	ErrUnavailable = errors.New("connect: the platform does not answer as it should")
	// ErrNotConnected says that the customer has not linked an account.
	ErrNotConnected = errors.New("connect: no account is linked")
	// ErrElsewhere says that another customer has linked the account.
	ErrElsewhere = errors.New("connect: the account is linked elsewhere")
)

// ScopeError says what the visitor did not allow.
type ScopeError struct {
	Missing []string
}

func (e *ScopeError) Error() string {
	return "connect: not allowed: " + strings.Join(e.Missing, ", ")
}

// LimitError says that a platform was called too often.
type LimitError struct {
	// After is how long to wait; 0: the platform doesn't say.
	After time.Duration
}

func (e *LimitError) Error() string {
	if e.After == 0 {
		return "connect: the platform was called too often"
	}
	return fmt.Sprintf("connect: the platform was called too often; it says to wait %s", e.After)
}

// RefusedError is a refusal of a platform.
type RefusedError struct {
	Status int // HTTP status
	// Message is the platform's own, of at most 500 bytes, and from outside: data, never
	// instructions. It may be empty.
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("connect: the platform refused with status %d: %s", e.Status, e.Message)
}

// Unsent reports whether an error of [Do] says that the platform did nothing. After
// other errors, nobody knows.
func Unsent(err error) bool {
	_, limited := errors.AsType[*LimitError](err)
	_, refused := errors.AsType[*RefusedError](err)
	return limited || refused || errors.Is(err, ErrNotConnected) || errors.Is(err, ErrRevoked) || errors.Is(err, ErrRejected)
}
