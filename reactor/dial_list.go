package reactor

// startDials starts the first connects of some Dials.
func (r *Reactor) startDials() {
	for n := min(r.dials.len(), dialsPerTurn); n > 0; n-- {
		if c := r.dials.take(); !c.is(released) {
			r.call(c.dialing.begin)
		}
	}
}

// An unconnectedList has the Conns that are being dialled and have no descriptor, the oldest first.
type unconnectedList struct {
	oldest, newest *Conn
	next           *Conn // the next Conn for a drain that iterates the list; nil if none does
	seen           *Conn // the next Conn for a picture that iterates the list; nil if none does
	n              int
}

// addUnconnected adds c to the Conns without a descriptor. A second call does nothing.
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

// removeUnconnected removes c from the Conns without a descriptor.
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
