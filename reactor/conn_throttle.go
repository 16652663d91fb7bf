package reactor

// throttle stops reading if too much output waits. So a peer that does not read its answers cannot
// cause more of them, and needs no more memory than the limit.
func (c *Conn) throttle() {
	if c.Buffered() > c.opt.high && !c.is(throttled|closing) {
		c.setThrottled(true)
		if !c.is(dialling) {
			c.watch()
		}
	}
}

// Throttled returns whether back-pressure has stopped reading: more output than the high-water mark
// was buffered. When the output has fallen to the low-water mark, Drained is called.
func (c *Conn) Throttled() bool { return c.is(throttled) }

// setThrottled sets or clears the flag, and counts it for Stats.
func (c *Conn) setThrottled(on bool) {
	if c.is(throttled) == on {
		return
	}
	c.state ^= throttled
	if on {
		c.w.r.rare().Throttled++
	} else {
		c.w.r.rare().Throttled--
	}
}

// unthrottle ends the back-pressure if the output is at the low-water mark. It is called only after
// an Event, and never by a method that user code calls.
func (c *Conn) unthrottle() {
	if c.is(throttled) && c.Buffered() <= c.opt.low && !c.is(released) {
		c.setThrottled(false)
		c.watch()
		if c.holdsInput() {
			c.readNextTurn()
		}
		if h, ok := c.handler.(DrainHandler); ok && !c.is(closing|released|outputFailed) {
			h.Drained(c)
		}
	}
	if c.is(wantFIN | closing) {
		c.flushLater()
	}
}
