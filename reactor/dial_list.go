package reactor

// startDials begins the first connect of each new Dial, at most dialsPerTurn in a turn.
func (r *Reactor) startDials() {
	for n := min(r.dials.len(), dialsPerTurn); n > 0; n-- {
		if c := r.dials.take(); !c.is(released) {
			r.call(c.dialing.begin)
		}
	}
}

func (c *Conn) links() *links[Conn] { return &c.dialing.unconnected }

// addUnconnected adds c to the list of Conns without a descriptor, if c is not in the list.
func (r *Reactor) addUnconnected(c *Conn) {
	if !c.dialing.listed {
		c.dialing.listed = true
		r.unconnected.add(c)
	}
}

// removeUnconnected removes c from the list of Conns without a descriptor, if c is in the list.
func (r *Reactor) removeUnconnected(c *Conn) {
	if c.dialing.listed {
		c.dialing.listed = false
		r.unconnected.remove(c)
	}
}
