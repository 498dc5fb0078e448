package fetch

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkURL refuses what can be told without a look-up. It is here for clear
// answers: what keeps the client out of private networks is the check of each
// address that is dialled.
func (c *Client) checkURL(u *url.URL) error {
	refuse := func(text string) error { return &Error{Reason: ReasonURL, text: text} }
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("the URL must begin with http:// or https://")
	case u.User != nil:
		return refuse("the URL must not hold a user name or a password")
	case u.Hostname() == "":
		return refuse("the URL must have a host")
	case c.options.AllowPrivate:
		return nil
	case endsInNumber(u.Hostname()):
		return errNoAddress(nil)
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || !slices.Contains(c.options.ports, uint16(n)) {
			return refuse(textPort)
		}
	}
	return nil
}

// checkRedirect is for [http.Client].
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &Error{Reason: ReasonRedirect, text: "the page redirects more than " + strconv.Itoa(maxRedirects) + " times"}
	}
	if err := c.checkURL(req.URL); err != nil {
		return &Error{Reason: ReasonRedirect, text: "the page redirects to where this service doesn't go: " + err.Error(), cause: err}
	}
	// A query may be meant for its own host alone.
	req.Header.Del("Referer")
	return nil
}

// endsInNumber reports whether a host is an IPv4 address in a form that some
// resolvers take for one and others don't: decimal, hexadecimal, octal, short or
// with a dot at the end (URL Standard, "ends in a number checker").
func endsInNumber(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
