//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A scripted Waiter calls a function of the test when a call sleeps.
type scripted struct {
	sleep func() Errno
	woken bool
}

func (s *scripted) Sleeper() (Sleeper, Errno)             { return s, 0 }
func (s *scripted) Register(*Desc, poller.Interest) Errno { return 0 }
func (s *scripted) Rearm(*Desc, poller.Interest) Errno    { return 0 }
func (s *scripted) Unregister(*Desc)                      {}
func (s *scripted) Post(func()) bool                      { return false }
func (s *scripted) Has(int) bool                          { return false }
func (s *scripted) CanSleep(Dir) bool                     { return true }
func (s *scripted) Yield(Dir) Errno                       { return 0 }
func (s *scripted) Shared() bool                          { return false }
func (s *scripted) Buffer() (*Buffer, Errno)              { return nil, kernel.EDEADLK }
func (s *scripted) Free(*Desc)                            {}
func (*scripted) Far() *bool                              { return nil }
func (s *scripted) Call(f func())                         { f() }
func (s *scripted) Wake()                                 { s.woken = true }
func (s *scripted) Unwind(Dir)                            {}
func (s *scripted) Sleep(_ Dir, _ timeout.Deadline) Errno { return s.sleep() }

// After a try that has emptied the descriptor, the next call waits for an Event that reports input.
// If its wait ends without an Event, it makes one more try, so it misses no input.
func TestNoTryBeforeAnEventWhenAllWasTaken(t *testing.T) {
	const data = 7
	for _, c := range []struct {
		name  string
		event poller.Readiness // comes between the two calls
		sleep Errno
		tries int // how many tries the second call makes
		want  Errno
	}{
		{"an Event ends the sleep", 0, 0, 1, 0},
		{"an Event came before the call", poller.In, 0, 1, 0},
		{"the deadline, and data is there", 0, kernel.ETIMEDOUT, 1, 0},
		{"a callback, and data is there", 0, kernel.EDEADLK, 1, 0},
		{"cancelled", 0, kernel.ECANCELED, 0, kernel.ECANCELED},
		{"more is behind what was taken", poller.In | poller.End, 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &scripted{}
			d := New(kernel.Host, 1000, w)
			w.sleep = func() Errno { d.Ready(poller.In); return 0 }
			call := Call{Limit: timeout.None}
			first := true
			if _, e := d.Do(In, &call, func() (int, Errno) {
				if first {
					first = false
					return 0, kernel.EAGAIN
				}
				call.Drained = true
				return data, 0
			}); e != 0 {
				t.Fatal(e)
			}
			if c.event != 0 {
				d.Ready(c.event)
			}
			tries, slept := 0, 0
			w.sleep = func() Errno {
				slept++
				if c.sleep == 0 {
					d.Ready(poller.In)
				}
				return c.sleep
			}
			call = Call{Limit: timeout.None, NeedsNew: true}
			_, e := d.Do(In, &call, func() (int, Errno) { tries++; return data, 0 })
			if want := 1; c.event == 0 && slept != want || c.event != 0 && slept != 0 || tries != c.tries || e != c.want {
				t.Errorf("slept %d times, tried %d times, %v; want %d tries and %v", slept, tries, e, c.tries, c.want)
			}
		})
	}
}

// A new Desc that expects nothing registers and sleeps before its first try. If it cannot register,
// or if another owner has registered the number, it tries first.
func TestExpectNothing(t *testing.T) {
	for _, c := range []struct {
		taken         bool
		register      Errno
		limit         timeout.Timeout
		tries, sleeps int
		want          Errno
	}{
		{false, 0, timeout.None, 1, 1, 0},
		{false, kernel.ENOSPC, timeout.None, 1, 0, kernel.ENOSPC},
		{true, 0, timeout.None, 2, 1, 0},
		{false, 0, 0, 1, 0, kernel.EAGAIN},
	} {
		w := &registering{has: c.taken, e: c.register}
		d := New(kernel.Host, 1000, w)
		d.ExpectNothing()
		tries, sleeps := 0, 0
		w.sleep = func() Errno { sleeps++; d.Ready(poller.In); return 0 }
		call := Call{Limit: c.limit, NeedsNew: true}
		_, e := d.Do(In, &call, func() (int, Errno) {
			if tries++; sleeps == 0 {
				return 0, kernel.EAGAIN
			}
			return 1, 0
		})
		if tries != c.tries || sleeps != c.sleeps || e != c.want {
			t.Errorf("%+v: %d tries, %d sleeps, %v", c, tries, sleeps, e)
		}
	}
}

