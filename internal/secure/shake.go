package secure

import (
	"context"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// SetContext sets the context that the configuration's callbacks get, if the handshake has not
// begun.
func (c *Conn) SetContext(ctx context.Context) {
	c.readMu.Lock()
	c.session.SetContext(ctx)
	c.readMu.Unlock()
}

// Handshake is one part of a call: it ends by the same deadline, and, since it reads and writes, by
// the Desc's deadlines for both directions. The error is an Errno if the call failed by one.
func (c *Conn) Handshake(call *desc.Call) error {
	if !c.handshakeDone.Load() {
		if err := c.doHandshake(call); err != nil {
			return err
		}
	}
	if !c.session.Ready() {
		return c.reason(c.session.handshakeErr)
	}
	return nil
}

func (c *Conn) doHandshake(call *desc.Call) error {
	call.BothDeadlines = true
	defer func() { call.BothDeadlines = false }()
	var mine uint32
	for !c.handshakeDone.Load() {
		over := false
		var err error
		_, e := c.desc.Do(desc.In, call, func() (int, desc.Errno) {
			if over, err = c.stepHandshake(&mine); over || c.pending() {
				return 0, 0 // who waits for the peer's answer sends first what that answers
			}
			return 0, kernel.EAGAIN
		})
		if c.notifyReaders(call, e); e == 0 {
			e = c.flushAll(call)
		}
		if over && err != nil {
			return c.reason(err)
		}
		if e != 0 {
			return e
		}
	}
	return nil
}

// stepHandshake continues the handshake as far as it goes without waiting. mine belongs to the
// call, and is 0 before its first shake: it tells whether another call, maybe another goroutine's,
// has come between.
func (c *Conn) stepHandshake(mine *uint32) (over bool, err error) {
	c.readMu.Lock()
	defer c.release()
	same := *mine == c.shakes && c.shakes > 0
	c.shakes++
	*mine = c.shakes
	c.desc.User(func() { err = c.session.goOn(same) }) // the configuration's callbacks are the user's
	if err == ErrAgain {
		return false, nil
	}
	c.handshakeDone.Store(true)
	return true, err
}

// stop ends the Session's strand: here, or by whoever uses the Session now, which may be the caller
// (from a callback of the config's).
func (c *Conn) stop() {
	c.stopped.Store(true)
	c.stopIfFree()
}

func (c *Conn) stopIfFree() {
	if c.readMu.TryLock() {
		c.session.Stop()
		c.readMu.Unlock()
	}
}

// release is the end of a use of what reads.
func (c *Conn) release() {
	c.readMu.Unlock()
	if c.stopped.Load() {
		c.stopIfFree()
	}
}
