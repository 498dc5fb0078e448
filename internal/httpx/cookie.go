package httpx

import (
	"net/http"
	"strings"
)

// Cookie returns a cookie of the host at base for browsers alone, age seconds long; a
// negative age takes it away. Over TLS, its name keeps other hosts of the domain from
// setting it (RFC 6265bis, section 4.1.3.2). It is Lax and not Strict, since people come
// from pages and programs of others.
func Cookie(base, name, value string, age int) *http.Cookie {
	secure := strings.HasPrefix(base, "https://")
	if secure {
		name = "__Host-" + name
	}
	return &http.Cookie{ //nolint:gosec // Secure over TLS; there is none on a developer's machine
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

// CookieValue returns the value of a cookie that Cookie made, or nothing.
func CookieValue(r *http.Request, base, name string) string {
	c, err := r.Cookie(Cookie(base, name, "", 0).Name)
	if err != nil {
		return ""
	}
	return c.Value
}
