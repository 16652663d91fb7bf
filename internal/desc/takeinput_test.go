//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A waker is a Sleeper that counts its wakes.
type waker struct {
	Sleeper
	wakes int
}

func (w *waker) Wake() { w.wakes++ }

// For each readiness and each state of a Desc: if TakeInput returns true, Ready in the same state
// wakes the call that waits for input, does nothing else, and leaves the same state. If TakeInput
// returns false, it has changed nothing. It returns true for the plain case, which is input alone.
func TestTakeInputIsReadyWithoutTheWake(t *testing.T) {
	taken := 0
	for bits := range 1 << 13 {
		is := func(i int) bool { return bits>>(6+i)&1 != 0 }
		i := poller.Readiness(bits & 63)
		calls := 0
		make := func() (*Desc, *interested, *waker, *waker) {
			w, in, out := &interested{}, &waker{}, &waker{}
			d := New(kernel.Host, 1000, w)
			d.registered, d.level, d.output = true, is(0), is(1)
			if is(2) {
				d.dirs[In].waiting, d.dirs[In].busy = in, true
			}
			if is(3) {
				d.dirs[Out].waiting, d.dirs[Out].busy = out, true
			}
			if is(4) {
				d.ensureExtra().onArrival, d.hooked = func() { calls++ }, true
			}
			if is(5) {
				d.ensureExtra().onEvent, d.hooked = func() { calls++ }, true
			}
			if is(6) {
				d.ensureExtra()
			}
			return d, w, in, out
		}
		d, w, in, out := make()
		before, endSeen := d.dirs, d.endSeen
		took := d.TakeInput(i)
		if !took && (d.dirs != before || d.endSeen != endSeen) || in.wakes+out.wakes+calls+len(w.asked) != 0 {
			t.Fatalf("%b: TakeInput has changed something", bits)
		}
		if !took {
			if i == poller.In && is(2) && !is(4) && !is(5) {
				t.Fatalf("%b: TakeInput refuses input", bits)
			}
			continue
		}
		taken++
		d2, w2, in2, out2 := make()
		d2.Ready(i)
		for dir := range d.dirs { // each Desc has its own Sleepers
			d.dirs[dir].waiting, d2.dirs[dir].waiting = nil, nil
		}
		if in2.wakes != 1 || out2.wakes+calls+len(w2.asked) != 0 {
			t.Fatalf("%b: Ready wakes %d and %d, %d calls, %d interests", bits, in2.wakes, out2.wakes, calls, len(w2.asked))
		}
		if d.dirs != d2.dirs || d.endSeen != d2.endSeen || d.registered != d2.registered || d.output != d2.output || d.level != d2.level {
			t.Fatalf("%b: TakeInput leaves %+v, Ready %+v", bits, d.dirs, d2.dirs)
		}
	}
	if taken == 0 {
		t.Error("TakeInput never returns true")
	}
}
