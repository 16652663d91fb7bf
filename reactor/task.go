package reactor

import (
	"context"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// A Task is a coroutine on the loop. Its code is in blocking style: while it waits, the loop
// continues. Tasks of one Reactor never run at the same time, so they share data without locks. If
// a Task holds a lock while it waits, and another Task then locks it, the whole loop blocks.
//
// A Task must not change its thread's lock state (runtime.LockOSThread) across a wait. While Tasks
// live, a callback must not change the lock state of the loop's goroutine. In both cases the
// runtime would end the process. If several goroutines call Turn while Tasks live, none may be
// locked. runtime.Goexit in a Task counts as a panic, because it would end the loop's goroutine.
// t.FailNow of a test calls it.
//
// Only the loop touches a Task, in its callbacks and Tasks. ctx may be used by any goroutine.
type Task struct {
	//	field or value  set by                       cleared by                  excludes
	//	runnable        Go, a wake, yieldTurn        step                        an armed timer
	//	running         step                         a wait, the end             another running Task
	//	asleep          wait                         wakeWith, wakeJoiners       wakePending
	//	finished        reap, Go while draining      -                           a coroutine, a place in
	//	                                                                         r.tasks, an armed timer
	//	drainAsked      drainTask                    -
	//	drainReported   the first wait for input     -                           needs drainAsked
	//	                that fails with ECANCELED
	//	cancelAsked     Cancel, the abort            -
	//	cancelReported  the first wait that fails    -                           needs cancelAsked
	//	                with ECANCELED
	//	wakePending     a wake of a Task that is     the next wait, which        asleep
	//	                not asleep                   returns at once
	//	wakeErrno       a wake                       -                           read when wait returns
	//	waitDir         wait                         -                           read while asleep
	//	timer           the first wait with a        -                           armed only while asleep
	//	                deadline
	//	next, yield     the first step               reap                        finished
	//	waitsFor        Sleep, Join, Await           the same, at their end      read while asleep
	//	since           wait                         -                           read while asleep
	//	code            Go                           -
	//	stack           Sleep                        -                           only a hint
	//	g               main                         -                           only a hint
	//	goexited        leave                        -                           set just before reap
	//	ctx             Context                      -                           done once cancel is not 0
	//
	// A race build checks the table after each step (state_race.go).

	r           *Reactor
	f           func(*Task)
	next        func() (struct{}, bool)
	yield       func(struct{}) bool
	timer       *timerq.Timer // nil until it has waited with a deadline
	wakeErrno   kernel.Errno  // what ended the last sleep
	waitDir     desc.Dir      // the direction of the present sleep
	state       taskState
	cancel      cancelState
	waitsFor    inside.Reason
	wakePending bool             // a wake came before the wait
	goexited    bool             // ended by runtime.Goexit, which was isolated
	code        uintptr          // the code of f
	since       timeout.Deadline // when the present sleep began, by the turn's clock
	result      *taskResult
	stack, g    uintptr // where its last sleep was on the stack, and the runtime's part of it
	ctx         *taskContext

	older, younger *Task // in r.tasks; the drain and the abort iterate in this fixed order
}

type taskState uint8

const (
	runnable taskState = iota
	running
	asleep
	finished
)

// cancelState is a set. After a wait of a Task has failed because of one of them, the next such
// wait unwinds the Task.
type cancelState uint8

const (
	drainAsked cancelState = 1 << iota // waits for input fail; waits for output continue
	drainReported
	cancelAsked // all waits fail
	cancelReported
)

type taskContext struct {
	context.Context
	cancel context.CancelFunc
}

// unwindPanic is the panic that ends a Task which waits again after ECANCELED.
type unwindPanic struct{}

// ErrUnwound is the error of a Task that had to be unwound: it was cancelled, a wait returned
// ECANCELED, and it waited again.
var ErrUnwound error = &sentinel{"reactor: a cancelled task waited again and was unwound", kernel.ECANCELED}

// Go starts a Task. The Task begins to run in the loop's next turn. While the Reactor drains, Go
// starts no Task: it returns one whose Context has ended, and Join of that one returns ECANCELED.
func (r *Reactor) Go(f func(t *Task)) *Task {
	if f == nil {
		panic("reactor: Go with a nil function")
	}
	r.owned("Go")
	t := &Task{r: r, f: f, code: codeOf(f)}
	if r.draining {
		t.state = finished
		t.ensureResult().err = kernel.ECANCELED
		return t
	}
	r.tasks.add(t)
	r.addRunnable(t)
	r.wake() // a call on another goroutine is misuse, but works while the loop sleeps
	return t
}

// Go starts another Task on the same reactor.
func (t *Task) Go(f func(t *Task)) *Task { return t.r.Go(f) }

// Reactor returns the loop that the Task runs on.
func (t *Task) Reactor() *Reactor { return t.r }

// Sleep waits for d. With 0 or less it yields to the other Tasks and the Events. It returns nil, or
// ECANCELED when the Task is cancelled.
func (t *Task) Sleep(d time.Duration) error {
	t.mustRun("Sleep")
	if d <= 0 {
		if e := t.yieldTurn(desc.In); e != 0 {
			return e
		}
		return nil
	}
	until := timeout.Timeout(d).After(t.r.k.Now())
	for {
		switch e := t.waitFor(inside.Sleep, desc.In, until); e {
		case kernel.ETIMEDOUT:
			return nil
		case 0: // there was a wake before the wait
		default:
			return e
		}
	}
}

// Await runs f on a goroutine of its own, where f may block, and suspends the Task until f returns.
// f must not touch anything that belongs to the loop. It should return when t.Context ends. Await
// returns ECANCELED if the Reactor aborts; f then continues, and nobody waits for it. A panic or
// runtime.Goexit in f becomes a panic of the Task.
func (t *Task) Await(f func()) error {
	t.mustRun("Await")
	if f == nil {
		panic("reactor: Await of a nil function")
	}
	done := false
	var caught *PanicError
	t.r.k.Go(func() {
		returned := false
		defer func() {
			var p *PanicError
			if !returned {
				p = panicErrorOf(recover())
			}
			t.r.mustPost(func() { // false: the loop and the Task have ended
				done, caught = true, p
				if t.state != finished {
					t.wake()
				}
			})
		}()
		f()
		returned = true
	})
	for !done {
		if e := t.waitFor(inside.Await, desc.Out, timeout.Never); e != 0 {
			// The direction is desc.Out, because a drain does not interrupt that.
			return e
		}
	}
	if caught != nil {
		panic(caught)
	}
	return nil
}

// Join waits until u has ended. Join returns the value that u has passed to SetResult, and the
// error with which u ended: nil, a *PanicError or ErrUnwound. ECANCELED may also mean that the
// caller is cancelled.
func (t *Task) Join(u *Task) (any, error) {
	t.mustRun("Join")
	if u == nil {
		panic("reactor: Join of a nil Task: join one that Go has returned")
	}
	if u == t {
		return nil, kernel.EDEADLK
	}
	j := u.ensureResult()
	if u.state == finished {
		return j.value, j.err
	}
	w := &joiner{t: t}
	j.add(w)
	defer j.remove(w) // deferred, because the wait may unwind its Task
	for u.state != finished {
		if e := t.waitFor(inside.Join, desc.In, timeout.Never); e != 0 {
			return nil, e
		}
	}
	return j.value, j.err
}

// SetResult sets the value that Join returns.
func (t *Task) SetResult(v any) { t.ensureResult().value = v }

// Done returns whether the Task has finished.
func (t *Task) Done() bool { return t.state == finished }

// Cancel ends the Task's Context, and makes its present or next wait fail with ECANCELED. If the
// Task waits again after that, a panic unwinds it, and its deferred functions run. Call Cancel on
// the loop. Cancel of a finished Task does nothing.
func (t *Task) Cancel() {
	if t.state == finished || t.cancel&cancelAsked != 0 {
		return
	}
	t.cancel |= cancelAsked
	t.endContext()
	if t.state == asleep {
		t.cancel |= cancelReported
		t.wakeWith(kernel.ECANCELED)
	}
}

// Context returns a context that ends when the Task ends or is cancelled, or when the reactor
// drains. Any goroutine may use it.
func (t *Task) Context() context.Context {
	if t.ctx == nil {
		ctx, cancel := context.WithCancel(context.Background())
		t.ctx = &taskContext{ctx, cancel}
		if t.cancel != 0 || t.state == finished {
			cancel()
		}
	}
	return t.ctx
}

func (t *Task) endContext() {
	if t.ctx != nil {
		t.ctx.cancel()
	}
}

func (t *Task) ensureResult() *taskResult {
	if t.result == nil {
		t.result = &taskResult{}
	}
	return t.result
}

func (t *Task) mustRun(call string) {
	if t.r.running != t {
		panic(fmt.Sprintf("reactor: Task.%s called from outside the task; only the task itself can wait", call))
	}
}
