package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// An address is an address at which the server listens.
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

func (a address) ip() bool { return !strings.HasPrefix(a.network, "unix") }

func (a address) stream() bool { return strings.HasPrefix(a.network, "tcp") || a.network == "unix" }

// hint adds a likely cause to an error of listen, for example a socket file that a killed server
// has left.
func (a address) hint(err error) error {
	if f, e := os.Lstat(a.addr); e == nil && f.Mode()&os.ModeSocket != 0 && strings.HasPrefix(a.network, "unix") {
		return fmt.Errorf("%w (if nobody serves it any more, remove the file)", err)
	}
	return err
}

// line returns a line with the address and with a command to try it. at is the address that the
// kernel has chosen.
func (a address) line(at fmt.Stringer, tls bool) string {
	try := a.client(at)
	if tls {
		try = a.clientTLS(at)
	}
	if try != "" {
		try = ", try: " + try
	}
	return fmt.Sprintf("listening on %s://%v%s", a.network, at, try)
}

// clientTLS returns the command for a client with TLS. For an abstract name it returns "", because
// openssl cannot use it.
func (a address) clientTLS(at fmt.Stringer) string {
	const openssl = "openssl s_client -quiet "
	path := at.String()
	switch ap, err := netip.ParseAddrPort(path); {
	case strings.HasPrefix(path, "@"):
		return ""
	case a.network == "unix":
		return openssl + "-unix " + quote(path)
	case err == nil:
		path = netip.AddrPortFrom(a.here(ap.Addr()), ap.Port()).String()
	}
	return openssl + "-connect " + quote(path)
}

func (a address) client(at fmt.Stringer) string {
	path := at.String()
	switch a.network {
	case "unix", "unixgram":
		if name, abstract := strings.CutPrefix(path, "@"); abstract { // nc cannot use abstract names
			return map[bool]string{true: "socat - ABSTRACT-CONNECT:", false: "socat - ABSTRACT-SENDTO:"}[a.stream()] + quote(name)
		}
		return map[bool]string{true: "nc -U ", false: "nc -uU "}[a.stream()] + quote(path)
	}
	ap, err := netip.ParseAddrPort(path)
	if err != nil {
		return "nc " + path
	}
	nc := "nc "
	if !a.stream() {
		nc = "nc -u "
	}
	return nc + a.here(ap.Addr()).String() + " " + strconv.Itoa(int(ap.Port()))
}

// here returns an address of this machine if ip is unspecified. Otherwise it returns ip.
func (a address) here(ip netip.Addr) netip.Addr {
	switch {
	case !ip.IsUnspecified():
		return ip
	case ip.Is4() || !strings.HasSuffix(a.network, "6"):
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// quote makes s one word of a shell command.
func quote(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+:@%", c)
	}
	if strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
