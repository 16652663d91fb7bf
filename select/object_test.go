//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sel "github.com/ureactor/ureactor/select"
)

// ready is an Object that reports the state that the test sets. It records the masks with which it
// was asked.
type ready struct {
	state atomic.Int64
	asked atomic.Int64
	err   error
	call  func()

	mu    sync.Mutex
	masks []sel.Events
}

func (r *ready) Poll(mask sel.Events) (sel.Events, error) {
	r.asked.Add(1)
	r.mu.Lock()
	r.masks = append(r.masks, mask)
	r.mu.Unlock()
	if r.call != nil {
		r.call()
	}
	return sel.Events(r.state.Load()), r.err
}

func (r *ready) last() sel.Events { return r.masks[len(r.masks)-1] }

// A teller is a ready that notifies the Poll when it may be ready.
type teller struct {
	ready
	f     atomic.Pointer[func()]
	calls []bool
}

func (n *teller) Notify(f func()) {
	n.calls = append(n.calls, f != nil)
	n.f.Store(nil)
	if f != nil {
		n.f.Store(&f)
	}
}

// A poll asks an Object once, with its present mask, which may be 0. It reports all bits of the
// result.
func TestObjectIsAsked(t *testing.T) {
	both(t, func(l *lab) {
		o := &ready{}
		p := l.poll(o)
		l.expect(p, 0, is{})
		o.state.Store(1)
		l.expect(p, 0, is{o: IN})
		must(p.Modify(o, OUT))
		l.expect(p, 0, is{o: IN})
		must(p.Modify(o, 0))
		o.state.Store(16)
		l.expect(p, 0, is{o: HUP})
		o.state.Store(1 << 20)
		l.expect(p, 0, is{o: 1 << 20})
		o.state.Store(0)
		l.expect(p, 0, is{})
		if want := []sel.Events{5, 5, 4, 0, 0, 0}; !slices.Equal(o.masks, want) {
			t.Errorf("asked with %d, want %d", o.masks, want)
		}
		must(p.Unregister(o))
		l.expect(p, 0, is{})
		if o.asked.Load() != 6 {
			t.Error("asked after Unregister")
		}
	})
}

// Poll, IPoll and Select return the error of an Object unchanged. The Poll can still be used.
func TestObjectError(t *testing.T) {
	both(t, func(l *lab) {
		o, other := &ready{}, &ready{}
		other.state.Store(1)
		p := l.poll(other, o)
		l.ipoll(p, 0, 0)
		for _, want := range []error{syscall.EINVAL, syscall.Errno(1000), io.ErrUnexpectedEOF} {
			o.err = want
			for _, ms := range []int{0, guard, -1} {
				if got, err := p.Poll(ms); got != nil || err != want {
					t.Errorf("Poll: %v, %v; want %v", got, err, want)
				}
			}
			seq, err := p.IPoll(0, 0)
			if err != want || seq == nil {
				t.Errorf("IPoll: %v; want %v", err, want)
			}
			for range seq {
				t.Error("IPoll yields after an error")
			}
			o.err = nil
			l.ipoll(p, 0, 0) // now there is a result that was not yielded
			o.err = want
			if _, _, _, err := l.selects(list{o}, nil, nil, 0); err != want {
				t.Errorf("Select: %v; want %v", err, want)
			}
		}
		o.err = nil
		l.expect(p, 0, is{other: IN})
	})
}

// A panic in an Object reaches the caller of the poll. The Poll can still be used, because nobody
// holds its turn.
func TestObjectPanic(t *testing.T) {
	both(t, func(l *lab) {
		o := &ready{call: func() { panic("the user's") }}
		p := l.poll(o)
		for range 2 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				p.Poll(guard)
			}()
		}
		o.call = nil
		o.state.Store(1)
		l.expect(p, guard, is{o: IN})
	})
}

