// Package oauth2connect links accounts of platforms that speak OAuth 2.0.
//
//	platforms := oauth2connect.Platforms(map[string]oauth2connect.Credentials{
//		"google":   {ClientID: "…", ClientSecret: "…"}, // Analytics, Search Console, Gmail, YouTube
//		"linkedin": {ClientID: "…", ClientSecret: "…"},
//	}, nil)
//
// A platform that isn't in [Table] is a struct:
//
//	mine, err := oauth2connect.New(oauth2connect.Platform{
//		ID: "acme", Title: "Acme", AuthURL: "https://acme.com/oauth", TokenURL: "https://acme.com/token",
//		Scopes: []string{"read"}, PKCE: true,
//		Identity: oauth2connect.Identity{URL: "https://api.acme.com/me", ID: "id", Name: "email"},
//	}, oauth2connect.Credentials{ClientID: id, ClientSecret: secret}, nil)
//
// At each platform, allow https://YOUR-HOST/connect/PLATFORM/callback as redirect URI.
package oauth2connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/heycmo/heycmo-go/connect"
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// BaseURL stands in place of "https://" in every address, so that
	// https://api.x.com/2 becomes BaseURL/api.x.com/2: for tests and development, see
	// package connecttest. Default: the platforms themselves.
	BaseURL string
	// Timeout is how long one request may take; default 20 s.
	Timeout time.Duration
}

// Platforms returns the platforms of [Table], those connected for whose ID or Group there
// are credentials.
func Platforms(credentials map[string]Credentials, opts *Options) []connect.Platform {
	var platforms []connect.Platform
	for _, p := range Table() {
		c, ok := credentials[p.ID]
		if !ok {
			c = credentials[p.group()]
		}
		one := connect.Platform{ID: p.ID, Title: p.Title, Purpose: p.Purpose}
		if c.ClientID != "" {
			one.Connector = newConnector(p, c, opts)
		}
		platforms = append(platforms, one)
	}
	return platforms
}

// New returns a platform. The error names the field that makes no sense.
func New(p Platform, c Credentials, opts *Options) (connect.Platform, error) {
	if err := p.check(); err != nil {
		return connect.Platform{}, fmt.Errorf("oauth2connect: %w", err)
	}
	if c.ClientID == "" {
		return connect.Platform{}, fmt.Errorf("oauth2connect: platform %q: the ClientID is missing", p.ID)
	}
	return connect.Platform{ID: p.ID, Title: p.Title, Purpose: p.Purpose, Connector: newConnector(p, c, opts)}, nil
}

type connector struct {
	Platform
	Credentials
	base string
	http *http.Client
}

var _ connect.Connector = (*connector)(nil)

