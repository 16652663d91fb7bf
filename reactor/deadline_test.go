//go:build unix

package reactor

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Contract 3. None of 30,000 timers (100,000 with -long) of up to 20 ms is early. Callbacks that
// take long arm them. The test computes the deadline before it arms the timer, and compares it with
// the clock when the timer calls.
func TestTimersAreNeverEarly(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		r := t.reactor()
		many := longtest.Count(10_000, 30_000, 100_000)
		rnd := rand.New(rand.NewPCG(1, 2))
		fired, early := 0, 0
		armed := 0
		var arm func()
		arm = func() {
			d := time.Duration(rnd.Int64N(int64(20 * time.Millisecond)))
			due := r.k.Now() + timeout.Deadline(d)
			armed++
			r.After(d, func() {
				fired++
				if r.k.Now() < due {
					early++
				}
				if armed < many {
					arm()
				}
			})
		}
		for range many / 10 {
			arm()
		}
		turnUntil(t, r, func() bool { return fired == many })
		if early > 0 {
			t.Errorf("%d of %d timers were early", early, many)
		}
	})
}

// None of the deadlines of Conns is early. There are 30 Conns, all three kinds, and 500 deadlines
// of each kind (10,000 with -long). Messages move the idle deadlines, read deadlines are set again
// before they pass, and write deadlines are set while output waits. No deadline closes a Conn.
func TestConnDeadlinesAreNeverEarly(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	twiceAtOnce(t, func(t *lab) {
		k := t.faults()
		moved := map[int]timeout.Deadline{} // by descriptor: when bytes were last received
		k.recv = func(fd int, p []byte) (int, kernel.Errno, bool) {
			n, e := k.Kernel.Recv(fd, p, 0)
			moved[fd] = k.Now()
			return n, e, true
		}
		r := t.reactor(WithKernel(k))
		over := false
		many := longtest.Count(300, 500, 10_000)
		rnd := rand.New(rand.NewPCG(3, 4))
		some := func() time.Duration { return time.Duration(rnd.Int64N(int64(2*time.Millisecond))) + 1 }
		var fired [3]int
		early := 0
		for range 30 {
			a, b := t.pair()
			due := map[TimeoutKind]timeout.Deadline{}
			var idle time.Duration
			var c *Conn
			set := func(kind TimeoutKind) {
				d := some()
				due[kind] = r.k.Now() + timeout.Deadline(d)
				switch kind {
				case TimeoutIdle:
					idle = d
					c.SetIdleTimeout(d)
				case TimeoutRead:
					c.SetReadTimeout(d)
				case TimeoutWrite:
					c.SetWriteTimeout(d)
				}
			}
			h := &hooks{
				closed: func(_ *Conn, err error) {
					if !over {
						t.Errorf("an expiry has closed the Conn: %v", err)
					}
				},
				data: func(c *Conn, _ []byte) {
					due[TimeoutIdle] = moved[a] + timeout.Deadline(idle)
					if rnd.IntN(2) == 0 {
						set(TimeoutRead) // replaces the earlier deadline, which must not call
					}
				},
				timeout: func(c *Conn, kind TimeoutKind) {
					again := timeout.Deadline(k.told.Load()) + timeout.Deadline(idle)
					now := r.k.Now()
					if now < due[kind] {
						early++
						t.Logf("%v: %v early", kind, time.Duration(due[kind]-now))
					}
					fired[kind]++
					switch {
					case kind == TimeoutIdle && rnd.IntN(2) == 0:
						due[kind] = again // an idle timeout starts again by itself
					default:
						set(kind)
					}
					if rnd.IntN(2) == 0 {
						b.try([]byte("x"))
					}
				},
			}
			c = adoptFD(t, r, a, h)
			c.Send(make([]byte, 1<<20)) // nobody reads these bytes
			for c.is(throttled) {
				c.setThrottled(false) // so that the Conn is read although output waits
				c.watch()
			}
			for kind := range TimeoutKind(3) {
				set(kind)
			}
		}
		turnUntil(t, r, func() bool { return min(fired[0], fired[1], fired[2]) >= many })
		over = true
		if early > 0 {
			t.Errorf("%d deadlines were early", early)
		}
	})
}

// If a read deadline is set again, Timeout is called once, at the later time. 0 removes the
// deadline.
func TestDeadlinesAreRefreshed(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		a, _ := t.pair()
		var kinds []TimeoutKind
		c := adoptFD(t, r, a, &hooks{timeout: func(_ *Conn, k TimeoutKind) { kinds = append(kinds, k) }})
		for range 1000 { // without a pause, so that the first deadline cannot pass unnoticed
			c.SetReadTimeout(time.Hour)
			c.SetReadTimeout(time.Millisecond)
			c.SetReadTimeout(30 * time.Millisecond)
		}
		until := r.Now() + timeout.Deadline(30*time.Millisecond)
		for r.Now() < until-timeout.Deadline(time.Millisecond) {
			r.Turn(until - timeout.Deadline(time.Millisecond))
			if len(kinds) > 0 && r.Now() < until-timeout.Deadline(time.Millisecond) {
				t.Fatal("the deadline that was replaced has come")
			}
		}
		turnUntil(t, r, func() bool { return len(kinds) > 0 })
		c.SetReadTimeout(time.Millisecond)
		c.SetReadTimeout(0)
		c.SetWriteTimeout(time.Millisecond) // nothing is buffered when this deadline passes
		done := false
		r.After(20*time.Millisecond, func() { done = true })
		turnUntil(t, r, func() bool { return done })
		if len(kinds) != 1 || kinds[0] != TimeoutRead {
			t.Errorf("heard %v, want one read deadline", kinds)
		}
		if r.timers.Len() != 0 {
			t.Errorf("%d timers are left", r.timers.Len())
		}
	})
}

