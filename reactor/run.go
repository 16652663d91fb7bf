package reactor

import (
	"context"
	"errors"

	"github.com/ureactor/ureactor/internal/threadlock"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/timeout"
)

// errPanicked is the result of a reactor whose Run was left by a panic. The caller that recovers
// gets the value of the panic.
var errPanicked = errors.New("a panic has left Run, and no WithPanicHandler isolates it")

// run runs turns until the reactor stops. If its goroutine is unwound meanwhile, the loop reports
// it:
//   - After a runtime.Goexit that a guard isolates, the loop continues: see runAfterGoexit. Run's
//     caller has exited, so done and result report the end.
//   - After a runtime.Goexit without a panic handler, or a panic outside of all guards with one,
//     the loop aborts everything.
//   - After a panic without a panic handler no user code runs, because most likely the process is
//     about to end: see abandon.
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
		r.restoreLoop(recover())
		ended := make(chan error, 1)
		r.runAfterGoexit(ended, 1)
		err = <-ended
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

// nestedMost is how many calls of runtime.Goexit a loop survives whose goroutine is locked to its
// thread. Each makes the goroutine's stack deeper by about 2 KiB, and the next stack trace more
// expensive.
const nestedMost = 500

var errNested = errors.New("reactor: too many callbacks have called runtime.Goexit on a goroutine that is locked to its thread")

// runAfterGoexit continues the loop after its goroutine was unwound. It is called in that
// goroutine's deferred function. n is how often this goroutine has run the loop.
//
// The loop continues in another goroutine, so that the stack does not grow. But if this goroutine
// is locked to its thread, the loop stays on it: callbacks may need the thread, and a Task's
// coroutine must be resumed in the lock state in which it began. The loop cannot run in a coroutine
// of its own: if a callback then locked the thread, the runtime would end the process.
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
			return // this is a panic: it continues, and ends the process
		}
		r.restoreLoop(recover())
		r.runAfterGoexit(ended, n)
	}()
	err := r.turns()
	returned = true
	ended <- err
}

// restoreLoop puts the loop in order after it was unwound. v is the value that recover returned.
func (r *Reactor) restoreLoop(v any) {
	r.resetStep()
	if r.opt.onPanic != nil && v == nil && exiting() {
		return // a guard has reported this already
	}
	p := panicErrorOf(v)
	r.fail(p)
	if r.opt.onPanic != nil {
		r.reportPanic(nil, p, "panic in the loop itself")
	}
}

// resetStep clears the state of a step that did not return. The next turn continues with the lists
// of work that are left.
func (r *Reactor) resetStep() {
	r.running, r.inTurn, r.loopWakes, r.goexiting = nil, false, false, false
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

// leaveRead puts a Conn whose read did not return on the list of Conns to flush.
func (c *Conn) leaveRead() {
	if c != nil && c.is(inStep) {
		c.state &^= inStep
		c.flushLater()
	}
}

// abandon ends a reactor whose Run is left by a panic that nothing isolates. It runs no user code.
// The callback that panicked may hold a lock, and another callback that wants this lock would keep
// the process from ending. A caller that recovers around Run calls Shutdown, which releases
// everything.
func (r *Reactor) abandon() {
	r.resetStep()
	r.drain.Store(true)
	r.abort.Store(true)
	r.mu.Lock()
	r.postsClosed = true
	r.mu.Unlock()
	r.beganLocked = r.driver != threadlock.Free || r.probe.State() != threadlock.Free
	if r.doneEarly { // this is a second panic, during the end of a loop that a first one had left
		r.owner.Store(ownerLost)
		return
	}
	r.failed = &PanicError{errPanicked, stack()}
	r.result = r.failed
	r.doneEarly = true
	r.owner.Store(ownerLost) // the goroutine that replaces this value owns the reactor
	close(r.done)
}

// fail begins the end of a loop that cannot continue. It first hands its sockets to other loops of
// the Group.
func (r *Reactor) fail(err error) {
	r.log.Error("the loop has failed", zaplog.Error(err))
	r.failed = err
	r.drain.Store(true)
	r.abort.Store(true)
	r.mu.Lock()
	r.failing = true
	r.mu.Unlock()
	if r.group != nil {
		r.handOver()
	}
}

// abortAll ends a reactor that cannot continue: it aborts everything.
func (r *Reactor) abortAll() error {
	for !r.stopped { // the loop accepts nothing new, so this takes one or two rounds
		r.inTurn, r.budget = true, turnBudget
		r.runTasks(r.runnable.len())
		r.inTurn = false
		r.drainStep()
	}
	return r.failed
}

// Run turns until Shutdown or Close has drained the reactor, or ctx ends, which aborts everything
// at once. It returns nil, the *UndeliveredError of a drain that had to give up, ctx's cause, or
// the error of a poller that failed. A Reactor runs once. If a Shutdown already runs the loop, Run
// only waits for it.
//
// A panic that leaves Run ends the process, unless the caller recovers. Then Shutdown releases what
// the reactor holds. If Run's goroutine was locked to its thread, Shutdown cannot resume the Tasks
// that have begun: their deferred functions never run, and their goroutines remain.
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
	if ctx.Err() != nil && r.aborted && r.failed == nil { // false if the drain ended first
		return context.Cause(ctx)
	}
	return err
}

// Turn runs one turn. It sleeps until the deadline at most; with 0 it does not sleep. It is for
// embedding in another loop and for simulators. A reactor is driven by Turn or by Run, not both.
// Turn returns ErrClosed when the reactor has ended.
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
		if !returned { // a panic or runtime.Goexit, after which the caller may call Turn again
			r.resetStep()
		}
	}()
	err := r.turn(until)
	returned = true
	return err
}

// mustHave panics without a context, before anything has changed.
func mustHave(ctx context.Context, op string) {
	if ctx == nil {
		panic("reactor: " + op + " with a nil context: pass context.Background()")
	}
}