func newConnector(p Platform, c Credentials, opts *Options) *connector {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	return &connector{p, c, strings.TrimSuffix(o.BaseURL, "/"), &http.Client{
		Timeout: o.Timeout,
		// A token goes where it was meant to go, or nowhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// at returns where an address of the platform is.
func (c *connector) at(address string) string {
	if c.base == "" {
		return address
	}
	return c.base + "/" + strings.TrimPrefix(address, "https://")
}

func (c *connector) config(redirect string) *oauth2.Config {
	style := oauth2.AuthStyleInParams
	if c.BasicAuth {
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURL: redirect,
		Endpoint: oauth2.Endpoint{AuthURL: c.at(c.AuthURL), TokenURL: c.at(c.TokenURL), AuthStyle: style},
	}
}

// Begin implements [connect.Connector].
func (c *connector) Begin(_ context.Context, s connect.Start) (page, memo string, err error) {
	separator := c.Separator
	if separator == "" {
		separator = " "
	}
	var params []oauth2.AuthCodeOption
	if len(c.Scopes) > 0 {
		params = append(params, oauth2.SetAuthURLParam("scope", strings.Join(c.Scopes, separator)))
	}
	for name, value := range c.AuthParams {
		params = append(params, oauth2.SetAuthURLParam(name, value))
	}
	if c.ClientParam != "" {
		params = append(params, oauth2.SetAuthURLParam(c.ClientParam, c.ClientID))
	}
	if c.PKCE {
		params = append(params, oauth2.S256ChallengeOption(s.Verifier))
	}
	return c.config(s.RedirectURI).AuthCodeURL(s.State, params...), "", nil
}

// Finish implements [connect.Connector].
func (c *connector) Finish(ctx context.Context, s connect.Start, _ string, answer url.Values) (connect.Grant, error) {
	if iss := answer.Get("iss"); iss != "" && c.Issuer != "" && iss != c.Issuer {
		return connect.Grant{}, fmt.Errorf("%w: it is of another issuer", connect.ErrAnswer)
	}
	switch answer.Get("error") {
	case "":
	case "access_denied", "user_cancelled_login", "user_cancelled_authorize", "user_denied":
		return connect.Grant{}, connect.ErrDenied
	case "temporarily_unavailable", "server_error":
		return connect.Grant{}, connect.ErrUnavailable
	default:
		return connect.Grant{}, fmt.Errorf("%w: the platform refused", connect.ErrAnswer)
	}
	code := answer.Get("code")
	if code == "" {
		return connect.Grant{}, fmt.Errorf("%w: it has no code", connect.ErrAnswer)
	}
	var params []oauth2.AuthCodeOption
	if c.PKCE {
		params = append(params, oauth2.VerifierOption(s.Verifier))
	}
	token, err := c.config(s.RedirectURI).Exchange(c.context(ctx), code, params...)
	if err != nil {
		return connect.Grant{}, explain(err, connect.ErrAnswer)
	}
	g := c.grant(token)
	if missing := c.missing(g.Scopes); len(missing) > 0 {
		_ = c.Revoke(ctx, g) // nobody will use it
		return connect.Grant{}, &connect.ScopeError{Missing: missing}
	}
	if c.LongLived != nil {
		if g, err = c.exchange(ctx, g, c.LongLived); err != nil {
			return connect.Grant{}, err
		}
	}
	if err := c.identify(ctx, &g, token); err != nil {
		_ = c.Revoke(ctx, g)
		return connect.Grant{}, err
	}
	return g, nil
}

// Refresh implements [connect.Connector].
func (c *connector) Refresh(ctx context.Context, g connect.Grant) (connect.Grant, error) {
	if c.Renew != nil {
		return c.exchange(ctx, g, c.Renew)
	}
	if g.Refresh == "" {
		return g, connect.ErrRevoked
	}
	token, err := c.config("").TokenSource(c.context(ctx), &oauth2.Token{RefreshToken: g.Refresh}).Token()
	if err != nil {
		return g, explain(err, connect.ErrRevoked)
	}
	fresh := c.grant(token)
	fresh.Account, fresh.API = g.Account, g.API
	if fresh.Scopes == nil {
		fresh.Scopes = g.Scopes
	}
	if missing := c.missing(fresh.Scopes); len(missing) > 0 {
		return g, fmt.Errorf("%w: %w", connect.ErrRevoked, &connect.ScopeError{Missing: missing})
	}
	return fresh, nil
}

// exchange makes another token of the grant's.
func (c *connector) exchange(ctx context.Context, g connect.Grant, e *Exchange) (connect.Grant, error) {
	q := url.Values{"grant_type": {e.GrantType}, e.Param: {g.Access}}
	if e.Secret {
		q.Set("client_id", c.ClientID)
		q.Set("client_secret", c.ClientSecret)
	}
	resp, err := c.send(ctx, http.MethodGet, c.at(e.URL)+"?"+q.Encode(), nil, nil)
	if err != nil {
		return g, asRevoked(err)
	}
	var token struct {
		Access  string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	if json.Unmarshal(resp.Body, &token) != nil || token.Access == "" {
		return g, connect.ErrUnavailable
	}
	g.Access, g.Expires = token.Access, time.Time{}
	if token.Expires > 0 {
		g.Expires = time.Now().Add(time.Duration(token.Expires) * time.Second)
	}
	return g, nil
}

// asRevoked makes a refusal of a token one of the grant.
func asRevoked(err error) error {
	if _, refused := errors.AsType[*connect.RefusedError](err); refused || errors.Is(err, connect.ErrRejected) {
		return connect.ErrRevoked
	}
	return err
}

// Revoke implements [connect.Connector].
func (c *connector) Revoke(ctx context.Context, g connect.Grant) error {
	if c.Platform.Revoke == nil {
		return nil
	}
	r := *c.Platform.Revoke
	token := g.Refresh
	if token == "" {
		token = g.Access
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	header, body := map[string]string{}, []byte(nil)
	switch {
	case r.Form:
		form := url.Values{"token": {token}}
		if !c.BasicAuth {
			form.Set(orElse(c.ClientParam, "client_id"), c.ClientID)
			form.Set("client_secret", c.ClientSecret)
		}
		header["Content-Type"], body = "application/x-www-form-urlencoded", []byte(form.Encode())
	case r.JSON:
		header["Content-Type"] = "application/json"
		body, _ = json.Marshal(map[string]string{"token": token})
	default:
		header["Authorization"] = "Bearer " + g.Access
	}
	address := c.at(strings.ReplaceAll(r.URL, "{refresh}", url.PathEscape(g.Refresh)))
	_, err := c.send(ctx, r.Method, address, header, body)
	return err
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Do implements [connect.Connector].
func (c *connector) Do(ctx context.Context, g connect.Grant, r connect.Request) (connect.Response, error) {
	address := r.URL
	if strings.HasPrefix(address, "/") && g.API != "" {
		address = strings.TrimSuffix(g.API, "/") + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || !c.mayCall(u.Hostname()) || u.User != nil {
		return connect.Response{}, fmt.Errorf("oauth2connect: %s: the address is none of the platform's", c.ID)
	}
	if r.As != "" {
		if g.Access, err = c.delegated(ctx, g, r.As); err != nil {
			return connect.Response{}, err
		}
	}
	header := map[string]string{"Authorization": "Bearer " + g.Access}
	for _, more := range []map[string]string{c.Header, r.Header} {
		for name, value := range more {
			if !strings.EqualFold(name, "Authorization") {
				header[name] = value
			}
		}
	}
	body := r.Body
	if r.JSON != nil {
		if body, err = json.Marshal(r.JSON); err != nil {
			return connect.Response{}, fmt.Errorf("oauth2connect: %s: %w", c.ID, err)
		}
		header["Content-Type"] = "application/json"
	}
	return c.send(ctx, orElse(r.Method, http.MethodGet), c.at(u.String()), header, body)
}

// send makes a request. Its error has nothing of the address in it, which may hold a token.
func (c *connector) send(ctx context.Context, method, address string, header map[string]string, body []byte) (connect.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return connect.Response{}, errors.New("oauth2connect: the request can't be made")
	}
	req.Header.Set("Accept", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	if header["Authorization"] == "" && c.BasicAuth {
		req.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return connect.Response{}, broken(ctx, err)
	}
	return connect.Answer(resp)
}

// broken is the error for a request without an answer. The error of package http has the
// address in it, and is left out.
func broken(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%w: %w", connect.ErrUnavailable, cause)
	}
	if timeout, ok := errors.AsType[*url.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("%w: it took too long", connect.ErrUnavailable)
	}
	return fmt.Errorf("%w: it can't be reached", connect.ErrUnavailable)
}

// missing returns the scopes that are needed and were not granted.
func (c *connector) missing(granted []string) (missing []string) {
	if granted == nil {
		return nil
	}
	for _, s := range c.Scopes {
		if !slices.Contains(granted, s) && !slices.Contains(c.Optional, s) {
			missing = append(missing, s)
		}
	}
	return missing
}
