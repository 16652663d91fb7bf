//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"slices"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// An interested Waiter records the interests that a Desc passes to it. An Unregister is recorded as
// -1.
type interested struct {
	scripted
	asked []poller.Interest
}

func (w *interested) Register(_ *Desc, want poller.Interest) Errno {
	w.asked = append(w.asked, want)
	return 0
}
func (w *interested) Rearm(d *Desc, want poller.Interest) Errno { return w.Register(d, want) }
func (w *interested) Unregister(d *Desc)                        { w.asked = append(w.asked, ^poller.Interest(0)) }

func (w *interested) expect(t *testing.T, what string, asked ...poller.Interest) {
	t.Helper()
	if !slices.Equal(w.asked, asked) {
		t.Errorf("%s: asked the Poller for %b, want %b", what, w.asked, asked)
	}
	w.asked = nil
}

// wait makes a call that waits once in this direction.
func (w *interested) wait(t *testing.T, d *Desc, dir Dir, wakes poller.Readiness) {
	t.Helper()
	w.sleep = func() Errno { d.Ready(wakes); return 0 }
	n := 0
	if _, e := d.Do(dir, &Call{Limit: timeout.None}, func() (int, Errno) {
		if n++; n == 1 {
			return 0, kernel.EAGAIN
		}
		return 1, 0
	}); e != 0 {
		t.Fatal(e)
	}
}

const in, out, edge = poller.Interest(poller.In), poller.Interest(poller.Out), poller.Interest(poller.Edge)

// Output is registered when a call first waits for it. The registration ends when an Event reports
// only output and no call waits for it. A Unix socket reports such Events each time the peer
// receives.
func TestOutputIsRegisteredOnlyForWhoWaits(t *testing.T) {
	w := &interested{}
	d := New(kernel.Host, 1000, w)
	w.wait(t, d, In, poller.In)
	w.expect(t, "a call that receives", in|edge)
	w.wait(t, d, Out, poller.Out)
	w.expect(t, "a call that sends", in|out|edge)
	w.wait(t, d, Out, poller.Out)
	d.Ready(poller.In | poller.Out)
	w.expect(t, "input beside output")
	d.Ready(poller.Out)
	w.expect(t, "output that no call waits for", in|edge)
	d.Ready(poller.Out)
	w.expect(t, "an Event that came late")
	w.wait(t, d, Out, poller.Out)
	w.expect(t, "another call that sends", in|out|edge)
	d.OnEvent(func() {})
	d.Ready(poller.Out)
	w.expect(t, "a hook")
}

// A Unix stream socket is registered level-triggered while calls only receive. Input that no call
// receives suspends the registration. A hook or output makes the registration edge-triggered.
func TestUnixStreamIsLevelTriggered(t *testing.T) {
	w := &interested{}
	d := New(kernel.Host, 1000, w)
	d.UnixStream = true
	w.wait(t, d, In, poller.In)
	w.expect(t, "a call that receives", in)
	if !d.Drains() {
		t.Error("a short read drains no level-triggered socket")
	}
	d.Ready(poller.In)
	w.expect(t, "input that no call receives", edge)
	if d.Drains() || d.Registered() || d.Idle() {
		t.Error("suspended:", d.Drains(), d.Registered(), d.Idle())
	}
	w.wait(t, d, In, poller.In)
	w.expect(t, "the next call", in)
	// The call holds the turn and does not wait.
	d.Do(In, &Call{Limit: timeout.None}, func() (int, Errno) {
		d.Ready(poller.In)
		return 1, 0
	})
	w.expect(t, "input during a try", in|edge)
	if d.Drains() {
		t.Error("a short read drains an edge-triggered socket")
	}
	w.wait(t, d, Out, poller.Out)
	w.expect(t, "a call that sends", in|out|edge)
	d.Ready(poller.Out)
	w.expect(t, "output that no call waits for", in)
	d.OnArrival(func() {})
	w.expect(t, "a hook", in|edge)
	d.Ready(poller.In)
	w.expect(t, "input for the hook")
	d.Close()
	w.expect(t, "Close", ^poller.Interest(0))
}
