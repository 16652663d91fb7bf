//go:build unix

package reactor

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A SendV of more than corkMax bytes is sent at once. It may have more pieces than one system call
// takes. Afterwards the loop has no reference to the pieces. SendV of nothing changes nothing.
func TestSendVOfAnyNumberOfPieces(t *testing.T) {
	twice(t, func(t *lab) {
		for _, n := range []int{0, 1, 2, 3, kernel.MaxPieces - 1, kernel.MaxPieces, kernel.MaxPieces + 1, 3 * kernel.MaxPieces} {
			fd, p := t.pair()
			r := t.reactor()
			c := adoptFD(t, r, fd, &hooks{})
			size := corkMax/max(n, 1) + 1
			all := pattern(n * size)
			var pieces [][]byte
			for i := range n {
				pieces = append(pieces, all[i*size:][:size])
			}
			if err := c.SendV(pieces...); err != nil {
				t.Fatalf("%d pieces: %v", n, err)
			}
			if sends := r.often.sends; sends != 1 && n > 0 && n <= 3 {
				t.Errorf("%d pieces: %d sends at once", n, sends)
			}
			for _, v := range r.vec[:cap(r.vec)] {
				if v != nil {
					t.Fatalf("%d pieces: the loop keeps one", n)
				}
			}
			if c.CloseWrite() != nil {
				t.Error("CloseWrite")
			}
			p.wantAll(all)
		}
	})
}

// The pieces of an output can fill the whole array that the caller provides, but not more.
func TestPiecesFitTheirSpace(t *testing.T) {
	var o output
	pool := &outputPool{k: kernel.Host}
	o.add(pool, make([]byte, 4*chunkSize))
	for n, want := range []int{0, 1, 2, 3, 4, 4} {
		if v := o.pieces(make([][]byte, 0, n)); len(v) != want {
			t.Errorf("space for %d pieces: %d", n, len(v))
		}
	}
}

// While a peer does not read, its own messages do not make the loop try to send.
func TestInputOfABlockedConnSendsNothing(t *testing.T) {
	twice(t, func(t *lab) {
		fd, p := t.pair()
		got := 0
		r := t.reactor()
		c := adoptFD(t, r, fd, &hooks{data: func(_ *Conn, b []byte) { got += len(b) }}, WithLimits(32<<20, 64<<20, 64<<20))
		if err := c.Send(make([]byte, 16<<20)); err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return c.is(blocked) })
		before := r.often.sends
		for i := range 10 {
			p.send("x")
			t.until(func() bool { return got == i+1 })
		}
		if n := r.often.sends - before; n != 0 {
			t.Errorf("%d sends for 10 messages of the peer", n)
		}
		c.Abort()
	})
}

// A send that the kernel refuses does not count as traffic, so the idle timeout expires.
func TestRefusedOutputIsNoTraffic(t *testing.T) {
	simulated(t, func(t *lab) {
		k := t.faults()
		tries := 0
		k.send = func(int, []byte) (int, kernel.Errno, bool) { tries++; return 0, kernel.EAGAIN, true }
		fd, _ := t.pair()
		idle := 0
		c := adoptFD(t, t.reactor(WithKernel(k)), fd, &hooks{timeout: func(*Conn, TimeoutKind) { idle++ }})
		if err := c.Send(make([]byte, 2*corkMax)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetIdleTimeout(20 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			t.spend(10 * time.Millisecond)
			t.turn() // the socket has room, so Out comes each time
		}
		if idle == 0 || tries < 4 {
			t.Errorf("idle %d times, after %d tries to send", idle, tries)
		}
		c.Abort()
	})
}

// An edgeKernel makes registrations edge-triggered, as the host's Kernel does.
type edgeKernel struct{ *faults }

func (edgeKernel) ReadsFully() bool { return true }

// A message costs one receive, also after an Event with Err, after which the loop reads until
// EAGAIN.
func TestAMessageIsOneReceive(t *testing.T) {
	inLab(t, kinds[0], func(t *lab) { // only on the host is a registration edge-triggered
		receives, failing := 0, false
		k := t.faults()
		k.recv = func(int, []byte) (int, kernel.Errno, bool) { receives++; return 0, 0, false }
		k.wait = func(events []poller.Event, n int) int {
			for i := range events[:n] {
				if failing {
					events[i].Ready |= poller.Err
				}
			}
			return n
		}
		t.reactor(WithKernel(edgeKernel{k}))
		c := t.dial(t.listen("tcp", acceptEcho))
		c.roundTrip("x")
		failing = true
		c.roundTrip("y")
		failing = false
		t.turn()
		receives = 0
		for range 10 {
			c.roundTrip("z")
			t.turn()
		}
		if receives != 10 {
			t.Errorf("%d receives for 10 messages", receives)
		}
	})
}

// With a slowKernel, the peer acknowledges as many bytes as the test wants.
type slowKernel struct {
	*faults
	unsent int
}

func (k *slowKernel) Unsent(int) (int, kernel.Errno) { return k.unsent, 0 }

// A closing Conn waits while its peer acknowledges bytes, however few. If the peer acknowledges
// none, the Conn gives up after the time of WithLinger.
func TestCloseWaitsForASlowPeer(t *testing.T) {
	simulated(t, func(t *lab) {
		k := &slowKernel{t.faults(), 100}
		var end []error
		fd, _ := t.tcpPair()
		c := adoptFD(t, t.reactor(WithKernel(k)), fd, &hooks{closed: func(_ *Conn, err error) { end = append(end, err) }},
			WithLinger(time.Second))
		c.opt.tcp = true
		c.Close()
		for range 40 {
			k.unsent--
			t.pass(quietTime)
		}
		if len(end) > 0 {
			t.Fatalf("closed with %v while the peer receives", end)
		}
		t.pass(time.Second + 2*quietTime)
		if len(end) != 1 || end[0] != ErrStuck {
			t.Errorf("closed with %v, want ErrStuck", end)
		}
	})
}
