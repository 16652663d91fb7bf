package reactor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/threadlock"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// Shutdown drains the reactor and waits for its end. No more connections are accepted, every Conn
// is closed in order, and datagrams are flushed. A Conn is closed as by Conn.Close, but the end of
// ctx replaces the limit of WithLinger. Shutdown leaves no descriptor and no goroutine. If nobody
// runs the reactor, Shutdown does. If your code calls Turn, it must continue until Turn returns
// ErrClosed. On the loop itself use Close.
//
// Any number of goroutines may call it, and each bounds its own wait. When a caller's ctx ends
// while others wait, that caller returns an error that wraps ctx's, and the drain continues. When
// the last caller's ctx ends, the Conns that are left are aborted, and that caller returns an
// *UndeliveredError. A caller that runs the loop on a goroutine that is locked to its thread stays
// until the drain has ended.
func (r *Reactor) Shutdown(ctx context.Context) error {
	mustHave(ctx, "Shutdown")
	if r.lone != nil && r.owner.Load() != ownerless && !r.hasEnded() {
		panic("reactor: Shutdown in a simulated world would stop the only goroutine: call Close, and let the world run")
	}
	r.mu.Lock()
	r.waiters++
	r.mu.Unlock()
	var runs atomic.Bool
	left := make(chan bool, 1) // receives when this caller leaves; true: it was the last caller
	stop := context.AfterFunc(ctx, func() {
		last := r.leaveShutdown()
		left <- last
		if !last && runs.Load() {
			r.handing.Store(true)
			r.wake()
		}
	})
	defer stop()
	r.shutdownWaiting.Store(true)
	r.drain.Store(true)
	if r.owner.CompareAndSwap(ownerless, ownerShutdown) {
		runs.Store(true)
		err := r.run()
		if err == errHanded {
			go func() {
				for r.run() == errHanded {
				}
			}()
			return goesOn(ctx)
		}
		return err
	}
	r.wake()
	select {
	case <-r.done:
		return r.shutdownResult()
	case last := <-left:
		select {
		case <-r.done: // ctx and the loop have both ended: the loop's result counts
			return r.shutdownResult()
		default:
		}
		if !last {
			return goesOn(ctx)
		}
	}
	select {
	case <-r.done:
		return r.shutdownResult()
	case <-time.After(abortTime):
		return fmt.Errorf("reactor: nothing has ended, for the loop does not turn: is a callback stuck, "+
			"or Shutdown called on the loop, where it must be Close? %w", ctx.Err())
	}
}

func (r *Reactor) hasEnded() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// errHanded is the result of run when the caller of Shutdown that runs the loop leaves it.
var errHanded = errors.New("the loop goes on in another goroutine")

func goesOn(ctx context.Context) error {
	return fmt.Errorf("reactor: Shutdown: the drain goes on: %w", ctx.Err())
}

// leaveShutdown ends the wait of a caller of Shutdown. The last caller aborts the drain.
func (r *Reactor) leaveShutdown() (last bool) {
	r.mu.Lock()
	r.waiters--
	last = r.waiters == 0
	r.mu.Unlock()
	if last {
		r.abortNow()
	}
	return last
}

// shutdownResult returns the result of Shutdown. If a panic has left Run, it first releases
// everything.
func (r *Reactor) shutdownResult() error {
	switch {
	case !r.owner.CompareAndSwap(ownerLost, ownerShutdown):
		return r.result
	case r.beganLocked:
		r.abandonTasks()
	case threadlock.Locked():
		return r.runElsewhere()
	}
	return r.run()
}

// abortTime is how long Shutdown waits for a loop that has to abort. It is measured by the host's
// clock, as ctx is, because the clock of a simulated loop stands still while the loop runs no turn.
const abortTime = 5 * time.Second

// Close starts the drain that Shutdown waits for, on the loop. A second call does nothing.
func (r *Reactor) Close() {
	r.drain.Store(true)
	r.wake() // so that Close also works on another goroutine, though that is misuse
}

// abortNow makes the loop abort everything.
func (r *Reactor) abortNow() {
	r.abort.Store(true)
	r.wake()
}

// drainStep does the next part of the drain. It starts the drain, aborts everything once a context
// is done, and stops the reactor when nothing is left.
func (r *Reactor) drainStep() {
	if !r.draining {
		r.draining = true
		r.log.Info("draining", zaplog.Int("conns", r.conns))
		r.unclosed, r.unconnected.next = true, r.unconnected.oldest
		r.tasks.next = r.tasks.oldest
	}
	r.shutdownWaits = r.shutdownWaiting.Load()
	if r.unclosed && !r.abort.Load() {
		r.closeSome()
	}
	if r.abort.Load() {
		r.aborted = r.aborted || !r.drain.Load() || r.remaining() > 0
		r.abortSome()
		if !r.aborting {
			r.aborting, r.tasks.next = true, r.tasks.oldest
		}
		r.tasks.walk((*Task).Cancel)
	} else {
		r.tasks.walk(r.drainTask)
	}
	r.endStep()
	if r.remaining()+r.closedCalls.len() == 0 {
		r.finish()
	}
}

// closeSome closes the Conns of the drain within the turn's budget. No Conn is added during a
// drain, so closeSome finds each Conn once. A Conn that dials may change its descriptor and be
// found twice: see mustClose.
func (r *Reactor) closeSome() {
	n, done := endsPerTurn, false
	for ; n > 0 && r.unconnected.next != nil; n-- {
		c := r.unconnected.next
		r.unconnected.next = c.dialing.newer
		c.Close()
	}
	if n == 0 {
		return
	}
	r.nextClose, done = r.table.Some(r.nextClose, func(w *Watch) bool {
		switch c := w.sink.(type) {
		case *Conn:
			c.shutdown()
			n--
		case closer:
			c.Close()
			n--
		}
		return n > 0
	})
	r.unclosed = !done
}

// abortSome does the work of an abort within the turn's budget.
func (r *Reactor) abortSome() {
	n := endsPerTurn
	for ; n > 0 && r.unconnected.oldest != nil; n-- {
		r.unconnected.oldest.Abort() // Abort removes the Conn from the list
	}
	if n > 0 {
		r.table.Some(0, func(w *Watch) bool {
			switch c := w.sink.(type) { // Abort removes the sink from the table
			case aborter:
				c.Abort()
				n--
			case closer: // a Listener
				c.Close()
				n--
			}
			return n > 0
		})
	}
}

// mustClose makes the drain close a Conn that has a new descriptor, perhaps a lower one than the
// drain has reached.
func (r *Reactor) mustClose(fd int) {
	if r.draining {
		r.unclosed, r.nextClose = true, min(r.nextClose, fd)
	}
}

// remaining returns how many Conns, Listeners, PacketConns and Tasks are left.
func (r *Reactor) remaining() int { return r.conns + r.listeners + r.packets + r.tasks.n }

type closer interface{ Close() error }
type aborter interface{ Abort() error }

// finish runs the functions that were posted before the end. From here on Post returns ErrClosed.
// finish then closes the poller, unless one of the functions has added a Conn (Retire).
func (r *Reactor) finish() {
	for ok := true; ok; ok = r.takePosted(true) {
		for r.posting.len() > 0 {
			r.runPost(r.posting.take())
		}
	}
	if r.conns+r.closedCalls.len() > 0 {
		return
	}
	// Only Watches are left, whose descriptors belong to user code.
	r.table.All(func(_ int, w *Watch) { w.drop() })
	r.end()
}

func (r *Reactor) end() {
	err := r.failed
	r.mu.Lock()
	r.pollerClosed = true
	if e := r.poller.Close(); err == nil {
		err = e
	}
	r.mu.Unlock()
	if err == nil && r.undelivered.Conns > 0 {
		err = &r.undelivered
	}
	r.stopWatchdog()
	r.stopped, r.final, r.changed = true, true, true
	r.publish()
	if !r.doneEarly { // otherwise callers of Shutdown may already read the result, which is the panic
		r.result = err
		close(r.done)
	}
}

// countUndelivered counts the undelivered output of a Conn that the drain aborts.
func (c *Conn) countUndelivered() {
	n := c.Buffered()
	if c.w.gen != 0 && !c.is(dialling) && !c.filterOpening() {
		unsent := c.unsent()
		n += unsent
		if n > 0 && c.is(sentFIN) && unsent > 0 {
			n-- // a FIN counts as one
		}
	}
	if c.filter != nil {
		n -= c.filter.finishBytes
	}
	if n > 0 {
		c.w.r.undelivered.Conns++
		c.w.r.undelivered.Bytes += int64(n)
	}
}

// unsent returns how many bytes the peer's kernel has not acknowledged, a FIN included. It returns
// 0 where the kernel does not report that. It also returns 0 for Unix sockets: the bytes are
// already in the peer's queue, which our close does not affect.
func (c *Conn) unsent() int {
	if !c.opt.tcp {
		return 0
	}
	n, _ := c.w.r.k.Unsent(int(c.w.fd))
	return n
}

func (r *Reactor) closeFailed(fd int, e kernel.Errno) {
	r.log.Error("close failed: somebody else has closed the loop's descriptor", zaplog.Int("fd", fd), zaplog.Error(e))
}
