package connect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxAnswer  = 4 << 20 // bytes
	maxMessage = 500
)

// Answer reads what a platform answered, for connectors: see [Connector].Do for the
// errors. It closes the body.
func Answer(resp *http.Response) (Response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Response{}, fmt.Errorf("%w: its answer broke off", ErrUnavailable)
	case len(body) > maxAnswer:
		return Response{}, fmt.Errorf("%w: its answer is larger than %d bytes", ErrUnavailable, maxAnswer)
	case resp.StatusCode == http.StatusUnauthorized:
		return Response{}, ErrRejected
	case resp.StatusCode == http.StatusTooManyRequests:
		return Response{}, &LimitError{retryAfter(resp.Header)}
	case resp.StatusCode >= 500:
		return Response{}, fmt.Errorf("%w: status %d", ErrUnavailable, resp.StatusCode)
	case resp.StatusCode >= 400:
		return Response{}, &RefusedError{resp.StatusCode, message(body)}
	case resp.StatusCode >= 300:
		return Response{}, fmt.Errorf("%w: it redirects", ErrUnavailable)
	}
	if body = bytes.TrimSpace(body); len(body) > 0 && !json.Valid(body) {
		return Response{}, fmt.Errorf("%w: its answer is not JSON", ErrUnavailable)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3), and X's x-rate-limit-reset.
func retryAfter(h http.Header) time.Duration {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return max(time.Until(at), 0).Round(time.Second)
	}
	if at, err := strconv.ParseInt(h.Get("X-Rate-Limit-Reset"), 10, 64); err == nil {
		return max(time.Until(time.Unix(at, 0)), 0).Round(time.Second)
	}
	return 0
}

// message finds the platform's words in a refusal.
func message(body []byte) string {
	var any map[string]any
	if json.Unmarshal(body, &any) != nil {
		return ""
	}
	text := find(any, 3)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "")
	}
	return text
}

// find looks for a message in an object, and in those inside of it.
func find(in map[string]any, depth int) string {
	for _, name := range []string{"message", "error_description", "detail", "error_user_msg", "title"} {
		if text, ok := in[name].(string); ok && text != "" {
			return text
		}
	}
	for _, name := range []string{"error", "errors", "status"} {
		inner := in[name]
		if list, ok := inner.([]any); ok && len(list) > 0 {
			inner = list[0]
		}
		switch inner := inner.(type) {
		case string:
			return inner
		case map[string]any:
			if text := ""; depth > 0 {
				if text = find(inner, depth-1); text != "" {
					return text
				}
			}
		}
	}
	return ""
}