// registering is a Waiter that answers Register and Has.
type registering struct {
	scripted
	e   Errno
	has bool
}

func (r *registering) Register(*Desc, poller.Interest) Errno { return r.e }
func (r *registering) Has(int) bool                          { return r.has }

// A call that does not wait always tries, even if the call before it has emptied the descriptor.
// The loop has not run since, so it could not deliver an Event for new input. A call without
// NeedsNew, such as Accept, always tries too.
func TestOtherCallsAlwaysTry(t *testing.T) {
	w := &scripted{}
	d := New(kernel.Host, 1000, w)
	w.sleep = func() Errno { d.Ready(poller.In); return 0 }
	call := Call{Limit: timeout.None}
	n := 0
	d.Do(In, &call, func() (int, Errno) {
		if n++; n == 1 {
			return 0, kernel.EAGAIN
		}
		call.Drained = true
		return 1, 0
	})
	for _, c := range []Call{{NeedsNew: true}, {Limit: timeout.None}} {
		d.dirs[In].drained = true
		w.sleep = func() Errno { t.Errorf("%+v slept", c); return kernel.ECANCELED }
		tries := 0
		if _, e := d.Do(In, &c, func() (int, Errno) { tries++; return 1, 0 }); e != 0 || tries != 1 {
			t.Errorf("%+v: %d tries, %v", c, tries, e)
		}
	}
}

// An ETIMEDOUT of the kernel does not count as a deadline. This must also hold for a call that
// sleeps before its first try.
func TestTheKernelsOwnTimeout(t *testing.T) {
	for _, sleeps := range []Errno{0, kernel.ETIMEDOUT, kernel.EDEADLK} {
		w := &scripted{sleep: func() Errno { return sleeps }}
		d := New(kernel.Host, 1000, w)
		if !d.DeadlinePassed() {
			t.Fatal("at first")
		}
		d.registered, d.dirs[In].drained = true, true
		if sleeps == 0 {
			w.sleep = func() Errno { d.Ready(poller.In); return 0 }
		}
		call := Call{Limit: timeout.None, NeedsNew: true}
		if _, e := d.Do(In, &call, func() (int, Errno) { return 0, kernel.ETIMEDOUT }); e != kernel.ETIMEDOUT || d.DeadlinePassed() {
			t.Errorf("a sleep that ends by %v: %v, by a deadline: %v", sleeps, e, d.DeadlinePassed())
		}
	}
}

// After an Event with End, an urgent byte may hide data. So before each sleep, a call makes two
// tries.
func TestTwoTriesBehindAnEnd(t *testing.T) {
	w := &scripted{}
	d := New(kernel.Host, 1000, w)
	d.Ready(poller.In | poller.End)
	tries, slept := 0, 0
	w.sleep = func() Errno {
		if slept++; tries != 2*slept {
			t.Errorf("sleep %d after %d tries", slept, tries)
		}
		d.Ready(poller.In)
		return 0
	}
	call := Call{Limit: timeout.None}
	if n, e := d.Do(In, &call, func() (int, Errno) {
		if tries++; tries < 6 {
			return 0, kernel.EAGAIN
		}
		return 7, 0
	}); n != 7 || e != 0 || slept != 2 {
		t.Errorf("%d, %v after %d sleeps", n, e, slept)
	}
}
