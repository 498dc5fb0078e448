package fetch_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/heycmo/heycmo-go/internal/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is a server on loopback that must never see a connection.
type canary struct {
	t    *testing.T
	port uint16
	seen atomic.Int64
}

// newCanary listens on 127.0.0.1 and, where there is IPv6, on the same port of
// [::1].
func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{t: t}
	four, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.port = four.Addr().(*net.TCPAddr).AddrPort().Port()
	c.serve(four)
	if six, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", c.port)); err == nil {
		c.serve(six)
	} else {
		t.Logf("no canary on [::1]: %v", err)
	}
	return c
}

func (c *canary) serve(l net.Listener) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.seen.Add(1)
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				_ = conn.Close()
				continue
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"))
			_ = conn.Close()
		}
	})
	c.t.Cleanup(func() { _ = l.Close(); wg.Wait() })
}

// refuse fetches what must be refused for this reason without a connection.
func (c *canary) refuse(client *fetch.Client, url string, want fetch.Reason) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	r, err := client.Get(ctx, url)
	if e, ok := errors.AsType[*fetch.Error](err); !ok || e.Reason != want {
		c.t.Errorf("%s: %+v, %v; want the reason %s", url, r, err, want)
	} else if strings.Contains(e.Error(), "127.") || strings.Contains(e.Error(), "::") || strings.Contains(e.Error(), "dial") {
		c.t.Errorf("%s: %q tells of the network", url, e)
	}
	if n := c.seen.Swap(0); n > 0 {
		c.t.Errorf("%s: the canary saw %d connections", url, n)
	}
}

// TestCanaryCanBeReached proves that only the guard keeps the client away.
func TestCanaryCanBeReached(t *testing.T) {
	c := newCanary(t)
	for _, client := range []*fetch.Client{
		fetch.New(&fetch.Options{AllowPrivate: true}),
		fetch.New(fetch.Options{}.Pretend(c.port, netip.MustParsePrefix("127.0.0.0/8"))),
	} {
		r, err := client.Get(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/", c.port))
		if err != nil || string(r.Body) != "hi" || c.seen.Swap(0) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

func TestRefusedHosts(t *testing.T) {
	c := newCanary(t)
	client := fetch.New(fetch.Options{Resolver: names(t, map[string][]string{
		"private.test.": {"127.0.0.1"},
		"mapped.test.":  {"::ffff:127.0.0.1"},
		"six.test.":     {"::1"},
		"several.test.": {"10.0.0.1", "127.0.0.1", "::1"},
	})}.Pretend(c.port))
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "0.0.0.0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
		"2130706433", "0x7f000001", "0X7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "127.1", "127.0.1", "127.0.0.1.", "0",
		"１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1",
		"169.254.169.254", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%25eth0]", "[fd00:ec2::254]", "168.63.129.16", "192.0.0.192", "100.100.100.200",
		"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
		"0.1.2.3", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::8.8.8.8]", "[64:ff9b:1::1]", "[64:ff9b:1:ffff:ffff:ffff:ffff:ffff]",
		"[2002:7f00:1::1]", "[2002:808:808::1]", "[2001::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2001:db8::1]", "[3fff::1]", "[100::1]",
		"[fc00::1]", "[fdff::1]", "[fec0::1]", "[ff02::1]", "[5f00::1]", "[4000::1]", "[1000::1]",
		"private.test", "mapped.test", "six.test", "several.test", "PRIVATE.TEST.",
	} {
		c.refuse(client, fmt.Sprintf("http://%s:%d/", host, c.port), fetch.ReasonAddress)
		c.refuse(client, fmt.Sprintf("https://%s:%d/", host, c.port), fetch.ReasonAddress)
	}
	for _, host := range []string{"unknown.test", "localhost.", "127.0.0.1%E3%80%82"} {
		c.refuse(client, fmt.Sprintf("http://%s:%d/", host, c.port), fetch.ReasonHost)
	}
}

// TestSecretNames: whether a name exists in a private network can't be told.
func TestSecretNames(t *testing.T) {
	client := fetch.New(&fetch.Options{Resolver: names(t, map[string][]string{"db.test.": {"10.0.0.1"}})})
	_, known := client.Get(t.Context(), "http://db.test/")
	_, unknown := client.Get(t.Context(), "http://other.test/")
	if known == nil || unknown == nil || known.Error() != unknown.Error() {
		t.Errorf("%v; %v", known, unknown)
	}
}

func TestRefusedURLs(t *testing.T) {
	c := newCanary(t)
	client := fetch.New(nil)
	for _, url := range []string{
		"", " ", "example.com", "//example.com/", "/path", "http:", "http:///", "http:example.com", "https://:443/", "http://[::1", "http://exa mple.com/",
		"http://example.com:99999/", "http://example.com:-1/", "http://example.com:x/", "http://example.com/\x00", "http://%31%32%37.0.0.1/",
		"file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "javascript:alert(1)", "data:text/html,hi", "unix:///run/x.sock",
		"http://user@example.com/", "http://user:secret@example.com/", "http://:@example.com/",
		"http://example.com:22/", "http://example.com:8080/", "https://example.com:0/",
		fmt.Sprintf("http://localhost:%d/", c.port), fmt.Sprintf("http://user:secret@127.0.0.1:%d/", c.port),
	} {
		c.refuse(client, url, fetch.ReasonURL)
	}
}

