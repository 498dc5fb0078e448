package httpx

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP returns the address of the client. That is where the connection comes
// from or, when that is a trusted proxy, the last address in X-Forwarded-For
// that no trusted proxy has. What can't be read ends the search at the address
// found so far. IPv4 addresses are in their own form, never mapped into IPv6
// (RFC 4291, section 2.5.5.2), so trusted must be too; zones are dropped. It
// returns the zero Addr when the connection has no IP address, such as a Unix
// socket.
func ClientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client, _ := parseAddr(r.RemoteAddr)
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for contains(trusted, client) {
		last := strings.LastIndexByte(forwarded, ',')
		next, ok := parseAddr(strings.TrimSpace(forwarded[last+1:]))
		if !ok {
			break
		}
		client, forwarded = next, forwarded[:max(0, last)]
	}
	return client
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

// AddressKey returns the text under which an address is counted: IPv4 whole,
// IPv6 by its /64, which is what one subscriber has. Addresses that are not
// known are all "unknown".
func AddressKey(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	switch {
	case !addr.IsValid():
		return "unknown"
	case addr.Is4():
		return addr.String()
	}
	network, _ := addr.Prefix(64) // can't fail for IPv6
	return network.String()
}
