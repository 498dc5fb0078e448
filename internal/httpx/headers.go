package httpx

import (
	"maps"
	"net/http"
)

// SecurityHeaders sets the headers that browsers guard users by, before the
// handler runs. Strict-Transport-Security is set only with hsts.
func SecurityHeaders(hsts bool) func(http.Handler) http.Handler {
	// All responses share the values, which have no room for another one.
	set := http.Header{
		"X-Content-Type-Options": {"nosniff"},
		"X-Frame-Options":        {"DENY"},
		"Referrer-Policy":        {"strict-origin-when-cross-origin"},
		"Permissions-Policy":     {"camera=(), microphone=(), geolocation=()"},
	}
	if hsts {
		set.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), set)
			next.ServeHTTP(w, r)
		})
	}
}
