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

// An Addr is the address of a socket: what GetAddrInfo, Accept and RecvFrom give, and what Tuple
// and Path make. Addrs are comparable. The zero Addr is any address and port 0.
type Addr struct {
	a   kernel.Addr // Family 0: any address of the socket's family
	bad string      // why it is none; told by the call that is given it
}

// Tuple is MicroPython's (host, port). host is the text of an IP address, "" for any; names are for
// GetAddrInfo. The call that takes the Addr returns ErrValue if an item is wrong.
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

// AddrOf is the Addr of an IP endpoint. Its zone must be an interface's number: the call that takes
// the Addr says so.
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
	return netaddr.Inet(nil, ap) // nobody is asked for a number
}

func badAddr(format string, args ...any) Addr { return Addr{bad: fmt.Sprintf(format, args...)} }

// Family is AF_INET, AF_INET6 or AF_UNIX; 0 where the text was "".
func (a Addr) Family() int { return a.a.Family }

// Host is the text of the IP address, without its scope, or the path.
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

// AddrPort is the address as netip knows it, invalid for what is not IP.
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

// address is what the kernel is told. EAFNOSUPPORT when the address is of another family than the
// socket.
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
