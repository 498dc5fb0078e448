package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

func prefixes(list ...string) (p []netip.Prefix) {
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func TestClientIP(t *testing.T) {
	trusted := prefixes("10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want, key    string
	}{
		{"direct", "203.0.113.7:1234", nil, "203.0.113.7", "203.0.113.7"},
		{"direct, forged", "203.0.113.7:1234", []string{"1.2.3.4"}, "203.0.113.7", "203.0.113.7"},
		{"proxy alone", "10.0.0.1:80", nil, "10.0.0.1", "10.0.0.1"},
		{"one proxy", "10.0.0.1:80", []string{"203.0.113.7"}, "203.0.113.7", "203.0.113.7"},
		{"one proxy, forged", "10.0.0.1:80", []string{"1.2.3.4, 203.0.113.7"}, "203.0.113.7", "203.0.113.7"},
		{"two proxies", "10.0.0.1:80", []string{"1.2.3.4, 203.0.113.7,10.9.9.9"}, "203.0.113.7", "203.0.113.7"},
		{"several lines", "10.0.0.1:80", []string{"1.2.3.4", "203.0.113.7", "10.9.9.9"}, "203.0.113.7", "203.0.113.7"},
		{"only proxies", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3"},
		{"garbage", "10.0.0.1:80", []string{"203.0.113.7, nonsense"}, "10.0.0.1", "10.0.0.1"},
		{"garbage later", "10.0.0.1:80", []string{"203.0.113.7, unknown, 10.0.0.2"}, "10.0.0.2", "10.0.0.2"},
		{"garbage behind the client", "10.0.0.1:80", []string{"nonsense, 203.0.113.7"}, "203.0.113.7", "203.0.113.7"},
		{"empty entry", "10.0.0.1:80", []string{"203.0.113.7,"}, "10.0.0.1", "10.0.0.1"},
		{"empty header", "10.0.0.1:80", []string{""}, "10.0.0.1", "10.0.0.1"},
		{"with port", "10.0.0.1:80", []string{"203.0.113.7:5555"}, "203.0.113.7", "203.0.113.7"},
		{"IPv6", "[2001:db8:1:2:3::4]:80", nil, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
		{"IPv6 proxy", "[fd00::1]:80", []string{"2001:db8::9"}, "2001:db8::9", "2001:db8::/64"},
		{"IPv6 in brackets", "[fd00::1]:80", []string{"[2001:db8::9]"}, "2001:db8::9", "2001:db8::/64"},
		{"IPv6 with port", "[fd00::1]:80", []string{"[2001:db8::9]:443"}, "2001:db8::9", "2001:db8::/64"},
		{"half brackets", "[fd00::1]:80", []string{"[2001:db8::9"}, "fd00::1", "fd00::/64"},
		{"mapped", "[::ffff:203.0.113.7]:80", nil, "203.0.113.7", "203.0.113.7"},
		{"mapped proxy", "[::ffff:10.0.0.1]:80", []string{"::ffff:203.0.113.7"}, "203.0.113.7", "203.0.113.7"},
		{"zone", "[fe80::1%eth0]:80", nil, "fe80::1", "fe80::/64"},
		{"proxy with zone", "[fd00::1%eth0]:80", []string{"203.0.113.7"}, "203.0.113.7", "203.0.113.7"},
		{"Unix socket", "@", []string{"203.0.113.7"}, "invalid IP", "unknown"},
		{"nothing", "", nil, "invalid IP", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.remote
			r.Header["X-Forwarded-For"] = c.forwarded
			r.Header.Set("Forwarded", "for=8.8.8.8")
			got := httpx.ClientIP(r, trusted)
			if got.String() != c.want {
				t.Errorf("ClientIP is %v, must be %v", got, c.want)
			}
			if key := httpx.AddressKey(got); key != c.key {
				t.Errorf("AddressKey is %q, must be %q", key, c.key)
			}
		})
	}
}

func TestAddressKeyOfOneNetwork(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"::ffff:1.2.3.4", "1.2.3.4", true},
		{"1.2.3.4", "1.2.3.5", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		a, b := httpx.AddressKey(netip.MustParseAddr(c.a)), httpx.AddressKey(netip.MustParseAddr(c.b))
		if (a == b) != c.same {
			t.Errorf("%s is %q, %s is %q", c.a, a, c.b, b)
		}
	}
}

// Whatever a client writes into the header, only a proxy's word counts.
func FuzzClientIP(f *testing.F) {
	f.Add("10.0.0.1:80", "1.2.3.4, 203.0.113.7", "10.0.0.2")
	f.Add("[fd00::1%x]:80", "[::1%25]:99999", ",,;,")
	f.Add("@", "::ffff:10.0.0.1, \x00", "")
	f.Add("10.0.0.1:80", strings.Repeat("10.0.0.1,", 1000), strings.Repeat(",", 1000))
	trusted := prefixes("10.0.0.0/8", "fd00::/8")
	f.Fuzz(func(t *testing.T, remote, first, second string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {first, second}}}
		addr := httpx.ClientIP(r, trusted)
		if addr.Is4In6() || addr.Zone() != "" {
			t.Errorf("%v is not in its shortest form", addr)
		}
		if httpx.AddressKey(addr) == "" {
			t.Error("the key is empty")
		}
		r.Header.Set("X-Forwarded-For", "192.0.2.1, "+first+","+second+", 203.0.113.7")
		if r.RemoteAddr = "10.0.0.1:80"; httpx.ClientIP(r, trusted).String() != "203.0.113.7" {
			t.Errorf("%q was believed", first+","+second)
		}
		if httpx.ClientIP(r, nil).String() != "10.0.0.1" {
			t.Error("the header was believed without a trusted proxy")
		}
	})
}
