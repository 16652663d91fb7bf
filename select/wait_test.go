//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"math"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
)

// If no object is registered or none is ready, a poll waits for its time. With 0 it does not wait.
func TestPollWaits(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		a, b := l.pair()
		b.write("x")
		p := l.poll()
		l.expect(p, 0, is{})
		for _, o := range []sel.Pollable{nil, a} {
			if o != nil {
				must(p.Register(o, 0)) // data that nobody wants
			}
			passed := l.lap()
			l.expect(p, 30, is{})
			if d := passed(); d < 30*time.Millisecond {
				t.Errorf("early: %v", d)
			}
			if l.spy.asleep() != 0 {
				t.Error("in the loop's poller though nobody waits")
			}
		}
	})
}

// A timeout that is negative, or too large for the clock, means no limit: only the event ends the
// wait.
func TestPollForever(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll()
		must(p.Register(a, IN))
		for _, ms := range []int{-1, -7, math.MinInt, math.MaxInt} {
			join := l.asleep(func() { l.expect(p, ms, is{a: IN}) })
			b.write("x")
			join()
			a.read()
		}
	})
}

// 50,000 polls with a timeout run in 200 goroutines or tasks, and none of them ends too early. Most
// goroutines have a Poll of their own, some of these with Objects that are asked every millisecond.
// Ten goroutines share one Poll.
func TestPollIsNeverEarly(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	rounds := longtest.Count(10, 50, 500)
	both(t, func(l *lab) {
		shared := l.poll()
		var early, all atomic.Int64
		var joins []func()
		for i := range 200 {
			p := shared
			switch {
			case i%20 == 1:
				p = l.poll(&ready{})
			case i%20 != 0:
				p = l.poll()
			}
			joins = append(joins, l.elsewhere(func() {
				for j := range rounds {
					ms := j % 3
					passed := l.lap()
					if ev, err := p.Poll(ms); len(ev) != 0 || err != nil {
						t.Error(ev, err)
					}
					if passed() < time.Duration(ms)*time.Millisecond {
						early.Add(1)
					}
					all.Add(1)
				}
			}))
		}
		for _, join := range joins {
			join()
		}
		if early.Load() != 0 || all.Load() != int64(200*rounds) {
			t.Errorf("%d of %d early", early.Load(), all.Load())
		}
	})
}

// A change during a wait takes effect at once. (D37 allows that it takes effect at the next wake.)
func TestD37ChangeWhileWaiting(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		b.write("x")
		closed, _ := l.pair()
		closed.close()
		n, number := &teller{}, l.unopened(2)
		for what, change := range map[string]struct {
			do   func(p *sel.Poll)
			want is
		}{
			"register":             {func(p *sel.Poll) { must(p.Register(a, IN)) }, is{a: IN}},
			"register what closed": {func(p *sel.Poll) { must(p.Register(closed, sel.POLLIN|sel.POLLOUT)) }, is{closed: NVAL}},
			"register a number":    {func(p *sel.Poll) { must(p.Register(number, sel.POLLIN|sel.POLLOUT)) }, is{number: NVAL}},
			"register an object":   {func(p *sel.Poll) { n.state.Store(1); must(p.Register(n, sel.POLLIN|sel.POLLOUT)) }, is{n: IN}},
		} {
			p := l.poll()
			join := l.asleep(func() { l.expect(p, guard, change.want) })
			change.do(p)
			join()
			must(p.Close())
			l.Log(what)
		}
		p := l.poll()
		must(p.Register(a, 0))
		join := l.asleep(func() { l.expect(p, guard, is{a: OUT}) })
		must(p.Modify(a, OUT))
		join()
		must(p.Modify(a, 0))
		join = l.asleep(func() { l.expect(p, guard, is{n: OUT}) })
		n.state.Store(0)
		before := n.asked.Load()
		must(p.Register(n, IN))
		for n.asked.Load() == before {
			l.pass()
		}
		n.state.Store(4) // n does not notify
		must(p.Modify(n, OUT))
		join()
		must(p.Unregister(n))
		join = l.asleep(func() { l.expect(p, guard, is{a: NVAL}) })
		a.close()
		join()
		must(p.Unregister(a))
		c, _ := l.pair()
		join = l.asleep(func() { l.expect(p, 30, is{}) })
		must(p.Register(c, IN))
		must(p.Unregister(c))
		join()
	})
}

// Two polls use the same Poll. One of them does not wait, and consumes the wake-up of the other
// one. The poll that waits must still report the Event.
func TestWakeIsNotSwallowed(t *testing.T) {
	both(t, func(l *lab) {
		a, _ := l.pair()
		p := l.poll()
		must(p.Register(a, 0))
		join := l.asleep(func() { l.expect(p, guard, is{a: NVAL}) })
		a.close()
		l.expect(p, 0, is{a: NVAL}) // in a task, this runs before the other poll
		join()
	})
}

