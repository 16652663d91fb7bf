package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// An address is one to listen on.
type address struct{ network, addr string }

var networks = []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram"}

func parseAddress(s string) (address, error) {
	network, addr, found := strings.Cut(s, "://")
	switch {
	case !found && strings.HasPrefix(s, "-"):
		return address{}, fmt.Errorf("flag %s after an address: flags come first", s)
	case !found:
		return address{}, fmt.Errorf("address %q: must be tcp://host:port, udp://host:port or unix:///path", s)
	case !slices.Contains(networks, network):
		return address{}, fmt.Errorf("address %q: unknown network %q: must be one of %s", s, network, strings.Join(networks, ", "))
	case addr == "":
		return address{}, fmt.Errorf("address %q: nothing after ://", s)
	}
	return address{network, addr}, nil
}

func (a address) stream() bool { return strings.HasPrefix(a.network, "tcp") || a.network == "unix" }

// hint adds to a listen error what may be the matter: a socket file outlives a server that was killed.
func (a address) hint(err error) error {
	if f, e := os.Lstat(a.addr); e == nil && f.Mode()&os.ModeSocket != 0 && strings.HasPrefix(a.network, "unix") {
		return fmt.Errorf("%w (if nobody serves it any more, remove the file)", err)
	}
	return err
}

// line tells where it listens — at is what the kernel made of the address — and what to type to try it.
func (a address) line(at fmt.Stringer) string {
	return fmt.Sprintf("listening on %s://%v, try: %s", a.network, at, a.client(at))
}

func (a address) client(at fmt.Stringer) string {
	path := at.String()
	switch a.network {
	case "unix", "unixgram":
		if name, abstract := strings.CutPrefix(path, "@"); abstract { // nc does not know them
			return map[bool]string{true: "socat - ABSTRACT-CONNECT:", false: "socat - ABSTRACT-SENDTO:"}[a.stream()] + quote(name)
		}
		return map[bool]string{true: "nc -U ", false: "nc -uU "}[a.stream()] + quote(path)
	}
	ap, err := netip.ParseAddrPort(path)
	if err != nil {
		return "nc " + path
	}
	ip := ap.Addr()
	if ip.IsUnspecified() { // all addresses: this machine is one of them
		if ip.Is4() || !strings.HasSuffix(a.network, "6") {
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		} else {
			ip = netip.IPv6Loopback()
		}
	}
	nc := "nc "
	if !a.stream() {
		nc = "nc -u "
	}
	return nc + ip.String() + " " + strconv.Itoa(int(ap.Port()))
}

// quote makes one word of s for a shell.
func quote(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+:@%", c)
	}
	if strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
