// Package auth tells who is calling.
//
//	opts.Authenticator = auth.Func(func(r *http.Request) (auth.Principal, error) {
//		user, ok := sessions.User(r)
//		if !ok {
//			return auth.Principal{}, auth.ErrUnauthenticated
//		}
//		return auth.Principal{ExternalID: user.ID}, nil
//	})
//
// Without an Authenticator of the embedder's own, a host takes API keys
// ([Keys]). [First] tries several in turn.
package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Errors of an [Authenticator].
var (
	// ErrUnauthenticated says that a credential was presented and is not good,
	// whatever the reason. It counts against the caller's address.
	ErrUnauthenticated = errors.New("credential is not valid")
	// ErrNoCredential says that the request carries no credential that this
	// authenticator looks at.
	ErrNoCredential = errors.New("no credential")
)

// Principal is who is calling. An authenticator names the customer by exactly
// one of Customer and ExternalID.
type Principal struct {
	Customer storage.CustomerID
	// ExternalID is the embedder's own ID of the customer; the host looks up
	// which customer that is.
	ExternalID string
	// Key is the API key that was used, or empty.
	Key storage.KeyID
	// ExpiresAt ends the principal's streams, or is zero.
	ExpiresAt time.Time
	// Status is the customer's state. The host fills it in when it is empty.
	Status storage.Status
}

// Authenticator proves who sent a request. It proves identity only: whether the
// customer may come in is the host's decision. The host has already moved the
// token query parameter of MCP URLs into the Authorization header, so an
// authenticator reads headers and cookies alone.
type Authenticator interface {
	// Authenticate returns the caller. An error that wraps ErrNoCredential or
	// ErrUnauthenticated is answered with 401, any other with 503.
	Authenticate(r *http.Request) (Principal, error)
}

// Func is an [Authenticator] made of a function.
type Func func(r *http.Request) (Principal, error)

// Authenticate calls f.
func (f Func) Authenticate(r *http.Request) (Principal, error) { return f(r) }

// First asks authenticators in order until one knows the caller. If none does,
// the credential was not valid when at least one of them looked at it, and
// missing otherwise. Any other error ends the search.
func First(authenticators ...Authenticator) Authenticator {
	return Func(func(r *http.Request) (Principal, error) {
		refusal := ErrNoCredential
		for _, a := range authenticators {
			p, err := a.Authenticate(r)
			switch {
			case errors.Is(err, ErrUnauthenticated):
				refusal = ErrUnauthenticated
			case !errors.Is(err, ErrNoCredential):
				return p, err
			}
		}
		return Principal{}, refusal
	})
}

type principalKey struct{}

// NewContext returns a context that carries the caller.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext returns the caller of the request that ctx belongs to.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
