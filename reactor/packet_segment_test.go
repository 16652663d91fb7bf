//go:build unix

package reactor

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
)

// packetPair returns a sender and a receiver on one loop.
func packetPair(t *lab, k Kernel, h PacketHandler, opts ...ListenOption) (from, to *PacketConn) {
	t.Helper()
	r := t.reactor(WithKernel(k))
	open := func(h PacketHandler, opts ...ListenOption) *PacketConn {
		c, err := r.ListenPacket("udp4", "127.0.0.1:0", h, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return open(&packets{}), open(h, opts...)
}

func (c *PacketConn) at() Addr { return kernelAddr(c.LocalAddr()) }

// The datagrams that one callback sends arrive unchanged and in order. It does not matter which of
// them share a system call. If the system supports that, datagrams of one size to one peer share
// one.
func TestDatagramsThatShareASendArriveAsTheyWere(t *testing.T) {
	twice(t, func(t *lab) {
		sizes := []int{1200, 1200, 1200, 700, 1200, 0, 0, 5, 5, 6, 1, 1, 1, 1300, 1300, 4, 4}
		for range 70 {
			sizes = append(sizes, 3)
		}
		for range 60 {
			sizes = append(sizes, 1400) // together more than 64 KiB
		}
		for _, refused := range []kernel.Errno{0, kernel.EINVAL, kernel.EIO, kernel.EPERM} {
			k := t.faults()
			most, sends := 0, 0
			k.segments = func(p *kernel.Packet) kernel.Errno {
				sends++
				if n := datagrams(p); n > 1 {
					if refused != 0 {
						return refused
					}
					most = max(most, n)
				}
				return 0
			}
			var got []int
			marks := byte(0)
			a, b := packetPair(t, k, &packets{packet: func(c *PacketConn, p []byte, from Addr) {
				for _, x := range p {
					if x != p[0] {
						t.Errorf("datagram %d is mixed", len(got))
						break
					}
				}
				got = append(got, len(p))
			}}, WithGRO())
			k.SetOpt(b.FD(), kernel.SOL_SOCKET, kernel.SO_RCVBUF, 4<<20)
			to := b.at()
			for i := 0; i < len(sizes); i += 40 { // on some systems the receiver has room for few datagrams
				part := sizes[i:min(i+40, len(sizes))]
				if err := t.r.Post(func() {
					for _, n := range part {
						marks++
						if err := a.SendTo(bytes.Repeat([]byte{marks}, n), to); err != nil {
							t.Error(err)
						}
					}
				}); err != nil {
					t.Fatal(err)
				}
				t.until(func() bool { return len(got) == min(i+40, len(sizes)) })
			}
			if fmt.Sprint(got) != fmt.Sprint(sizes) {
				t.Errorf("with %v: sizes %v", refused, got)
			}
			if n := t.r.Stats(); n.PacketsIn != uint64(len(sizes)) || n.PacketsOut != uint64(len(sizes)) || n.PacketsLost != 0 {
				t.Errorf("with %v: counted %d in, %d out, %d lost", refused, n.PacketsIn, n.PacketsOut, n.PacketsLost)
			}
			if shares := t.k.Traits().Segments && refused == 0; shares != (most > 1) {
				t.Errorf("with %v: at most %d datagrams in one Packet", refused, most)
			}
		}
	})
}

// In Packet, Info has the ECN bits of the datagram and the address to which it was sent. Outside of
// Packet it is zero. SendWith sets both. If Packet panics, the datagrams that came together with
// that one are still delivered.
func TestInfoOfADatagram(t *testing.T) {
	twice(t, func(t *lab) {
		if !t.k.Traits().Segments {
			return // only Linux reports ECN bits
		}
		var got []string
		r := t.reactor(WithPanicHandler(func(*Conn, any, []byte) {}))
		b, err := r.ListenPacket("udp4", "0.0.0.0:0", &packets{packet: func(c *PacketConn, p []byte, from Addr) {
			got = append(got, fmt.Sprintf("%s at %v, ECN %d", p, c.Info().Local.AddrPort().Addr(), c.Info().ECN))
			if string(p) == "panic" {
				panic("one datagram")
			}
		}}, WithECN(), WithGRO())
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{})
		if err != nil {
			t.Fatal(err)
		}
		to := b.at()
		copy(to.IP[:], []byte{127, 0, 0, 1})
		r.Post(func() {
			for i, text := range []string{"first", "panic", "third", "forth"} {
				if err := a.SendWith([]byte(text), to, PacketInfo{ECN: uint8(i / 3 * 2)}); err != nil {
					t.Error(err)
				}
			}
			if err := a.SendWith(nil, to, PacketInfo{ECN: 4}); err == nil {
				t.Error("ECN 4 was accepted")
			}
			large := bytes.Repeat([]byte("L"), corkMax+1)
			if err := a.SendWith(large, to, PacketInfo{ECN: 1}); err != nil {
				t.Error(err)
			}
		})
		t.until(func() bool { return len(got) == 5 })
		want := "[first at 127.0.0.1, ECN 0 panic at 127.0.0.1, ECN 0 third at 127.0.0.1, ECN 0 forth at 127.0.0.1, ECN 2"
		if text := fmt.Sprint(got); len(text) < len(want) || text[:len(want)] != want {
			t.Error(text)
		}
		if i := (b.Info()); i != (PacketInfo{}) {
			t.Errorf("outside of Packet: %+v", i)
		}
	})
}

// Datagrams of one size are sent to several peers, and from several addresses of the machine. Each
// peer gets its own datagrams.
func TestDatagramsToSeveralPeersAreNotMixed(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		got := map[string]int{}
		var to []Addr
		for i := range 3 {
			name := string(rune('a' + i))
			c, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{packet: func(_ *PacketConn, p []byte, _ Addr) {
				if string(p[:1]) != name {
					t.Errorf("%s has got %q", name, p)
				}
				got[name]++
			}})
			if err != nil {
				t.Fatal(err)
			}
			to = append(to, c.at())
		}
		out, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{})
		if err != nil {
			t.Fatal(err)
		}
		order := []int{0, 0, 1, 1, 1, 2, 0, 2, 2, 1, 0, 0}
		for i, peer := range order {
			if err := out.SendTo([]byte(fmt.Sprintf("%c%03d", 'a'+peer, i)), to[peer]); err != nil {
				t.Fatal(err)
			}
		}
		t.until(func() bool { return got["a"]+got["b"]+got["c"] == len(order) })
		if got["a"] != 5 || got["b"] != 4 || got["c"] != 3 {
			t.Error(got)
		}
	})
}
