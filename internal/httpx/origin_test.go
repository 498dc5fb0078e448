package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

func TestForeignOrigin(t *testing.T) {
	allowed := []string{"https://app.heycmo.ai", "http://localhost:3000"}
	for _, c := range []struct {
		origin  []string
		foreign bool
	}{
		{nil, false},
		{[]string{"https://app.heycmo.ai"}, false},
		{[]string{"http://localhost:3000"}, false},
		{[]string{"https://api.example.com:8443"}, false},
		{[]string{"http://API.example.com:8443"}, false},
		{[]string{""}, true},
		{[]string{"null"}, true},
		{[]string{"http://app.heycmo.ai"}, true},
		{[]string{"https://app.heycmo.ai/"}, true},
		{[]string{"https://APP.heycmo.ai"}, true},
		{[]string{"https://app.heycmo.ai.evil.example"}, true},
		{[]string{"https://evil.example"}, true},
		{[]string{"http://localhost:3001"}, true},
		{[]string{"https://api.example.com"}, true},
		{[]string{"https://api.example.com:8443.evil.example"}, true},
		{[]string{"https://evil@api.example.com:8443"}, true},
		{[]string{"ftp://api.example.com:8443"}, true},
		{[]string{"*"}, true},
		{[]string{"https://app.heycmo.ai", "https://app.heycmo.ai"}, true},
		{[]string{"https://app.heycmo.ai, https://evil.example"}, true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "api.example.com:8443"
		r.Header["Origin"] = c.origin
		if got := httpx.ForeignOrigin(r, allowed); got != c.foreign {
			t.Errorf("%q: foreign is %v", c.origin, got)
		}
	}
}

func TestForeignOriginWithoutHost(t *testing.T) {
	for _, origin := range []string{"https://", "http://"} {
		r := &http.Request{Header: http.Header{"Origin": {origin}}}
		if !httpx.ForeignOrigin(r, nil) {
			t.Errorf("%q passes", origin)
		}
	}
}
