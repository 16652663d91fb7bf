package secure

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Ready tells what would not wait, going on with the handshake, with what has come and with what is
// pending: In where a Read gives something, an end or an error, Out where a Write takes at least a
// byte. Err and Hup are the descriptor's. It is exact, for it takes the records that make a
// difference, of which a call that waits is told. took: it has read from the kernel, so that an
// Event that others wait for may not come.
func (c *Conn) Ready(want poller.Interest) (ready poller.Readiness, took bool, e desc.Errno) {
	before := c.recvs.Load()
	c.peekedByPoll.Store(true)
	e = c.desc.Use(func(fd int) desc.Errno {
		raw, e := c.kernel.Ready(fd)
		if e != 0 {
			return e
		}
		ready = raw & (poller.Err | poller.Hup)
		ended := c.flush()
		if !c.handshakeDone.Load() {
			c.stepHandshake(new(uint32))
			c.flush()
		}
		if !c.handshakeDone.Load() {
			return 0
		}
		if !c.session.Ready() {
			ready |= poller.Readiness(want)
			return 0
		}
		if want&poller.In != 0 && c.buffered() {
			ready |= poller.In
		}
		if want&poller.Out != 0 && (ended != 0 && ended != kernel.EAGAIN || !c.pending()) { // else a Write takes a record
			ready |= poller.Out
		}
		return 0
	})
	if took = c.recvs.Load() != before; took {
		c.desc.SetReady(desc.In)
	}
	return ready, took, e
}

// buffered tells whether a Read would give something.
func (c *Conn) buffered() bool {
	c.readMu.Lock()
	defer c.release()
	if c.outputFull() {
		return true
	}
	_, err := c.session.Peek()
	c.flush()
	return err != ErrAgain
}
