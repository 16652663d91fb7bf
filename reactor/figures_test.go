//go:build unix

package reactor

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Stats counts each sent and received datagram and its bytes once, whether it was queued or not.
func TestDatagramsAreCounted(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		got := 0
		to, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{packet: func(*PacketConn, []byte, Addr) { got++ }})
		if err != nil {
			t.Fatal(err)
		}
		from, err := r.ListenPacket("udp", "127.0.0.1:0", &packets{})
		if err != nil {
			t.Fatal(err)
		}
		addr := kernel.Inet(to.LocalAddr().(*net.UDPAddr).AddrPort())
		sizes := []int{0, 1, 100, corkMax, corkMax + 1}
		bytes := uint64(0)
		for _, n := range sizes {
			if err := from.SendTo(make([]byte, n), addr); err != nil {
				t.Fatal(err)
			}
			bytes += uint64(n)
		}
		t.until(func() bool { return got == len(sizes) })
		t.turn()
		want := Stats{PacketsOut: 5, PacketsIn: 5, BytesOut: bytes, BytesIn: bytes}
		s := r.Stats()
		if have := (Stats{PacketsOut: s.PacketsOut, PacketsIn: s.PacketsIn, BytesOut: s.BytesOut, BytesIn: s.BytesIn}); have != want {
			t.Errorf("%+v, want %+v", have, want)
		}
		for ecn, ok := range []bool{true, true, true, true, false} {
			if err := from.SendWith([]byte("x"), addr, PacketInfo{ECN: uint8(ecn)}); (err == nil) != ok {
				t.Errorf("ECN %d: %v", ecn, err)
			}
		}
	})
}

// Stats counts refused accepts by their reason: no descriptors, no memory, and others.
func TestRefusalsAreCountedByTheirReason(t *testing.T) {
	r := manual(t)
	for e, want := range map[kernel.Errno]Stats{
		kernel.EMFILE: {Refused: 1, NoFiles: 1}, kernel.ENFILE: {Refused: 1, NoFiles: 1},
		kernel.ENOMEM: {Refused: 1, NoMemory: 1}, kernel.ENOBUFS: {Refused: 1, NoMemory: 1}, kernel.ECONNABORTED: {Refused: 1},
	} {
		r.count.Refused, r.count.NoFiles, r.count.NoMemory = 0, 0, 0
		r.refused(e)
		if got := (Stats{Refused: r.count.Refused, NoFiles: r.count.NoFiles, NoMemory: r.count.NoMemory}); got != want {
			t.Errorf("%v: %+v, want %+v", e, got, want)
		}
	}
}

// Load.Unsent is the age of the oldest output that the kernel has refused. A Conn that has ended
// does not count.
func TestUnsentIsTheAgeOfTheOldestOutput(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		blocked := func() *Conn {
			fd, _ := t.pair()
			c := adoptFD(t, r, fd, &hooks{})
			before := r.outputs.blocked.Len()
			if err := c.Send(make([]byte, 3<<20)); err != nil {
				t.Fatal(err)
			}
			t.until(func() bool { return r.outputs.blocked.Len() > before })
			return c
		}
		if n := r.Load().Unsent; n != 0 {
			t.Errorf("%v before any output", n)
		}
		first, at := blocked(), t.now()
		t.pass(30 * time.Millisecond)
		second, later := blocked(), t.now()
		t.pass(10 * time.Millisecond)
		age := func() time.Duration { return time.Duration(t.now() - at) }
		if n := r.Load().Unsent; n < 40*time.Millisecond || n < age()-time.Millisecond && t.simulated() {
			t.Errorf("%v, the oldest has waited for %v", n, age())
		}
		first.Abort()
		t.until(func() bool { return r.Stats().Conns == 1 })
		if n := r.Load().Unsent; n < 10*time.Millisecond || t.simulated() && n > time.Duration(t.now()-later)+time.Millisecond {
			t.Errorf("%v, and the second has waited for %v", n, time.Duration(t.now()-later))
		}
		second.Abort()
		t.until(func() bool { return r.Stats().Conns == 0 })
		if n := r.Load().Unsent; n != 0 {
			t.Errorf("%v without output", n)
		}
	})
}

