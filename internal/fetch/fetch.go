// Package fetch gets pages from the public Internet for callers who must not
// reach the host's own network.
//
//	client := fetch.New(nil)
//	page, err := client.Get(ctx, "https://example.com/")
//
// Every address is checked when it is dialled, after the name was looked up, so
// that no name can change its meaning between the check and the use. What may
// be dialled is what the IANA registries of special-purpose addresses leave:
// no loopback, private, link-local, shared, documentation, benchmarking,
// multicast or reserved addresses, and no IPv6 address that carries an IPv4
// address inside (mapped, compatible, NAT64, 6to4, Teredo).
//
// A call fetches one page because a person asked for it. The Robots Exclusion
// Protocol (RFC 9309) is for crawlers, which choose what to visit themselves, so
// robots.txt is neither fetched nor obeyed. Don't build a crawler on this.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"code.dny.dev/ssrf"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

// UserAgent is how requests name the product.
const UserAgent = "Mozilla/5.0 (compatible; heycmo; +https://heycmo.ai)"

const (
	defaultTimeout = 15 * time.Second
	defaultMaxBody = 5 << 20
	maxRedirects   = 5
	maxHeader      = 64 << 10 // bytes
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// Timeout is how long a Get may take, redirects and body included. Default:
	// 15 s.
	Timeout time.Duration
	// MaxBody is how many bytes of a body are read, counted after
	// decompression. Default: 5 MiB.
	MaxBody int
	// AllowPrivate lets the client reach every address and every port, for
	// development and tests. Default: public addresses, ports 80 and 443.
	AllowPrivate bool
	// Resolver looks names up. Default: [net.DefaultResolver].
	Resolver *net.Resolver

	// For tests of the guard.
	ports  []uint16
	public []netip.Prefix
}

// Client is the guarded client. It keeps no cookies, connections or
// credentials, and takes no proxy from the environment.
type Client struct {
	http    *http.Client
	options Options
}

// Response is what a server answered.
type Response struct {
	// URL is the address after all redirects, without a fragment.
	URL    string
	Status int
	Header http.Header
	// ContentType is the media type without parameters, in lower case. It is
	// found out from the body where the server names none, or calls something
	// text that is not.
	ContentType string
	// Body is in valid UTF-8, whatever the charset was. It is empty for content
	// that is not text.
	Body []byte
	// Truncated says that there was more than Body holds.
	Truncated bool
	FetchedAt time.Time
}

// New returns a client. Nil options are all defaults.
func New(opts *Options) *Client {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.ports == nil {
		o.ports = []uint16{80, 443}
	}
	c := &Client{options: o}
	dialer := &net.Dialer{Resolver: o.Resolver}
	if !o.AllowPrivate {
		dialer.Control = ssrf.New(
			ssrf.WithPorts(o.ports...), ssrf.WithAllowedV4Prefixes(o.public...), ssrf.WithDeniedV4Prefixes(azure),
		).Safe
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: c.checkRedirect,
	}
	return c
}

// azure is the one public address at which a cloud answers its own machines
// (Microsoft, "What is IP address 168.63.129.16?").
var azure = netip.MustParsePrefix("168.63.129.16/32")

// Get fetches a page with any status. Its error is an [*Error], or that of ctx
// when ctx has ended.
func (c *Client) Get(ctx context.Context, rawURL string) (*Response, error) {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil {
		return nil, &Error{Reason: ReasonURL, text: "the URL is not valid", cause: err}
	}
	if err := c.checkURL(u); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	r, err := c.get(within, u)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("fetch: %w", ctx.Err())
		}
		return nil, explain(err)
	}
	return r, nil
}

func (c *Client) get(ctx context.Context, u *url.URL) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", UserAgent)
	req.Header.Set("Accept", "text/html, application/xhtml+xml, text/plain;q=0.9, */*;q=0.5")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	final := *resp.Request.URL
	final.Fragment, final.RawFragment = "", ""
	r := &Response{URL: final.String(), Status: resp.StatusCode, Header: resp.Header, FetchedAt: time.Now().UTC()}
	return r, c.read(r, resp)
}

// read fills in the body and its type.
func (c *Client) read(r *Response, resp *http.Response) error {
	declared := resp.Header.Get("Content-Type")
	r.ContentType = mediaType(declared)
	if r.ContentType != "" && !isText(r.ContentType) {
		return nil
	}
	// The transport has undone gzip, which is all that it asked for.
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &Error{Reason: ReasonBody, text: "the page is compressed in a way that was not asked for"}
	}
	limit := c.options.MaxBody
	raw, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil {
		return &Error{Reason: ReasonBody, text: "the page broke off or is damaged", cause: err}
	}
	if len(raw) > limit {
		raw, r.Truncated = cutRune(raw[:limit]), true
	}
	if r.ContentType == "" {
		if r.ContentType = mediaType(http.DetectContentType(raw)); !isText(r.ContentType) {
			return nil
		}
	}
	body, err := decode(raw, declared, limit)
	if err != nil {
		return &Error{Reason: ReasonBody, text: "the page's characters can't be read", cause: err}
	}
	if len(body) > limit {
		body, r.Truncated = cutRune(body[:limit]), true
	}
	if found := mediaType(http.DetectContentType(body)); !isText(found) {
		r.ContentType = found
		return nil
	}
	r.Body = body
	return nil
}

// decode returns a text in UTF-8, at most a little more than limit bytes. The
// charset is the one that is declared in the header or the page's beginning.
// Where there is none, or only the commonest default, text that can be UTF-8 is
// UTF-8.
func decode(raw []byte, contentType string, limit int) ([]byte, error) {
	encoding, name, certain := charset.DetermineEncoding(raw, contentType)
	if !certain && name == "windows-1252" && utf8.Valid(raw) {
		encoding = unicode.UTF8
	}
	body, err := io.ReadAll(io.LimitReader(encoding.NewDecoder().Reader(bytes.NewReader(raw)), int64(limit)+1))
	if err != nil {
		return nil, err
	}
	return bytes.ToValidUTF8(bytes.TrimPrefix(body, []byte("\ufeff")), []byte("\ufffd")), nil
}

// cutRune takes away the beginning of a character at the end.
func cutRune(text []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(text); i++ {
		if start := len(text) - i; utf8.RuneStart(text[start]) {
			if !utf8.FullRune(text[start:]) {
				return text[:start]
			}
			break
		}
	}
	return text
}

func mediaType(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !strings.Contains(t, "/") {
		return ""
	}
	return t
}

func isText(mediaType string) bool {
	switch mediaType {
	case "application/xml", "application/json":
		return true
	}
	return strings.HasPrefix(mediaType, "text/") || strings.HasSuffix(mediaType, "+xml") && !strings.HasPrefix(mediaType, "image/") ||
		strings.HasSuffix(mediaType, "+json")
}
