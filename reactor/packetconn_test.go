//go:build unix

package reactor

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

func listenPacket(t testing.TB, r *Reactor, network string, h PacketHandler, opts ...ListenOption) (*PacketConn, Addr) {
	t.Helper()
	c, err := r.ListenPacket(network, anyAddr(t, network), h, opts...)
	if err != nil {
		t.Fatal(err)
	}
	switch a := c.LocalAddr().(type) {
	case *net.UDPAddr:
		return c, kernel.Inet(a.AddrPort())
	case *net.UnixAddr:
		return c, kernel.Unix(a.Name)
	}
	t.Fatalf("LocalAddr is %T", c.LocalAddr())
	return nil, Addr{}
}

// One callback sends 100 datagrams of many sizes, from empty to the largest, to an echo server. The
// answers come in order, from the server's address.
func TestDatagramsComeBackInOrder(t *testing.T) {
	twice(t, func(t *lab) {
		for network, largest := range map[string]int{"udp": udpMax, "udp4": udpMax, "udp6": udp6Max, "unixgram": 60_000} {
			t.Run(network, func(t *lab) {
				r := t.reactor()
				if t.os() != "linux" { // net.inet.udp.maxdgram, net.local.dgram.maxdgram
					largest = min(largest, 9216)
				}
				if t.os() != "linux" && network == "unixgram" {
					largest = 2000
				}
				_, to := listenPacket(t, r, network, &packets{packet: func(c *PacketConn, p []byte, from Addr) {
					if err := c.SendTo(p, from); err != nil {
						t.Error(err)
					}
				}})
				var sizes []int
				client, _ := listenPacket(t, r, network, &packets{packet: func(_ *PacketConn, p []byte, from Addr) {
					if from != to {
						t.Errorf("from %v, want %v", from, to)
					}
					for i, b := range p {
						if b != byte(len(p)+i) {
							t.Fatalf("a wrong byte at %d of %d", i, len(p))
						}
					}
					sizes = append(sizes, len(p))
				}})
				var want []int
				send := func(n int) {
					n = min(n, largest)
					p := make([]byte, n)
					for i := range p {
						p[i] = byte(n + i)
					}
					if err := client.SendTo(p, to); err != nil {
						t.Fatal(err)
					}
					want = append(want, n)
					if network == "unixgram" { // the receiver's queue has room for ten, and others would be lost
						turnUntil(t, r, func() bool { return len(sizes) == len(want) })
					}
				}
				for i := range 100 {
					send(i % 50 * 13)
				}
				turnUntil(t, r, func() bool { return len(sizes) == len(want) })
				for _, n := range []int{corkMax, corkMax + 1, 10, largest} {
					send(n)
					turnUntil(t, r, func() bool { return len(sizes) == len(want) })
				}
				if !slices.Equal(sizes, want) {
					t.Errorf("sizes %v, want %v", sizes, want)
				}
			})
		}
	})
}

// If a datagram is too large for its protocol, SendTo returns EMSGSIZE. The text of the error has
// the size and the address. The datagrams before it and after it are sent.
func TestDatagramTooLarge(t *testing.T) {
	twice(t, func(t *lab) {
		for network, size := range map[string]int{"udp": udpMax + 1, "udp6": udp6Max + 1, "unixgram": unixMax + 1} {
			r := t.reactor()
			_, to := listenPacket(t, r, network, &packets{})
			c, _ := listenPacket(t, r, network, &packets{})
			err := c.SendTo(make([]byte, size), to)
			if !errors.Is(err, kernel.EMSGSIZE) || !strings.Contains(err.Error(), to.String()) || !strings.Contains(err.Error(), fmt.Sprint(size)) {
				t.Errorf("%s: %v", network, err)
			}
		}
	})
}

// If the kernel has no room, datagrams are queued in order, up to the limit. Above the limit a Send
// returns ErrBuffered and queues nothing. When there is room, all queued datagrams leave.
func TestDatagramBackPressure(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		full := true
		k.sendBatch = func(_, n int) (int, kernel.Errno, bool) { return 0, kernel.EAGAIN, full }
		r := t.reactor(WithKernel(k))
		var got []byte
		_, to := listenPacket(t, r, "udp", &packets{packet: func(_ *PacketConn, p []byte, _ Addr) { got = append(got, p[0]) }})
		c, _ := listenPacket(t, r, "udp", &packets{}, WithLimits(0, 0, 2000))
		sent := 0
		for {
			before := c.Buffered()
			err := c.SendTo([]byte{byte(sent)}, to)
			if err != nil {
				checkBuffered(t, err)
				if c.Buffered() != before || before+1+packetCost <= 2000 {
					t.Errorf("refused at %d, now %d", before, c.Buffered())
				}
				break
			}
			sent++
			r.endStep()
		}
		turns := r.often.turns
		if c.w.want&poller.Out == 0 || turns > 2 {
			t.Errorf("wants %v after %d turns", c.w.want, turns)
		}
		full = false
		turnUntil(t, r, func() bool { return len(got) == sent })
		for i, b := range got {
			if b != byte(i) {
				t.Fatalf("out of order: %v", got)
			}
		}
		if c.Buffered() != 0 || c.w.want&poller.Out != 0 {
			t.Errorf("%d buffered, wants %v", c.Buffered(), c.w.want)
		}
	})
}

