package desc

// SetObjects sets the function that Objects calls. It is for the Desc of a Poll.
func (d *Desc) SetObjects(f func() int) { d.ensureExtra().objects = f }

// Objects returns how many objects are registered with the Poll that d belongs to.
func (d *Desc) Objects() int {
	if d.extra == nil || d.extra.objects == nil {
		return 0
	}
	return d.extra.objects()
}

// Sleepers appends the Sleepers of at most n calls that wait, for an Event of d or for their turn.
// Only the goroutine of a loop may call it, because that goroutine owns the Descs of its Tasks.
func (d *Desc) Sleepers(to []Sleeper, n int) []Sleeper {
	for dir := range d.dirs {
		if s := d.dirs[dir].waiting; s != nil && n > 0 {
			to = append(to, s)
			n--
		}
		if d.queues == nil {
			continue
		}
		for q := d.queues[dir].first; q != nil && n > 0; q = q.next {
			to = append(to, q.sleeper)
			n--
		}
	}
	return to
}

// Waiting returns the Sleeper of the call that waits for input, or nil. Only a loop and its tasks
// may call it.
func (d *Desc) Waiting() Sleeper { return d.dirs[In].waiting }
