package reactor

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A coroutine must be resumed in the lock state (runtime.LockOSThread) in which it began. Otherwise
// the runtime ends the process. So only these goroutines resume a Task that has begun:
//   - The goroutine of Run, or of the Shutdown that runs the loop. If it is locked, no other
//     goroutine continues the loop later: see runAfterGoexit and Shutdown.
//   - Callers of Turn that have the same lock state as the first caller (mustMatchTasks).
//   - The Shutdown that releases everything after a panic, if neither its goroutine nor that of
//     Run is locked. Otherwise it abandons the Tasks (abandonTasks), or resumes them on another
//     goroutine (runElsewhere).
//   - A Task that switches directly to another one (following). It is in the lock state in which
//     both began, because a Task must not wait in another one.

// mustMatchTasks panics if the caller of Turn must not resume the Tasks that have begun.
func (r *Reactor) mustMatchTasks() {
	if r.tasks.n == 0 {
		r.driver = 0
	}
	if r.driver != 0 && r.driver != r.probe.State() {
		panic("reactor: Turn while Tasks live that began on a goroutine in another state of " +
			"runtime.LockOSThread: call Turn on one goroutine, or on goroutines that are not locked")
	}
}

// abandonTasks marks the Tasks that have begun as ended, and does not resume them. Their deferred
// functions do not run, and what they hold is not released.
func (r *Reactor) abandonTasks() {
	r.idle = nil
	var next *Task
	for t := r.tasks.oldest; t != nil; t = next {
		next = t.neighbours.newer
		if t.home != nil {
			t.ensureResult().err = kernel.ECANCELED
			r.reap(t)
		}
	}
	for range r.runnable.len() {
		if w := r.runnable.take(); w.t.state != finished {
			r.runnable.add(w)
		}
	}
}

// runElsewhere calls run on a new goroutine, which is not locked. If run panics or calls
// runtime.Goexit, the caller's goroutine does the same.
func (r *Reactor) runElsewhere() (err error) {
	var panicked any
	returned := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if !returned {
				panicked = recover()
			}
		}()
		err = r.run()
		returned = true
	}()
	<-done
	if !returned && panicked == nil {
		runtime.Goexit()
	}
	if !returned {
		panic(panicked)
	}
	return err
}