// The kernel refuses one of several datagrams. Only that datagram is lost, and Lost gets its
// address.
func TestLostDatagramIsLostAlone(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		got := ""
		_, to := listenPacket(t, r, "udp", &packets{packet: func(_ *PacketConn, p []byte, _ Addr) { got += string(p) }})
		var lost []string
		c, _ := listenPacket(t, r, "udp", &packets{lost: func(_ *PacketConn, to Addr, err error) {
			lost = append(lost, fmt.Sprint(to, " ", err))
		}})
		bad := kernel.Unix("/nowhere")
		for _, s := range []string{"a", "b", "!", "c", "!", "!", "d"} {
			a := to
			if s == "!" {
				a = bad
			}
			if err := c.SendTo([]byte(s), a); err != nil {
				t.Fatal(err)
			}
		}
		turnUntil(t, r, func() bool { return len(got) == 4 })
		if got != "abcd" || len(lost) != 3 || r.count.PacketsLost != 3 || !strings.HasPrefix(lost[0], "/nowhere ") {
			t.Errorf("got %q, lost %v", got, lost)
		}
	})
}

// If nobody reads a Unix receiver, datagrams for which it has no room are lost. The loop becomes
// idle, and other receivers get their datagrams.
func TestStuckUnixReceiverHoldsUpNobody(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		lost, got := 0, 0
		_, good := listenPacket(t, r, "unixgram", &packets{packet: func(*PacketConn, []byte, Addr) { got++ }})
		c, _ := listenPacket(t, r, "unixgram", &packets{lost: func(*PacketConn, Addr, error) { lost++ }})
		stuck := stuckGram(t)
		for lost == 0 {
			if err := c.SendTo([]byte("x"), stuck); err != nil {
				t.Fatal(err)
			}
			r.endStep()
		}
		c.SendTo([]byte("x"), stuck)
		c.SendTo([]byte("x"), good)
		turnUntil(t, r, func() bool { return got == 1 })
		if r.often.turns > 5 || c.Buffered() != 0 {
			t.Errorf("%d turns, %d buffered", r.often.turns, c.Buffered())
		}
	})
}

// Close sends the queued datagrams and calls Closed once. After that every call returns ErrClosed.
// The file of a Unix socket is removed. If Packet calls Close, the rest of the batch is not
// delivered.
func TestPacketConnCloses(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		got := 0
		_, to := listenPacket(t, r, "unixgram", &packets{packet: func(c *PacketConn, _ []byte, _ Addr) {
			got++
			c.Close()
		}})
		var closed []error
		c, own := listenPacket(t, r, "unixgram", &packets{closed: func(_ *PacketConn, err error) { closed = append(closed, err) }})
		for range 5 {
			c.SendTo([]byte("x"), to)
		}
		c.Close()
		c.Close()
		if err := c.SendTo(nil, to); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SendTo after Close: %v", err)
		}
		turnUntil(t, r, func() bool { return len(closed) > 0 && got > 0 })
		r.Turn(0)
		c.Abort()
		r.Turn(0)
		if got != 1 || len(closed) != 1 || closed[0] != nil || c.FD() != -1 || r.packets != 0 {
			t.Errorf("%d datagrams, closed %v, %d open", got, closed, r.packets)
		}
		fd, _ := t.k.Socket(kernel.AF_UNIX, kernel.SOCK_DGRAM, 0)
		if e := t.k.Connect(t.own(fd), own); e != kernel.ENOENT {
			t.Errorf("the socket file: %v", e)
		}
	})
}

// If a datagram cannot be delivered, the ECONNREFUSED does not end the socket.
func TestRefusedDatagramDoesNotEndTheSocket(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		if t.os() != "linux" {
			t.Log("not on this kernel: SendTo of a connected socket is EISCONN")
			return
		}
		r := t.reactor()
		gone, to := listenPacket(t, r, "udp", &packets{})
		gone.Abort()
		got := 0
		c, own := listenPacket(t, r, "udp", &packets{
			packet: func(*PacketConn, []byte, Addr) { got++ },
			closed: func(_ *PacketConn, err error) {
				if !r.draining {
					t.Errorf("Closed(%v)", err)
				}
			},
		})
		// The socket is connected, because Linux reports the error only to such a socket.
		t.must("connect", t.k.Connect(c.FD(), to))
		for range 3 {
			c.SendTo([]byte("x"), to)
			r.Turn(0)
		}
		t.must("connect", t.k.Connect(c.FD(), own))
		turnUntil(t, r, func() bool { c.SendTo([]byte("y"), own); r.endStep(); return got > 0 })
	})
}
