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
// is closed as by Conn.Close, and datagrams are flushed. The end of ctx replaces the limit of
// WithLinger. After Shutdown no descriptor and no goroutine of the reactor is left.
//
// If nobody runs the reactor, Shutdown runs it. If your code calls Turn, continue until Turn
// returns ErrClosed. On the loop itself, call Close instead.
//
// Several goroutines may call Shutdown, and each waits until its own ctx ends. If other callers
// still wait then, the drain continues, and this caller returns an error that wraps the error of
// ctx. If no other caller waits, the remaining Conns are aborted, and this caller returns an
// *UndeliveredError. A caller that runs the loop on a locked goroutine (runtime.LockOSThread)
// returns only when the drain has ended.
func (r *Reactor) Shutdown(ctx context.Context) error {
	mustHave(ctx, "Shutdown")
	if r.lone != nil && r.owner.Load() != ownerless && !r.hasEnded() {
		panic("reactor: Shutdown in a simulated world would stop the only goroutine: call Close, and let the world run")
	}
	r.mu.Lock()
	r.waiters++
	r.mu.Unlock()
	var runs atomic.Bool
	left := make(chan bool, 1) // receives when this caller stops waiting; true if it was the last one
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
			return stillDrains(ctx)
		}
		return err
	}
	r.wake()
	select {
	case <-r.done:
		return r.shutdownResult()
	case last := <-left:
		select {
		case <-r.done: // ctx and the loop have both ended: return the result of the loop
			return r.shutdownResult()
		default:
		}
		if !last {
			return stillDrains(ctx)
		}
	}
	select {
	case <-r.done:
		return r.shutdownResult()
	case <-time.After(abortTime):
		return fmt.Errorf("reactor: Shutdown: the loop has made no turn for %v: perhaps a callback is stuck, "+
			"or Shutdown was called on the loop, where Close must be called: %w", abortTime, ctx.Err())
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

// errHanded is the result of run if the caller of Shutdown that runs the loop stops waiting.
var errHanded = errors.New("the loop continues on another goroutine")

func stillDrains(ctx context.Context) error {
	return fmt.Errorf("reactor: Shutdown: the drain continues: %w", ctx.Err())
}

// leaveShutdown ends the wait of one caller of Shutdown. The last one aborts the drain.
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

// shutdownResult returns the result of Shutdown. After a panic that has left Run, it releases all.
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

// abortTime is how long Shutdown waits for a loop that must abort. It is a time of the host's
// clock, like that of ctx. A simulated clock does not advance while the loop makes no turn.
const abortTime = 5 * time.Second

// Close starts the drain, as Shutdown does, but does not wait. It is to be called on the loop. A
// second call does nothing.
func (r *Reactor) Close() {
	r.drain.Store(true)
	r.wake() // for a call on another goroutine, which is misuse
}

// abortNow makes the loop abort everything.
func (r *Reactor) abortNow() {
	r.abort.Store(true)
	r.wake()
}

// drainStep is called once in each turn of the drain. It starts the drain, aborts everything if a
// context has ended, and stops the reactor when nothing is left.
func (r *Reactor) drainStep() {
	if !r.draining {
		r.draining = true
		r.unclosed, r.unconnected.next = true, r.unconnected.oldest
		r.tasks.next = r.tasks.oldest
		r.log.Info("draining", zaplog.Int("conns", r.conns))
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
		r.walkTasks((*Task).Cancel)
	} else {
		r.walkTasks(r.drainTask)
	}
	r.endStep()
	if r.remaining()+r.closedCalls.len() == 0 {
		r.finish()
	}
}

// closeSome closes the next Conns of the drain, at most endsPerTurn. No Conn is added during a
// drain, so each Conn is found once. A Conn that is dialled may get another descriptor and be found
// twice: see mustClose.
func (r *Reactor) closeSome() {
	n, done := endsPerTurn, false
	for ; n > 0 && r.unconnected.next != nil; n-- {
		c := r.unconnected.next
		r.unconnected.next = c.links().newer
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

// abortSome aborts the next objects, at most endsPerTurn.
func (r *Reactor) abortSome() {
	n := endsPerTurn
	for ; n > 0 && r.unconnected.oldest != nil; n-- {
		r.unconnected.oldest.Abort() // this also removes the Conn from the list
	}
	if n > 0 {
		r.table.Some(0, func(w *Watch) bool {
			switch c := w.sink.(type) { // this also removes the object from the table
			case aborter:
				c.Abort()
				n--
			case closer: // such as a Listener
				c.Close()
				n--
			}
			return n > 0
		})
	}
}

// mustClose makes the drain close a Conn that has got a new descriptor. The number of that
// descriptor may be lower than those that the drain has reached.
func (r *Reactor) mustClose(fd int) {
	if r.draining {
		r.unclosed, r.nextClose = true, min(r.nextClose, fd)
	}
}

// remaining returns how many Conns, Listeners, PacketConns and Tasks the drain must still end.
func (r *Reactor) remaining() int { return r.conns + r.listeners + r.packets + r.tasks.n }

type closer interface{ Close() error }
type aborter interface{ Abort() error }

// finish runs the functions that were posted before the end. From now on Post returns ErrClosed.
// Then finish closes the poller, unless one of these functions has added a Conn (Retire).
func (r *Reactor) finish() {
	for ok := true; ok; ok = r.takePosted(true) {
		for r.posting.len() > 0 {
			r.runPost(r.posting.take())
		}
	}
	if r.conns+r.closedCalls.len() > 0 {
		return
	}
	// Only Watches are left. Their descriptors belong to user code.
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
	r.removals.Wait() // the process may exit after the end
	r.stopped, r.final, r.changed = true, true, true
	r.publish()
	if !r.doneEarly { // otherwise result is the panic, and callers of Shutdown may read it already
		r.result = err
		close(r.done)
	}
}

// countUndelivered counts the output that is lost because the drain aborts the Conn.
func (c *Conn) countUndelivered() {
	n := c.Buffered()
	if c.w.gen != 0 && !c.is(dialling) && !c.filterOpening() {
		unsent := c.unsent()
		n += unsent
		if n > 0 && c.is(sentFIN) && unsent > 0 {
			n-- // an unacknowledged FIN counts as one byte
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

// unsent returns how many bytes the peer's kernel has not acknowledged. A FIN counts as one byte.
// If the kernel cannot report the number, the result is 0. For Unix sockets it is 0 too, because
// their bytes are already in the peer's queue, which survives a close.
func (c *Conn) unsent() int {
	if !c.opt.tcp {
		return 0
	}
	n, _ := c.w.r.k.Unsent(int(c.w.fd))
	return n
}

func (r *Reactor) closeFailed(fd int, e kernel.Errno) {
	r.log.Error("close failed: other code has closed this descriptor of the loop", zaplog.Int("fd", fd), zaplog.Error(e))
}
