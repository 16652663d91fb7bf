package sim

import (
	"fmt"
	"runtime"
	"time"
)

// Run lets d of virtual time pass. It returns an error if it ends early, because of a panic of a
// program, Fail, or a program that spins. Programs that wait without end are no error: see
// RunUntilDone.
func (w *World) Run(d time.Duration) error {
	until := w.in("Run", d)
	err := w.run(func() bool { return false }, until)
	if err == nil {
		w.now = max(w.now, until)
	}
	return err
}

// RunUntilIdle runs until no event is pending. Then each program has ended, or waits for data that
// only another program could send.
func (w *World) RunUntilIdle() error { return w.run(func() bool { return false }, never) }

// RunUntilDone runs until all programs have ended. It returns a *Deadlock if they can never end,
// and a *Livelock if they are still busy at the time limit. 0 means no limit.
func (w *World) RunUntilDone(limit time.Duration) error { return w.RunUntil(w.done, limit) }

// RunUntil runs until the condition holds. It checks the condition after every event. It returns a
// *Deadlock if the condition does not hold and no event is pending. It returns a *Livelock if
// programs are still busy at the time limit. 0 means no limit.
func (w *World) RunUntil(ok func() bool, limit time.Duration) error {
	until := w.in("RunUntil", limit)
	if limit == 0 {
		until = never
	}
	var late []counts
	if limit > 0 {
		w.lateFrom = until - int64(limit)/lastPart
		w.late = func() { late = w.counted() }
	}
	err := w.run(ok, until)
	w.late = nil
	if err == nil && !ok() {
		err = w.stuck(late, limit)
	}
	return err
}

const never = int64(^uint64(0) >> 1)

func (w *World) done() bool {
	for _, h := range w.hosts {
		for _, p := range h.procs {
			if !p.over() {
				return false
			}
		}
	}
	return true
}

// run runs the world. fromWorld looks for its name in stacks.
//
//go:noinline
func (w *World) run(ok func() bool, until int64) error {
	if w.cur != nil || w.driven {
		panic("sim: the world is running already; do not run it in a program or in a function of At")
	}
	if w.live != nil {
		panic("sim: the world is live: it runs by itself, while its goroutines wait")
	}
	if w.closed {
		panic("sim: the world is closed")
	}
	w.drives()
	defer func() { w.driven = false }()
	for w.failed == nil && !ok() && w.nextUntil(min(until, w.cutoff)) {
	}
	if w.cutoff < until && w.failed == nil && len(w.events.heap) > 0 && w.events.heap[0].at <= until && !ok() {
		w.failed = errCut
	}
	return w.failed
}

// nextUntil does what next does. It also calls late once, when the last part of the limit begins.
func (w *World) nextUntil(until int64) bool {
	if w.late == nil {
		return w.next(until)
	}
	if w.next(min(w.lateFrom, until)) {
		return true
	}
	w.late()
	w.late = nil
	return w.next(until)
}

func (w *World) drives() {
	w.driven = true
	w.others = runtime.NumGoroutine() - w.coroutines
}

// next handles the next event, if there is one until the given time. It returns whether there was
// one.
func (w *World) next(until int64) bool {
	if w.wakes.Load() {
		w.takeWakes()
	}
	if len(w.events.heap) == 0 || w.events.heap[0].at > until {
		return false
	}
	e := w.events.pop()
	if e.at > w.now {
		w.now, w.looping = e.at, 0
	}
	w.tick()
	w.made = e.made
	e.who.act(e.what, e.a, e.b)
	return true
}

// tick counts a step. A program that makes calls without end while the clock stands still spins,
// and tick fails the run.
func (w *World) tick() {
	w.step++
	w.looping++
	if w.looping > spins && w.failed == nil {
		who := "a function of the test"
		switch {
		case w.cur != nil:
			who = "program " + w.cur.String()
		case w.ran != nil:
			who = "program " + w.ran.String() + ", which ran last,"
		case w.live != nil:
			who = "a goroutine"
		}
		w.Fail(fmt.Errorf("sim: the clock has not advanced for %d steps: %s spins", uint64(spins), who))
	}
	if w.looping > 2*spins {
		panic(w.failed)
	}
}

const spins = 10_000_000
