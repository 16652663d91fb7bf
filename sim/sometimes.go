package sim

// Sometimes records whether a state that tests must reach was reached: "a leader was isolated".
// Each name counts, also if ok is false. Package simtest adds up all seeds, and the test fails if a
// name was never true.
func (w *World) Sometimes(name string, ok bool) {
	if w.trace.sealed {
		return
	}
	if w.sometimes == nil {
		w.sometimes = map[string]int{}
	}
	w.sometimes[name] += one(ok)
}

// Reached returns how often each name of Sometimes was true.
func (w *World) Reached() map[string]int { return w.sometimes }
