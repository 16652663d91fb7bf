package reactor

import (
	"context"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/timerq"
	"github.com/ureactor/ureactor/timeout"
)

// A Task is a coroutine on the loop: blocking-style code that gives the loop back whenever it
// waits. Tasks of one reactor never run at the same time, so what they share needs no locks — and a
// lock of a library's that is held across a wait blocks the loop when another Task wants it.
//
// A Task must not change its thread's lock state (runtime.LockOSThread) across a wait, and a
// callback must not change the loop's while Tasks live: the runtime ends the process. If several
// goroutines call Turn while Tasks live, none may be locked. runtime.Goexit in a Task, and so
// t.FailNow of a test, is a panic: it would end the loop's goroutine.
type Task struct {
	r           *Reactor
	f           func(*Task)
	next        func() (struct{}, bool)
	yield       func(struct{}) bool
	timer       *timerq.Timer // nil until it has waited with a deadline
	wakeErrno   kernel.Errno  // what ended the last sleep
	waitDir     desc.Dir      // what the present sleep is for
	state       taskState
	cancel      cancelState
	wakePending bool // a word came before the sleep
	goexited    bool // by runtime.Goexit, isolated
	result      *taskResult
	ctx         *taskContext

	older, younger *Task // all that live, so that the end of the reactor finds them in a fixed order
}

type taskState uint8

const (
	runnable taskState = iota
	running
	asleep
	finished
)

// cancelState is a set. Who has been told and waits for such a thing again is unwound.
type cancelState uint8

const (
	drainAsked cancelState = 1 << iota // waits for input are over, those for output go on
	drainReported
	cancelAsked // all waits are over
	cancelReported
)

type taskContext struct {
	context.Context
	cancel context.CancelFunc
}

// unwindPanic is the panic that ends a Task which goes on waiting after ECANCELED.
type unwindPanic struct{}

// ErrUnwound is the error of a Task that had to be unwound: it was cancelled, was told so by
// ECANCELED, and waited again.
var ErrUnwound error = &sentinel{"reactor: a cancelled task waited again and was unwound", kernel.ECANCELED}

// Go starts a Task; it first runs in the loop's next turn. Once the reactor drains, the Task is not
// started: its Context and Join say ECANCELED.
func (r *Reactor) Go(f func(t *Task)) *Task {
	if f == nil {
		panic("reactor: Go with a nil function")
	}
	t := &Task{r: r, f: f}
	if r.draining {
		t.state = finished
		t.ensureResult().err = kernel.ECANCELED
		return t
	}
	r.tasks.add(t)
	r.runnable.add(t)
	r.wake() // on another goroutine, where it is misuse, a sleeping loop must not look as if it had started the Task
	return t
}

// Go starts another Task on the same reactor.
func (t *Task) Go(f func(t *Task)) *Task { return t.r.Go(f) }

// Reactor is the loop that the Task runs on.
func (t *Task) Reactor() *Reactor { return t.r }

// Sleep waits for d; 0 lets the others run. nil when the time has come, ECANCELED when the Task is
// cancelled.
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
		switch e := t.wait(desc.In, until); e {
		case kernel.ETIMEDOUT:
			return nil
		case 0: // a Wake left over from before
		default:
			return e
		}
	}
}

// Await runs f where it may block, on a goroutine of its own, and suspends the Task until f
// returns. f must not touch what belongs to the loop; it should end when t.Context does. ECANCELED
// means that the reactor aborts and f was left to itself. A panic in f, or runtime.Goexit, is one
// in the Task.
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
			t.r.mustPost(func() { // false: it has ended, and the task with it
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
		if e := t.wait(desc.Out, timeout.Never); e != 0 { // as output: a drain lets it end
			return e
		}
	}
	if caught != nil {
		panic(caught)
	}
	return nil
}

// Join waits until u has ended and gives what it left with SetResult, and why it ended: nil, a
// *PanicError, ErrUnwound. ECANCELED may also mean that the caller is cancelled.
func (t *Task) Join(u *Task) (any, error) {
	t.mustRun("Join")
	if u == t {
		return nil, kernel.EDEADLK
	}
	j := u.ensureResult()
	if u.state == finished {
		return j.value, j.err
	}
	w := &joiner{t: t}
	j.add(w)
	defer j.remove(w) // deferred: the wait may unwind its task
	for u.state != finished {
		if e := t.wait(desc.In, timeout.Never); e != 0 {
			return nil, e
		}
	}
	return j.value, j.err
}

// SetResult leaves a value for Join.
func (t *Task) SetResult(v any) { t.ensureResult().value = v }

// Done tells whether the Task has ended.
func (t *Task) Done() bool { return t.state == finished }

// Cancel ends the Task's present wait, or its next, with ECANCELED, and its Context. A Task that
// waits again is unwound by a panic, which its deferred functions see. On the loop only; on an
// ended Task it is nothing.
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

// Context ends when the Task is cancelled or over, or the reactor drains. It may be used by any
// goroutine.
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
