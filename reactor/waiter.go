package reactor

import (
	"fmt"
	"unsafe"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

func init() { inside.Waiter = func(r any) desc.Waiter { return (*taskWaiter)(r.(*Reactor)) } }

type taskWaiter Reactor

func (w *taskWaiter) Shared() bool { return false }

// Post never fails because of a full queue, for this queue has no limit. If Post returns false, the
// loop has ended.
func (w *taskWaiter) Post(f func()) bool {
	if (*Reactor)(w).mustPost(f) {
		return true
	}
	<-w.done
	return false
}

// Call calls a function because of an Event of a Desc. If the function wakes a task, the task does
// not run before the function has returned.
func (w *taskWaiter) Call(f func()) {
	direct := w.loopWakes
	w.loopWakes = false
	(*Reactor)(w).guard(nil, f)
	w.loopWakes = direct
}

// Sleeper returns the Task that runs. In a callback it returns EDEADLK, because a callback cannot
// wait. Code in a callback must use Timeout 0 or start a Task.
func (w *taskWaiter) Sleeper() (desc.Sleeper, kernel.Errno) {
	if w.running == nil {
		return nil, kernel.EDEADLK
	}
	return (*taskSleeper)(w.running), 0
}

// Buffer returns the loop's buffer. In a callback it returns EDEADLK, because the slice that Data
// has got may be in the buffer.
func (w *taskWaiter) Buffer() (*desc.Buffer, kernel.Errno) {
	if w.running == nil {
		return nil, kernel.EDEADLK
	}
	return &w.buf, 0
}

// Far returns a flag that each turn sets. If it is set, the loop prefetches.
func (w *taskWaiter) Far() *bool { return &w.far }

func (w *taskWaiter) Free(d *desc.Desc) {
	if w.table.Has(d.FD) {
		panic(fmt.Sprintf("reactor: a task reads descriptor %d, which has a Watch or Conn on this loop: Stop the Watch or Detach the Conn first, or read in the callback", d.FD))
	}
}

func (w *taskWaiter) Yield(dir desc.Dir) kernel.Errno {
	if w.running == nil {
		return 0
	}
	return w.running.yieldTurn(dir)
}

// Callbacks records that an Event may call user code. A socket has such a callback after setsockopt
// with option 20, as in MicroPython.
func (w *taskWaiter) Callbacks() { w.callbacks = true }

// Lacking logs that Accept of a Task waits because no descriptor or no memory is free.
func (w *taskWaiter) Lacking(fd int, e kernel.Errno) {
	r := (*Reactor)(w)
	r.refused(e)
	if f, ok := r.logLimits.lacking.Line(nil); ok {
		r.log.Warn("accept failed; retrying until it succeeds", append(f, zaplog.Int("fd", fd), zaplog.Error(e))...)
	}
}

// Settle yields until the loop has delivered the Events that the kernel has now. So callbacks of
// option 20 that are due have run. The kernel returns Events in their order, so a fixed number of
// turns is enough. If the Task is cancelled, Settle returns ECANCELED. In a callback it does
// nothing.
func (w *taskWaiter) Settle() kernel.Errno {
	if w.running == nil || !w.callbacks {
		return 0
	}
	for turns := 1 + w.table.Len()/len(w.events); turns > 0; turns-- {
		if ready, e := w.k.Ready(w.poller.FD()); e != 0 || ready&poller.In == 0 {
			return 0 // the next turn gets the same error
		}
		if e := w.running.yieldTurn(desc.In); e != 0 {
			return e
		}
	}
	return 0
}

func (w *taskWaiter) Register(d *desc.Desc, want poller.Interest) kernel.Errno {
	if w.stopped {
		return kernel.ECANCELED
	}
	w.Free(d)
	watch := w.takeWatch()
	watch.open((*Reactor)(w), d.FD, (*descSink)(d))
	watch.waits = true
	if err := watch.set(want); err != nil {
		watch.drop()
		return kernel.Number(err)
	}
	d.Gen = watch.gen
	return 0
}

// spareWatchesMost is how many Watches a loop keeps for other descriptors.
const spareWatchesMost = 128

func (w *taskWaiter) takeWatch() *Watch {
	last := len(w.spareWatches) - 1
	if last < 0 {
		return &Watch{}
	}
	watch := w.spareWatches[last]
	w.spareWatches[last] = nil
	w.spareWatches = w.spareWatches[:last]
	return watch
}

func (w *taskWaiter) Rearm(d *desc.Desc, want poller.Interest) kernel.Errno {
	if w.stopped {
		return kernel.ECANCELED
	}
	if _, ok := w.table.Get(int32(d.FD), d.Gen); !ok {
		return kernel.ENOENT
	}
	if err := w.poller.Mod(d.FD, d.Gen, want); err != nil {
		return kernel.Number(err)
	}
	return 0
}

func (w *taskWaiter) Has(fd int) bool { return w.table.Has(fd) }

func (w *taskWaiter) CanSleep(dir desc.Dir) bool {
	if w.running == nil {
		return false
	}
	asked, _ := w.running.cancellation(dir)
	return asked == 0
}

// Unregister unregisters d. If the reactor has ended, it does nothing.
func (w *taskWaiter) Unregister(d *desc.Desc) {
	if watch, ok := w.table.Get(int32(d.FD), d.Gen); ok {
		watch.drop()
		watch.sink = nil
		if len(w.spareWatches) < spareWatchesMost {
			w.spareWatches = append(w.spareWatches, watch)
		}
	}
}

// descSink is the type with which a Desc is a sink. The conversion of a *desc.Desc allocates
// nothing.
type descSink desc.Desc

func (d *descSink) ready(i poller.Readiness) { (*desc.Desc)(d).Ready(i) }

// taskSleeper is the type with which a Task is a Sleeper of internal/desc.
type taskSleeper Task

func (s *taskSleeper) Wake() { (*Task)(s).wake() }

// Sleep is the wait of a Task. It is one function, and while it sleeps only away and change are
// below it. So the Task's stack is short, and more of it stays in the processor's cache.
func (s *taskSleeper) Sleep(dir desc.Dir, until timeout.Deadline) kernel.Errno {
	t := (*Task)(s)
	r := t.r
	if t.cancel != 0 {
		if e := t.interrupted(dir); e != 0 {
			return e
		}
	}
	if t.wakePending {
		t.wakePending = false
		return 0
	}
	if until != timeout.Never && !t.armTimer(until) {
		return kernel.ETIMEDOUT
	}
	t.waitDir, t.since = dir, r.times.clock
	t.state = asleep
	r.buf.End()
	var here byte
	t.stack = uintptr(unsafe.Pointer(&here)) - stackBelow
	seat := r.seat
	switch next := r.following(); next {
	case nil:
	case t:
		return 0
	default:
		seat = next.seat
		t.checkState()
	}
	t.away(seat)
	t.state = running
	return t.wakeErrno
}

// Unwind panics if Sleep would panic, because a wait of the Task has already returned ECANCELED.
func (s *taskSleeper) Unwind(dir desc.Dir) {
	if t := (*Task)(s); t.cancel != 0 && t.mustUnwind(dir) {
		panic(unwindPanic{})
	}
}
