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

// An Addr is the address of a socket. Tuple and Path make one. GetAddrInfo, Accept and RecvFrom
// return one. Addrs can be compared with ==. The zero Addr means any address and port 0.
type Addr struct {
	a   kernel.Addr // Family 0 means any address of the socket's family
	bad string      // why the Addr is invalid; the text of the error that its use returns
}

// Tuple is MicroPython's (host, port). host is the text of an IP address, or "" for any address. To
// resolve a name, call GetAddrInfo. If the host or the port is wrong, the call that uses the Addr
// returns ErrValue.
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

// Path is the address of a Unix socket. With a leading "@" it is an abstract name of Linux.
func Path(path string) Addr { return Addr{a: kernel.Unix(path)} }

// AddrOf converts an IP address with a port. A zone must be the number of an interface. Otherwise
// the call that uses the Addr returns ErrValue.
func AddrOf(ap netip.AddrPort) Addr {
	a, err := inet(ap)
	if err != nil {
		return badAddr("%v", err)
	}
	return Addr{a: a}
}

// inet converts ap. A zone of ap must be a number.
func inet(ap netip.AddrPort) (kernel.Addr, error) {
	if z := ap.Addr().Zone(); strings.Trim(z, "0123456789") != "" {
		return kernel.Addr{}, fmt.Errorf("scope %.100q must be an interface's number", z)
	}
	return netaddr.Inet(nil, ap) // a numeric zone needs no lookup, so no kernel is passed
}

func badAddr(format string, args ...any) Addr { return Addr{bad: fmt.Sprintf(format, args...)} }

// Family returns AF_INET, AF_INET6 or AF_UNIX. If the host was "", it returns 0.
func (a Addr) Family() int { return a.a.Family }

// Host returns the text of the IP address without its scope. For a Unix socket it returns the path.
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

// AddrPort converts the address for package netip. If it is no IP address, the result is invalid.
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

// address returns the address in the form for the kernel. It returns EAFNOSUPPORT if the Socket has
// another family.
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