// Accepted and dialled connections have the options of their Listener or Dial. Nagle's algorithm
// and keep-alive probes are on only if the program has requested them.
func TestConnectionsHaveTheirTCPOptions(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		for _, c := range []struct {
			opts           []SocketOption
			noDelay, alive int
		}{{nil, 1, 0}, {[]SocketOption{WithNoDelay(false)}, 0, 0}, {[]SocketOption{WithKeepAlive(7 * time.Second)}, 1, 1}} {
			var accepted *Conn
			var listening []ListenOption
			var dialling []DialOption
			for _, o := range c.opts {
				listening, dialling = append(listening, o), append(dialling, o)
			}
			addr := t.listen("tcp", func(c *Conn) Handler { accepted = c; return &hooks{} }, listening...)
			opened := false
			dialled, err := r.Dial("tcp", addr.String(), &hooks{opened: func(*Conn) { opened = true }}, dialling...)
			if err != nil {
				t.Fatal(err)
			}
			t.until(func() bool { return opened && accepted != nil })
			for what, conn := range map[string]*Conn{"accepted": accepted, "dialled": dialled} {
				value := func(level, name int) int {
					v, e := t.k.GetOpt(conn.FD(), level, name)
					t.must("getsockopt", e)
					return min(v, 1) // a BSD returns the bit of the option
				}
				noDelay, alive := value(kernel.IPPROTO_TCP, kernel.TCP_NODELAY), value(kernel.SOL_SOCKET, kernel.SO_KEEPALIVE)
				if noDelay != c.noDelay || alive != c.alive {
					t.Errorf("%s with %d options: TCP_NODELAY %d, SO_KEEPALIVE %d", what, len(c.opts), noDelay, alive)
				}
			}
		}
		if _, err := r.Dial("tcp", "127.0.0.1:1", &hooks{}, WithResolver(nil)); err == nil || !strings.Contains(err.Error(), "WithResolver(nil)") {
			t.Error(err)
		}
		if _, err := r.Dial("tcp", "127.0.0.1:1", &hooks{}, WithResolver(&net.Resolver{})); err != nil {
			t.Error(err)
		}
	})
}

// A peer that reads a little at a time keeps the Conn from being idle.
func TestOutputInPartsIsTraffic(t *testing.T) {
	twice(t, func(t *lab) {
		if !t.simulated() {
			return // the test counts exact bytes
		}
		fd, peer := t.pair()
		idle := 0
		c := adoptFD(t, t.reactor(), fd, &hooks{timeout: func(*Conn, TimeoutKind) { idle++ }})
		if err := c.Send(make([]byte, 3<<20)); err != nil {
			t.Fatal(err)
		}
		t.turn()
		if err := c.SetIdleTimeout(20 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		sent := c.Buffered()
		for range 10 {
			buf := make([]byte, 256<<10)
			if _, e := peer.look(buf); e != 0 {
				t.Fatal(e)
			}
			t.pass(15 * time.Millisecond)
			if now := c.Buffered(); now >= sent {
				return // the peer has read too little to cause an Event
			} else {
				sent = now
			}
			if idle > 0 {
				t.Fatalf("idle after %d bytes were sent", 3<<20-sent)
			}
		}
	})
}

// Each datagram, small or large, arrives with the ECN bits that the sender has set, or without
// bits. Info returns the address to which the datagram was sent, without a port.
func TestDatagramsHaveTheirECN(t *testing.T) {
	twice(t, func(t *lab) {
		if t.os() != "linux" {
			return // only Linux supports WithECN
		}
		r := t.reactor()
		var got []uint8
		var local Addr
		to, err := r.ListenPacket("udp4", "127.0.0.1:0", &packets{packet: func(c *PacketConn, _ []byte, _ Addr) {
			got, local = append(got, c.Info().ECN), c.Info().Local
		}}, WithECN())
		if err != nil {
			t.Fatal(err)
		}
		addr := kernel.Inet(to.LocalAddr().(*net.UDPAddr).AddrPort())
		for _, at := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
			from, err := r.ListenPacket("udp4", at, &packets{})
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, corkMax + 1} {
				for want := range uint8(4) {
					for what, send := range map[string]func([]byte) error{
						"SendWith": func(p []byte) error { return from.SendWith(p, addr, PacketInfo{ECN: want}) },
						"SendTo":   func(p []byte) error { return from.SendTo(p, addr) },
						"SendFrom": func(p []byte) error { return from.SendFrom(p, Addr{}, addr) },
					} {
						bits := want
						if what != "SendWith" {
							bits = 0
						}
						got = nil
						if err := send(make([]byte, size)); err != nil {
							t.Fatal(err)
						}
						t.until(func() bool { return len(got) > 0 })
						if got[0] != bits {
							t.Errorf("%s of %d bytes from %s: ECN %d, want %d", what, size, at, got[0], bits)
						}
						if local.Port != 0 || local.AddrPort().Addr() != addr.AddrPort().Addr() {
							t.Errorf("it came to %v, want the address of %v", local, addr)
						}
					}
				}
			}
		}
	})
}

// The Context of a Task ends when the Task is cancelled or ends, even if Context is called only
// later. The Context of another Task has not ended.
func TestContextOfACancelledTask(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var before, after, none error
		over := r.Go(func(task *Task) { none = task.Context().Err() })
		r.Go(func(task *Task) {
			task.Cancel()
			before = task.Context().Err()
		})
		ended := r.Go(func(*Task) {})
		t.until(func() bool { return over.Done() && ended.Done() && before != nil })
		after = ended.Context().Err()
		if none != nil || before == nil || after == nil {
			t.Errorf("%v; cancelled: %v; over: %v", none, before, after)
		}
	})
}
