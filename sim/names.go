package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Go runs f after a delay, on the goroutine of the world. So f must not wait.
func (h *Host) Go(f func()) {
	h.w.owned(act("Go"), h)
	life, p := h.life, h.w.cur
	var run call
	run = func() {
		switch {
		case h.down || h.life != life || p != nil && p.over():
		case h.w.now < h.paused:
			h.w.events.add(h.paused, run, 0, 0, 0)
		default:
			f()
		}
	}
	h.w.events.add(h.w.now+h.turns.N(int64(2*time.Millisecond)), run, 0, 0, 0)
}

// Lookup resolves a name of the world: see World.Name. If name is an IP address, the result is that
// address.
func (h *Host) Lookup(_ context.Context, network, name string) ([]netip.Addr, error) {
	v := h.gate(Lookup, -1)
	if v.e != 0 {
		h.args(quoted(name))
		h.note(Lookup, -1, 0, v.e)
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	var ips []netip.Addr
	for _, ip := range h.w.names[name] {
		if network == "ip" || network == "ip4" == ip.Is4() {
			ips = append(ips, ip)
		}
	}
	if name == "localhost" {
		ips = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		if network == "ip6" {
			ips = []netip.Addr{netip.IPv6Loopback()}
		}
	}
	h.mixText(name)
	h.args(quoted(name))
	h.note(Lookup, -1, len(ips), 0)
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return ips, nil
}

// services contains the port names that a simulated host knows. The host reads no file.
var services = map[string]int{"echo": 7, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80,
	"ntp": 123, "https": 443}

func (h *Host) LookupPort(_ context.Context, network, service string) (int, error) {
	if n, ok := services[service]; ok {
		return n, nil
	}
	return 0, &net.DNSError{Err: "unknown port", Name: network + "/" + service, IsNotFound: true}
}

// Interface returns 1 for lo and 2 for eth0, the interfaces of every host.
func (h *Host) Interface(name string) (int, error) {
	switch name {
	case "lo":
		return 1, nil
	case "eth0":
		return 2, nil
	}
	return 0, fmt.Errorf("sim: host %s has no interface %q, only lo and eth0", h.name, name)
}

// Name sets the addresses of a host name, as DNS does.
func (w *World) Name(name string, addrs ...string) {
	var ips []netip.Addr
	for _, a := range addrs {
		ips = append(ips, mustIP("Name", a))
	}
	w.names[name] = ips
}

func mustIP(who, text string) netip.Addr {
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		panic(fmt.Sprintf("sim: %s(%q): must be an IP address without a zone", who, text))
	}
	return ip.Unmap()
}
