package reactor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// lossy sends each datagram again that was lost.
type lossy struct{ lost, closed int }

func (h *lossy) Packet(*PacketConn, []byte, Addr) {}
func (h *lossy) Closed(*PacketConn, error)        { h.closed++ }
func (h *lossy) Lost(c *PacketConn, to Addr, err error) {
	h.lost++
	c.SendTo([]byte("again"), to)
}

// Lost sends a datagram again that the kernel refuses each time. The loop must still make turns and
// run timers, and the reactor must be able to end.
func TestLostThatSendsAgainDoesNotKeepTheLoop(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		h := &lossy{}
		c, err := r.ListenPacket("unixgram", "", h)
		if err != nil {
			t.Fatal(err)
		}
		fired := false
		r.After(time.Millisecond, func() { fired = true })
		c.SendTo([]byte("x"), UnixAddr("/nonexistent/nobody"))
		turnUntil(t, r, func() bool { return fired && h.lost > 3 })
		c.Close()
		turnUntil(t, r, func() bool { return h.closed == 1 })
	})
}

// The accept function sets a deadline and returns a handler without Timeout, which is a panic. With
// a panic handler, the Conn ends and Closed is called.
func TestPanicInAdoptEndsTheConn(t *testing.T) {
	twice(t, func(t *lab) {
		panics := 0
		r := t.reactor(WithPanicHandler(func(*Conn, any, []byte) { panics++ }))
		var got error
		h := plain{&hooks{closed: func(_ *Conn, err error) { got = err }}}
		t.dial(t.listen("tcp", func(c *Conn) Handler {
			c.SetIdleTimeout(time.Hour)
			return h
		}))
		var p *PanicError
		turnUntil(t, r, func() bool { return errors.As(got, &p) })
		if panics != 1 || r.conns != 0 {
			t.Errorf("%d panics, %d Conns left", panics, r.conns)
		}
	})
}

// The function of WithControl panics in a Dial. With a panic handler, Closed gets the error.
func TestPanicInControlEndsTheDial(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor(WithPanicHandler(func(*Conn, any, []byte) {}))
		var got error
		_, err := r.Dial("tcp", "127.0.0.1:1", &hooks{closed: func(_ *Conn, err error) { got = err }},
			WithControl(func(int) error { panic("no") }))
		if err != nil {
			t.Fatal(err)
		}
		var p *PanicError
		turnUntil(t, r, func() bool { return errors.As(got, &p) })
	})
}

// Ten datagrams wait, and the first call of Packet panics. The other nine are delivered
// nevertheless.
func TestPanicInPacketCostsOneDatagram(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor(WithPanicHandler(func(*Conn, any, []byte) {}))
		shown := 0
		c, err := r.ListenPacket("udp", "127.0.0.1:0", packetFunc(func() {
			if shown++; shown == 1 {
				panic("first")
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		fd, _ := t.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		t.must("connect", t.k.Connect(t.own(fd), kernelAddr(c.LocalAddr())))
		for range 10 {
			t.k.Send(fd, []byte("x"), 0)
		}
		turnUntil(t, r, func() bool { return shown == 10 })
	})
}

// The peer of a closing Conn has acknowledged everything, but keeps sending. When the time of
// WithLinger has passed, Closed gets nil and not ErrStuck.
func TestChattyPeerThatHasEverythingIsDelivered(t *testing.T) {
	twice(t, func(t *lab) {
		var gone []error
		h := &hooks{opened: func(c *Conn) { c.Send([]byte("bye")); c.Close() }, closed: func(_ *Conn, err error) { gone = append(gone, err) }}
		peer := t.dial(t.listen("tcp", always(h), WithLinger(300*time.Millisecond)))
		peer.wantAll([]byte("bye"))
		began := t.now()
		for len(gone) == 0 {
			peer.try([]byte("x")) // an error means that the Conn has ended
			t.pass(50 * time.Microsecond)
		}
		if took := time.Duration(t.now() - began); gone[0] != nil || took < 200*time.Millisecond {
			t.Errorf("ended with %v after %v", gone[0], took)
		}
	})
}

// SendV with more pieces than one system call accepts returns the error if the peer has reset.
func TestSendVOfManyPiecesTellsTheReset(t *testing.T) {
	twice(t, func(t *lab) {
		var c *Conn
		peer := t.dial(t.listen("tcp", func(conn *Conn) Handler { c = conn; return echo{} }))
		t.until(func() bool { return c != nil })
		t.freeze(func() {
			peer.reset()
			if t.os() == "netbsd" { // its poll(2) does not report the reset
				t.pass(time.Millisecond)
				return
			}
			for ready := poller.Readiness(0); ready&poller.Hup == 0; ready, _ = t.k.Ready(c.FD()) {
				t.pass(10 * time.Microsecond)
			}
		})
		pieces := make([][]byte, 200)
		for i := range pieces {
			pieces[i] = make([]byte, 2000)
		}
		if err := c.SendV(pieces...); err == nil || c.Buffered() != 0 {
			t.Errorf("SendV: %v, %d buffered", err, c.Buffered())
		}
	})
}

// Shutdown on the loop cannot succeed. Some time after its context has ended, it returns an error.
func TestShutdownOnTheLoopReturns(t *testing.T) {
	if !longtest.Only(t, "the five seconds of abortTime pass by the host's clock") {
		return
	}
	t.Parallel() // the test mostly sleeps
	r := started(t)
	got := make(chan error, 1)
	on(t, r, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		got <- r.Shutdown(ctx)
	})
	if err := <-got; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
