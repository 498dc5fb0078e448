package ratelimit_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/heycmo/heycmo-go/ratelimit"
)

func TestSetHeaders(t *testing.T) {
	rest := ratelimit.PerMinute(60)
	for _, c := range []struct {
		name       string
		rate       ratelimit.Rate
		result     ratelimit.Result
		q, w, r, t int64
		retryAfter string
	}{
		{"passed", rest, ratelimit.Result{Allowed: true, Remaining: 12, Reset: 48 * time.Second}, 60, 60, 12, 48, ""},
		{"rounded up", rest, ratelimit.Result{Allowed: true, Remaining: 12, Reset: 47*time.Second + 1}, 60, 60, 12, 48, ""},
		{"the last one", rest, ratelimit.Result{Allowed: true, RetryAfter: 900 * time.Millisecond, Reset: time.Minute}, 60, 60, 0, 1, ""},
		{"refused", rest, ratelimit.Result{RetryAfter: 4100 * time.Millisecond, Reset: time.Minute}, 60, 60, 0, 5, "5"},
		{"refused for a moment", rest, ratelimit.Result{RetryAfter: 1, Reset: time.Minute}, 60, 60, 0, 1, "1"},
		{"refused for nothing", rest, ratelimit.Result{}, 60, 60, 0, 1, "1"},
		{"short period", ratelimit.Rate{Limit: 5, Period: time.Second / 2}, ratelimit.Result{Allowed: true, Remaining: 4, Reset: time.Second / 10}, 5, 1, 4, 1, ""},
		{"untouched", rest, ratelimit.Result{Allowed: true, Remaining: 60}, 60, 60, 60, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			ratelimit.SetHeaders(h, "rest", c.rate, c.result)
			checkItem(t, h, "RateLimit-Policy", "rest", map[string]int64{"q": c.q, "w": c.w})
			checkItem(t, h, "RateLimit", "rest", map[string]int64{"r": c.r, "t": c.t})
			if got := strings.Join(h.Values("Retry-After"), ","); got != c.retryAfter {
				t.Errorf("Retry-After is %q, must be %q", got, c.retryAfter)
			}
		})
	}
}

func TestSetHeadersReplaces(t *testing.T) {
	h := http.Header{}
	for range 2 {
		ratelimit.SetHeaders(h, "rest", ratelimit.PerMinute(60), ratelimit.Result{})
	}
	for _, name := range []string{"RateLimit-Policy", "RateLimit", "Retry-After"} {
		if n := len(h.Values(name)); n != 1 {
			t.Errorf("%s stands %d times", name, n)
		}
	}
}

func FuzzSetHeaders(f *testing.F) {
	f.Add("rest")
	f.Add(`a "quoted\" name`)
	f.Add("über\r\nX: y\x00\xff")
	f.Fuzz(func(t *testing.T, policy string) {
		h := http.Header{}
		ratelimit.SetHeaders(h, policy, ratelimit.PerMinute(60), ratelimit.Result{})
		want := strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7e {
				return '?'
			}
			return r
		}, policy)
		checkItem(t, h, "RateLimit", want, map[string]int64{"r": 0, "t": 1})
	})
}

func checkItem(t *testing.T, h http.Header, name, policy string, params map[string]int64) {
	t.Helper()
	list, err := httpsfv.UnmarshalList(h.Values(name))
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %q has %d members, error %v", name, h.Get(name), len(list), err)
	}
	item, ok := list[0].(httpsfv.Item)
	if !ok || item.Value != policy {
		t.Fatalf("%s: %q is not of policy %q", name, h.Get(name), policy)
	}
	if n := len(item.Params.Names()); n != len(params) {
		t.Errorf("%s: %q has %d parameters", name, h.Get(name), n)
	}
	for param, want := range params {
		if got, _ := item.Params.Get(param); got != want {
			t.Errorf("%s: %q has %s=%v, must be %d", name, h.Get(name), param, got, want)
		}
	}
}
