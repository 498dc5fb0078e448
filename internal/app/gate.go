package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
)

// Scope names what a limit is for. Each scope is counted apart.
type Scope string

// The scopes of limits.
const (
	ScopeREST     Scope = "rest"
	ScopeMCP      Scope = "mcp"
	ScopeCheckout Scope = "checkout"
	ScopeWebhook  Scope = "webhook"
	ScopeLogin    Scope = "login"
)

// Limits are how many requests of each scope may pass in a minute; a negative
// number is no limit.
type Limits map[Scope]int

// Login returns who sent the request, provided that they may come in. One error
// stands for every cause of a refusal; failures count against the caller's
// address, and beyond the budget they are answered as too many.
func (a *App) Login(r *http.Request) (auth.Principal, error) {
	return a.login(r, storage.Status.Entitled)
}

// LoginToPay is Login for those who want to pay: inactive customers may come in
// too.
func (a *App) LoginToPay(r *http.Request) (auth.Principal, error) {
	return a.login(r, func(s storage.Status) bool { return s.Entitled() || s == storage.StatusInactive })
}

func (a *App) login(r *http.Request, mayEnter func(storage.Status) bool) (auth.Principal, error) {
	p, err := a.identify(r)
	switch {
	case err == nil && mayEnter(p.Status):
		a.keyUsed(p.Key)
		httpx.NoteCaller(r.Context(), string(p.Customer), string(p.Key))
		return p, nil
	case err == nil:
		err = auth.ErrUnauthenticated
	case errors.Is(err, auth.ErrNoCredential):
		return auth.Principal{}, err
	case !errors.Is(err, auth.ErrUnauthenticated):
		return auth.Principal{}, unavailable(err)
	}
	return auth.Principal{}, a.countFailure(r, err)
}

func (a *App) identify(r *http.Request) (auth.Principal, error) {
	p, err := a.Authenticator.Authenticate(r)
	if err != nil {
		return auth.Principal{}, err
	}
	switch {
	case p.ExternalID != "":
		c, err := a.Store.CustomerByExternalID(r.Context(), p.ExternalID)
		if err != nil {
			return auth.Principal{}, unknownIsUnauthenticated(err)
		}
		p.Customer, p.Status = c.ID, c.StatusAt(time.Now())
	case p.Status == "":
		c, err := a.Store.Customer(r.Context(), p.Customer)
		if err != nil {
			return auth.Principal{}, unknownIsUnauthenticated(err)
		}
		p.Status = c.StatusAt(time.Now())
	}
	return p, nil
}

func unknownIsUnauthenticated(err error) error {
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		return auth.ErrUnauthenticated
	}
	return err
}

// LoginAdmin reports whether the request carries an admin key. Refusals are
// those of Login.
func (a *App) LoginAdmin(r *http.Request) error {
	token, ok := auth.BearerToken(r)
	if !ok {
		return auth.ErrNoCredential
	}
	given, match := digest(token), 0
	for _, admin := range a.admins {
		match |= subtle.ConstantTimeCompare(given[:], admin[:])
	}
	if match == 1 {
		return nil
	}
	return a.countFailure(r, auth.ErrUnauthenticated)
}

// HasAdmin reports whether the host has an admin key.
func (a *App) HasAdmin() bool { return len(a.admins) > 0 }

func digest(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

func (a *App) countFailure(r *http.Request, cause error) error {
	address := a.Address(r)
	if err := a.Limit(r.Context(), make(http.Header), ScopeLogin, address); err != nil {
		return err
	}
	return cause
}

// Address returns the name under which the caller's address is counted.
func (a *App) Address(r *http.Request) string {
	return httpx.AddressKey(httpx.ClientIP(r, a.TrustedProxies))
}

// Limit counts one request of who in the scope and writes the limit's headers
// to h. A request that may not pass gets an error with status 429.
func (a *App) Limit(ctx context.Context, h http.Header, scope Scope, who string) error {
	limit, ok := a.Limits[scope]
	if !ok || limit < 0 {
		return nil
	}
	rate := ratelimit.PerMinute(limit)
	result, err := a.Limiter.Take(ctx, string(scope)+":"+who, rate)
	if err != nil {
		return unavailable(fmt.Errorf("limiter: %w", err))
	}
	ratelimit.SetHeaders(h, string(scope), rate, result)
	if result.Allowed {
		return nil
	}
	retry := h.Get("Retry-After")
	return httpx.Status(http.StatusTooManyRequests,
		fmt.Sprintf("too many requests: %d a minute are allowed; try again in %s s", limit, retry)).
		WithHeader("Retry-After", retry)
}

func unavailable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return httpx.Unavailable(err)
}
