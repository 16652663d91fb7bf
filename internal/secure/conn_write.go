package secure

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// Write sends p. It holds the turn for Out, so records of other writers are not sent in between. A
// call may end with EAGAIN or ETIMEDOUT before the kernel has accepted the last record. This record
// counts as sent, and the next call sends the rest of it. So no byte is lost or sent twice.
func (c *Conn) Write(call *desc.Call, p []byte) (n int, err error) {
	if !c.handshakeDone.Load() {
		p = c.desc.Own(p)
	}
	if err := c.Handshake(call); err != nil {
		return 0, err
	}
	n, e := c.desc.Pour(call, p, func(p []byte) (k int, e desc.Errno) {
		if e := c.flush(); e != 0 || len(p) == 0 {
			return 0, e
		}
		if k, err = c.session.Write(p[:min(len(p), maxRecord)]); err != nil {
			return k, errNotErrno
		}
		return k, c.flush()
	})
	switch {
	case e == errNotErrno:
		return n, c.reason(err)
	case e == kernel.EAGAIN && n == len(p) && n > 0:
		return n, nil
	case e != 0:
		return n, e
	}
	return n, nil
}

// CloseWrite sends close_notify and a FIN after the data of other writers.
func (c *Conn) CloseWrite(call *desc.Call) error {
	if err := c.Handshake(call); err != nil {
		return err
	}
	_, e := c.desc.Do(desc.Out, call, func() (int, desc.Errno) {
		c.sendCloseNotify()
		if e := c.flush(); e != 0 {
			return 0, e
		}
		return 0, c.kernel.Shutdown(c.desc.FD, kernel.SHUT_WR)
	})
	if e != 0 {
		return e
	}
	return nil
}

// sendCloseNotify sends close_notify once, if the handshake has succeeded. The bytes that the
// kernel refuses stay in out. All functions that send are called in a try or in Use, where the
// descriptor is open. This holds for sendCloseNotify too.
func (c *Conn) sendCloseNotify() {
	c.lockWrite()
	sent := c.closeNotified
	c.closeNotified = true
	c.unlockWrite()
	if !sent && c.handshakeDone.Load() && c.session.Ready() {
		_ = c.session.CloseWrite() // an error means that the connection is closed
	}
}

// SendCloseNotify sends close_notify without waiting, before the descriptor is closed.
func (c *Conn) SendCloseNotify() {
	c.desc.Use(func(int) desc.Errno {
		c.sendCloseNotify()
		return c.flush()
	})
}

// outputFull reports whether so much output is pending that no more input may be read.
func (c *Conn) outputFull() bool { return c.unsent.Load() > maxOut && c.flush() != 0 }

// In a try for input, drain waits until the peer has read the answers that it has requested. The
// wait ends at the deadlines of both directions.
func (c *Conn) drain(call *desc.Call) desc.Errno {
	out := call.Within(c.kernel)
	out.BothDeadlines = true
	return c.flushAll(&out)
}

// pending reports whether output is pending.
func (c *Conn) pending() bool { return c.unsent.Load() > 0 }

// setOut replaces the pending output. The caller holds writeMu.
func (c *Conn) setOut(p []byte) {
	c.out = p
	c.unsent.Store(int64(len(p)))
}

// flushAll sends all pending output.
func (c *Conn) flushAll(call *desc.Call) desc.Errno {
	if !c.pending() {
		return 0
	}
	_, e := c.desc.Do(desc.Out, call, func() (int, desc.Errno) { return 0, c.flush() })
	return e
}

// flush sends pending output. If bytes are left, flush returns EAGAIN or another error.
func (c *Conn) flush() desc.Errno {
	if !c.pending() {
		return 0
	}
	return c.flushOut()
}

func (c *Conn) flushOut() desc.Errno {
	c.lockWrite()
	defer c.unlockWrite()
	for len(c.out) > 0 {
		n, e := c.kernel.Send(c.desc.FD, c.out, 0)
		if e != 0 {
			return e
		}
		if c.setOut(c.out[n:]); len(c.out) == 0 {
			c.setOut(nil)
		}
	}
	return 0
}
