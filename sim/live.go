package sim

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A Live is a World that follows time.Now, for programs that are goroutines. In a bubble of package
// testing/synctest, time.Now is the clock of the bubble. That clock jumps when all goroutines wait,
// so the world runs in virtual time. Elsewhere time.Now is the machine's clock.
//
// Each call of a Kernel first makes the world handle the events that are due. If there is no call,
// a timer makes the world handle its next event in time. So all events of one time are handled
// before a call at that time is made.
//
// The scheduler orders the goroutines, so a seed does not determine the whole history. The promise
// is smaller. Whether a call gets a random fault depends on the seed, the host, the kind of call,
// the descriptor and the virtual time. It does not depend on the number of earlier calls. Of
// several such calls at one virtual time, only the first can get a fault. If that fault is EAGAIN,
// it holds for all calls of this direction on the file until the time advances. A packet's fate and
// latency depend on the seed, its direction, its source port and the virtual time. They also depend
// on how many packets the port has already sent at this time. Wait has no random faults.
type Live struct {
	w      *World
	bubble bool
	began  time.Time   // the machine's time when the world's clock was 0
	timer  *time.Timer // for the next event of the world
	armed  int64       // when timer fires, in the world's time; 0: it has fired

	mu     sync.Mutex       // guards the world, at and before
	before map[occasion]int // how many of each occasion there were at this time
	at     int64
}

// An occasion is something that a fault can happen to. It is either a packet from one port in one
// direction, or a call of one kind on one descriptor.
type occasion struct {
	from, to *Host
	call     Call
	of       int
}

// Live makes the world follow time.Now from now on. Call it once, before anything runs the world.
// If the caller is in a bubble, all later calls must come from that bubble.
func (w *World) Live() *Live {
	switch {
	case w.closed:
		panic("sim: Live: the world is closed; each test needs a world of its own")
	case w.live != nil:
		panic("sim: Live: the world is live already, perhaps in another test; each test needs a world of its own")
	case w.cur != nil || w.driven:
		panic("sim: Live: the world is running; do not call Live in a program or in a function of At")
	}
	now := time.Now()
	l := &Live{w: w, bubble: now.Before(bubblesEnd), began: now.Add(-w.Now()), before: map[occasion]int{}}
	w.live = l
	l.timer = time.AfterFunc(lifetime, l.due)
	l.timer.Stop()
	return l
}

// IsLive returns whether Live was called. A second run of a live world does not repeat its history.
func (w *World) IsLive() bool { return w.live != nil }

// bubblesEnd distinguishes the clock of a bubble, which begins in the year 2000, from the machine's
// clock, which is later than bubblesEnd.
var bubblesEnd = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Bubble returns whether the caller of World.Live was in a bubble.
func (l *Live) Bubble() bool { return l.bubble }

// due runs the world for the timer.
func (l *Live) due() {
	l.enter()
	l.armed = 0
	l.leave()
}

// enter begins a call: it locks the world and makes the world handle all events that are due.
func (l *Live) enter() {
	if !l.mu.TryLock() {
		if inScript() {
			panic("sim: a function of Live.Do, At or AddRule calls a Kernel or Do, and would wait for itself; start a goroutine")
		}
		l.mu.Lock()
	}
	now := time.Now()
	if l.bubble && !now.Before(bubblesEnd) {
		l.mu.Unlock()
		panic("sim: a goroutine outside of the bubble uses a world that lives in a testing/synctest bubble")
	}
	l.run(epoch + int64(now.Sub(l.began)))
}

// run has a name of its own because inScript looks for it in the stack.
//
//go:noinline
func (l *Live) run(now int64) {
	w := l.w
	w.driven = true
	for !w.closed && w.next(now) {
	}
	if now > w.now {
		w.now, w.looping = now, 0
	}
}

