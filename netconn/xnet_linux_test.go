package netconn_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// golang.org/x/net's ipv4 and ipv6 have the same results on sockets of both packages. The test
// covers TTL, TOS and their IPv6 relatives, control messages, batches and multicast groups.
// (ReadFrom of x/net accepts only a *net.UDPConn, but ReadBatch and ReadMsgUDP do the same.)
func TestXNetOnBothPackages(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, s stack) []string{
		"ipv4 datagrams": ipv4Grams, "ipv6 datagrams": ipv6Grams, "ipv4 batch": ipv4Batch, "ipv4 stream": ipv4Stream,
		"ipv6 stream": ipv6Stream, "ipv4 group": ipv4Group,
	} {
		t.Run(name, func(t *testing.T) {
			want, got := fmt.Sprintf("%q", use(t, stacks[0])), fmt.Sprintf("%q", use(t, stacks[1]))
			if got != want {
				t.Errorf("netconn: %s\nnet: %s", got, want)
			}
		})
	}
}

// messages has the methods by which a program receives control data without ReadFrom of x/net.
type messages interface {
	ReadMsgUDP(p, oob []byte) (n, oobn, flags int, from *net.UDPAddr, err error)
}

// pairOf returns two bound sockets of s. The second one can send to the first.
func pairOf(t *testing.T, s stack, address string) (a, b net.PacketConn) {
	a, b = bound(t, s, "udp", address), bound(t, s, "udp", address)
	for _, c := range []net.PacketConn{a, b} {
		must(t, c.SetDeadline(time.Now().Add(long)))
	}
	return a, b
}

func ipv4Grams(t *testing.T, s stack) (seen []string) {
	a, b := pairOf(t, s, "127.0.0.1:0")
	p, q := ipv4.NewPacketConn(a), ipv4.NewPacketConn(b)
	note := func(what string, v any, err error) { seen = append(seen, fmt.Sprint(what, " ", v, " ", err)) }
	note("control", nil, p.SetControlMessage(ipv4.FlagTTL|ipv4.FlagDst|ipv4.FlagInterface, true))
	note("set TTL", nil, q.SetTTL(7))
	note("set TOS", nil, q.SetTOS(0x28))
	ttl, err := q.TTL()
	note("TTL", ttl, err)
	tos, err := q.TOS()
	note("TOS", tos, err)
	note("set TTL too large", nil, q.SetTTL(1000))
	_, err = q.WriteTo([]byte("hello"), nil, a.LocalAddr())
	note("write", nil, err)
	m := []ipv4.Message{{Buffers: [][]byte{make([]byte, 100)}, OOB: make([]byte, 200)}}
	_, err = p.ReadBatch(m, 0)
	var cm ipv4.ControlMessage
	note("read", string(m[0].Buffers[0][:m[0].N]), err)
	note("message", fmt.Sprint(cm.Parse(m[0].OOB[:m[0].NN]), cm.TTL, cm.Dst, cm.IfIndex, m[0].Addr.String() == b.LocalAddr().String()), nil)
	return seen
}

func ipv6Grams(t *testing.T, s stack) (seen []string) {
	a, b := pairOf(t, s, "[::1]:0")
	p, q := ipv6.NewPacketConn(a), ipv6.NewPacketConn(b)
	note := func(what string, v any, err error) { seen = append(seen, fmt.Sprint(what, " ", v, " ", err)) }
	note("control", nil, p.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagTrafficClass|ipv6.FlagDst|ipv6.FlagInterface, true))
	note("set hop limit", nil, q.SetHopLimit(9))
	note("set class", nil, q.SetTrafficClass(0x28))
	_, err := q.WriteTo([]byte("hello"), &ipv6.ControlMessage{TrafficClass: 0x30, HopLimit: 5}, a.LocalAddr())
	note("write", nil, err)
	room, oob := make([]byte, 100), make([]byte, 200)
	n, oobn, _, from, err := a.(messages).ReadMsgUDP(room, oob)
	var cm ipv6.ControlMessage
	note("read", string(room[:n]), err)
	note("message", fmt.Sprint(cm.Parse(oob[:oobn]), cm.TrafficClass, cm.HopLimit, cm.Dst, cm.IfIndex, from.String() == b.LocalAddr().String()), nil)
	return seen
}