// An idle timeout passes while another callback keeps the loop busy. The next idle time begins when
// Timeout is called, and not when the timeout had passed.
func TestIdleTimeoutStartsAgainWhenTold(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		const d = 20 * time.Millisecond
		a, _ := t.pair()
		var told []timeout.Deadline
		r.After(0, func() { // in the turn in which the idle timeout has passed, but before its Timeout
			t.spend(time.Duration(r.now-r.Now()) + 3*d)
		})
		c := adoptFD(t, r, a, &hooks{timeout: func(*Conn, TimeoutKind) { told = append(told, r.Now()) }})
		c.SetIdleTimeout(d)
		t.spend(time.Duration(c.deadlines.lastTraffic-r.Now()) + d)
		turnUntil(t, r, func() bool { return len(told) == 2 })
		// The next idle time must not begin at the time of the turn, which is earlier.
		if gap := time.Duration(told[1] - told[0]); gap < d/2 {
			t.Errorf("two idle timeouts %v apart, want %v", gap, d)
		}
	})
}

// Bytes in either direction move the idle timeout. Callbacks of other objects do not.
func TestIdleTimeoutIsPutOffByBytes(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		var last, told, gap timeout.Deadline
		k.recv = func(fd int, p []byte) (int, kernel.Errno, bool) {
			last = k.Now() // before the Conn reads the clock
			return 0, 0, false
		}
		r := t.reactor(WithKernel(k))
		a, b := t.pair()
		c := adoptFD(t, r, a, &hooks{timeout: func(*Conn, TimeoutKind) {
			if told == 0 { // in one turn, bytes count after the timeout
				told = r.Now()
				gap = told - last
			}
		}})
		const d = 40 * time.Millisecond
		c.SetIdleTimeout(d)
		last = r.Now()
		n := 0
		var tick *Timer
		tick = r.After(0, func() {
			if n++; n%2 == 0 {
				b.try([]byte("in"))
			} else {
				last = r.Now()
				c.Send([]byte("out"))
			}
			if n < 41 { // the last bytes are on their way
				tick.Reset(d / 8)
			}
		})
		turnUntil(t, r, func() bool { return told != 0 })
		if gap := time.Duration(gap); gap < d {
			t.Errorf("told %v after the last byte, want at least %v", gap, d)
		}
	})
}

// A deadline on a Conn whose handler has no Timeout panics, because nobody would notice that the
// deadline has passed. A negative deadline is an error.
func TestDeadlineNeedsATimeoutMethod(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		a, _ := t.pair()
		c := adoptFD(t, r, a, plain{&hooks{}})
		for _, f := range []func(time.Duration) error{c.SetIdleTimeout, c.SetReadTimeout, c.SetWriteTimeout} {
			if err := f(-1); err == nil {
				t.Error("a negative deadline is accepted")
			}
			if err := f(0); err != nil {
				t.Error(err)
			}
		}
		wantPanic(t, "has no Timeout method", func() { c.SetReadTimeout(time.Second) })
	})
}

// A Timeout ends its Conn. Other deadlines of the Conn that have passed too then cause no call.
func TestTimeoutMayEndItsConn(t *testing.T) {
	twice(t, func(t *lab) {
		for name, end := range map[string]func(*Conn){
			"Close":  func(c *Conn) { c.Close() },
			"Abort":  func(c *Conn) { c.Abort() },
			"Detach": func(c *Conn) { fd, _, _ := c.Detach(); c.w.r.k.Close(fd) },
		} {
			t.Run(name, func(t *lab) {
				r := t.reactor()
				a, b := t.pair()
				told := 0
				c := adoptFD(t, r, a, &hooks{timeout: func(c *Conn, _ TimeoutKind) { told++; end(c) }})
				c.SetIdleTimeout(1)
				c.SetReadTimeout(1)
				turnUntil(t, r, func() bool { return told > 0 })
				b.close()
				turnUntil(t, r, func() bool { return r.conns == 0 && r.closedCalls.len() == 0 })
				if told != 1 || r.timers.Len() != 0 {
					t.Errorf("told %d times, %d timers left", told, r.timers.Len())
				}
			})
		}
	})
}

// When a Conn is closed, the queue of timers has no timer of its deadlines any more.
func TestDeadlinesLeaveWithTheirConn(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		_, err := r.Watch(r.poller.FD(), 0, func(poller.Readiness) {})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			a, _ := t.pair()
			c := adoptFD(t, r, a, &hooks{timeout: func(*Conn, TimeoutKind) { t.Error("Timeout of an ended Conn") }})
			c.SetIdleTimeout(time.Hour)
			c.SetReadTimeout(1)
			c.Abort()
		}
		r.endStep()
		r.Turn(r.Now() + timeout.Deadline(5*time.Millisecond))
		if r.timers.Len() != 0 {
			t.Errorf("%d timers are left", r.timers.Len())
		}
	})
}
