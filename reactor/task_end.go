package reactor

import (
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// taskError returns the error of a Task that did not return; v is the value of its panic. It runs
// in the Task's deferred function, so the stack is the Task's own.
func (r *Reactor) taskError(v any) error {
	if _, ok := v.(unwindPanic); ok {
		f, ok := r.logLimits.unwound.Line(func() zapcore.Field { return zaplog.ByteString("stack", stack()) })
		if ok {
			r.log.Warn("a cancelled task waited again and was unwound", f...)
		}
		return ErrUnwound
	}
	p, ok := v.(*PanicError) // a panic in Await's function: that one has the useful stack
	if !ok {
		p = panicErrorOf(v)
	}
	if r.opt.onPanic == nil {
		panic(&taskCrash{p})
	}
	return p
}

// taskCrash is a Task's panic, with the Task's stack. It unwinds the loop's goroutine and ends the
// process.
type taskCrash struct{ *PanicError }

func (c *taskCrash) Error() string { return c.PanicError.Error() + "\n\n" + string(c.Stack) }

// drainTask ends a Task's context. If the Task waits for input, its call returns ECANCELED. If the
// Task waits to send output, it may continue.
func (r *Reactor) drainTask(t *Task) {
	t.cancel |= drainAsked
	t.endContext()
	if t.state == asleep && t.waitDir == desc.In {
		t.cancel |= drainReported
		t.wakeWith(kernel.ECANCELED)
	}
}

// A taskList has all Tasks that live, the oldest first. The drain and the abort iterate over it, in
// several turns. No Task is added while they iterate.
type taskList struct {
	oldest, youngest *Task
	next             *Task // the next Task of the iteration; nil: no iteration
	seen             *Task // the next Task for a picture; nil: no picture iterates
	n                int
}

// walk calls f for the next endsPerTurn Tasks of the iteration. f must not resume a Task.
func (l *taskList) walk(f func(*Task)) {
	for n := 0; n < endsPerTurn && l.next != nil; n++ {
		t := l.next
		l.next = t.younger
		f(t)
	}
}

func (l *taskList) add(t *Task) {
	l.n++
	t.older = l.youngest
	if l.youngest == nil {
		l.oldest = t
	} else {
		l.youngest.younger = t
	}
	l.youngest = t
}

func (l *taskList) remove(t *Task) {
	l.n--
	if l.next == t {
		l.next = t.younger
	}
	if l.seen == t {
		l.seen = t.younger
	}
	if t.older == nil {
		l.oldest = t.younger
	} else {
		t.older.younger = t.younger
	}
	if t.younger == nil {
		l.youngest = t.older
	} else {
		t.younger.older = t.older
	}
	t.older, t.younger = nil, nil
}