func ipv4Batch(t *testing.T, s stack) (seen []string) {
	a, b := pairOf(t, s, "127.0.0.1:0")
	p, q := ipv4.NewPacketConn(a), ipv4.NewPacketConn(b)
	var out []ipv4.Message
	for i := range 5 {
		out = append(out, ipv4.Message{Buffers: [][]byte{[]byte("message "), {byte('0' + i)}}, Addr: a.LocalAddr()})
	}
	n, err := q.WriteBatch(out, 0)
	seen = append(seen, fmt.Sprint(n, err))
	in := make([]ipv4.Message, 8)
	for i := range in {
		in[i].Buffers = [][]byte{make([]byte, 20)}
	}
	for got := 0; got < 5; {
		n, err := p.ReadBatch(in[got:], 0)
		if err != nil {
			return append(seen, fmt.Sprint(err))
		}
		for _, m := range in[got : got+n] {
			seen = append(seen, fmt.Sprint(string(m.Buffers[0][:m.N]), m.Addr.String() == b.LocalAddr().String()))
		}
		got += n
	}
	return seen
}

func ipv4Stream(t *testing.T, s stack) (seen []string) {
	obj, _ := ends(t, s, "tcp")
	c := ipv4.NewConn(obj.(net.Conn))
	seen = append(seen, fmt.Sprint(c.SetTTL(33), c.SetTOS(0x20), c.SetTTL(-5)))
	ttl, err := c.TTL()
	seen = append(seen, fmt.Sprint(ttl, err))
	tos, err := c.TOS()
	return append(seen, fmt.Sprint(tos, err))
}

func ipv6Stream(t *testing.T, s stack) (seen []string) {
	l := listening(t, s, "tcp6", "[::1]:0")
	nc, err := s.dial("tcp6", l.Addr().String())
	must(t, err)
	defer nc.Close()
	c := ipv6.NewConn(nc)
	seen = append(seen, fmt.Sprint(c.SetHopLimit(33), c.SetTrafficClass(0x20)))
	hops, err := c.HopLimit()
	seen = append(seen, fmt.Sprint(hops, err))
	mtu, err := c.PathMTU()
	return append(seen, fmt.Sprint(mtu > 1000, err))
}

// ipv4Group receives from a multicast group on the loopback interface.
func ipv4Group(t *testing.T, s stack) (seen []string) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return []string{err.Error()}
	}
	c := bound(t, s, "udp4", "0.0.0.0:0")
	must(t, c.SetDeadline(time.Now().Add(long)))
	p := ipv4.NewPacketConn(c)
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251)}
	seen = append(seen, fmt.Sprint(p.JoinGroup(lo, group), p.SetMulticastInterface(lo), p.SetMulticastLoopback(true),
		p.SetMulticastTTL(2), p.JoinGroup(lo, group) != nil, p.SetControlMessage(ipv4.FlagDst, true)))
	group.Port = c.LocalAddr().(*net.UDPAddr).Port
	if _, err := p.WriteTo([]byte("to the group"), nil, group); err != nil {
		return append(seen, err.Error())
	}
	room, oob := make([]byte, 100), make([]byte, 200)
	n, oobn, _, _, err := c.(messages).ReadMsgUDP(room, oob)
	if err != nil {
		return append(seen, err.Error())
	}
	var cm ipv4.ControlMessage
	return append(seen, string(room[:n]), fmt.Sprint(cm.Parse(oob[:oobn]), cm.Dst, p.LeaveGroup(lo, group)))
}
