package netconn_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/netconn"
)

// msgUDP has the methods that libraries such as quic-go need.
type msgUDP interface {
	net.PacketConn
	ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error)
	WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error)
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
	SyscallConn() (syscall.RawConn, error)
	SetReadBuffer(int) error
	Write([]byte) (int, error)
}

type msgUnix interface {
	net.Conn
	ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error)
	WriteMsgUnix(b, oob []byte, addr *net.UnixAddr) (n, oobn int, err error)
}

type msgPackage struct {
	listenPacket func(network, addr string) (net.PacketConn, error)
	listen       func(network, addr string) (net.Listener, error)
	dial         func(network, addr string) (net.Conn, error)
}

// asNet runs the script on package net and on netconn, and compares the lines that it passes to
// say. Ports and names of temporary files are left out of the comparison.
func asNet(t *testing.T, script func(t *testing.T, p msgPackage, say func(string, ...any))) {
	t.Helper()
	var said [2][]string
	for i, p := range []msgPackage{{net.ListenPacket, net.Listen, net.Dial}, {netconn.ListenPacket, netconn.Listen, netconn.Dial}} {
		t.Run([]string{"net", "netconn"}[i], func(t *testing.T) {
			script(t, p, func(format string, args ...any) {
				text := fmt.Sprintf(format, args...)
				text = regexp.MustCompile(`:\d{4,5}\b`).ReplaceAllString(text, ":PORT")
				text = regexp.MustCompile(`/\S+/s\d?\b`).ReplaceAllString(text, "PATH")
				said[i] = append(said[i], text)
			})
		})
	}
	for i := range max(len(said[0]), len(said[1])) {
		if i >= len(said[0]) || i >= len(said[1]) || said[0][i] != said[1][i] {
			t.Errorf("net and netconn differ:\n%q\n%q", said[0], said[1])
			return
		}
	}
}

func option(t *testing.T, c msgUDP, level, name int) {
	t.Helper()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(err, rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, name, 1) })); err != nil {
		t.Fatal(err)
	}
}

