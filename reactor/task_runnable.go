package reactor

import "github.com/ureactor/ureactor/timeout"

// A wokenTask is a Task that can run. at is when it was woken, or 0 if the loop does not measure.
type wokenTask struct {
	t  *Task
	at timeout.Deadline
}

func (r *Reactor) addRunnable(t *Task) { r.runnable.add(wokenTask{t, r.stamp()}) }

// runTasks resumes the first n Tasks of the list runnable.
func (r *Reactor) runTasks(n int) {
	r.readClock()
	r.toRun = n
	for r.toRun > 0 {
		t := r.takeNext()
		r.woken = append(r.woken, t)
		r.resumeWoken(-1)
		r.endStep()
		if r.slow.timed > 0 {
			r.timeCallback(t)
		}
	}
}

// takeNext takes the next Task from the list runnable.
func (r *Reactor) takeNext() *Task {
	r.toRun--
	w := r.runnable.take()
	r.noteWait(&r.times.wakes, w.at, w.t)
	return w.t
}
