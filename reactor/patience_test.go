//go:build unix

package reactor

import (
	"errors"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// A Watch without Edge panics because of a byte that nobody reads. The panic stops the Watch, so
// the panic handler is called only once.
func TestWatchThatPanickedIsStopped(t *testing.T) {
	twice(t, func(t *lab) {
		panics := 0
		r := t.reactor(WithPanicHandler(func(*Conn, any, []byte) { panics++ }))
		a, b := t.pair()
		t.own(a)
		b.send("x")
		w, err := r.Watch(a, poller.In, func(poller.Readiness) { panic("again") })
		if err != nil {
			t.Fatal(err)
		}
		turnUntil(t, r, func() bool { return panics > 0 })
		for range 10 {
			if err := r.Turn(0); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Want(poller.In); panics != 1 || !errors.Is(err, ErrClosed) {
			t.Errorf("%d panics, Want says %v", panics, err)
		}
	})
}

// The number of a descriptor that is not open is huge. Watch must refuse it before the table grows
// to that number, which would need 16 GiB.
func TestWatchOfAHugeNumberIsRefusedCheaply(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, fd := range []int{1 << 30, math.MaxInt32, math.MaxInt} { // not truncated to -1
			if _, err := r.Watch(fd, poller.In, func(poller.Readiness) {}); !errors.Is(err, kernel.EBADF) {
				t.Errorf("Watch(%d): %v, want EBADF", fd, err)
			}
			if err := r.Retire(fd); !errors.Is(err, kernel.EBADF) {
				t.Errorf("Retire(%d): %v, want EBADF", fd, err)
			}
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			t.Errorf("it took %d bytes", grown)
		}
	})
}

// A Conn is closed while its peer reads nothing of its output. Meanwhile the loop makes no turn, so
// it reads neither the clock nor the kernel's queue. Then the peer reads everything, and Closed
// gets nil.
func TestClosingConnWithoutProgressSleeps(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		sent := 2 * t.much() // more than the kernel accepts
		var gone []error
		h := &hooks{closed: func(_ *Conn, err error) { gone = append(gone, err) }}
		h.opened = func(c *Conn) {
			c.Send(make([]byte, sent))
			c.Close()
		}
		peer := t.dial(t.listen("tcp", always(h), WithLimits(1<<10, 1<<20, 32<<20)))
		peer.read(1)
		t.still(time.Duration(longtest.Count(50, 100, 500)) * time.Millisecond)
		if got, e := peer.readAll(); len(got) != sent-1 || e != 0 {
			t.Errorf("the peer got %d bytes of %d, %v", len(got)+1, sent, e)
		}
		t.until(func() bool { return len(gone) > 0 })
		if gone[0] != nil {
			t.Errorf("ended with %v", gone[0])
		}
	})
}