// ReadMsgUDP and WriteMsgUDP, and their AddrPort forms, have the same results as in package net.
// The test compares data, control data, flags, addresses and errors.
func TestMessagesOfUDPAsNet(t *testing.T) {
	asNet(t, func(t *testing.T, p msgPackage, say func(string, ...any)) {
		for _, network := range []string{"udp4", "udp6"} {
			host := map[string]string{"udp4": "127.0.0.1", "udp6": "::1"}[network]
			open := func(addr string) msgUDP {
				c, err := p.listenPacket(network, net.JoinHostPort(addr, "0"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return c.(msgUDP)
			}
			a, b := open(host), open(host)
			to := b.LocalAddr().(*net.UDPAddr)
			dialled, err := p.dial(network, to.String())
			if err != nil {
				t.Fatal(err)
			}
			defer dialled.Close()
			d := dialled.(msgUDP)
			read := func(room, oob int) {
				t.Helper()
				n, k, flags, from, err := b.ReadMsgUDP(make([]byte, room), make([]byte, oob))
				say("read %d %d %#x %v %v", n, k, flags, from, err)
			}
			if network == "udp4" {
				option(t, b, unix.IPPROTO_IP, unix.IP_RECVTTL)
			} else {
				option(t, b, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT)
			}
			for _, room := range [][2]int{{10, 100}, {10, 0}, {10, 5}, {3, 100}, {0, 100}, {0, 0}} {
				n, k, err := a.WriteMsgUDP([]byte("hello"), nil, to)
				say("write %d %d %v", n, k, err)
				read(room[0], room[1])
			}
			n, k, err := a.WriteMsgUDP(nil, nil, to)
			say("empty %d %d %v", n, k, err)
			read(10, 100)
			mark := [4]byte{1: 0, 0: 2}
			oob := cmsg(unix.IPPROTO_IP, unix.IP_TOS, mark[:])
			if network == "udp6" {
				oob = cmsg(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, mark[:])
			}
			n, k, err = a.WriteMsgUDPAddrPort([]byte("marked"), oob, to.AddrPort())
			say("write %d %d %v", n, k, err)
			n, k, flags, from, err := b.ReadMsgUDPAddrPort(make([]byte, 10), make([]byte, 100))
			say("read %d %d %#x %v %v", n, k, flags, from, err)
			for i, bad := range []struct {
				oob []byte
				to  *net.UDPAddr
			}{{[]byte("no message"), to}, {make([]byte, 1<<20), to}, {nil, nil}, {nil, &net.UDPAddr{IP: to.IP, Port: 70000}},
				{nil, &net.UDPAddr{IP: net.ParseIP("1.2.3"), Port: 1}}, {nil, &net.UDPAddr{IP: []byte{1}, Port: 1}}} {
				n, k, err := a.WriteMsgUDP([]byte("x"), bad.oob, bad.to)
				say("bad %d: %d %d %v", i, n, k, err)
			}
			n, k, err = a.WriteMsgUDPAddrPort([]byte("x"), nil, netip.AddrPort{})
			say("no address %d %d %v", n, k, err)
			n, k, err = d.WriteMsgUDP([]byte("x"), nil, to)
			say("dialled, with address %d %d %v", n, k, err)
			n, k, err = d.WriteMsgUDPAddrPort([]byte("x"), nil, to.AddrPort())
			say("dialled, with address %d %d %v", n, k, err)
			n, k, err = d.WriteMsgUDP([]byte("dialled"), oob, nil)
			say("dialled %d %d %v", n, k, err)
			read(10, 100)
			n, k, err = d.WriteMsgUDPAddrPort([]byte("dialled"), nil, netip.AddrPort{})
			say("dialled %d %d %v", n, k, err)
			read(10, 100)
			say("buffer %v", b.SetReadBuffer(1<<16))
			b.Close()
			read(10, 10)
			n, k, err = b.WriteMsgUDP([]byte("x"), nil, to)
			say("closed %d %d %v", n, k, err)
		}
	})
}

func cmsg(level, kind int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := unix.Cmsghdr{Level: int32(level), Type: int32(kind)}
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b, unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

// A socket that is bound to the wildcard address returns the control data that its options request.
// If the caller's buffer has room, the local address is added.
func TestControlDataAtAllAddresses(t *testing.T) {
	pc, err := netconn.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c := pc.(*netconn.UDPConn)
	option(t, c, unix.IPPROTO_IP, unix.IP_RECVTTL)
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2), Port: c.LocalAddr().(*net.UDPAddr).Port}
	peer, err := net.DialUDP("udp4", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for _, test := range []struct {
		oob, oobn, flags int
		kinds            []int32
	}{{0, 0, 0, nil}, {24, 24, 0, []int32{unix.IP_TTL}}, {10, 10, unix.MSG_CTRUNC, nil}, {100, 56, 0, []int32{unix.IP_PKTINFO, unix.IP_TTL}},
		{1000, 56, 0, []int32{unix.IP_PKTINFO, unix.IP_TTL}}} {
		peer.Write([]byte("ask"))
		oob := make([]byte, test.oob)
		n, oobn, flags, from, err := c.ReadMsgUDP(make([]byte, 9), oob)
		if n != 3 || oobn != test.oobn || flags != test.flags || err != nil {
			t.Errorf("room for %d bytes: %d, %d, %#x, %v", test.oob, n, oobn, flags, err)
		}
		list, _ := unix.ParseSocketControlMessage(oob[:oobn])
		var kinds []int32
		for _, m := range list {
			kinds = append(kinds, m.Header.Type)
		}
		if slices.Sort(kinds); !slices.Equal(kinds, slices.Sorted(slices.Values(test.kinds))) && test.oobn != 10 {
			t.Errorf("room for %d bytes: messages %v", test.oob, kinds)
		}
		if _, _, err := c.WriteMsgUDP([]byte("answer"), nil, from); err != nil {
			t.Fatal(err)
		}
		if n, err := peer.Read(make([]byte, 9)); n != 6 { // connected: it receives only from 127.0.0.2
			t.Error(n, err)
		}
	}
	b, oob := make([]byte, 9), make([]byte, 100)
	if n := testing.AllocsPerRun(10, func() {
		peer.Write(b)
		_, _, _, from, _ := c.ReadMsgUDPAddrPort(b, oob)
		c.WriteMsgUDPAddrPort(b, nil, from)
	}); n > 0 && !raceEnabled {
		t.Errorf("%v allocations for a message", n)
	}
}
