package reactor

// startDials begins the first connect of each new Dial, at most dialsPerTurn in a turn.
func (r *Reactor) startDials() {
	for n := min(r.dials.len(), dialsPerTurn); n > 0; n-- {
		if c := r.dials.take(); !c.is(released) {
			r.call(c.dialing.begin)
		}
	}
}

// An unconnectedList has the Conns that are dialled and have no descriptor now, sorted by age.
type unconnectedList struct {
	oldest, newest *Conn
	next           *Conn // the next Conn for a drain that iterates over the list; else nil
	seen           *Conn // the next Conn for a picture that iterates over the list; else nil
	n              int
}

// addUnconnected adds c to the list of Conns without a descriptor, if c is not in the list.
func (r *Reactor) addUnconnected(c *Conn) {
	l, d := &r.unconnected, c.dialing
	if d.listed {
		return
	}
	l.n++
	d.listed, d.older = true, l.newest
	if l.newest == nil {
		l.oldest = c
	} else {
		l.newest.dialing.newer = c
	}
	l.newest = c
}

// removeUnconnected removes c from the list of Conns without a descriptor, if c is in the list.
func (r *Reactor) removeUnconnected(c *Conn) {
	l, d := &r.unconnected, c.dialing
	if !d.listed {
		return
	}
	l.n--
	if l.next == c {
		l.next = d.newer
	}
	if l.seen == c {
		l.seen = d.newer
	}
	if d.older == nil {
		l.oldest = d.newer
	} else {
		d.older.dialing.newer = d.newer
	}
	if d.newer == nil {
		l.newest = d.older
	} else {
		d.newer.dialing.older = d.older
	}
	d.listed, d.older, d.newer = false, nil, nil
}
