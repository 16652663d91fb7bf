package reactor

import (
	"context"
	"errors"

	"github.com/ureactor/ureactor/internal/threadlock"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/timeout"
)

// errPanicked is the result of a reactor if a panic has left Run. The caller that recovers the
// panic gets its value.
var errPanicked = errors.New("a panic has left Run, and no WithPanicHandler isolates it")

// run makes turns until the reactor stops. Its goroutine may be unwound before, in three cases:
//
//   - runtime.Goexit, if a guard isolates it. The loop continues: see runAfterGoexit. The caller of
//     Run has exited, so done and result report the end of the loop.
//   - runtime.Goexit without a panic handler, or a panic outside of all guards with one. The loop
//     aborts everything.
//   - A panic without a panic handler. No user code runs any more, because the process probably
//     ends: see abandon.
func (r *Reactor) run() (err error) {
	r.driver = r.probe.State()
	returned := false
	defer func() {
		switch {
		case returned:
			return
		case r.opt.onPanic == nil && !exiting():
			r.abandon()
			return
		}
		v := recover()
		defer func() { // deferred, because restoreLoop calls user code
			ended := make(chan error, 1)
			r.runAfterGoexit(ended, 1)
			err = <-ended
		}()
		r.restoreLoop(v)
	}()
	err = r.turns()
	returned = true
	return err
}

func (r *Reactor) turns() error {
	for {
		if r.failed != nil {
			return r.abortAll()
		}
		if err := r.turn(timeout.Never); err != nil {
			if err == ErrClosed {
				return r.result
			}
			return err
		}
		handing := r.handing.Load() && r.handing.CompareAndSwap(true, false)
		if handing && !threadlock.Locked() && !r.stopped { // see runAfterGoexit
			return errHanded
		}
	}
}

// nestedMost limits how often callbacks may call runtime.Goexit, if the loop's goroutine is locked
// to its thread. Each Goexit makes the stack deeper by about 2 KiB, and later stack traces more
// expensive.
const nestedMost = 500

var errNested = errors.New("reactor: too many callbacks have called runtime.Goexit on a goroutine that is locked to its thread")

// runAfterGoexit continues the loop after its goroutine was unwound. The deferred function of that
// goroutine calls it. n is how often this goroutine has run the loop.
//
// The loop continues on another goroutine, so that the stack does not grow. If this goroutine is
// locked to its thread, the loop stays on it. Callbacks may need the thread, and a Task's coroutine
// must be resumed in the lock state in which it began. A coroutine for the loop would not help: if
// a callback in it locked the thread, the runtime would end the process.
func (r *Reactor) runAfterGoexit(ended chan<- error, n int) {
	if n == 1 && !threadlock.Locked() {
		go r.again(ended, 1)
		return
	}
	if n == nestedMost {
		r.fail(errNested)
	}
	r.again(ended, n+1)
}

// again runs the loop after its goroutine was unwound.
func (r *Reactor) again(ended chan<- error, n int) {
	returned := false
	defer func() {
		if returned || r.opt.onPanic == nil && !exiting() {
			return // a panic continues, and ends the process
		}
		v := recover()
		defer r.runAfterGoexit(ended, n)
		r.restoreLoop(v)
	}()
	err := r.turns()
	for err == errHanded { // nobody takes the loop over, because the caller of Shutdown was unwound
		err = r.turns()
	}
	returned = true
	ended <- err
}

// restoreLoop restores the state of the loop after it was unwound. v is the result of recover.
func (r *Reactor) restoreLoop(v any) {
	reported := r.loopReported
	r.resetStep()
	p := panicErrorOf(v)
	if r.opt.onPanic != nil && p.Value == ErrGoexit {
		if !reported { // no guard was around the call
			r.reportPanic(nil, p, "panic in the loop itself")
		}
		return
	}
	r.fail(p)
	if r.opt.onPanic != nil {
		r.reportPanic(nil, p, "panic in the loop itself")
	}
}

// resetStep clears the state of a step that has not returned. The next turn continues with the work
// that is left in the lists.
func (r *Reactor) resetStep() {
	r.running, r.inTurn, r.loopWakes, r.loopReported, r.direct, r.toRun = nil, false, false, false, false, 0
	for _, t := range r.woken {
		if t != nil { // otherwise its step is the one that has not returned
			r.addRunnable(t)
		}
	}
	r.woken = r.woken[:0]
	if !r.turnBegun { // Trace.Turn has not returned; the next turn begins with a sleep
		r.publish()
		r.awake.Store(0)
	}
	c := r.rereading
	r.rereading = nil
	c.leaveRead()
	if r.next > 0 {
		if w, ok := r.table.Get(r.events[r.next-1].FD, r.events[r.next-1].Gen); ok {
			c, _ = w.sink.(*Conn)
			c.leaveRead()
		}
	}
}

