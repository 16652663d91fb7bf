package sim_test

import (
	"context"
	"encoding/binary"
	"net/netip"

	"github.com/ureactor/ureactor/internal/kernel"
)

var scriptOptions = [][2]int{
	{kernel.SOL_SOCKET, kernel.SO_ERROR}, {kernel.SOL_SOCKET, kernel.SO_TYPE}, {kernel.SOL_SOCKET, kernel.SO_ACCEPTCONN},
	{kernel.SOL_SOCKET, kernel.SO_REUSEADDR}, {kernel.SOL_SOCKET, kernel.SO_REUSEPORT}, {kernel.SOL_SOCKET, kernel.SO_BROADCAST},
	{kernel.SOL_SOCKET, kernel.SO_KEEPALIVE}, {kernel.SOL_SOCKET, kernel.SO_SNDBUF}, {kernel.SOL_SOCKET, kernel.SO_RCVBUF},
	{kernel.SOL_SOCKET, kernel.SO_DONTROUTE}, {kernel.SOL_SOCKET, kernel.SO_OOBINLINE}, {kernel.SOL_SOCKET, kernel.SO_RCVLOWAT},
	{kernel.SOL_SOCKET, kernel.SO_LINGER}, {kernel.SOL_SOCKET, kernel.SO_RCVTIMEO}, {kernel.SOL_SOCKET, kernel.SO_SNDTIMEO},
	{kernel.SOL_SOCKET, 12}, {kernel.SOL_SOCKET, 38}, {kernel.SOL_SOCKET, 39}, {kernel.IPPROTO_TCP, 3}, {kernel.IPPROTO_TCP, 12},
	{kernel.IPPROTO_TCP, kernel.TCP_NODELAY}, {kernel.IPPROTO_TCP, kernel.TCP_MAXSEG}, {kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE},
	{kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL}, {kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT}, {kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT},
	{kernel.IPPROTO_TCP, 0}, {kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY}, {kernel.IPPROTO_IP, kernel.IP_TOS},
	{kernel.IPPROTO_IP, kernel.IP_TTL}, {kernel.IPPROTO_IP, kernel.IP_MULTICAST_TTL}, {kernel.IPPROTO_IP, kernel.IP_MULTICAST_LOOP},
	{kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_HOPS}, {kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_LOOP},
	{kernel.IPPROTO_IPV6, kernel.IPV6_UNICAST_HOPS}, {kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_IF},
	{kernel.IPPROTO_IP, kernel.IP_RECVLOCAL}, {kernel.IPPROTO_IPV6, kernel.IPV6_RECVPKTINFO},
	{kernel.IPPROTO_IP, kernel.IP_RECVTOS}, {kernel.IPPROTO_IPV6, kernel.IPV6_RECVTCLASS}, {99, 99},
}

func (c *scripter) options() {
	fd, o := c.fd(), scriptOptions[c.r.Int(len(scriptOptions))]
	if c.yes(2) {
		v := c.pick(-2, -1, 0, 1, 1, 1, 2, 7, 64, 255, 256, 1000, 5000, 32767, 32768, 100_000, 100<<20)
		c.note("setopt(%d, %v, %d) %v", fd, o, v, c.k.SetOpt(fd, o[0], o[1], v))
	}
	v, e := c.k.GetOpt(fd, o[0], o[1])
	c.note("getopt(%d, %v) = %d %v", fd, o, v, e)
}

func (c *scripter) optionBytes() {
	fd, o := c.fd(), scriptOptions[c.r.Int(len(scriptOptions))]
	p := make([]byte, c.pick(0, 3, 4, 8, 8, 16, 20, 20))
	for i := 0; i+4 <= len(p); i += 4 {
		binary.NativeEndian.PutUint32(p[i:], uint32(c.pick(0, 1, 1, 2, 999_999, 1_000_000, -1)))
	}
	switch c.r.Int(4) {
	case 0:
		o = [2]int{kernel.SOL_SOCKET, c.pick(kernel.SO_LINGER, kernel.SO_RCVTIMEO, kernel.SO_SNDTIMEO)}
	case 1:
		o = [2]int{kernel.IPPROTO_IP, c.pick(kernel.IP_ADD_MEMBERSHIP, kernel.IP_ADD_MEMBERSHIP, kernel.IP_DROP_MEMBERSHIP, kernel.IP_MULTICAST_IF)}
		copy(p, []byte{byte(c.pick(10, 224, 224)), 0, 0, 9, 10, 0, 0, 1})
	case 2:
		o = [2]int{kernel.IPPROTO_IPV6, c.pick(kernel.IPV6_JOIN_GROUP, kernel.IPV6_JOIN_GROUP, kernel.IPV6_LEAVE_GROUP)}
		ip := netip.MustParseAddr("ff05::9").As16()
		copy(p, ip[:])
	}
	if c.yes(2) {
		c.note("setoptbytes(%d, %v, %v) %v", fd, o, p, c.k.SetOptBytes(fd, o[0], o[1], p))
	}
	clear(p)
	n, e := c.k.GetOptBytes(fd, o[0], o[1], p)
	c.note("getoptbytes(%d, %v, %d) = %d %v %v", fd, o, len(p), n, p, e)
}

// asks makes calls that change nothing.
func (c *scripter) asks() {
	fd := c.fd()
	switch c.r.Int(6) {
	case 0:
		a, e := c.k.LocalAddr(fd)
		c.note("getsockname(%d) = %q %v", fd, a, e)
	case 1:
		a, e := c.k.PeerAddr(fd)
		c.note("getpeername(%d) = %q %v", fd, a, e)
	case 2:
		n, e := c.k.Unsent(fd)
		c.note("unsent(%d) = %d %v", fd, n, e)
	case 3:
		ready, e := c.k.Ready(fd)
		c.note("ready(%d) = %v %v", fd, ready, e)
	default:
		h := c.k.(waiter)
		c.note("waiting(%d) = %d, %d files of %d", fd, h.Waiting(fd), h.Files(), h.MaxFiles())
	}
}

// names makes calls that concern names.
func (c *scripter) names() {
	ctx, path := context.Background(), c.unix().Path
	switch c.r.Int(6) {
	case 0:
		c.note("unlink(%q) %v", path, c.k.Unlink(path))
	case 1:
		id, e := c.k.FileID(path)
		c.note("fileid(%q) = %v %v", path, id, e)
	case 2:
		name, network := []string{"db", "localhost", "nobody"}[c.r.Int(3)], []string{"ip", "ip4", "ip6"}[c.r.Int(3)]
		ips, err := c.k.Lookup(ctx, network, name)
		c.note("lookup(%s, %s) = %v %v", network, name, ips, err)
	case 3:
		n, err := c.k.LookupPort(ctx, "tcp", []string{"http", "x"}[c.r.Int(2)])
		c.note("lookupport = %d %v", n, err)
	case 4:
		n, err := c.k.Interface([]string{"lo", "eth0", "eth1"}[c.r.Int(3)])
		c.note("interface = %d %v", n, err)
	default:
		fd := c.fd()
		n, e := c.k.(waiter).Dup(fd)
		c.note("dup(%d) = %d %v, traits %v", fd, n, e, c.k.Traits())
		c.add(n)
	}
}
