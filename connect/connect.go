// Package connect links customers' accounts at other platforms, so that tools can work
// with them.
//
//	platforms := oauth2connect.Platforms(map[string]oauth2connect.Credentials{
//		"linkedin": {ClientID: id, ClientSecret: secret},
//	}, nil)
//	srv, err := heycmo.New(store, &heycmo.Options{Platforms: platforms})
//
// The host makes the links, asks the visitor to prove who they are, keeps what opens the
// account encrypted, and refreshes it. A tool calls a platform with what the customer of
// the running call has linked, and never sees a token:
//
//	answer, err := connect.Do(ctx, "x", connect.Request{Method: "POST", URL: "https://api.x.com/2/tweets", JSON: post})
//
// A platform is data and a [Connector], which knows how its accounts are opened. Package
// [github.com/heycmo/heycmo-go/connect/oauth2connect] has those that speak OAuth 2.0,
// package [github.com/heycmo/heycmo-go/connect/composioconnect] the rest by way of a
// broker, and package [github.com/heycmo/heycmo-go/connect/connecttest] checks
// connectors and has platforms to test with.
package connect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Platform is something whose accounts customers can link.
type Platform struct {
	// ID names it: 1 to 40 lower-case letters, digits and "_".
	ID string
	// Title is its name for people, and Purpose says what its accounts are used for, such
	// as "Publish approved posts.".
	Title, Purpose string
	// Connector opens its accounts; nil: the host has no credentials for it.
	Connector Connector
}

var idPattern = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// Check reports everything that is wrong with platforms.
func Check(platforms []Platform) error {
	var errs []error
	seen := map[string]bool{}
	for _, p := range platforms {
		switch {
		case !idPattern.MatchString(p.ID):
			errs = append(errs, fmt.Errorf("platform %q: the ID must be 1 to 40 lower-case letters, digits and \"_\"", p.ID))
		case seen[p.ID]:
			errs = append(errs, fmt.Errorf("platform %q is there twice", p.ID))
		case p.Title == "":
			errs = append(errs, fmt.Errorf("platform %q: the Title must be there", p.ID))
		}
		seen[p.ID] = true
	}
	return errors.Join(errs...)
}

// Connector opens accounts of one platform. Its methods are called by many goroutines.
//
// Errors wrap the ones of this package. Their text never has a token, a code or a secret
// in it.
type Connector interface {
	// Begin returns the page of the platform on which the visitor consents, and what
	// Finish needs to know of it.
	Begin(ctx context.Context, s Start) (page, memo string, err error)

	// Finish makes a grant of what the platform sent with the visitor back to
	// s.RedirectURI, having checked that it is the answer to what Begin asked. The grant
	// says whose account it is. It returns [ErrDenied] when the visitor said no, and a
	// [*ScopeError] when they allowed less than is needed; what was granted then is
	// revoked.
	Finish(ctx context.Context, s Start, memo string, answer url.Values) (Grant, error)

	// Refresh returns a grant that is good for longer. It returns [ErrRevoked] when the
	// grant can't be renewed, and the grant as it is when it needs no renewal.
	Refresh(ctx context.Context, g Grant) (Grant, error)

	// Revoke takes the grant back at the platform, as far as that can be done.
	Revoke(ctx context.Context, g Grant) error

	// Do calls the platform's API. It returns [ErrRejected] when the platform doesn't
	// take the token, a [*LimitError] when there were too many calls, a [*RefusedError]
	// for other refusals, and [ErrUnavailable] when the platform doesn't answer, or with
	// something else than JSON.
	Do(ctx context.Context, g Grant, r Request) (Response, error)
}

// Start is the beginning of a connection.
type Start struct {
	Customer storage.CustomerID
	// RedirectURI is where the platform sends the visitor back to.
	RedirectURI string
	// State comes back with the visitor. The host checks it.
	State string
	// Verifier is that of PKCE (RFC 7636, section 4.1).
	Verifier string
}

// Account is whose account was linked.
type Account struct {
	// ID is the platform's own, and Name what people know it by.
	ID, Name string
}

// Grant opens an account. What is printed of it has no token in it.
type Grant struct {
	Access, Refresh string
	// Expires is when Access ends; zero: it isn't known to.
	Expires time.Time
	// Scopes are those that were granted; nil: they aren't known.
	Scopes  []string
	Account Account
	// API is the address of the account's API where each has its own; else empty.
	API string
}

// Format implements [fmt.Formatter].
func (g Grant) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "grant of %q", g.Account.Name) }

// GoString shows no token.
func (g Grant) GoString() string { return fmt.Sprint(g) }

// Request is a call of a platform's API.
type Request struct {
	Method string // default GET
	// URL is absolute, or a path under the account's own API, see [Grant].API.
	URL    string
	Header map[string]string
	// As is the ID of something that the account manages and in whose name it calls, such
	// as a page of Facebook; empty: the account itself.
	As string
	// JSON is the body; nil: none, or Body.
	JSON any
	// Body is the body as it is, of the type that Header names.
	Body []byte
}

// Response is what a platform answered; its status is below 300.
type Response struct {
	Status int
	Header map[string][]string
	// Body is JSON, or empty.
	Body []byte
}

type doKey struct{}

// Doer calls platforms for the customer of a running call.
type Doer func(ctx context.Context, platform string, r Request) (Response, error)

// WithDoer returns a context in which [Do] calls do. The host provides it.
func WithDoer(ctx context.Context, do Doer) context.Context {
	return context.WithValue(ctx, doKey{}, do)
}

// Do calls a platform with the account that the customer of the running call has linked.
// Besides what [Connector].Do returns there is [ErrNotConnected] when there is none, and
// [ErrRevoked] when it must be linked anew.
func Do(ctx context.Context, platform string, r Request) (Response, error) {
	if do, ok := ctx.Value(doKey{}).(Doer); ok {
		return do(ctx, platform, r)
	}
	return Response{}, ErrNotConnected
}
