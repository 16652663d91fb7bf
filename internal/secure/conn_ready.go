package secure

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Ready reports which operations are possible without waiting. In means that a Read returns data,
// io.EOF or an error. Out means that a Write accepts at least one byte. Err and Hup are those of
// the descriptor.
//
// Before the handshake has begun, Out means that the descriptor is writable, so that a Write would
// begin the handshake. MicroPython's asyncio waits for that.
//
// Ready continues the handshake, reads and decrypts input, and sends pending output, so its result
// is exact. Ready may read input whose Event a waiting reader needs. Then it wakes that reader, and
// took is true, so that the caller notifies others.
func (c *Conn) Ready(want poller.Interest) (ready poller.Readiness, took bool, e desc.Errno) {
	before := c.received()
	e = c.desc.Use(func(fd int) desc.Errno {
		raw, e := c.kernel.Ready(fd)
		if e != 0 {
			return e
		}
		ready = raw & (poller.Err | poller.Hup)
		if want&poller.Out != 0 && !c.began() {
			ready |= raw & poller.Readiness(want)
			return 0
		}
		flushed := c.flush()
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
		// A Write accepts a record unless output is pending. It fails if the flush has failed.
		broken := flushed != 0 && flushed != kernel.EAGAIN
		if want&poller.Out != 0 && (broken || !c.pending()) {
			ready |= poller.Out
		}
		return 0
	})
	if took = c.received() != before; took {
		c.desc.SetReady(desc.In)
	}
	return ready, took, e
}

// began reports whether the handshake has begun.
func (c *Conn) began() bool {
	c.lockRead()
	defer c.unlockRead()
	return c.session.Began()
}

// received returns how many recvs have not returned EAGAIN.
func (c *Conn) received() uint32 {
	c.lockRead()
	defer c.unlockRead()
	return c.recvs
}

// buffered reports whether a Read would return something: data, io.EOF or an error.
func (c *Conn) buffered() bool {
	c.lockRead()
	defer c.release()
	if c.outputFull() {
		return true
	}
	err := c.session.Peek()
	c.flush()
	return err != ErrAgain
}
