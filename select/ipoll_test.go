//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"iter"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	sel "github.com/ureactor/ureactor/select"
)

func (l *lab) ipoll(p *sel.Poll, ms, flags int) iter.Seq2[sel.Pollable, sel.Events] {
	l.Helper()
	seq, err := p.IPoll(ms, flags)
	if err != nil {
		l.Errorf("IPoll(%d, %d): %v", ms, flags, err)
	}
	return seq
}

func (l *lab) walk(p *sel.Poll, ms, flags int, want is) {
	l.Helper()
	var got []sel.Event
	for o, ev := range l.ipoll(p, ms, flags) {
		got = append(got, sel.Event{Obj: o, Events: ev})
	}
	l.same("IPoll", got, want)
}

// IPoll has the same results as Poll, and waits in the same way.
func TestIPoll(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		o := &ready{}
		o.state.Store(1)
		p := l.poll(a, b, o)
		l.walk(p, 0, 0, is{a: OUT, b: OUT, o: IN})
		l.walk(p, guard, 0, is{a: OUT, b: OUT, o: IN})
		must(p.Unregister(o))
		must(p.Unregister(b))
		must(p.Modify(a, IN))
		l.walk(p, 5, 0, is{})
		join := l.asleep(func() { l.walk(p, guard, 0, is{a: IN}) })
		b.write("x")
		join()
		a.close()
		l.walk(p, 0, 0, is{a: NVAL})
	})
}

// The iterator yields the results that the IPoll has found, except for objects that were
// unregistered after it. After a break, another range continues. At the end the iterator yields
// nothing, until a new IPoll.
func TestIPollIsLazy(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll(a, b)
		seq := l.ipoll(p, 0, 0)
		must(p.Unregister(a))
		must(p.Modify(b, IN))
		got := map[sel.Pollable]int{}
		for range 2 {
			for o := range seq {
				got[o]++
				break
			}
		}
		if got[a] != 0 || got[b] != 1 {
			t.Errorf("broken off twice: %v", got)
		}
		for range seq {
			t.Error("exhausted, and yields")
		}
		must(p.Register(a, sel.POLLIN|sel.POLLOUT))
		must(p.Modify(b, OUT))
		for range l.ipoll(p, 0, 0) {
			break
		}
		l.walk(p, 0, 0, is{a: OUT, b: OUT})
	})
}

// In one-shot mode the mask of an object becomes 0 when the object is yielded, and not earlier.
// ERR, HUP and NVAL are still reported. Modify and Register set a new mask. Poll has no one-shot
// mode.
func TestIPollOneShot(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		o := &ready{}
		o.state.Store(4)
		p := l.poll(a, b, o)
		for range l.ipoll(p, 0, 1) {
			break
		}
		n := 0
		for range l.ipoll(p, 0, 0) {
			n++
		}
		if n != 2 && o.last() != 0 || n != 3 && o.last() == 0 {
			t.Errorf("%d left after one was yielded", n)
		}
		for _, x := range []sel.Pollable{a, b, o} {
			must(p.Register(x, sel.POLLIN|sel.POLLOUT))
		}
		l.walk(p, 0, 1, is{a: OUT, b: OUT, o: OUT})
		o.state.Store(0)
		b.write("x")
		l.walk(p, 0, 1, is{})
		l.walk(p, 5, 1, is{})
		if o.last() != 0 {
			t.Errorf("asked with %v after one-shot", o.last())
		}
		must(p.Modify(b, OUT))
		l.expect(p, 0, is{b: OUT})
		l.expect(p, 0, is{b: OUT})
		l.walk(p, 0, 1, is{b: OUT})
		l.walk(p, 0, 1, is{})
		must(p.Register(a, IN))
		l.walk(p, 0, 1, is{a: IN})
		b.reset()
		over := is{a: HUP, b: NVAL}
		if l.told(IN|OUT|HUP, 0) == 0 {
			delete(over, a)
		}
		l.walk(p, 0, 1, over)
		l.walk(p, guard, 1, over)
	})
}

// IPoll also yields objects that were modified or closed meanwhile, because MicroPython iterates
// over its registrations. It does not yield an object that was unregistered, even if the object is
// registered again. A second registration keeps its mask.
func TestIPollOneShotOfWhatHasChanged(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll(a, b)
		seq := l.ipoll(p, 0, 1)
		a.close()
		must(p.Modify(b, IN))
		got := is{}
		for o, ev := range seq {
			got[o] = ev
		}
		if got[a] != OUT || got[b] != OUT {
			t.Errorf("yielded %v, want what was found", got)
		}
		over := is{a: NVAL}
		if ev := l.told(IN|OUT|HUP, 0); ev != 0 {
			over[b] = ev
		}
		l.expect(p, 0, over)
		a, b = l.pair()
		p = l.poll(a, b)
		n := 0
		for o := range l.ipoll(p, 0, 0) {
			if n++; o == sel.Pollable(a) {
				must(p.Unregister(b))
			} else {
				must(p.Unregister(a))
			}
		}
		if n != 1 {
			t.Errorf("%d yielded, want one without the other", n)
		}
		c, d := l.pair()
		p = l.poll(c)
		seq = l.ipoll(p, 0, 1)
		must(p.Unregister(c))
		must(p.Register(c, OUT))
		for range seq {
			t.Error("yielded, and it was unregistered")
		}
		l.expect(p, 0, is{c: OUT})
		must(p.Modify(c, IN))
		d.write("x")
		l.expect(p, 0, is{c: IN})
	})
}

// If hundreds of objects are ready, each is reported once, although a batch has room for fewer.
func TestAllThatIsReady(t *testing.T) {
	both(t, func(l *lab) {
		p := l.poll()
		want := is{}
		for range longtest.Count(300, 1000, 1000) {
			u := l.socket(kernel.AF_INET, kernel.SOCK_DGRAM)
			must(p.Register(u, sel.POLLIN|sel.POLLOUT))
			want[u] = OUT
		}
		l.expect(p, 0, want)
		l.expect(p, guard, want)
		l.walk(p, 0, 1, want)
		l.expect(p, 0, is{})
	})
}

// IPoll allocates nothing: with events of descriptors and of Objects, with a wait, and in one-shot
// mode. (A simulated kernel allocates.)
func TestIPollAllocatesNothing(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	onHost(t, func(l *lab) {
		a, b := l.pair()
		o := &counter{}
		busy, idle := l.poll(a, b, o), l.poll()
		must(idle.Register(a, IN))
		sum := sel.Events(0)
		body := func(_ sel.Pollable, ev sel.Events) bool { sum += ev; return true }
		for what, f := range map[string]func(){
			"ready": func() {
				seq, err := busy.IPoll(-1, 0)
				must(err)
				seq(body)
			},
			"one-shot": func() {
				_, err := busy.IPoll(0, 1)
				must(err)
				for o, _, ok := busy.Next(); ok; o, _, ok = busy.Next() {
					busy.Modify(o, OUT)
				}
			},
			"waiting": func() {
				_, err := idle.IPoll(1, 0)
				must(err)
				if _, _, ok := idle.Next(); ok {
					l.Error("idle, and yields")
				}
			},
		} {
			f()
			f()
			if n := testing.AllocsPerRun(50, f); n != 0 {
				t.Errorf("%s: %v allocations", what, n)
			}
		}
	})
}

// counter is an Object that is always writable.
type counter struct{ asked int }

func (c *counter) Poll(sel.Events) (sel.Events, error) { c.asked++; return OUT, nil }
