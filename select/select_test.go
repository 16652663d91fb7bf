//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"math"
	"slices"
	"syscall"
	"testing"
	"time"

	sel "github.com/ureactor/ureactor/select"
)

type list = []sel.Pollable

func (l *lab) selects(r, w, x list, seconds float64) (rr, rw, rx list, err error) {
	if l.r != nil {
		return sel.SelectOn(l.r, r, w, x, seconds)
	}
	return sel.Select(r, w, x, seconds)
}

func (l *lab) expectSelect(r, w, x list, seconds float64, wr, ww, wx list) {
	l.Helper()
	rr, rw, rx, err := l.selects(r, w, x, seconds)
	if err != nil {
		l.Error(err)
	}
	for i, got := range []list{rr, rw, rx} {
		if want := []list{wr, ww, wx}[i]; !slices.Equal(got, want) {
			l.Errorf("list %d: got %d objects, want %d", i, len(got), len(want))
		}
	}
}

// Each list of results contains each ready object exactly once, in the order in which the objects
// were passed.
func TestSelect(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		l.expectSelect(list{b}, nil, nil, 0, nil, nil, nil)
		a.write("x")
		l.expectSelect(list{b, a}, list{a}, nil, 0, list{b}, list{a}, nil)
		l.expectSelect(list{b}, nil, nil, -1, list{b}, nil, nil)
		l.expectSelect(list{b, b}, list{b, a, b}, list{b, a}, -1, list{b}, list{b, a}, nil)
		l.expectSelect(nil, list{a, b}, nil, math.Inf(1), nil, list{a, b}, nil)
		l.expectSelect(nil, list{b, a}, nil, math.NaN(), nil, list{b, a}, nil)
		l.expectSelect(list{a}, nil, list{a, b}, 0, nil, nil, nil)
	})
}

// An object with other Events than IN and OUT is in the third list, in whatever list it was passed.
// Examples are a new socket (HUP), a closed one (NVAL), and an Object with other bits.
func TestSelectExceptional(t *testing.T) {
	both(t, func(l *lab) {
		fresh := l.tcp()
		closed, _ := l.pair()
		closed.close()
		o := &ready{}
		o.state.Store(int64(IN | OUT | ERR))
		told := list{fresh}
		// A kqueue does not report a new socket for reading or writing.
		if l.told(OUT|HUP, OUT) == 0 {
			told = nil
		}
		l.expectSelect(list{fresh}, nil, nil, 0, nil, nil, told)
		l.expectSelect(nil, list{fresh, closed}, nil, 0, nil, told, append(told, closed))
		third := list{fresh, o, closed}
		if l.told(OUT|HUP, 0) == 0 {
			third = list{o, closed}
		}
		l.expectSelect(nil, nil, list{fresh, o, closed}, -1, list{o}, list{o}, third)
		if o.last() != ERR|HUP {
			t.Errorf("asked with %v, want ERR|HUP", o.last())
		}
		l.expectSelect(list{o}, list{o}, nil, -1, list{o}, list{o}, list{o})
		if o.last() != IN|OUT {
			t.Errorf("asked with %v, want IN|OUT", o.last())
		}
	})
}

// The timeout is in seconds. The wait ends at an event, or when the timeout has passed.
func TestSelectWaits(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		a, b := l.pair()
		for _, lists := range [][3]list{{}, {list{a}, nil, list{a}}} {
			passed := l.lap()
			l.expectSelect(lists[0], lists[1], lists[2], 0.03, nil, nil, nil)
			if d := passed(); d < 30*time.Millisecond {
				t.Errorf("early: %v", d)
			}
		}
		passed := l.lap()
		l.expectSelect(list{&ready{}}, nil, nil, 1e-9, nil, nil, nil)
		if d := passed(); d < 1 {
			t.Errorf("a nanosecond: %v", d)
		}
		join := l.elsewhere(func() { l.expectSelect(list{a}, nil, nil, guard, list{a}, nil, nil) })
		l.pass()
		b.write("x")
		join()
	})
}

// If an object cannot be registered, Select returns an error. If the only socket is closed while
// Select waits, the wait ends.
func TestSelectErrors(t *testing.T) {
	both(t, func(l *lab) {
		a, _ := l.pair()
		if _, _, _, err := l.selects(list{a}, list{"text"}, nil, -1); !errors.Is(err, sel.ErrValue) {
			t.Errorf("text: %v, want ErrValue", err)
		}
		if _, _, _, err := l.selects(list{a}, list{nil}, nil, -1); !errors.Is(err, sel.ErrValue) {
			t.Errorf("nil: %v, want ErrValue", err)
		}
		o := &ready{err: syscall.EIO}
		if _, _, _, err := l.selects(list{a}, nil, list{o}, -1); err != syscall.EIO {
			t.Errorf("an Object's error: %v", err)
		}
		join := l.elsewhere(func() { l.expectSelect(list{a}, nil, nil, guard, nil, nil, list{a}) })
		for range 3 {
			l.pass()
		}
		a.close()
		join()
	})
}
