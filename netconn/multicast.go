package netconn

import (
	bits "encoding/binary"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// join makes the socket a member of a multicast group, as ListenMulticastUDP of package net does.
func (c *PacketConn) join(ifi *net.Interface, group net.IP) error {
	if ip := group.To4(); ip != nil {
		return c.join4(ifi, ip)
	}
	index := uint32(0)
	if ifi != nil {
		index = uint32(ifi.Index)
		if err := c.option(socket.IPPROTO_IPV6, kernel.IPV6_MULTICAST_IF, int(index)); err != nil {
			return err
		}
	}
	if err := c.option(socket.IPPROTO_IPV6, kernel.IPV6_MULTICAST_LOOP, 0); err != nil {
		return err
	}
	return c.option(socket.IPPROTO_IPV6, kernel.IPV6_JOIN_GROUP, bits.NativeEndian.AppendUint32(group.To16(), index))
}

func (c *PacketConn) join4(ifi *net.Interface, group net.IP) error {
	at, err := membership(ifi, group)
	if err != nil {
		return err
	}
	if ifi != nil {
		from := at[4:] // an address
		if len(at) > 8 {
			from = append(make([]byte, 4), from...) // struct ip_mreqn of Linux; the group is left empty
		}
		if err := c.option(socket.IPPROTO_IP, kernel.IP_MULTICAST_IF, from); err != nil {
			return err
		}
	}
	if err := c.option(socket.IPPROTO_IP, kernel.IP_MULTICAST_LOOP, []byte{0}); err != nil {
		return err
	}
	return c.option(socket.IPPROTO_IP, kernel.IP_ADD_MEMBERSHIP, at)
}

// membership returns the argument of the option that joins a group. On Linux this is a struct
// ip_mreqn, which has the number of the interface. Elsewhere it is a struct ip_mreq, which has one
// of the interface's addresses.
func membership(ifi *net.Interface, group net.IP) ([]byte, error) {
	m := append([]byte(nil), group...)
	if runtime.GOOS == "linux" {
		index := uint32(0)
		if ifi != nil {
			index = uint32(ifi.Index)
		}
		return bits.NativeEndian.AppendUint32(append(m, net.IPv4zero.To4()...), index), nil
	}
	at := net.IPv4zero.To4()
	if ifi != nil {
		var err error
		if at, err = firstIPv4(ifi); err != nil {
			return nil, err
		}
	}
	return append(m, at...), nil
}

// option sets an option of the socket. It returns the cause of an error, without the operation.
func (c *PacketConn) option(level, name int, v any) error {
	return osCause("setsockopt", c.s.SetSockOpt(level, name, v))
}

// firstIPv4 returns the interface's first IPv4 address.
func firstIPv4(ifi *net.Interface) (net.IP, error) {
	list, err := ifi.Addrs()
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.To4(), nil
		}
	}
	return nil, &net.AddrError{Err: "no IPv4 address", Addr: ifi.Name}
}
