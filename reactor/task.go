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

// A Task is a coroutine on the loop. Its code is in blocking style. While it waits, the loop
// continues. Tasks of one Reactor never run at the same time, so they can share data without locks.
// If a Task waits while it holds a lock, and another Task then locks it, the whole loop blocks.
//
// A Task must not wait in another lock state of its thread (runtime.LockOSThread) than it has begun
// in. While there are Tasks, a callback must not change the lock state of the loop's goroutine. In
// both cases the runtime would end the process. If several goroutines call Turn while there are
// Tasks, none of these may be locked. runtime.Goexit in a Task, which t.FailNow of a test calls,
// counts as a panic: it would end the loop's goroutine.
//
// A Task may run on the goroutine of an earlier Task that has returned. The labels of
// pprof.SetGoroutineLabels and the flag of debug.SetPanicOnFault stay on that goroutine. So a Task
// sets labels by pprof.Do, which removes them.
//
// Only callbacks and Tasks of the loop may use a Task. Any goroutine may use its Context.
type Task struct {
	//	field or value  set by                       cleared by                  excludes
	//	runnable        Go, a wake, yieldTurn        step                        an armed timer
	//	running         step, following              a wait, the end             another running Task
	//	asleep          wait                         wakeWith, wakeJoiners,      wakePending
	//	                                             following
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
	//	wakeErrno       a wake, following            -                           read when wait returns
	//	waitDir         wait                         -                           read while asleep
	//	timer           the first wait with a        -                           armed only while asleep
	//	                deadline
	//	timed           armTimer                     stopTimer                   while timer is armed
	//	home            begin                        reap                        finished
	//	seat            begin, away, leave           reap                        read while the Task is
	//	                                                                         suspended
	//	waitsFor        Sleep, Join, Await           the same, at their end      read while asleep
	//	since           wait                         -                           read while asleep
	//	code            Go                           -
	//	stack           Sleep                        -                           only a hint
	//	g               the coroutine's main         -                           only a hint
	//	reported        isolatePanic                 the guards                  see the method reported
	//	goexited        leave                        -                           set just before reap
	//	ctx             Context                      -                           done once cancel is not 0
	//
	// Race builds check the table after each step (state_race.go).

	r           *Reactor
	f           func(*Task)
	home        *coroutine    // whose goroutine runs the Task
	seat        *coroutine    // where that goroutine is suspended (a message does not need home)
	timer       *timerq.Timer // nil until the first wait with a deadline
	wakeErrno   kernel.Errno  // the result of the last sleep
	waitDir     desc.Dir      // the direction of the present sleep
	state       taskState
	cancel      cancelState
	waitsFor    inside.Reason
	timed       bool // timer may be armed
	wakePending bool // a wake came while the Task did not sleep
	reported    bool
	goexited    bool             // ended by runtime.Goexit, which was isolated
	code        uintptr          // the code of f
	since       timeout.Deadline // when the present sleep began, by the clock of that turn
	result      *taskResult
	stack, g    uintptr // addresses of the stack at the last sleep, and of the runtime's data
	ctx         *taskContext

	neighbours links[Task] // in r.tasks
}

type taskState uint8

const (
	runnable taskState = iota
	running
	asleep
	finished
)

// cancelState is a set of flags. After a wait has failed because of a cancellation, the next wait
// that would fail for the same reason unwinds the Task.
type cancelState uint8

const (
	drainAsked cancelState = 1 << iota // waits for input fail, and waits for output do not
	drainReported
	cancelAsked // all waits fail
	cancelReported
)

type taskContext struct {
	context.Context
	cancel context.CancelFunc
}

// unwindPanic is the panic that unwinds a Task which waits again after ECANCELED.
type unwindPanic struct{}

// ErrUnwound is the error of a Task that was unwound: a wait of the Task has returned ECANCELED,
// and the Task has waited again.
var ErrUnwound error = &sentinel{"reactor: a cancelled task waited again and was unwound", kernel.ECANCELED}

// Go starts a Task, which begins to run in the next turn of the loop. While the Reactor drains, Go
// starts nothing. It returns a finished Task, whose Context has ended and for which Join returns
// ECANCELED.
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
	r.wake() // a call on another goroutine is misuse; this makes it work while the loop sleeps
	return t
}

// Go starts another Task on the same reactor.
func (t *Task) Go(f func(t *Task)) *Task { return t.r.Go(f) }

// Reactor returns the loop of the Task.
func (t *Task) Reactor() *Reactor { return t.r }

// Sleep waits for d. If d is 0 or less, it yields to other Tasks and to Events. Sleep returns nil,
// or ECANCELED if the Task is cancelled.
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
		case 0: // a wake came before the wait
		default:
			return e
		}
	}
}

// Await runs f on a goroutine of its own, and suspends the Task until f returns. f may block, but
// must not use anything that belongs to the loop. It should return when t.Context ends. If the
// Reactor aborts, Await returns ECANCELED. Then f continues, and nobody waits for it. If f panics
// or calls runtime.Goexit, the Task panics.
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
			t.r.mustPost(func() { // if it returns false, the loop and the Task have ended
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
			// ^ A drain does not interrupt a wait with the direction desc.Out.
			return e
		}
	}
	if caught != nil {
		panic(caught)
	}
	return nil
}

// Join waits until u has ended. It returns the value that u has passed to SetResult, and the error
// with which u has ended: nil, a *PanicError, ErrUnwound or ECANCELED. ECANCELED may also mean that
// the caller of Join is cancelled.
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
	j.joiners.add(w)
	defer j.joiners.remove(w) // deferred, because the wait may unwind the Task
	for u.state != finished {
		if e := t.waitFor(inside.Join, desc.In, timeout.Never); e != 0 {
			return nil, e
		}
	}
	return j.value, j.err
}

// SetResult sets the value that Join returns.
func (t *Task) SetResult(v any) { t.ensureResult().value = v }

// Done returns whether the Task has ended.
func (t *Task) Done() bool { return t.state == finished }

// Cancel ends the Task's Context. The Task's present wait, or else its next one, fails with
// ECANCELED. If the Task waits again after that, a panic unwinds it, and its deferred functions
// run. Only the loop may call Cancel. If the Task has ended, Cancel does nothing.
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
// drains. Any goroutine may use the context.
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