// When an Object is asked, it may change the Poll in any way.
func TestObjectChangesThePoll(t *testing.T) {
	both(t, func(l *lab) {
		var p *sel.Poll
		first, second, third := &ready{}, &ready{}, &ready{}
		second.state.Store(1)
		third.state.Store(1)
		first.call = func() {
			first.call = nil
			must(p.Modify(second, OUT))
			must(p.Unregister(first))
			must(p.Unregister(third))
			must(p.Register(&ready{}, sel.POLLIN|sel.POLLOUT))
			l.expect(p, 0, is{second: IN})
		}
		p = l.poll(first, second, third)
		l.expect(p, 0, is{second: IN})
		if second.last() != OUT {
			t.Errorf("asked with %v, want the present mask", second.last())
		}
		first.call = func() { must(p.Close()) }
		must(p.Register(first, sel.POLLIN|sel.POLLOUT))
		first.state.Store(1)
		if ev, err := p.Poll(0); err != nil || len(ev) == 0 {
			t.Errorf("closed while it was asked: %v, %v; want what was found", ev, err)
		}
	})
}

// A poll that waits asks an Object every millisecond if the Object is no Notifier (D39). The Object
// is ready when it is asked the fifth time. Nothing wakes the poll.
func TestD39SilentObject(t *testing.T) {
	both(t, func(l *lab) {
		o := &ready{}
		o.call = func() {
			if o.asked.Load() == 5 {
				o.state.Store(4)
			}
		}
		a, _ := l.pair()
		p := l.poll(o)
		must(p.Register(a, IN))
		passed := l.lap()
		l.expect(p, -1, is{o: OUT})
		if d := passed(); d < 4*time.Millisecond {
			t.Errorf("asked 5 times within %v: more than once a millisecond", d)
		}
	})
}

// A Poll has a descriptor, and an Object that is no Notifier. When the descriptor becomes ready,
// the wait ends at once, and both are reported together.
func TestObjectsAndDescriptors(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		o := &ready{}
		p := l.poll(o)
		must(p.Register(a, IN))
		l.expect(p, 0, is{})
		o.state.Store(1)
		l.expect(p, 0, is{o: IN})
		b.write("x")
		l.expect(p, 0, is{o: IN, a: IN})
		o.state.Store(0)
		l.expect(p, -1, is{a: IN})
		a.read()
		passed := l.lap()
		l.expect(p, 20, is{})
		if d := passed(); d < 20*time.Millisecond {
			t.Errorf("early: %v", d)
		}
		join := l.asleep(func() { l.expect(p, guard, is{a: IN}) })
		b.write("x")
		join()
	})
}

// A Poll does not ask a Notifier every millisecond. The Poll asks only after the Notifier has
// notified it. A Notifier may notify on any goroutine. Notify is called at the beginning and at the
// end of a registration.
func TestNotifier(t *testing.T) {
	both(t, func(l *lab) {
		n, silent := &teller{}, &ready{}
		p := l.poll(n, silent)
		must(p.Unregister(silent))
		l.expect(p, 20, is{})
		if got := n.asked.Load(); got > 2 {
			t.Errorf("asked %d times in one wait, want at its beginning and its end", got)
		}
		tell := *n.f.Load()
		join := l.asleep(func() { l.expect(p, guard, is{n: IN}) })
		l.stranger(tell) // this has no reason
		n.state.Store(1)
		l.stranger(tell)
		join()
		must(p.Register(n, IN))
		must(p.Unregister(n))
		must(p.Unregister(n))
		must(p.Register(n, sel.POLLIN|sel.POLLOUT))
		f := *n.f.Load()
		must(p.Close())
		f() // a late call has no effect
		if want := []bool{true, false, true, false}; !slices.Equal(n.calls, want) {
			t.Errorf("Notify with a function: %v, want %v", n.calls, want)
		}
		if err := p.Register(n, sel.POLLIN|sel.POLLOUT); !errors.Is(err, syscall.EBADF) {
			t.Errorf("Register: %v, want EBADF", err)
		}
	})
}

// A closer is an Object. While a Poll registers it, it closes that Poll.
type closer struct {
	teller
	p *sel.Poll
}

func (c *closer) Notify(f func()) {
	c.teller.Notify(f)
	c.p.Close()
}

// The Notify of an Object closes the Poll. Register returns EBADF, and the Object has no function
// left.
func TestClosedWhileRegistering(t *testing.T) {
	both(t, func(l *lab) {
		p := l.poll()
		c := &closer{p: p}
		if err := p.Register(c, sel.POLLIN|sel.POLLOUT); !errors.Is(err, syscall.EBADF) {
			t.Errorf("Register: %v, want EBADF", err)
		}
		if c.f.Load() != nil {
			t.Error("still has the function")
		}
	})
}
