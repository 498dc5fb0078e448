package ratelimit

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SetHeaders tells the client about a decision, in the header fields of
// draft-ietf-httpapi-ratelimit-headers-10:
//
//	RateLimit-Policy: "rest";q=60;w=60
//	RateLimit: "rest";r=12;t=48
//
// Here q is the burst, w the time in which it is refilled, r how many requests
// would pass now, and t how long until all of them would; when r is 0, how long
// until one would. A refused request gets Retry-After as well, at least 1, which
// is then the same as t. All times are whole seconds, rounded up.
//
// The policy is the limit's name. Characters that a structured field can't hold
// become "?".
func SetHeaders(h http.Header, policy string, rate Rate, result Result) {
	name, wait := quote(policy), seconds(result.Reset)
	if result.Remaining == 0 {
		wait = seconds(result.RetryAfter)
	}
	if !result.Allowed {
		wait = max(1, wait)
		h.Set("Retry-After", strconv.FormatInt(wait, 10))
	}
	h.Set("RateLimit-Policy", name+";q="+strconv.Itoa(rate.Limit)+";w="+strconv.FormatInt(seconds(rate.Period), 10))
	h.Set("RateLimit", name+";r="+strconv.Itoa(result.Remaining)+";t="+strconv.FormatInt(wait, 10))
}

func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return s
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote returns s as a string of RFC 9651, section 3.3.3.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return `"` + escapes.Replace(s) + `"`
}
