// Package composioconnect links accounts by way of Composio, a broker that keeps the
// tokens itself, for platforms that package oauth2connect doesn't know.
//
//	platforms, err := composioconnect.New(key, []composioconnect.Toolkit{
//		{ID: "trello", Title: "Trello", AuthConfig: "ac_…"},
//	}, nil)
//
// An auth config is made in Composio's console, or by its API. Composio doesn't say whose
// account was linked: its own ID stands for it, so that an account which is linked
// elsewhere too isn't found.
package composioconnect

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/connect"
)

// Toolkit is a platform at Composio. ID, Title and Purpose are those of
// [connect.Platform]; AuthConfig is the ID of how its accounts are opened.
type Toolkit struct {
	ID, Title, Purpose string
	AuthConfig         string
}

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// BaseURL is Composio's address; default https://backend.composio.dev.
	BaseURL string
	// Timeout is how long a request may take; default 30 s.
	Timeout time.Duration
}

// New returns the platforms. The error says what is missing.
func New(key string, toolkits []Toolkit, opts *Options) ([]connect.Platform, error) {
	if key == "" {
		return nil, errors.New("composioconnect: the key is missing")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	client := &http.Client{
		Timeout:       cmp.Or(o.Timeout, 30*time.Second),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	base := strings.TrimSuffix(cmp.Or(o.BaseURL, "https://backend.composio.dev"), "/")
	var platforms []connect.Platform
	for _, t := range toolkits {
		if t.AuthConfig == "" {
			return nil, fmt.Errorf("composioconnect: toolkit %q: the AuthConfig is missing", t.ID)
		}
		platforms = append(platforms, connect.Platform{
			ID: t.ID, Title: t.Title, Purpose: t.Purpose, Connector: &connector{t, key, base + "/api/v3", client},
		})
	}
	if err := connect.Check(platforms); err != nil {
		return nil, fmt.Errorf("composioconnect: %w", err)
	}
	return platforms, nil
}

type connector struct {
	Toolkit
	key, base string
	http      *http.Client
}

var _ connect.Connector = (*connector)(nil)

// Begin implements [connect.Connector].
func (c *connector) Begin(ctx context.Context, s connect.Start) (page, memo string, err error) {
	var link struct {
		URL     string `json:"redirect_url"`
		Account string `json:"connected_account_id"`
	}
	err = c.ask(ctx, http.MethodPost, "/connected_accounts/link", map[string]any{
		"auth_config_id": c.AuthConfig, "user_id": s.Customer, "callback_url": s.RedirectURI + "?" + url.Values{"state": {s.State}}.Encode(),
	}, &link)
	if err == nil && (link.URL == "" || link.Account == "") {
		err = fmt.Errorf("%w: it made no link", connect.ErrUnavailable)
	}
	return link.URL, link.Account, err
}

// Finish implements [connect.Connector].
func (c *connector) Finish(ctx context.Context, s connect.Start, memo string, answer url.Values) (connect.Grant, error) {
	switch status := answer.Get("status"); {
	case status == "failed":
		return connect.Grant{}, connect.ErrDenied
	case status != "success":
		return connect.Grant{}, fmt.Errorf("%w: it has no status", connect.ErrAnswer)
	}
	if id := answer.Get("connected_account_id"); memo == "" || id != memo {
		return connect.Grant{}, fmt.Errorf("%w: it is of another account", connect.ErrAnswer)
	}
	var account struct {
		Status  string `json:"status"`
		User    string `json:"user_id"`
		Toolkit struct {
			Slug string `json:"slug"`
		} `json:"toolkit"`
	}
	if err := c.ask(ctx, http.MethodGet, "/connected_accounts/"+url.PathEscape(memo), nil, &account); err != nil {
		return connect.Grant{}, err
	}
	if account.Status != "ACTIVE" || account.User != string(s.Customer) {
		return connect.Grant{}, fmt.Errorf("%w: the account is not linked for this customer", connect.ErrAnswer)
	}
	return connect.Grant{Access: memo, Account: connect.Account{ID: memo, Name: c.Title + " (by Composio)"}}, nil
}

// Refresh implements [connect.Connector]. Composio renews by itself; an account that it
// can't renew is to be linked anew.
func (c *connector) Refresh(ctx context.Context, g connect.Grant) (connect.Grant, error) {
	var account struct {
		Status string `json:"status"`
	}
	err := c.ask(ctx, http.MethodGet, "/connected_accounts/"+url.PathEscape(g.Access), nil, &account)
	if refused, ok := errors.AsType[*connect.RefusedError](err); ok && refused.Status == http.StatusNotFound || err == nil && account.Status != "ACTIVE" {
		return g, connect.ErrRevoked
	}
	return g, err
}

// Revoke implements [connect.Connector].
func (c *connector) Revoke(ctx context.Context, g connect.Grant) error {
	err := c.ask(ctx, http.MethodDelete, "/connected_accounts/"+url.PathEscape(g.Access), nil, nil)
	if refused, ok := errors.AsType[*connect.RefusedError](err); ok && refused.Status == http.StatusNotFound {
		return nil
	}
	return err
}

type parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Type  string `json:"type"`
}

// Do implements [connect.Connector]. Composio sends the request where the account's token
// may go.
func (c *connector) Do(ctx context.Context, g connect.Grant, r connect.Request) (connect.Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.User != nil || u.Host != "" && u.Scheme != "https" || u.Host == "" && !strings.HasPrefix(u.Path, "/") || r.As != "" || u.Host == "" && strings.HasPrefix(r.URL, "//") {
		return connect.Response{}, fmt.Errorf("composioconnect: %s: the request can't be made by way of Composio", c.ID)
	}
	call := map[string]any{"endpoint": r.URL, "method": cmp.Or(r.Method, http.MethodGet), "connected_account_id": g.Access}
	switch {
	case r.JSON != nil:
		call["body"] = r.JSON
	case json.Valid(r.Body):
		call["body"] = json.RawMessage(r.Body)
	case len(r.Body) > 0:
		call["body"] = string(r.Body)
	}
	parameters := []parameter{}
	for name, value := range r.Header {
		if !strings.EqualFold(name, "Authorization") {
			parameters = append(parameters, parameter{name, value, "header"})
		}
	}
	slices.SortFunc(parameters, func(a, b parameter) int { return strings.Compare(a.Name, b.Name) })
	call["parameters"] = parameters
	var answer struct {
		Status  int               `json:"status"`
		Data    json.RawMessage   `json:"data"`
		Headers map[string]string `json:"headers"`
	}
	if err := c.ask(ctx, http.MethodPost, "/tools/execute/proxy", call, &answer); err != nil {
		return connect.Response{}, err
	}
	inner := &http.Response{StatusCode: answer.Status, Header: http.Header{}, Body: http.NoBody}
	for name, value := range answer.Headers {
		inner.Header.Set(name, value)
	}
	if string(answer.Data) != "null" {
		inner.Body = readCloser{bytes.NewReader(answer.Data)}
	}
	if answer.Status == 0 {
		return connect.Response{}, fmt.Errorf("%w: it has no status", connect.ErrUnavailable)
	}
	return connect.Answer(inner)
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// ask asks Composio itself. That it doesn't take our key is its being unavailable: it is
// not about the account.
func (c *connector) ask(ctx context.Context, method, path string, body, into any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("composioconnect: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("composioconnect: %w", err)
	}
	req.Header.Set("X-Api-Key", c.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return fmt.Errorf("%w: %w", connect.ErrUnavailable, cause)
		}
		return fmt.Errorf("%w: Composio can't be reached", connect.ErrUnavailable)
	}
	answer, err := connect.Answer(resp)
	if errors.Is(err, connect.ErrRejected) {
		return fmt.Errorf("%w: Composio does not take the host's key", connect.ErrUnavailable)
	}
	if err != nil || into == nil {
		return err
	}
	if json.Unmarshal(answer.Body, into) != nil {
		return fmt.Errorf("%w: Composio's answer makes no sense", connect.ErrUnavailable)
	}
	return nil
}
