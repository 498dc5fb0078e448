package auth

import (
	"net/http"
	"strings"
	"time"
)

// BearerToken returns the token of an "Authorization: Bearer" header
// (RFC 6750, section 2.1). The scheme's case doesn't matter (RFC 9110, section
// 11.1). It reports false when there is no such header, or several.
func BearerToken(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = strings.TrimLeft(token, " ")
	return token, token != ""
}

// Expired reports whether t has come. The zero time never comes.
func Expired(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }
