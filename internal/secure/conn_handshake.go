package secure

import (
	"context"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// SetContext sets the context for the configuration's callbacks. It has no effect after the
// handshake has begun.
func (c *Conn) SetContext(ctx context.Context) {
	c.lockRead()
	c.session.SetContext(ctx)
	c.unlockRead()
}

// Handshake makes the handshake as one part of a call, unless it was already made. The handshake
// ends at the call's deadline. It also ends at the Desc's deadlines of both directions, because it
// reads and writes. The error is an Errno if a system call or a wait has failed.
func (c *Conn) Handshake(call *desc.Call) error {
	if c.handshakeDone.Load() && c.session.handshakeErr == nil {
		return nil
	}
	return c.handshake(call)
}

func (c *Conn) handshake(call *desc.Call) error {
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
	var last uint32
	for !c.handshakeDone.Load() {
		done := false
		var err error
		_, e := c.desc.Do(desc.In, call, func() (int, desc.Errno) {
			if done, err = c.stepHandshake(&last); done || c.pending() {
				return 0, 0 // flush before the wait: the peer waits for this output
			}
			return 0, kernel.EAGAIN
		})
		if c.notifyReaders(call, e); e == 0 {
			e = c.flushAll(call)
		}
		if done && err != nil {
			return c.reason(err)
		}
		if e != 0 {
			return e
		}
	}
	return nil
}

// stepHandshake continues the handshake until it would have to wait. `last` is the number of the
// last step that this call has made, or 0 before its first step. If another call has made a later
// step, perhaps on another goroutine, c.steps is greater than last.
func (c *Conn) stepHandshake(last *uint32) (done bool, err error) {
	c.lockRead()
	defer c.release()
	same := *last == c.steps && c.steps > 0
	c.steps++
	*last = c.steps
	c.desc.User(func() { err = c.session.advance(same) }) // it calls the configuration's callbacks
	if err == ErrAgain {
		return false, nil
	}
	c.handshakeDone.Store(true)
	return true, err
}

// When the Desc closes, stop ends the Session's strand. If a call is using the Session, the release
// at the end of that call ends the strand. stop may run inside that call, because a callback of the
// configuration may close the connection.
func (c *Conn) stop() {
	c.stopped.Store(true)
	c.stopIfFree()
}

func (c *Conn) stopIfFree() {
	if c.tryLockRead() {
		c.session.Stop()
		c.unlockRead()
	}
}

// release ends a use of the fields that readMu guards.
func (c *Conn) release() {
	c.checkState()
	c.unlockRead()
	if c.stopped.Load() {
		c.stopIfFree()
	}
}
