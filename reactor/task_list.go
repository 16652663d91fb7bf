package reactor

// taskResult has the result of a Task, and the Tasks that join it.
type taskResult struct {
	first, last *joiner
	value       any
	crash       any // the value of a panic that ends the loop, if there is no panic handler
	err         error
}

// A joiner is a Task that waits for the end of another Task.
type joiner struct {
	t          *Task
	prev, next *joiner
}

func (j *taskResult) add(w *joiner) {
	if w.prev = j.last; j.last == nil {
		j.first = w
	} else {
		j.last.next = w
	}
	j.last = w
}

func (j *taskResult) remove(w *joiner) {
	if w.prev == nil {
		j.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		j.last = w.prev
	} else {
		w.next.prev = w.prev
	}
}
