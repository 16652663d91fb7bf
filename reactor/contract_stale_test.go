//go:build unix

package reactor

import (
	"reflect"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Contract 5. Two Conns get Events in one turn. The first callback ends the other Conn, and opens a
// new Conn with the same descriptor number. Nobody sends to the new Conn, so it must get no
// callback. There are three variants: a plain one, one in which a duplicate keeps the old file
// open, and one in which the generation of the number overflows.
func TestStaleEventOfReusedDescriptor(t *testing.T) {
	twice(t, func(t *lab) {
		cases := map[string]struct{ dup, wrap bool }{
			"plain": {}, "dup": {dup: true}, "wrap-around": {wrap: true}, "both": {true, true},
		}
		for name, row := range cases {
			if row.dup && t.simulated() {
				continue // a simulated kernel has no duplicates
			}
			t.Run(name, func(t *lab) {
				k := t.faults()
				r := t.reactor(WithKernel(k))
				a, a2 := t.pair()
				b, b2 := t.pair()
				strangers := t.server("unix", 1)
				if row.wrap {
					setGeneration(r, a, 1<<32-2)
					setGeneration(r, b, 1<<32-2)
				}
				if row.dup {
					for _, fd := range []int{a, b} {
						d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
						if err != nil {
							t.Fatal(err)
						}
						defer unix.Close(d)
					}
				}
				var conns [2]*Conn
				var stranger *Conn
				k.recv = func(fd int, _ []byte) (int, kernel.Errno, bool) {
					if stranger != nil && fd == stranger.FD() {
						t.Error("the stranger was tried")
					}
					return 0, 0, false
				}
				heard := 0
				for i, fd := range []int{a, b} {
					conns[i] = adoptFD(t, r, fd, &hooks{data: func(c *Conn, _ []byte) {
						heard++
						if stranger != nil {
							t.Error("an ended Conn was called")
							return
						}
						other := conns[1-i]
						number := other.FD()
						other.Abort()
						strangers.pairAt(number)
						stranger = adoptLater(t, r, number, &hooks{
							data:   func(*Conn, []byte) { t.Error("the stranger was read") },
							closed: func(_ *Conn, err error) { t.Errorf("the stranger was closed: %v", err) },
						})
					}})
				}
				if row.wrap && conns[0].w.gen != 1<<32-1 {
					t.Fatalf("generation %d, want the largest", conns[0].w.gen)
				}
				a2.send("x")
				b2.send("x")
				reads := r.often.reads
				r.Turn(0)
				if r.batch != 2 || heard != 1 {
					t.Fatalf("a batch of %d, %d calls; want 2 and 1", r.batch, heard)
				}
				old := b2 // the peer of the Conn that has ended
				if conns[0].is(released) {
					old = a2
				}
				old.try([]byte("x"))
				for range 3 { // if the duplicate kept the registration, an Event would come
					r.Turn(0)
					if r.batch != 0 {
						t.Errorf("a batch of %d after the end of one Conn", r.batch)
					}
				}
				if r.often.reads > reads+2 {
					t.Errorf("%d reads", r.often.reads-reads)
				}
				stranger.handler = &hooks{}
			})
		}
	})
}

// adoptLater is adoptFD in a callback, in which the step must not end.
func adoptLater(t testing.TB, r *Reactor, fd int, h Handler) *Conn {
	t.Helper()
	o, err := newSockOptions("listen", eachOption[ListenOption](nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{opt: o}
	c.w.open(r, fd, c)
	r.conns++
	c.setHandler(h)
	c.established()
	return c
}

// setGeneration sets the generation of fd in the table, as if fd had been used often.
func setGeneration(r *Reactor, fd int, gen uint32) {
	r.table.Delete(int32(fd), r.table.Put(fd, nil)) // makes the slot in the table
	f := reflect.ValueOf(&r.table).Elem().FieldByName("slots").Index(fd).FieldByName("gen")
	*(*uint32)(unsafe.Pointer(f.UnsafeAddr())) = gen
}

// A Watch that is stopped in this turn is not called. A new Watch of the same descriptor number is
// called only if its own descriptor is ready.
func TestStoppedWatchHearsNothingOfItsBatch(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var watches [2]*Watch
		calls := 0
		for i := range 2 {
			a, a2 := t.pair()
			t.own(a)
			var err error
			watches[i], err = r.Watch(a, poller.In, func(poller.Readiness) {
				calls++
				other := watches[1-i]
				other.Stop()
				other.Stop() // the second Stop does nothing
				if err := other.Want(poller.In); err != ErrClosed {
					t.Errorf("Want of a stopped Watch: %v", err)
				}
				if _, err := r.Watch(other.FD(), poller.Out, func(i poller.Readiness) {
					if i != poller.Out {
						t.Errorf("the successor, who wants Out, hears %v", i)
					}
					calls += 100
				}); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			a2.send("x")
		}
		r.Turn(0)
		if calls != 1 {
			t.Errorf("%d calls, want one", calls)
		}
		r.table.All(func(_ int, w *Watch) { w.Stop() })
	})
}

// If a Data calls Abort or Close of its own Conn, Closed is the only callback that follows,
// although more input waits.
func TestClosedIsTheLastCall(t *testing.T) {
	twice(t, func(t *lab) {
		for name, end := range map[string]func(*Conn) error{"Abort": (*Conn).Abort, "Close": (*Conn).Close} {
			t.Run(name, func(t *lab) {
				r := t.reactor()
				a, b := t.pair()
				var calls []string
				adoptFD(t, r, a, &hooks{
					data:    func(c *Conn, _ []byte) { calls = append(calls, "Data"); end(c); end(c) },
					closed:  func(*Conn, error) { calls = append(calls, "Closed") },
					timeout: func(*Conn, TimeoutKind) { calls = append(calls, "Timeout") },
					drained: func(*Conn) { calls = append(calls, "Drained") },
				}).SetIdleTimeout(1)
				b.try(pattern(200_000))
				for range 10 {
					r.Turn(0)
					b.try(pattern(1000))
				}
				b.close()
				turnUntil(t, r, func() bool { return r.conns == 0 && r.closedCalls.len() == 0 })
				r.Turn(0)
				want := []string{"Data", "Closed"}
				if calls[0] == "Timeout" {
					calls = calls[1:]
				}
				if !reflect.DeepEqual(calls, want) {
					t.Errorf("calls %v, want %v", calls, want)
				}
			})
		}
	})
}