// leave ends a call, and sets the timer for the next event.
func (l *Live) leave() {
	w := l.w
	if w.wakes.Load() {
		w.takeWakes()
	}
	if h := w.events.heap; len(h) > 0 && (l.armed == 0 || h[0].at < l.armed) && !w.closed {
		l.armed = h[0].at
		l.timer.Reset(time.Duration(max(l.armed-w.now, 0)))
	}
	w.driven = false
	l.mu.Unlock()
}

// Do calls f, which may use the World and its hosts: to cut links, to crash hosts, or to plan with
// At. f must not wait, and must not use a Kernel.
func (l *Live) Do(f func(w *World)) {
	if f == nil {
		panic("sim: Live.Do of a nil function")
	}
	l.enter()
	defer l.leave()
	if l.w.closed {
		panic("sim: Live.Do: the world is closed; its test has ended")
	}
	l.script(f)
}

// script has a name of its own because inScript looks for it in the stack.
//
//go:noinline
func (l *Live) script(f func(w *World)) { f(l.w) }

// inScript returns whether the world, which is locked, has called the caller.
func inScript() bool {
	pcs := make([]uintptr, 256)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "sim.(*Live).script") || strings.HasSuffix(f.Function, "sim.(*Live).run") {
			return true
		}
		if !more {
			return false
		}
	}
}

// Close crashes all hosts and closes the World. Every call of the hosts' Kernels then fails, and
// every Wait ends. Close returns the World's error. A second call does nothing.
func (l *Live) Close() error {
	l.enter()
	defer l.leave()
	l.w.Close()
	l.timer.Stop()
	return l.w.failed
}

// sleep implements Wait for a goroutine: it returns after stir, or at the world's time `at`. Other
// goroutines can use the world meanwhile.
func (l *Live) sleep(p *epoll, at int64) {
	if p.roused == nil {
		p.roused = make(chan struct{}, 1)
	}
	p.asleep = true
	left := time.Duration(at - l.w.now)
	l.leave()
	if at == never {
		<-p.roused
	} else {
		timer := time.NewTimer(left)
		select {
		case <-p.roused:
			timer.Stop()
		case <-timer.C:
		}
	}
	l.enter()
	p.asleep = false
}

// nap lets time pass for a Wait that does not sleep. So time passes even for a program that spins.
func (l *Live) nap(d int64) {
	l.leave()
	time.Sleep(time.Duration(d))
	l.enter()
}

// rouse ends the sleep of a goroutine. It returns whether a goroutine has ever slept in this
// Poller, which is possible only in a live world.
func (p *epoll) rouse() bool {
	if p.roused == nil {
		return false
	}
	select {
	case p.roused <- struct{}{}:
	default:
	}
	return true
}

// nth returns the number that identifies an occasion for a fault among the occasions of its kind.
// In a live world it returns 0: there the scheduler decides how many occasions come before, so the
// time identifies the occasion.
func (w *World) nth(n int) int {
	if w.live != nil {
		return 0
	}
	return n
}

// of returns n in a live world and 0 in any other. In a live world n, a descriptor or a port, is a
// part of an occasion's identity.
func (w *World) of(n int) int {
	if w.live != nil {
		return n
	}
	return 0
}

// mix makes the numbers of r depend on the current time and on the number n.
func (l *Live) mix(r *Rand, n int) {
	r.state = scramble(scramble(r.state+uint64(l.w.now)) + uint64(n))
}

// nthNow counts the occasions of this kind at the current time, from 0.
func (l *Live) nthNow(o occasion) int {
	if l.at != l.w.now {
		l.at = l.w.now
		clear(l.before)
	}
	l.before[o]++
	return l.before[o] - 1
}

// chance returns a source for choices at the current time that are no faults.
func (l *Live) chance(h, to *Host, of int) *Rand {
	r := h.dice(kindCount, 0, to, 0, of)
	return &r
}

// held panics if a goroutine uses the world without Do.
func (l *Live) held(what fmt.Stringer) {
	panic(fmt.Sprintf("sim: %v in a live world outside of Live.Do, where other goroutines run it", what))
}
