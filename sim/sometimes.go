package sim

// Sometimes records whether a state that tests must reach was reached, such as "a leader was
// isolated". A name counts even if ok is false. Package simtest adds up the counts of all seeds.
// The test fails if a name was never true.
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
