package oauth2connect

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Platform is a platform that speaks OAuth 2.0 (RFC 6749, section 4.1). Its ID, Title
// and Purpose are those of [connect.Platform].
type Platform struct {
	ID, Title, Purpose string
	// Group shares credentials: platforms of one group have one app; default the ID.
	Group string

	// AuthURL is the page on which visitors consent, and TokenURL makes tokens.
	AuthURL, TokenURL string
	// Scopes are what is asked for. What the platform says was granted must have all of
	// them but the Optional ones.
	Scopes, Optional []string
	// Separator stands between scopes; default a space.
	Separator string
	// PKCE has the platform check that whoever ends a link began it (RFC 7636, S256).
	PKCE bool
	// AuthParams are further parameters of AuthURL.
	AuthParams map[string]string
	// ClientParam is the name of the parameter client_id where the platform has another.
	ClientParam string
	// BasicAuth sends the credentials to TokenURL by RFC 7617, and JSONToken the
	// parameters as JSON.
	BasicAuth, JSONToken bool
	// Issuer is what the parameter iss of an answer must be when it is sent (RFC 9207).
	Issuer string

	// Identity tells whose account it is.
	Identity Identity
	// LongLived changes a short-lived token for a long-lived one after a link.
	LongLived *Exchange
	// Renew renews a token where the platform has no refresh tokens.
	Renew *Exchange
	// Revoke takes a grant back; nil: the platform can't, and visitors do it there.
	Revoke *Revoke

	// Delegate tells the tokens of what accounts manage; nil: they call as themselves.
	Delegate *Delegate
	// Hosts are those of the API, beside that of Identity. Tokens are sent nowhere else.
	// One that begins with "." means all below it.
	Hosts []string
	// Header is sent with each call of the API.
	Header map[string]string
}

// Identity is a call that tells whose account a token opens. Its fields are places in a
// JSON object, with dots between names, such as "data.id".
type Identity struct {
	// URL is what is called; empty: the answer of TokenURL has it.
	URL string
	// Scheme stands before the token in the header Authorization; default Bearer.
	Scheme string
	// ID and Name are where the account's ID and its name stand, and API where the address
	// of its own API does, if it has one.
	ID, Name, API string
}

// Exchange makes another token of a token, with a GET.
type Exchange struct {
	URL       string
	GrantType string
	// Param is the parameter that has the token.
	Param string
	// Secret sends the app's credentials along.
	Secret bool
}

// Delegate is a call that lists what an account manages, each with a token of its own, see
// [connect.Request].As. ID and Token are names in the objects of List.
type Delegate struct {
	URL, List, ID, Token string
}

// Revoke is a call that takes a grant back.
type Revoke struct {
	// URL may have {refresh} in it, which is the refresh token.
	URL    string
	Method string // default POST
	// Form sends the parameter token with the refresh token, or the access token when there
	// is none, as RFC 7009 has it; JSON does the same as JSON. Credentials go along as
	// they do to TokenURL. With neither, the access token stands in the header.
	Form, JSON bool
}

// Credentials are those of an app at a platform.
type Credentials struct {
	ClientID, ClientSecret string
}

func (p *Platform) check() error {
	var errs []error
	for _, u := range []struct{ field, value string }{
		{"AuthURL", p.AuthURL}, {"TokenURL", p.TokenURL}, {"Identity.URL", p.Identity.URL},
	} {
		parsed, err := url.Parse(u.value)
		if u.field == "Identity.URL" && u.value == "" {
			continue
		}
		if err != nil || parsed.Scheme != "https" || parsed.Host == "" {
			errs = append(errs, fmt.Errorf("platform %q: %s must be an https address", p.ID, u.field))
		}
	}
	if p.Identity.ID == "" {
		errs = append(errs, fmt.Errorf("platform %q: Identity.ID must say where the account's ID stands", p.ID))
	}
	return errors.Join(errs...)
}

// group returns whose credentials the platform has.
func (p *Platform) group() string {
	if p.Group != "" {
		return p.Group
	}
	return p.ID
}

// mayCall reports whether tokens may be sent to the host.
func (p *Platform) mayCall(host string) bool {
	identity, _ := url.Parse(p.Identity.URL) // check has looked
	if host == identity.Hostname() {
		return host != ""
	}
	for _, h := range p.Hosts {
		if host == h || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h) {
			return true
		}
	}
	return false
}
