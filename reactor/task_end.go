package reactor

import (
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// taskError returns the error of a Task that has not returned. v is the value of its panic. The
// Task's deferred function calls taskError, so the stack is that of the Task.
func (r *Reactor) taskError(v any) error {
	if _, ok := v.(unwindPanic); ok {
		f, ok := r.logLimits.unwound.Line(func() zapcore.Field { return zaplog.ByteString("stack", stack()) })
		if ok {
			r.log.Warn("a cancelled task waited again and was unwound", f...)
		}
		return ErrUnwound
	}
	p := panicErrorOf(v)
	if r.opt.onPanic == nil {
		panic(&taskCrash{p})
	}
	return p
}

// taskCrash is the panic of a Task, with the stack of the Task. It unwinds the loop's goroutine and
// ends the process.
type taskCrash struct{ *PanicError }

func (c *taskCrash) Error() string { return c.PanicError.Error() + "\n\n" + string(c.Stack) }

// drainTask ends the Context of a Task. If the Task waits for input, its call returns ECANCELED. If
// it waits to send output, it may continue.
func (r *Reactor) drainTask(t *Task) {
	t.cancel |= drainAsked
	t.endContext()
	if t.state == asleep && t.waitDir == desc.In {
		t.cancel |= drainReported
		t.wakeWith(kernel.ECANCELED)
	}
}

// walkTasks continues the iteration over all Tasks. It calls f for at most endsPerTurn Tasks. f
// must not resume a Task.
func (r *Reactor) walkTasks(f func(*Task)) {
	l := &r.tasks
	for n := 0; n < endsPerTurn && l.next != nil; n++ {
		t := l.next
		l.next = t.neighbours.newer
		f(t)
	}
}

func (t *Task) links() *links[Task] { return &t.neighbours }
