//go:build unix

package reactor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// An asker sends questions to addresses of a server, from one socket. It records from which address
// each answer comes.
type asker struct {
	c     *PacketConn
	heard []Addr
}

func (a *asker) Packet(c *PacketConn, p []byte, from Addr) { a.heard = append(a.heard, from) }
func (a *asker) Closed(*PacketConn, error)                 {}

// A host has two addresses, and a server is bound to the wildcard address. Each answer must leave
// from the address to which the question was sent. The cases are an answer at once, an answer in a
// later turn, a large datagram, and a sender that uses both addresses. The host is simulated,
// because a real machine may have only one address.
func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:99", "[::]:99", ":99"} {
		w := sim.New(1, sim.Options{})
		there, here := w.Host("10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"), w.Host("10.0.0.9", "fd00::9")
		there.Boot("server", func() {
			r, err := New(WithKernel(there))
			if err != nil {
				t.Error(err)
				return
			}
			_, err = r.ListenPacket("udp", addr, &packets{packet: func(c *PacketConn, p []byte, from Addr) {
				if at := c.AskedAt(from).AddrPort().Addr().Unmap().String(); string(p) != at {
					t.Errorf("asked at %s, told %s", p, at)
				}
				answer := append([]byte(nil), p...)
				_ = c.SendTo(answer, from)
				_ = c.SendTo(make([]byte, corkMax+1), from)
				r.After(time.Millisecond, func() { _ = c.SendTo(answer, from) })
			}})
			if err != nil {
				t.Error(err)
			}
			r.After(30*time.Second, func() { r.Close() })
			_ = r.Run(context.Background())
		})
		asked := 0
		here.Boot("client", func() {
			r, err := New(WithKernel(here))
			if err != nil {
				t.Error(err)
				return
			}
			a := &asker{}
			if a.c, err = r.ListenPacket("udp", ":0", a); err != nil {
				t.Error(err)
				return
			}
			ips := []string{"10.0.0.2", "10.0.0.1", "fd00::2", "fd00::1"}
			var ask func()
			ask = func() {
				for i, from := range a.heard {
					if got := from.AddrPort().Addr().Unmap().String(); got != ips[asked-1] {
						t.Errorf("%s: asked at %s, answer %d comes from %s", addr, ips[asked-1], i, got)
					}
				}
				if asked > 0 && len(a.heard) != 3 {
					t.Errorf("%s: asked at %s, %d answers", addr, ips[asked-1], len(a.heard))
				}
				a.heard = nil
				if asked == len(ips) {
					r.Close()
					return
				}
				to := netip.AddrPortFrom(netip.MustParseAddr(ips[asked]), 99)
				// An IPv4 address is mapped.
				if err := a.c.SendTo([]byte(ips[asked]), AddrFrom(to)); err != nil {
					t.Error(err)
				}
				asked++
				r.After(time.Second, ask)
			}
			r.After(time.Second, ask)
			_ = r.Run(context.Background())
		})
		if err := w.Run(time.Minute); err != nil {
			t.Error(err)
		}
		if asked != 4 {
			t.Errorf("%s: %d questions were asked", addr, asked)
		}
	}
}

// If a PacketConn is bound to one address, AskedAt returns that address, and SendFrom sends from
// it.
func TestAskedAtOfOneAddress(t *testing.T) {
	r := manual(t)
	got := 0
	c, at := listenPacket(t, r, "udp4", &packets{packet: func(c *PacketConn, p []byte, from Addr) {
		got++
		if a := c.AskedAt(from); a.AddrPort().Addr().String() != "127.0.0.1" || a.Port != 0 {
			t.Errorf("asked at %v", a)
		}
	}})
	if err := c.SendFrom([]byte("x"), AddrFrom(netip.MustParseAddrPort("127.0.0.2:0")), at); err != nil {
		t.Fatal(err)
	}
	turnUntil(t, r, func() bool { return got == 1 })
}

