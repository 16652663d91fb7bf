package netconn_test

import (
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/netconn"
)

// moving contains the options whose value is not a setting: counters, identities, times.
var moving = map[[2]int]bool{
	{unix.SOL_SOCKET, unix.SO_COOKIE}: true, {unix.SOL_SOCKET, unix.SO_INCOMING_CPU}: true, {unix.SOL_SOCKET, unix.SO_INCOMING_NAPI_ID}: true,
	{unix.SOL_SOCKET, unix.SO_MEMINFO}: true, {unix.SOL_SOCKET, unix.SO_PEERPIDFD}: true, {unix.SOL_SOCKET, unix.SO_PEERNAME}: true,
	{unix.IPPROTO_TCP, unix.TCP_INFO}: true, {unix.IPPROTO_TCP, unix.TCP_CC_INFO}: true, {unix.IPPROTO_TCP, unix.TCP_TIMESTAMP}: true,
	{unix.IPPROTO_TCP, unix.TCP_ZEROCOPY_RECEIVE}: true, {unix.IPPROTO_IP, unix.IP_PROTOCOL}: true, {unix.IPPROTO_TCP, unix.TCP_SAVED_SYN}: true,
	{unix.IPPROTO_TCP, unix.TCP_QUICKACK}: true,
}

// settings reads every option that a socket has.
func settings(t *testing.T, of any) map[[2]int]string {
	t.Helper()
	raw, err := of.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	found := map[[2]int]string{}
	err = raw.Control(func(fd uintptr) {
		for _, level := range []int{unix.SOL_SOCKET, unix.IPPROTO_IP, unix.IPPROTO_IPV6, unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			for name := range 200 {
				if moving[[2]int{level, name}] {
					continue
				}
				p := make([]byte, 64)
				if n, e := kernel.Host.GetOptBytes(int(fd), level, name, p); e == 0 {
					found[[2]int{level, name}] = hex.EncodeToString(p[:min(n, len(p))])
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every socket option of the kernel has the same value on sockets of netconn and of package net,
// for each way to create a socket. There are three exceptions. A socket that is bound to the
// wildcard address has packet info. A listener has the options that its connections inherit;
// package net sets these on each connection. A Unix datagram socket has room to send 4 MiB.
func TestSocketOptionsAreThoseOfPackageNet(t *testing.T) {
	target := listen(t, "tcp4").Addr().String()
	six := "[::1]:0"
	for _, row := range []struct{ call, network, address string }{
		{"listen", "tcp", "127.0.0.1:0"}, {"listen", "tcp", ":0"}, {"listen", "tcp4", "0.0.0.0:0"}, {"listen", "tcp6", six}, {"listen", "tcp", six},
		{"listen", "unix", ""}, {"packet", "udp", "127.0.0.1:0"}, {"packet", "udp", ":0"}, {"packet", "udp4", "0.0.0.0:0"}, {"packet", "udp6", "[::]:0"},
		{"packet", "udp", six}, {"packet", "udp4", "224.0.0.251:0"}, {"packet", "udp", "[ff02::fb%lo]:0"}, {"packet", "unixgram", ""},
		{"dial", "tcp", target}, {"dial", "udp", target}, {"dial", "udp6", "[::1]:9"}, {"accept", "tcp4", "127.0.0.1:0"}, {"accept", "unix", ""},
		{"file", "tcp4", target}, {"accept of a file", "tcp4", "127.0.0.1:0"},
	} {
		t.Run(fmt.Sprint(row.call, " ", row.network, " ", row.address), func(t *testing.T) {
			var got [2]map[[2]int]string
			for i, s := range stacks {
				address := row.address
				if address == "" {
					address = free(t, row.network)
				}
				got[i] = settings(t, opened(t, s, row.call, row.network, address))
			}
			for option, want := range got[0] {
				info := option == [2]int{unix.IPPROTO_IP, unix.IP_PKTINFO} || option == [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO}
				inherited := option[0] == unix.IPPROTO_TCP && option[1] <= unix.TCP_KEEPINTVL || option == [2]int{unix.SOL_SOCKET, unix.SO_KEEPALIVE}
				room := option == [2]int{unix.SOL_SOCKET, unix.SO_SNDBUF} || option == [2]int{unix.SOL_SOCKET, unix.SO_BUF_LOCK}
				differs := info && row.call == "packet" || inherited && row.call == "listen" || room && row.network == "unixgram"
				if have := got[1][option]; have != want && !differs {
					t.Errorf("level %d, option %d: %s, package net has %s", option[0], option[1], have, want)
				}
			}
			// One call for the listener saves several calls for each connection.
			if own := got[1][[2]int{unix.IPPROTO_TCP, unix.TCP_NODELAY}]; row.call == "listen" && own != "" && own != "01000000" {
				t.Errorf("the listener's TCP_NODELAY is %q", own)
			}
			if len(got[0]) < 20 || len(got[1]) != len(got[0]) {
				t.Errorf("%d and %d options", len(got[0]), len(got[1]))
			}
		})
	}
}

func opened(t *testing.T, s stack, call, network, address string) any {
	t.Helper()
	switch call {
	case "packet":
		c, err := s.listenPacket(network, address)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	case "dial":
		c, err := s.dial(network, address)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	if strings.Contains(call, "file") {
		return openedByFile(t, s, call)
	}
	if s.name == "net" { // package net uses multipath TCP by default
		var c net.ListenConfig
		c.SetMultipathTCP(false)
		s.listen = func(network, address string) (net.Listener, error) { return c.Listen(t.Context(), network, address) }
	}
	l, err := s.listen(network, address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	if call == "listen" {
		return l
	}
	near, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A PacketConn that is bound to the wildcard address answers from the address to which the question
// was sent, in both families. A client may send questions to several such addresses from one
// socket. ReadMessage reports the address. (On Linux all of 127.0.0.0/8 belongs to the machine.)
func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	for _, row := range []struct{ network, address string }{{"udp", ":0"}, {"udp", "0.0.0.0:0"}, {"udp4", "0.0.0.0:0"}, {"udp6", "[::]:0"}, {"udp", "[::]:0"}} {
		p, err := netconn.ListenPacket(row.network, row.address)
		if err != nil {
			t.Skip(err)
		}
		c := p.(*netconn.PacketConn)
		client := map[bool]net.PacketConn{}
		for _, six := range []bool{false, true} {
			if client[six], err = net.ListenPacket(map[bool]string{false: "udp4", true: "udp6"}[six], ":0"); err != nil {
				t.Skip(err)
			}
		}
		port := c.LocalAddr().(*net.UDPAddr).Port
		buf, back := make([]byte, 100), make([]byte, 100)
		for i, ip := range []string{"127.0.0.2", "127.0.0.1", "::1", "127.0.0.3"} {
			to := &net.UDPAddr{IP: net.ParseIP(ip), Port: port}
			six := to.IP.To4() == nil
			if row.network == "udp4" && six || row.network == "udp6" && !six {
				continue
			}
			if _, err := client[six].WriteTo([]byte(ip), to); err != nil {
				t.Fatal(err)
			}
			var n int
			var from net.Addr
			switch i % 3 {
			case 0:
				n, from, err = c.ReadFrom(buf)
			case 1:
				var about netconn.Message
				n, about, err = c.ReadMessage(buf)
				if from = about.From; about.Local == nil || !about.Local.(*net.UDPAddr).IP.Equal(to.IP) || about.Truncated {
					t.Errorf("asked at %s, told %+v", ip, about)
				}
			case 2:
				m, ap, e := c.ReadFromUDPAddrPort(buf)
				n, from, err = m, net.UDPAddrFromAddrPort(ap), e
			}
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				_, err = c.WriteTo(buf[:n], from)
			} else {
				_, err = c.WriteToUDPAddrPort(buf[:n], from.(*net.UDPAddr).AddrPort())
			}
			if err != nil {
				t.Fatal(err)
			}
			_, answerer, err := client[six].ReadFrom(back)
			if err != nil || answerer.String() != to.String() {
				t.Errorf("%v: asked at %v, the answer comes from %v, %v", row, to, answerer, err)
			}
		}
		c.Close()
		client[false].Close()
		client[true].Close()
	}
}

// ReadMessage reports that a datagram was too long for the buffer. A long datagram of a Unix socket
// arrives whole if the buffer has room.
func TestTruncatedDatagramsAreTold(t *testing.T) {
	path := free(t, "unixgram")
	p, err := netconn.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := netconn.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	room := make([]byte, 4<<20)
	for _, size := range []int{0, 10, 11, 100_000} {
		for _, most := range []int{10, len(room)} {
			if _, err := c.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			n, about, err := p.(*netconn.UnixConn).ReadMessage(room[:most])
			if err != nil || n != min(size, most) || about.Truncated != (size > most) || about.From != nil {
				t.Errorf("%d bytes into %d: %d, %+v, %v", size, most, n, about, err)
			}
		}
	}
}

// Receiving and answering a datagram allocates nothing, even on a socket that is bound to the
// wildcard address.
func TestDatagramsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's pools lose what they have")
	}
	for _, address := range []string{"127.0.0.1:0", ":0"} {
		p, err := netconn.ListenPacket("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		c := p.(*netconn.PacketConn)
		client, err := net.Dial("udp", fmt.Sprint("127.0.0.1:", p.LocalAddr().(*net.UDPAddr).Port))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		buf, back := make([]byte, 100), make([]byte, 100)
		if n := testing.AllocsPerRun(500, func() {
			if _, err := client.Write(buf[:10]); err != nil {
				t.Fatal(err)
			}
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteToUDPAddrPort(buf[:n], from); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Read(back); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", address, n)
		}
	}
}