// TestRedirects goes from a server on 127.0.0.2, which the guard takes for a
// public one, to where it must not go.
func TestRedirects(t *testing.T) {
	c := newCanary(t)
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.2:%d", c.port))
	if err != nil {
		t.Skipf("this system has no second loopback address: %v", err)
	}
	public := fmt.Sprintf("http://127.0.0.2:%d", c.port)
	local := fmt.Sprintf("127.0.0.1:%d", c.port)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Referer"])+len(r.Header["Cookie"])+len(r.Header["Authorization"]) > 0 {
			t.Errorf("%s came with %v", r.URL, r.Header)
		}
		w.Header().Set("Set-Cookie", "a=b; Path=/")
		if to := r.FormValue("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		if n := len(r.URL.Path); n > 1 { // a count-down
			http.Redirect(w, r, r.URL.Path[:n-1], http.StatusMovedPermanently)
			return
		}
		_, _ = w.Write([]byte("there"))
	}))
	_ = srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	defer srv.Close()

	second := netip.MustParsePrefix("127.0.0.2/32")
	client := fetch.New(fetch.Options{}.Pretend(c.port, second))
	for to, want := range map[string]fetch.Reason{
		"http://" + local + "/":  fetch.ReasonAddress,
		"//" + local + "/":       fetch.ReasonAddress,
		"https://" + local + "/": fetch.ReasonAddress,
		fmt.Sprintf("http://169.254.169.254:%d/latest/", c.port): fetch.ReasonAddress,
		"http://2130706433/":                fetch.ReasonRedirect,
		"http://user:secret@" + local + "/": fetch.ReasonRedirect,
		"file:///etc/passwd":                fetch.ReasonRedirect,
		"gopher://" + local + "/":           fetch.ReasonRedirect,
		"ftp://" + local + "/":              fetch.ReasonRedirect,
		"javascript:alert(1)":               fetch.ReasonRedirect,
		"data:text/html,hi":                 fetch.ReasonRedirect,
		"http:///":                          fetch.ReasonRedirect,
		"http://127.0.0.2:81/":              fetch.ReasonRedirect,
		"http://[::1":                       fetch.ReasonAnswer,
		public + "/?to=http://" + local:     fetch.ReasonAddress,
	} {
		c.refuse(client, public+"/?to="+strings.ReplaceAll(to, "&", "%26"), want)
	}
	c.refuse(client, public+"/654321", fetch.ReasonRedirect)
	r, err := client.Get(t.Context(), public+"/54321#part")
	if err != nil || r.URL != public+"/" || string(r.Body) != "there" {
		t.Errorf("five redirects: %+v, %v", r, err)
	}

	// A name that means another address each time it is looked up.
	flip := map[string][]string{"flip.test.": {"127.0.0.2"}}
	resolver, mu := lockedNames(t, flip)
	client = fetch.New(fetch.Options{Resolver: resolver}.Pretend(c.port, second))
	name := fmt.Sprintf("http://flip.test:%d", c.port)
	if r, err := client.Get(t.Context(), name); err != nil || string(r.Body) != "there" {
		t.Errorf("before the flip: %+v, %v", r, err)
	}
	mu.Lock()
	flip["flip.test."] = []string{"127.0.0.1"}
	mu.Unlock()
	c.refuse(client, name, fetch.ReasonAddress)
	mu.Lock()
	flip["flip.test."] = []string{"127.0.0.1", "127.0.0.2"}
	mu.Unlock()
	if r, err := client.Get(t.Context(), name); err != nil || string(r.Body) != "there" || c.seen.Load() > 0 {
		t.Errorf("one private address and one public: %+v, %v", r, err)
	}
}

func TestNoProxy(t *testing.T) {
	c := newCanary(t)
	proxy := fmt.Sprintf("http://127.0.0.1:%d", c.port)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy)
	}
	c.refuse(fetch.New(&fetch.Options{Resolver: names(t, nil)}), "http://unknown.test/", fetch.ReasonHost)
}

// names is a resolver that knows these addresses alone.
func names(t *testing.T, hosts map[string][]string) *net.Resolver {
	r, _ := lockedNames(t, hosts)
	return r
}

func lockedNames(t *testing.T, hosts map[string][]string) (*net.Resolver, *sync.Mutex) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		wg.Go(func() {
			defer server.Close()
			for answerOne(server, &mu, hosts) == nil {
			}
		})
		return client, nil
	}}, &mu
}

// answerOne answers one question over DNS as in TCP (RFC 1035, section 4.2.2).
func answerOne(conn net.Conn, mu *sync.Mutex, hosts map[string][]string) error {
	buf := make([]byte, 2+4096)
	n, err := conn.Read(buf)
	if err != nil {
		return err
	}
	if n < 3 {
		return errors.New("a question in parts")
	}
	var m dnsmessage.Message
	if err := m.Unpack(buf[2:n]); err != nil {
		return err
	}
	q := m.Questions[0]
	mu.Lock()
	addresses, known := hosts[strings.ToLower(q.Name.String())]
	mu.Unlock()
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if !known {
		answer.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addresses {
		a := netip.MustParseAddr(text)
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	packed, err := answer.AppendPack(make([]byte, 2, 512))
	if err != nil {
		return err
	}
	packed[0], packed[1] = byte((len(packed)-2)>>8), byte(len(packed)-2)
	_, err = conn.Write(packed)
	return err
}
