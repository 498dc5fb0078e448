package oauth2connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/heycmo/heycmo-go/connect"
)

// context returns one in which package oauth2 speaks as this platform wants it.
func (c *connector) context(ctx context.Context) context.Context {
	client := *c.http
	client.Transport = dialect{c}
	return context.WithValue(ctx, oauth2.HTTPClient, &client)
}

// dialect changes requests for tokens to what the platform understands.
type dialect struct{ *connector }

// RoundTrip implements [http.RoundTripper].
func (d dialect) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.ClientParam == "" && !d.JSONToken {
		return http.DefaultTransport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if d.ClientParam != "" {
		form.Set(d.ClientParam, form.Get("client_id"))
		form.Del("client_id")
	}
	body = []byte(form.Encode())
	r = r.Clone(r.Context())
	if d.JSONToken {
		object := map[string]string{}
		for name := range form {
			object[name] = form.Get(name)
		}
		if body, err = json.Marshal(object); err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		for name, value := range d.Header {
			r.Header.Set(name, value)
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return http.DefaultTransport.RoundTrip(r)
}

// explain makes an error of this package of one of package oauth2, whose text may have a
// token in it. refused is what a refusal of the platform means.
func explain(err, refused error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: it gave no token", connect.ErrUnavailable)
	}
	code, status := answer.ErrorCode, answer.Response.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		return &connect.LimitError{}
	case code == "server_error" || code == "temporarily_unavailable" || status >= 500:
		return fmt.Errorf("%w: status %d", connect.ErrUnavailable, status)
	case code == "invalid_client" || code == "unauthorized_client":
		return fmt.Errorf("%w: it does not take the app's credentials", connect.ErrUnavailable)
	case code == "" && !json.Valid(answer.Body):
		return fmt.Errorf("%w: its answer is not JSON", connect.ErrUnavailable)
	}
	return fmt.Errorf("%w: it refused the token", refused)
}

func (c *connector) grant(t *oauth2.Token) connect.Grant {
	g := connect.Grant{Access: t.AccessToken, Refresh: t.RefreshToken, Expires: t.Expiry}
	switch scope := t.Extra("scope").(type) {
	case string:
		g.Scopes = strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	case []any: // Twitch and others
		for _, s := range scope {
			g.Scopes = append(g.Scopes, fmt.Sprint(s))
		}
	}
	return g
}

// identify finds out whose account the grant opens.
func (c *connector) identify(ctx context.Context, g *connect.Grant, t *oauth2.Token) error {
	var found any
	if c.Identity.URL == "" {
		root := map[string]any{}
		for _, path := range []string{c.Identity.ID, c.Identity.Name} {
			name, _, _ := strings.Cut(path, ".")
			root[name] = t.Extra(name)
		}
		found = root
	} else {
		resp, err := c.send(ctx, http.MethodGet, c.at(c.Identity.URL),
			map[string]string{"Authorization": orElse(c.Identity.Scheme, "Bearer") + " " + g.Access}, nil)
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(bytes.NewReader(resp.Body))
		decoder.UseNumber() // IDs are longer than a float is exact
		if err := decoder.Decode(&found); err != nil {
			return fmt.Errorf("%w: it does not say whose account it is", connect.ErrUnavailable)
		}
	}
	g.Account = connect.Account{ID: text(found, c.Identity.ID), Name: text(found, c.Identity.Name)}
	if c.Identity.API != "" {
		g.API = text(found, c.Identity.API)
	}
	if g.Account.ID == "" {
		return fmt.Errorf("%w: it does not say whose account it is", connect.ErrUnavailable)
	}
	if g.Account.Name == "" {
		g.Account.Name = g.Account.ID
	}
	return nil
}

// text returns what stands at a place of a JSON value, as text; empty: nothing.
func text(v any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return ""
}

// delegated returns the token of what the account manages.
func (c *connector) delegated(ctx context.Context, g connect.Grant, id string) (string, error) {
	if c.Delegate == nil {
		return "", &connect.RefusedError{Status: http.StatusNotFound, Message: "accounts of " + c.Title + " call as themselves only"}
	}
	resp, err := c.send(ctx, http.MethodGet, c.at(c.Delegate.URL), map[string]string{"Authorization": "Bearer " + g.Access}, nil)
	if err != nil {
		return "", err
	}
	var all map[string]any
	if json.Unmarshal(resp.Body, &all) != nil {
		return "", connect.ErrUnavailable
	}
	list, _ := all[c.Delegate.List].([]any)
	for _, item := range list {
		if token := text(item, c.Delegate.Token); text(item, c.Delegate.ID) == id && token != "" {
			return token, nil
		}
	}
	return "", &connect.RefusedError{Status: http.StatusNotFound, Message: "the account doesn't manage " + id}
}
