package sim

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A Live is a World that runs by time.Now, for programs that are goroutines. In a bubble of package
// testing/synctest, time.Now is the bubble's clock. That clock jumps when all goroutines wait, so
// the world runs in virtual time. Elsewhere time.Now is the machine's clock.
//
// Each call of a Kernel first makes the world handle the events that are due. If no call comes, a
// timer makes the world handle its next event in time. So all events of one time are handled before
// a call at that time is made.
//
// The scheduler orders the goroutines, so one seed does not give one history. The promise is
// smaller. Whether a call gets a fault by chance depends on the seed, the host, the kind of call,
// the descriptor and the virtual time. It does not depend on how many calls came before. Of several
// such calls at one virtual time, only the first can get a fault. A packet's fate and latency
// depend on the seed, its direction, its source port and the virtual time. They also depend on how
// many packets the port has already sent at this time. Wait has no faults by chance.
type Live struct {
	w      *World
	bubble bool
	began  time.Time   // when the world's clock was 0
	timer  *time.Timer // for the next event
	armed  int64       // the time of the world at which it fires; 0: it has fired

	mu     sync.Mutex       // guards the world and the next two
	before map[occasion]int // how many there were at the time
	at     int64
}

// An occasion is something that a fault can happen to. It is either a packet from one port in one
// direction, or a call of one kind on one descriptor.
type occasion struct {
	from, to *Host
	call     Call
	of       int
}

// Live makes the world run by time.Now, from the present on. Call it once, before anything else
// runs the world; in a bubble, all later calls come from that bubble.
func (w *World) Live() *Live {
	switch {
	case w.closed:
		panic("sim: Live: the world is closed; each test needs a world of its own")
	case w.live != nil:
		panic("sim: Live: the world is live already, perhaps in another test; each test needs a world of its own")
	case w.cur != nil || w.driven:
		panic("sim: Live: the world is running; programs and functions of At are called by it")
	}
	now := time.Now()
	l := &Live{w: w, bubble: now.Before(bubblesEnd), began: now.Add(-w.Now()), before: map[occasion]int{}}
	w.live = l
	l.timer = time.AfterFunc(lifetime, l.due)
	l.timer.Stop()
	return l
}

// IsLive returns whether Live was called. A live world has no history that a second run repeats.
func (w *World) IsLive() bool { return w.live != nil }

// bubblesEnd is a date by which a bubble is recognized: the clock of a bubble begins in 2000, and
// the machine's clock is later than bubblesEnd.
var bubblesEnd = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Bubble returns whether the caller of World.Live was in a bubble.
func (l *Live) Bubble() bool { return l.bubble }

// due runs the world for the timer.
func (l *Live) due() {
	l.enter()
	l.armed = 0
	l.leave()
}

// enter begins a call: it locks the world and brings it up to the present.
func (l *Live) enter() {
	if !l.mu.TryLock() {
		if inScript() {
			panic("sim: a function of Live.Do, At or AddRule, which holds the world, calls a Kernel or Do; use a goroutine")
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

// run is named by inScript.
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

// Do calls f, which may use the World and its hosts: to cut links, to crash hosts, to plan with At.
// f must not wait, and it must not use a Kernel.
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

// script is named by inScript.
//
//go:noinline
func (l *Live) script(f func(w *World)) { f(l.w) }

// inScript returns whether the caller is called by the world, which it has locked.
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

// Close crashes all hosts, so every call of their Kernels fails and every Wait ends, and closes the
// World. It returns the World's error. A second call does nothing more.
func (l *Live) Close() error {
	l.enter()
	defer l.leave()
	l.w.Close()
	l.timer.Stop()
	return l.w.failed
}

// sleep is a Wait of a goroutine: it returns after stir, or at a time of the world. Other
// goroutines use the world meanwhile.
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

// nap lets time pass for a Wait that does not sleep, so that time passes also for a program that
// spins.
func (l *Live) nap(d int64) {
	l.leave()
	time.Sleep(time.Duration(d))
	l.enter()
}

// rouse ends the sleep of a goroutine. It returns whether a goroutine has ever slept in this
// Poller, which happens only in a live world.
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

// nth returns the number that identifies an occasion for a fault among those of its kind. In a live
// world it returns 0: there the scheduler decides how many occasions came before, so the time
// identifies the occasion.
func (w *World) nth(n int) int {
	if w.live != nil {
		return 0
	}
	return n
}

// of returns what distinguishes occasions of one number: a descriptor or a port, in a live world.
func (w *World) of(n int) int {
	if w.live != nil {
		return n
	}
	return 0
}

// mix makes the present time and of parts of an occasion.
func (l *Live) mix(r *Rand, of int) {
	r.state = scramble(scramble(r.state+uint64(l.w.now)) + uint64(of))
}

// nthNow counts an occasion of the present time, from 0.
func (l *Live) nthNow(o occasion) int {
	if l.at != l.w.now {
		l.at = l.w.now
		clear(l.before)
	}
	l.before[o]++
	return l.before[o] - 1
}

// chance returns a source for the choices at this time that are no faults.
func (l *Live) chance(h, to *Host, of int) *Rand {
	r := h.dice(kindCount, 0, to, 0, of)
	return &r
}

// held panics if a goroutine uses the world without Do.
func (l *Live) held(what fmt.Stringer) {
	panic(fmt.Sprintf("sim: %v in a live world outside of Live.Do, where other goroutines run it", what))
}
