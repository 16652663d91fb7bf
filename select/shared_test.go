//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	sel "github.com/ureactor/ureactor/select"
)

// Several Polls have one Notifier, which stores only one function. It has this function from the
// first registration until the last one has ended. Every Poll sleeps when the Notifier notifies,
// and is woken.
func TestNotifierInSeveralPolls(t *testing.T) {
	both(t, func(l *lab) {
		n := &teller{}
		a, b := l.poll(n), l.poll(n)
		for range 2 { // a third Poll registers and unregisters
			c := l.poll(n)
			must(c.Unregister(n))
			must(c.Close())
			if _, _, _, err := l.selects(list{n}, nil, nil, 0); err != nil {
				t.Error(err)
			}
		}
		joinA := l.asleep(func() { l.expect(a, guard, is{n: IN}) })
		joinB := l.elsewhere(func() { l.expect(b, guard, is{n: IN}) })
		l.pass()
		n.state.Store(1)
		l.stranger(*n.f.Load())
		joinA()
		joinB()
		must(a.Unregister(n))
		if n.f.Load() == nil {
			t.Error("the slot is empty, and one Poll is left")
		}
		must(b.Close())
		if want := []bool{true, false}; !slices.Equal(n.calls, want) {
			t.Errorf("Notify with a function: %v, want %v", n.calls, want)
		}
	})
}

// A held is a Notifier whose Notify(nil) stops once in the middle, as the scheduler may make it do.
type held struct {
	teller
	in, out chan struct{}
	once    atomic.Bool
}

func (h *held) Notify(f func()) {
	if f == nil && h.once.CompareAndSwap(false, true) {
		close(h.in)
		<-h.out
	}
	h.teller.Notify(f)
}

// One goroutine calls Unregister, and another one calls Register. One of them stops in the middle
// of the object's Notify. At the end the object has the subscription of Register.
func TestRegisterBesideUnregister(t *testing.T) {
	h := &held{in: make(chan struct{}), out: make(chan struct{})}
	p := sel.New()
	defer p.Close()
	must(p.Register(h, IN))
	var errs [2]error
	done := make(chan struct{})
	go func() {
		defer close(done)
		errs[0] = p.Unregister(h)
	}()
	<-h.in
	again := make(chan struct{})
	go func() {
		defer close(again)
		errs[1] = p.Register(h, IN)
	}()
	close(h.out)
	<-done
	<-again
	if errs != [2]error{} || h.f.Load() == nil {
		t.Fatal(errs, "or the slot is empty and the object is registered")
	}
	go func() {
		h.state.Store(1)
		(*h.f.Load())()
	}()
	if got, err := p.Poll(guard); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
}

// A Poll in itself, or in a ring, is refused on every system. The refusal leaves no record, so the
// other direction is possible later. A kqueue alone would accept a ring.
func TestRingsOfPollsAreRefused(t *testing.T) {
	both(t, func(l *lab) {
		a, b, c := l.poll(), l.poll(), l.poll()
		refused := func(outer, inner *sel.Poll, want syscall.Errno) {
			l.Helper()
			if err := outer.Register(inner, IN); !errors.Is(err, want) {
				l.Errorf("Register: %v, want %v", err, want)
			}
		}
		refused(a, a, syscall.EINVAL)
		must(a.Register(b, IN))
		must(b.Register(c, IN))
		refused(b, a, syscall.ELOOP)
		refused(c, a, syscall.ELOOP)
		must(a.Register(b, IN)) // a second registration is not a ring
		must(a.Unregister(b))
		must(c.Register(a, IN))
		refused(a, b, syscall.ELOOP)
		must(c.Close())
		must(a.Register(b, IN))
		l.expect(a, 0, is{})
	})
}
