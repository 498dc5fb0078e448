package httpx

import (
	"net/http"
	"slices"
	"strings"
)

// ForeignOrigin reports whether a browser sent the request for a page of another
// origin than the allowed ones (RFC 6454, section 7). Requests without Origin
// don't come from such pages; the opaque origin "null" is foreign. A page of the
// request's own Host is not. Where any name may lead to this server, as on
// loopback, Host has to be checked too.
func ForeignOrigin(r *http.Request, allowed []string) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return false
	}
	origin := origins[0]
	if len(origins) > 1 {
		return true
	}
	own := r.Host != "" && (strings.EqualFold(origin, "https://"+r.Host) || strings.EqualFold(origin, "http://"+r.Host))
	return !own && !slices.Contains(allowed, origin)
}
