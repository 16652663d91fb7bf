//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// calls has all calls that several goroutines may make on one Desc at the same time. None of them
// waits for a long time.
func calls() map[string]func(d *Desc) {
	hook := &Hook{F: func() {}}
	got := func() (int, Errno) { return 1, 0 }
	recv := func([]byte, int) (int, Errno) { return 1, 0 }
	parts := func(limit timeout.Timeout) func(d *Desc) {
		return func(d *Desc) {
			c, n := Call{Limit: limit}, 0
			d.Do(In, &c, func() (int, Errno) {
				n++
				c.Again = n < 3
				time.Sleep(time.Microsecond)
				return budget << (budgetShift - 1), 0
			})
		}
	}
	return map[string]func(d *Desc){
		"AddHook":        func(d *Desc) { d.AddHook(hook) },
		"DelHook":        func(d *Desc) { d.DelHook(hook) },
		"Close":          func(d *Desc) { d.Close() },
		"Detach":         func(d *Desc) { d.Detach() },
		"Use":            func(d *Desc) { d.Use(func(int) Errno { return 0 }) },
		"User":           func(d *Desc) { d.Use(func(int) Errno { d.User(func() {}); return 0 }) },
		"Closed":         func(d *Desc) { d.Closed() },
		"Number":         func(d *Desc) { d.Number() },
		"Idle":           func(d *Desc) { d.Idle() },
		"Registered":     func(d *Desc) { d.Registered() },
		"EndSeen":        func(d *Desc) { d.EndSeen() },
		"SetReady":       func(d *Desc) { d.SetReady(In) },
		"Ready":          func(d *Desc) { d.Ready(poller.In | poller.Out | poller.End) },
		"OnEvent":        func(d *Desc) { d.OnEvent(func() {}) },
		"OnEvent(nil)":   func(d *Desc) { d.OnEvent(nil) },
		"OnArrival":      func(d *Desc) { d.OnArrival(func() {}) },
		"OnArrival(nil)": func(d *Desc) { d.OnArrival(nil) },
		"SetDeadline":    func(d *Desc) { d.SetDeadline(In, timeout.Timeout(time.Hour).After(d.Kernel.Now())) },
		"NoteTimedOut":   func(d *Desc) { d.NoteTimedOut() },
		"DeadlinePassed": func(d *Desc) { d.DeadlinePassed() },
		"Recv":           func(d *Desc) { d.Recv(&Call{Limit: timeout.None}, make([]byte, 9), 0) },
		"SendAll":        func(d *Desc) { d.SendAll(&Call{Limit: timeout.None}, []byte("x"), 9) },
		"Pour":           func(d *Desc) { d.Pour(&Call{}, []byte("x"), func([]byte) (int, Errno) { return 1, 0 }) },
		"Borrow":         func(d *Desc) { d.Borrow(&Call{}, nil) },
		"Gather":         func(d *Desc) { d.Gather(&Call{Limit: timeout.None}, 3, recv) },
		"Line":           func(d *Desc) { d.Line(&Call{}, 3, true, recv) },
		"parts":          parts(timeout.None),
		"parts at once":  parts(0),
		"a wait": func(d *Desc) {
			d.Do(Out, &Call{Limit: timeout.Timeout(time.Microsecond)}, func() (int, Errno) { return 0, kernel.EAGAIN })
		},
		"a try": func(d *Desc) { d.Do(Out, &Call{}, got) },
	}
}

// Any two calls may run at the same time. The race detector checks each pair: it reports an access
// without the lock even if the two calls do not overlap in this run. At the end the descriptor is
// closed once, or detached.
func TestAnyTwoCallsAtOnce(t *testing.T) {
	all := calls()
	for a, first := range all {
		for b, second := range all {
			k := &lone{Kernel: kernel.Host, try: func() (int, Errno) { return 1, 0 }}
			d := New(k, 1000, NewParker(newPolled()))
			var both sync.WaitGroup
			both.Go(func() { first(d) })
			both.Go(func() { second(d) })
			both.Wait()
			d.Close()
			if want := 1; a != "Detach" && b != "Detach" && k.closes != want {
				t.Errorf("%s and %s: %d closes", a, b, k.closes)
			}
			if !d.finished {
				t.Errorf("%s and %s: the Desc is not finished", a, b)
			}
		}
	}
}
