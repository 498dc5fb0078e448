package scan

import (
	"fmt"
	"net/url"
	"strings"
)

// resolve returns the web address of a reference, or nil.
func (d *document) resolve(reference string) *url.URL {
	reference = strings.TrimSpace(reference)
	if reference == "" {
		return nil
	}
	u, err := d.base.Parse(reference)
	if err != nil || !isWeb(u) {
		return nil
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u
}

// written returns an address in visible ASCII. Queries come as they were, with
// whatever is in them.
func written(u *url.URL) string {
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isWeb(u *url.URL) bool { return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" }

func (r *reader) startAnchor() {
	r.endAnchor()
	u := r.resolve(r.attrs["href"])
	if strings.Contains(strings.ToLower(r.attrs["rel"]), "author") {
		r.authorLink, r.signed = true, true
	}
	if u == nil {
		return
	}
	switch {
	case r.isOwn(u):
		r.anchor = &link{url: written(u)}
	case !r.inFurniture() && len(r.external) < maxKept && !isSocial(u.Hostname()):
		r.external[u.Hostname()] = true
	}
}

func (r *reader) anchorText(text string) {
	if r.anchor != nil && r.name.Len() < maxAnchor {
		r.name.WriteByte(' ')
		r.name.WriteString(text[:min(len(text), maxAnchor)])
	}
}

// endAnchor takes in a link to a page of the same site, if it has a text.
func (r *reader) endAnchor() {
	if r.anchor == nil {
		return
	}
	l := *r.anchor
	r.anchor = nil
	l.name = line(r.name.String(), maxShown)
	r.name.Reset()
	if l.name == "" || len(l.url) > maxURL || l.url == written(r.address) || r.internal[l.url] || len(r.internal) >= maxKept {
		return
	}
	r.internal[l.url] = true
	if len(r.links) < maxListed {
		r.links = append(r.links, l)
	}
}

// isOwn reports whether an address is on the page's site: its host, or one below
// or above it.
func (d *document) isOwn(u *url.URL) bool {
	a, b := site(u), site(d.address)
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

func site(u *url.URL) string { return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") }

// social are hosts whose links are for sharing and following, not sources.
var social = set(`facebook.com twitter.com x.com linkedin.com instagram.com tiktok.com pinterest.com whatsapp.com wa.me t.me
	threads.net reddit.com`)

func isSocial(host string) bool {
	host = strings.ToLower(host)
	for {
		if social[host] {
			return true
		}
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return false
		}
		host = parent
	}
}
