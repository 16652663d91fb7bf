package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

const (
	v1Prefix = "PROXY "
	v1Max    = 107 // bytes, including CRLF
)

func parse1(p []byte) (h Header, n int, err error) {
	if err := prefixed(p, v1Prefix); err != nil {
		return h, 0, err
	}
	line, _, found := bytes.Cut(p[:min(len(p), v1Max)], []byte("\r\n"))
	switch {
	case !found && len(p) >= v1Max:
		return h, 0, bad("its line does not end in %d bytes", v1Max)
	case !found:
		return h, 0, ErrIncomplete
	}
	n = len(line) + 2
	h.Version = 1
	f := strings.Split(string(line[len(v1Prefix):]), " ")
	if f[0] == "UNKNOWN" { // the rest of the line has no meaning
		h.Local = true
		return h, n, nil
	}
	if len(f) != 5 {
		return h, 0, bad("its line is %.120q", line)
	}
	from, ok := address(f[0], f[1], f[3])
	to, ok2 := address(f[0], f[2], f[4])
	if !ok || !ok2 {
		return h, 0, bad("its line is %.120q", line)
	}
	h.Source, h.Destination = from, to
	return h, n, nil
}

func address(family, ip, port string) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Zone() != "" || family != "TCP4" && family != "TCP6" || (family == "TCP4") != a.Is4() {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port { // "+1" and "01" are no ports
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a, uint16(n)), true
}
