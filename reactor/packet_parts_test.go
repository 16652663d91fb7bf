//go:build unix

package reactor

import (
	"errors"
	"net"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Errors that concern the descriptor itself end a PacketConn at once.
func TestErrorsOfTheDescriptorEndAPacketConn(t *testing.T) {
	for _, e := range []kernel.Errno{kernel.EBADF, kernel.ENOTSOCK, kernel.EFAULT} {
		simulated(t, func(t *lab) {
			k := t.faults()
			k.recvBatch = func(int) (kernel.Errno, bool) { return e, true }
			r := t.reactor(WithKernel(k))
			var end error
			c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{closed: func(_ *PacketConn, err error) { end = err }})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.SendTo([]byte("x"), kernelAddr(c.LocalAddr())); err != nil {
				t.Fatal(err)
			}
			t.until(func() bool { return end != nil })
			if !errors.Is(end, e) || r.timers.Len() > 0 {
				t.Errorf("closed with %v, want %v; %d timers", end, e, r.timers.Len())
			}
		})
	}
}

// Events for datagrams that another owner of the socket has received do not suspend a PacketConn,
// however many come.
func TestEventsWithoutDatagramsDoNotSuspend(t *testing.T) {
	simulated(t, func(t *lab) {
		k := t.faults()
		var c *PacketConn
		vain := 0
		k.wait = func(events []poller.Event, n int) int {
			if vain > 0 && n < len(events) {
				vain--
				events[n] = poller.Event{FD: c.w.fd, Gen: c.w.gen, Ready: poller.In}
				n++
			}
			return n
		}
		r := t.reactor(WithKernel(k))
		var err error
		if c, err = r.ListenPacket("udp", "127.0.0.1:0", &packets{}); err != nil {
			t.Fatal(err)
		}
		for vain = 3*vainMost + 1; vain > 0; {
			t.turn()
			if c.failures >= vainMost || c.suspended || c.w.want == 0 {
				t.Fatalf("%d failures, suspended: %v", c.failures, c.suspended)
			}
		}
	})
}

// A received datagram that did not fit counts as lost, and its bytes count as received. Lost gets
// its sender.
func TestCutDatagramIsCountedAndReported(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		from, want := kernel.Unix("sender"), 0
		c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{
			packet: func(*PacketConn, []byte, Addr) { t.Error("Packet") },
			lost: func(_ *PacketConn, peer Addr, err error) {
				if want--; peer != from || !errors.Is(err, ErrTruncated) {
					t.Errorf("Lost(%v, %v)", peer, err)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		cut := kernel.Packet{Buf: make([]byte, 100), N: 100, Addr: from, Cut: true}
		d := r.packetBuffers
		d.in, d.to, d.at, d.n, want = &kernel.Batch{Packets: []kernel.Packet{cut, cut}}, c, 0, 2, 2
		t.turn() // continues with a batch that a callback has left
		t.turn()
		if s := r.Stats(); want != 0 || s.BytesIn != 200 || s.PacketsLost != 2 {
			t.Errorf("%d calls of Lost are missing; %d bytes, %d lost", want, s.BytesIn, s.PacketsLost)
		}
	})
}

// A socket of both families sends datagrams of every size to addresses of IPv4.
func TestDualSocketSendsToIPv4(t *testing.T) {
	twice(t, func(t *lab) {
		if t.os() != "linux" {
			return // a wildcard socket has one family there
		}
		r := t.reactor()
		got := 0
		to, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{packet: func(_ *PacketConn, p []byte, _ Addr) { got += len(p) }})
		if err != nil {
			t.Fatal(err)
		}
		from, err := r.ListenPacket("udp", ":0", &packets{})
		if err != nil {
			t.Fatal(err)
		}
		addr := kernel.Inet(to.LocalAddr().(*net.UDPAddr).AddrPort())
		want := 0
		for _, n := range []int{1, corkMax, corkMax + 1, 10_000} {
			if err := from.SendTo(make([]byte, n), addr); err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			want += n
			t.until(func() bool { return got == want })
		}
	})
}

// The kernel may refuse datagrams that were sent together. If the error concerns their size, only
// smaller ones are sent together later. If it concerns the device, none are. Other errors change
// nothing.
func TestRefusedSegmentsChangeTheSize(t *testing.T) {
	for e, want := range map[kernel.Errno]int{
		kernel.EINVAL: 99, kernel.EMSGSIZE: 99, kernel.EIO: 0, kernel.EOPNOTSUPP: 0, kernel.ENOPROTOOPT: 0, kernel.EPERM: 1000,
	} {
		c := &PacketConn{segmentMost: 1000}
		if c.refuseSegments(100, e); c.segmentMost != want {
			t.Errorf("%v: up to %d bytes, want %d", e, c.segmentMost, want)
		}
	}
	inLab(t, kinds[0], func(t *lab) {
		if !t.k.Traits().Segments {
			return
		}
		const large = 1000
		k := t.faults()
		most := 0 // datagrams in one packet
		k.segments = func(p *kernel.Packet) kernel.Errno {
			if p.Segment >= large {
				return kernel.EMSGSIZE
			}
			most = max(most, datagrams(p))
			return 0
		}
		r := t.reactor(WithKernel(k))
		got := 0
		c, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(*PacketConn, []byte, Addr) { got++ }})
		if err != nil {
			t.Fatal(err)
		}
		for i, size := range []int{large, large - 1} {
			most = 0
			for range 10 {
				if err := c.SendTo(make([]byte, size), kernelAddr(c.LocalAddr())); err != nil {
					t.Fatal(err)
				}
			}
			want := got + 10
			t.until(func() bool { return got == want })
			if most != []int{1, 10}[i] {
				t.Errorf("%d datagrams of %d bytes in one packet", most, size)
			}
		}
	})
}