// leaveRead puts a Conn whose read has not returned on the list of Conns to flush.
func (c *Conn) leaveRead() {
	if c != nil && c.is(inStep) {
		c.state &^= inStep
		c.flushLater()
	}
}

// abandon ends a reactor when a panic that nothing isolates leaves Run. It runs no user code: the
// callback that has panicked may hold a lock, and another callback could wait for that lock without
// end. A caller that recovers the panic must call Shutdown, which releases everything.
func (r *Reactor) abandon() {
	r.resetStep()
	r.drain.Store(true)
	r.abort.Store(true)
	r.mu.Lock()
	r.postsClosed = true
	r.mu.Unlock()
	r.beganLocked = r.driver != threadlock.Free || r.probe.State() != threadlock.Free
	if r.doneEarly { // a second panic, while the loop ended after the first one
		r.owner.Store(ownerLost)
		return
	}
	r.failed = &PanicError{errPanicked, stack()}
	r.result = r.failed
	r.doneEarly = true
	r.owner.Store(ownerLost) // the goroutine that replaces this value owns the reactor
	close(r.done)
}

// fail begins the end of a loop that cannot continue. If the loop belongs to a Group, its sockets
// first move to other loops.
func (r *Reactor) fail(err error) {
	r.failed = err
	r.drain.Store(true)
	r.abort.Store(true)
	r.mu.Lock()
	r.failing = true
	r.mu.Unlock()
	if r.group != nil {
		r.handOver()
	}
	r.log.Error("the loop has failed", zaplog.Error(err))
}

// abortAll aborts everything, because the loop cannot continue. It drops the Events that are left,
// so that no Task switches to the Task of such an Event.
func (r *Reactor) abortAll() error {
	r.batch, r.next = 0, 0
	for !r.stopped { // nothing new is accepted, so this takes one or two rounds
		r.inTurn, r.budget = true, turnBudget
		r.runTasks(r.runnable.len())
		r.inTurn = false
		r.drainStep()
	}
	return r.failed
}

// Run makes turns until Shutdown or Close has drained the reactor. If ctx ends, Run aborts
// everything and returns. The result is nil, an *UndeliveredError if not all output could be
// delivered, the cause of ctx, or the error of a failed poller. Run may be called once. If a
// Shutdown already runs the loop, Run only waits for its end.
//
// A panic that leaves Run ends the process, unless the caller recovers it. Then Shutdown releases
// what the reactor has. If the goroutine of Run was locked to its thread, Shutdown cannot resume
// the Tasks that have begun. Their deferred functions never run, and their goroutines remain.
func (r *Reactor) Run(ctx context.Context) error {
	mustHave(ctx, "Run")
	first := r.owner.CompareAndSwap(ownerless, ownerRun)
	if !first && !r.owner.CompareAndSwap(ownerShutdown, ownerRun) {
		panic("reactor: Run of a reactor that another goroutine runs, that is turned by hand, or that has ended")
	}
	stop := context.AfterFunc(ctx, func() { r.abortNow() })
	defer stop()
	if !first {
		<-r.done
		return r.result
	}
	err := r.run()
	if ctx.Err() != nil && r.aborted && r.failed == nil { // aborted is false if the drain ended first
		return context.Cause(ctx)
	}
	return err
}

// Turn makes one turn. It sleeps until there is work, at most until the deadline. With 0 it does
// not sleep. Turn is for loops that embed this one, and for simulators. A reactor is run by Turn or
// by Run, and not by both. If the reactor has ended, Turn returns ErrClosed.
func (r *Reactor) Turn(until timeout.Deadline) error {
	if r.owner.Load() != ownerTurn && !r.owner.CompareAndSwap(ownerless, ownerTurn) {
		select {
		case <-r.done:
			return ErrClosed
		default:
			panic("reactor: Turn of a reactor that Run runs")
		}
	}
	if r.inTurn {
		panic("reactor: Turn called from inside a callback")
	}
	r.mustMatchTasks()
	r.byHand = true
	returned := false
	defer func() {
		if !returned { // after a panic or runtime.Goexit, the caller may call Turn again
			r.resetStep()
		}
	}()
	err := r.turn(until)
	returned = true
	return err
}

// mustHave panics if there is no context, before anything has changed.
func mustHave(ctx context.Context, op string) {
	if ctx == nil {
		panic("reactor: " + op + " with a nil context: pass context.Background()")
	}
}