// Two polls of the same Poll both report an object that is ready for both.
func TestTwoPollsOfOnePoll(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll()
		must(p.Register(a, IN))
		var joins []func()
		joins = append(joins, l.asleep(func() { l.expect(p, guard, is{a: IN}) }))
		for _, ms := range []int{-1, guard, guard} {
			joins = append(joins, l.elsewhere(func() { l.expect(p, ms, is{a: IN}) }))
		}
		l.expect(p, 5, is{}) // this poll keeps its deadline, although another poll holds the turn
		b.write("x")
		for _, join := range joins {
			join()
		}
	})
}

// Close ends a poll that waits, and a poll that waits for its turn, with EBADF. Every later call
// returns EBADF. A second Close does nothing.
func TestCloseWakesPoll(t *testing.T) {
	both(t, func(l *lab) {
		a, _ := l.pair()
		p := l.poll(&ready{})
		must(p.Register(a, IN))
		gone := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, syscall.EBADF) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v, want EBADF", what, err)
			}
		}
		wait := func() {
			_, err := p.Poll(-1)
			gone("waiting Poll", err)
		}
		join, queued := l.asleep(wait), l.elsewhere(wait)
		for range 3 {
			l.pass()
		}
		must(p.Close())
		join()
		queued()
		must(p.Close())
		_, err := p.Poll(0)
		gone("Poll", err)
		_, err = p.Poll(10)
		gone("Poll", err)
		seq, err := p.IPoll(0, 0)
		gone("IPoll", err)
		for range seq {
			t.Error("a closed Poll yields")
		}
		gone("Register", p.Register(a, sel.POLLIN|sel.POLLOUT))
		gone("Modify", p.Modify(a, IN))
		gone("Unregister", p.Unregister(a))

		never := l.poll()
		must(never.Close())
		must(never.Close())
		_, err = never.Poll(0)
		gone("Poll", err)
	})
}

// A poll in a callback returns EDEADLK, unless something is ready or the timeout is 0.
func TestPollInCallback(t *testing.T) {
	inCallback(t, func(l *lab) {
		r := l.r
		a, b := l.pair()
		p := sel.NewOn(r)
		defer p.Close()
		must(p.Register(a, IN))
		l.expect(p, 0, is{})
		for _, ms := range []int{-1, 10} {
			if _, err := p.Poll(ms); !errors.Is(err, syscall.EDEADLK) {
				t.Errorf("Poll(%d): %v, want EDEADLK", ms, err)
			}
			if _, _, _, err := sel.SelectOn(r, []sel.Pollable{a}, nil, nil, float64(ms)); !errors.Is(err, syscall.EDEADLK) {
				t.Errorf("Select: %v, want EDEADLK", err)
			}
		}
		b.write("x")
		l.expect(p, -1, is{a: IN})
	})
}

// Poll of a cancelled Task returns ECANCELED. Other Tasks can still use the Poll, even if the
// cancelled Task was unwound.
func TestPollOfCancelledTask(t *testing.T) {
	inTasks(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll()
		must(p.Register(a, IN))
		u := l.task.Go(func(*reactor.Task) {
			if _, err := p.Poll(-1); !errors.Is(err, syscall.ECANCELED) {
				t.Errorf("Poll: %v, want ECANCELED", err)
			}
			p.Poll(-1)
			t.Error("the Task was told, and waited again")
		})
		l.task.Sleep(0)
		u.Cancel()
		if _, err := l.task.Join(u); err != reactor.ErrUnwound {
			t.Errorf("Join: %v", err)
		}
		join := l.asleep(func() { l.expect(p, guard, is{a: IN}) })
		b.write("x")
		join()
	})
}

// A wait does not spin because of data that no mask wants, nor after a reset: the loop sleeps.
func TestPollDoesNotSpin(t *testing.T) {
	inTasks(t, func(l *lab) {
		a, b := l.pair()
		c, d := l.pair()
		b.write("x")
		quiet, loud := l.poll(), l.poll(c)
		must(quiet.Register(a, 0))
		l.expect(quiet, 1, is{})
		d.reset()
		l.expect(loud, 1, is{c: IN | OUT | HUP})
		before := l.r.Stats().Turns
		l.expect(quiet, 50, is{})
		l.task.Sleep(20 * time.Millisecond)
		if turns := l.r.Stats().Turns - before; turns > 6 {
			t.Errorf("%d turns of the loop, want a handful", turns)
		}
	})
}
