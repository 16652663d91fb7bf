package socket

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// An Addr is the address of a socket. GetAddrInfo, Accept and RecvFrom return it; Tuple and Path
// make it. Addrs are comparable. The zero Addr is any address and port 0.
type Addr struct {
	a   kernel.Addr // Family 0: any address of the socket's family
	bad string      // why the Addr is invalid; the call that uses it returns this as its error
}

// Tuple is MicroPython's (host, port). host is the text of an IP address, or "" for any address.
// GetAddrInfo resolves names. If an item is wrong, the call that uses the Addr returns ErrValue.
func Tuple(host string, port int) Addr { return tuple(host, port, nil) }

// Tuple6 is MicroPython's (host, port, flowinfo, scopeid), for IPv6.
func Tuple6(host string, port, flow, scope int) Addr {
	return tuple(host, port, &[2]int{flow, scope})
}

func tuple(host string, port int, flowScope *[2]int) Addr {
	if port < 0 || port > math.MaxUint16 {
		return badAddr("port %d must be 0 … 65535", port)
	}
	a := kernel.Addr{Port: uint16(port)}
	if host != "" {
		ip, err := netip.ParseAddr(host)
		if err != nil {
			return badAddr("host %.100q must be an IP address; GetAddrInfo resolves names", host)
		}
		if a, err = inet(netip.AddrPortFrom(ip, uint16(port))); err != nil {
			return badAddr("%v", err)
		}
	}
	switch {
	case flowScope == nil:
	case a.Family == AF_INET:
		return badAddr("an IPv4 address must have 2 items, not 4")
	case flowScope[0] < 0 || flowScope[0] > 0xfffff:
		return badAddr("flowinfo %d must be 0 … 1048575", flowScope[0])
	case flowScope[1] < 0 || int64(flowScope[1]) > math.MaxUint32:
		return badAddr("scopeid %d must be 0 … 4294967295", flowScope[1])
	default:
		a.Family, a.Flow, a.Scope = AF_INET6, uint32(flowScope[0]), uint32(flowScope[1])
	}
	return Addr{a: a}
}

// Path is the address of a Unix socket; a leading "@" is Linux's abstract space.
func Path(path string) Addr { return Addr{a: kernel.Unix(path)} }

// AddrOf returns the Addr of an IP endpoint. Its zone must be an interface's number; if not, the
// call that uses the Addr returns ErrValue.
func AddrOf(ap netip.AddrPort) Addr {
	a, err := inet(ap)
	if err != nil {
		return badAddr("%v", err)
	}
	return Addr{a: a}
}

// inet reads an endpoint whose zone is a number, if it has one.
func inet(ap netip.AddrPort) (kernel.Addr, error) {
	if z := ap.Addr().Zone(); strings.Trim(z, "0123456789") != "" {
		return kernel.Addr{}, fmt.Errorf("scope %.100q must be an interface's number", z)
	}
	return netaddr.Inet(nil, ap) // a number needs no lookup, so there is no kernel
}

func badAddr(format string, args ...any) Addr { return Addr{bad: fmt.Sprintf(format, args...)} }

// Family returns AF_INET, AF_INET6 or AF_UNIX, or 0 if the host was "".
func (a Addr) Family() int { return a.a.Family }

// Host returns the text of the IP address without its scope, or the path.
func (a Addr) Host() string {
	switch a.a.Family {
	case AF_INET:
		return ntop(a.a.IP[:4])
	case AF_INET6:
		return ntop(a.a.IP[:])
	}
	return a.a.Path
}

func (a Addr) Port() int  { return int(a.a.Port) }
func (a Addr) Flow() int  { return int(a.a.Flow) }
func (a Addr) Scope() int { return int(a.a.Scope) }

// AddrPort converts the address to netip. It is invalid if the address is not IP.
func (a Addr) AddrPort() netip.AddrPort { return a.a.AddrPort() }

func (a Addr) String() string {
	switch {
	case a.bad != "":
		return "invalid address: " + a.bad
	case a.a.Family == 0:
		return ":" + strconv.Itoa(a.Port())
	}
	return a.a.String()
}

// address returns the address for the kernel. It returns EAFNOSUPPORT if the socket has another
// family.
func (s *Socket) address(o op, a Addr) (kernel.Addr, kernel.Errno, error) {
	if a.bad != "" {
		return kernel.Addr{}, 0, badValue(o, "address: %s", a.bad)
	}
	k := a.a
	if k.Family == 0 && s.family != AF_UNIX {
		k.Family = int(s.family)
	}
	if k.Family != int(s.family) {
		return kernel.Addr{}, kernel.EAFNOSUPPORT, nil
	}
	return k, 0, nil
}
