package reactor

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/kernel"
)

// The runtime ends the process if a coroutine is resumed in another state of runtime.LockOSThread
// than the one in which it began. Therefore only these goroutines resume a Task that has begun:
//   - The goroutine of Run, or of the Shutdown that runs the loop. If this goroutine is locked, no
//     other one continues the loop later: see runAfterGoexit and Shutdown.
//   - Callers of Turn that have the lock state of the first caller (mustMatchTasks).
//   - The Shutdown that cleans up after a panic, if neither its goroutine nor the one of Run is
//     locked. Otherwise it abandons the Tasks (abandonTasks), or resumes them on another goroutine
//     (runElsewhere).

// mustMatchTasks panics if Turn's caller cannot resume the Tasks that have begun.
func (r *Reactor) mustMatchTasks() {
	if r.tasks.n == 0 {
		r.driver = 0
	}
	if r.driver != 0 && r.driver != r.probe.State() {
		panic("reactor: Turn while Tasks live that began on a goroutine in another state of " +
			"runtime.LockOSThread: call Turn on one goroutine, or on goroutines that are not locked")
	}
}

// abandonTasks marks the Tasks that have begun as ended, without resuming them. So their deferred
// functions do not run, and their resources are not released.
func (r *Reactor) abandonTasks() {
	var next *Task
	for t := r.tasks.oldest; t != nil; t = next {
		next = t.younger
		if t.next != nil {
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

// runElsewhere calls run on a new goroutine, which is not locked. It repeats a panic or
// runtime.Goexit of run on the caller's goroutine.
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
