package fetch

import "net/netip"

// Pretend makes the options take a port and some networks for public ones.
func (o Options) Pretend(port uint16, networks ...netip.Prefix) *Options {
	o.ports, o.public = []uint16{port}, networks
	return &o
}
