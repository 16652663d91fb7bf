package reactor

// taskResult has the result of a Task, and the Tasks that join it.
type taskResult struct {
	joiners chain[joiner, *joiner]
	value   any
	crash   any // the value of a panic that ends the loop, if there is no panic handler
	err     error
}

// A joiner is a Task that waits for the end of another Task.
type joiner struct {
	t          *Task
	neighbours links[joiner]
}

func (w *joiner) links() *links[joiner] { return &w.neighbours }
