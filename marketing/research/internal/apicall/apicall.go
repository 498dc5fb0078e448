// Package apicall is what the drivers of searches share: one request, bounded in time
// and size, that tells nothing of its key.
package apicall

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/marketing/research"
)

const (
	timeout = 20 * time.Second
	maxBody = 4 << 20
	maxWait = 5 * time.Second
)

// client follows no redirects: the key would go with them.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Do sends a request made by build, once more if the service was busy or failed, and
// decodes the answer. An error is a [*research.Error], or the context's.
func Do(ctx context.Context, build func(context.Context) (*http.Request, error), into any) error {
	failed, after := once(ctx, build, into)
	if failed != nil && (failed.Kind == research.Busy || failed.Kind == research.Unavailable) && ctx.Err() == nil {
		timer := time.NewTimer(min(max(after, 100*time.Millisecond), maxWait))
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
			failed, _ = once(ctx, build, into)
		}
	}
	switch {
	case failed == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return failed
}

// once sends one request. After is how long the service wants to be left alone.
func once(ctx context.Context, build func(context.Context) (*http.Request, error), into any) (failed *research.Error, after time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := build(ctx)
	if err != nil {
		return &research.Error{Kind: research.Refused}, 0
	}
	res, err := client.Do(r)
	if err != nil {
		return &research.Error{Kind: research.Unavailable}, 0
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return &research.Error{Kind: kindOf(res.StatusCode), Status: res.StatusCode}, time.Duration(seconds) * time.Second
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil || len(body) > maxBody || json.Unmarshal(body, into) != nil {
		return &research.Error{Kind: research.Unavailable, Status: res.StatusCode}, 0
	}
	return nil, 0
}

func kindOf(status int) research.ErrorKind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden:
		return research.Unauthorized
	case status == http.StatusTooManyRequests:
		return research.Busy
	case status >= 400 && status < 500:
		return research.Refused
	}
	return research.Unavailable
}

// CheckKey reports a key that can't be one.
func CheckKey(name, key string) error {
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New(name + ": the key must not be empty, nor hold spaces or letters beyond ASCII")
	}
	return nil
}

// CheckURL reports a base address that can't be one.
func CheckURL(name, base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return errors.New(name + ": BaseURL must be an http or https address without user and query")
	}
	return nil
}
