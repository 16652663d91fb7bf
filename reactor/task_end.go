package reactor

import (
	"runtime/debug"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// taskError is why a Task ended without returning; v is what it panicked with. It runs in the
// Task's deferred function, so the stack is the Task's own.
func (r *Reactor) taskError(v any) error {
	if _, ok := v.(unwindPanic); ok {
		f, ok := r.logLimits.unwound.Line(func() zapcore.Field { return zaplog.ByteString("stack", debug.Stack()) })
		if ok {
			r.log.Warn("a cancelled task waited again and was unwound", f...)
		}
		return ErrUnwound
	}
	p, ok := v.(*PanicError) // of Await's function: its stack shows more
	if !ok {
		p = panicErrorOf(v)
	}
	if r.opt.onPanic == nil {
		panic(&taskCrash{p})
	}
	return p
}

// taskCrash is a Task's panic on its way through the loop's goroutine to the end of the process:
// with the Task's stack.
type taskCrash struct{ *PanicError }

func (c *taskCrash) Error() string { return c.PanicError.Error() + "\n\n" + string(c.Stack) }

// drainTask begins the end of a Task: its context ends. If it waits for input it gets ECANCELED; if
// it waits for output it may go on.
func (r *Reactor) drainTask(t *Task) {
	t.cancel |= drainAsked
	t.endContext()
	if t.state == asleep && t.waitDir == desc.In {
		t.cancel |= drainReported
		t.wakeWith(kernel.ECANCELED)
	}
}

// A taskList is all Tasks that live, the oldest first. The end of the reactor walks over it, in
// several turns. No Task is added after the walk has begun.
type taskList struct {
	oldest, youngest *Task
	next             *Task // the walk is here; nil: no walk
	seen             *Task // the same of a picture's
	n                int
}

// walk calls f for the next endsPerTurn Tasks of the walk. f resumes none.
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
