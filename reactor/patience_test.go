//go:build unix

package reactor

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/poller"
)

// A Watch, told level-triggered of a byte that nobody reads, panics. It is stopped, so the handler hears of one panic.
func TestWatchThatPanickedIsStopped(t *testing.T) {
	panics := 0
	r := manual(t, WithPanicHandler(func(*Conn, any, []byte) { panics++ }))
	a, b := pair(t)
	unix.Write(b, []byte("x"))
	w, err := r.Watch(a, poller.In, func(poller.Interest) { panic("again") })
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
}

// A number far beyond what is open is refused before the table has grown to it, which would take 16 GiB.
func TestWatchOfAHugeNumberIsRefusedCheaply(t *testing.T) {
	r := manual(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := r.Watch(1<<30, poller.In, func(poller.Interest) {}); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("it took %d bytes", grown)
	}
}

// A Conn is closed with output that its peer does not take. While that is so the loop has nothing to do: it looks neither at
// the kernel nor at the clock. Then the peer takes everything, and the Conn ends in order.
func TestClosingConnWithoutProgressSleeps(t *testing.T) {
	r := started(t)
	const sent = 24 << 20 // more than the kernel takes
	gone := make(chan error, 1)
	h := &hooks{closed: func(_ *Conn, err error) { gone <- err }}
	h.opened = func(c *Conn) {
		c.Send(make([]byte, sent))
		c.Close()
	}
	peer := connect(t, listen(t, r, "tcp", always(h), WithLimits(1<<10, 1<<20, 32<<20)))
	one := make([]byte, 1)
	if _, err := io.ReadFull(peer, one); err != nil {
		t.Fatal(err)
	}
	still(t, r, 500*time.Millisecond)
	if n, err := io.Copy(io.Discard, peer); n != sent-1 || err != nil {
		t.Errorf("the peer got %d bytes of %d, %v", n+1, sent, err)
	}
	if err := <-gone; err != nil {
		t.Errorf("ended with %v", err)
	}
}
