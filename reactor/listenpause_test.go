//go:build unix

package reactor

import (
	"errors"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A paused Listener accepts nothing, and its Conns stay open. Only Resume ends the pause. It is not
// ended by a Conn that ends, nor by the timer after an error. After Resume, connections that wait
// are accepted.
func TestPausedListenerAcceptsNothing(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		k := t.faults()
		r := t.reactor(WithKernel(k))
		refused := 1
		k.accept = func(int) (kernel.Errno, bool) {
			fail := refused == 0
			refused = 1
			return kernel.EMFILE, fail
		}
		l, err := r.Listen("tcp", anyAddr(t, "tcp"), func(*Conn) Handler { return echo{} }, WithMaxConns(2))
		if err != nil {
			t.Fatal(err)
		}
		first := t.dial(l.Addr())
		first.roundTrip("first")
		if err := errors.Join(l.Pause(), l.Pause()); err != nil {
			t.Fatal(err)
		}
		t.turn()
		if n := r.Stats().Paused; n != 1 {
			t.Errorf("%d Listeners are paused, want 1", n)
		}
		second := t.dial(l.Addr())
		first.roundTrip("still served")
		first.close()
		t.until(func() bool { return r.Stats().Conns == 0 })
		t.still(20 * time.Millisecond)
		if n := r.Stats().Accepted; n != 1 {
			t.Fatalf("%d accepted while paused, want 1", n)
		}
		refused = 0
		if err := l.Resume(); err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return l.suspended })
		if err := errors.Join(l.Pause(), l.Resume(), l.Pause()); err != nil { // while its timer is armed
			t.Fatal(err)
		}
		t.still(2 * pause)
		if n := r.Stats().Accepted; n != 1 {
			t.Fatalf("%d accepted while paused and suspended, want 1", n)
		}
		if err := l.Resume(); err != nil {
			t.Fatal(err)
		}
		second.roundTrip("second")
		t.turn()
		if n := r.Stats().Paused; n != 0 {
			t.Errorf("%d Listeners are paused, want none", n)
		}
		l.Close()
		if err := errors.Join(l.Pause(), l.Resume()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// If the accept function calls Pause, no further connection of the same turn is accepted.
func TestPauseWithinAcceptIsAtOnce(t *testing.T) {
	twice(t, func(t *lab) {
		var l *Listener
		l, err := t.reactor().Listen("tcp", anyAddr(t, "tcp"), func(*Conn) Handler {
			if err := l.Pause(); err != nil {
				t.Error(err)
			}
			return echo{}
		})
		if err != nil {
			t.Fatal(err)
		}
		var conns []*peer
		t.freeze(func() {
			for range 3 {
				conns = append(conns, t.dial(l.Addr()))
			}
		})
		for i, c := range conns {
			conns[0].roundTrip("hello")
			t.still(5 * time.Millisecond)
			if n := t.r.Stats().Accepted; n != uint64(i+1) {
				t.Fatalf("%d accepted, want %d", n, i+1)
			}
			c.roundTrip("each")
			if err := l.Resume(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A Listener that gives its descriptor to another loop leaves no timer, even if it was suspended.
func TestDetachedListenerHasNoTimer(t *testing.T) {
	simulated(t, func(t *lab) {
		r := t.reactor()
		l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		l.suspend(kernel.EMFILE)
		t.own(l.detachFD())
		if n := r.timers.Len(); n != 0 || r.listeners != 0 {
			t.Errorf("%d timers, %d Listeners", n, r.listeners)
		}
	})
}