// Unix datagrams of any size up to the largest arrive whole. If a datagram does not fit in the
// loop's buffer, Lost is called. The test makes that buffer small, because by default no kernel
// sends a datagram that is too large for it.
func TestLargeUnixDatagrams(t *testing.T) {
	r := manual(t)
	var sizes []int
	var lost []error
	_, at := listenPacket(t, r, "unixgram", &packets{
		packet: func(c *PacketConn, p []byte, from Addr) {
			for i, b := range p {
				if b != byte(i+len(p)) {
					t.Fatalf("a wrong byte at %d of %d", i, len(p))
				}
			}
			sizes = append(sizes, len(p))
		},
		lost: func(c *PacketConn, peer Addr, err error) { lost = append(lost, err) },
	})
	client, _ := listenPacket(t, r, "unixgram", &packets{})
	send := func(n int) bool {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(i + n)
		}
		err := client.SendTo(p, at)
		if errors.Is(err, ErrBuffered) || err != nil && !errors.Is(err, kernel.EMSGSIZE) && !errors.Is(err, kernel.ENOBUFS) {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, n := range []int{100_000, 0, packetMax, packetMax + 1, 200_000, 10, unixMax - 1, unixMax} {
		if before := len(sizes); send(n) {
			turnUntil(t, r, func() bool { return len(sizes) == before+1 })
			if sizes[before] != n {
				t.Errorf("sent %d bytes, %d came", n, sizes[before])
			}
		}
	}
	r.packetBuffers.large = kernel.NewBatch(1, 1000)
	for _, n := range []int{1001, 1000} {
		if !send(n) {
			t.Fatal("no datagram of 1,000 bytes goes")
		}
	}
	before := len(sizes)
	turnUntil(t, r, func() bool { return len(sizes) == before+1 && len(lost) > 0 })
	if len(lost) != 1 || !errors.Is(lost[0], ErrTruncated) || sizes[before] != 1000 || r.Stats().PacketsLost == 0 {
		t.Errorf("lost %v, delivered %v, %d counted", lost, sizes[before:], r.Stats().PacketsLost)
	}
}

// UDP sockets may broadcast. Several sockets can listen at one multicast address, as with package
// net. A datagram to a zone that does not exist is refused.
func TestBroadcastAndMulticastPorts(t *testing.T) {
	r := manual(t)
	var lost []error
	h := &packets{lost: func(_ *PacketConn, _ Addr, err error) { lost = append(lost, err) }}
	c, _ := listenPacket(t, r, "udp4", h)
	if err := c.SendTo([]byte("x"), AddrFrom(netip.MustParseAddrPort("127.255.255.255:9"))); err != nil {
		t.Error(err)
	}
	if a := AddrFrom(netip.MustParseAddrPort("[fe80::1%nonesuch0]:9")); a != (Addr{}) {
		t.Errorf("an interface that is not there is %v", a)
	}
	if list, err := net.Interfaces(); err == nil && len(list) > 0 {
		a := AddrFrom(netip.MustParseAddrPort(fmt.Sprintf("[fe80::1%%%s]:9", list[0].Name)))
		if a.Scope != uint32(list[0].Index) {
			t.Errorf("the zone %s is %d, not %d", list[0].Name, a.Scope, list[0].Index)
		}
	}
	first, err := r.ListenPacket("udp4", "224.0.0.251:0", h)
	if err != nil {
		t.Fatal(err)
	}
	at := first.LocalAddr().(*net.UDPAddr)
	if !at.IP.IsUnspecified() {
		t.Errorf("bound to %v", at)
	}
	if _, err := r.ListenPacket("udp4", fmt.Sprint("224.0.0.251:", at.Port), h); err != nil {
		t.Error(err)
	}
	if err := r.Turn(r.Now() - 1); err != nil {
		t.Fatal(err)
	}
	if len(lost) > 0 {
		t.Error(lost)
	}
}

// Groups that listen at port 0 get a port that nobody else has, although their loops share it. A
// reactor with WithReusePort does too. The test makes the range of ports small, so that the kernel
// alone would soon choose a port that is in use.
func TestAnyPortOfDatagramsIsFree(t *testing.T) {
	ports := uint32(41099<<16 | 41000) // the last port and the first port
	narrow := WithControl(func(fd int) error {
		e := kernel.Host.SetOpt(fd, kernel.IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, int(int32(ports)))
		if e != 0 {
			return e
		}
		return nil
	})
	a, b := group(t, 2), group(t, 2)
	r := manual(t)
	open := func(*PacketConn) PacketHandler { return &packets{} }
	seen := map[string]bool{}
	for range 15 {
		for _, listen := range []func() (net.Addr, error){
			func() (net.Addr, error) { return addrOf(a.ListenPacket("udp4", "127.0.0.1:0", open, narrow)) },
			func() (net.Addr, error) { return addrOf(b.ListenPacket("udp4", "127.0.0.1:0", open, narrow)) },
			func() (net.Addr, error) {
				c, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{}, narrow, WithReusePort())
				if err != nil {
					return nil, err
				}
				return c.LocalAddr(), nil
			},
		} {
			at, err := listen()
			if errors.Is(err, kernel.ENOPROTOOPT) || errors.Is(err, kernel.EINVAL) {
				t.Skip("no IP_LOCAL_PORT_RANGE here")
			}
			if err != nil {
				t.Fatal(err)
			}
			if port := at.(*net.UDPAddr).Port; port < 41000 || port > 41099 {
				t.Skip("no IP_LOCAL_PORT_RANGE here")
			}
			if seen[at.String()] {
				t.Fatalf("%v is given twice", at)
			}
			seen[at.String()] = true
		}
	}
}

func addrOf(l *GroupListener, err error) (net.Addr, error) {
	if err != nil {
		return nil, err
	}
	return l.Addr(), nil
}
