package reactor

import (
	"context"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// Shutdown ends the reactor from another goroutine and waits for it: no more connections are accepted, every Conn is
// closed in order (see Conn.Close; ctx takes the place of WithLinger), datagrams are flushed. When ctx ends first, the
// rest is aborted and reported as an *UndeliveredError. It leaves no descriptor and no goroutine. If nobody runs the
// reactor, Shutdown does; if it is turned by hand, whoever does that must go on until ErrClosed. On the loop itself use
// Close.
func (r *Reactor) Shutdown(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { r.stopNow() })
	defer stop()
	r.await.Store(true)
	r.drain.Store(true)
	if r.owner.CompareAndSwap(ownerless, ownerShutdown) {
		return r.run()
	}
	r.wake()
	select {
	case <-r.done:
		return r.gather()
	case <-ctx.Done():
	}
	select {
	case <-r.done:
		return r.gather()
	case <-time.After(abortTime):
		return fmt.Errorf("reactor: nothing has ended, for the loop does not turn: is a callback stuck, "+
			"or Shutdown called on the loop, where it must be Close? %w", ctx.Err())
	}
}

// gather is the result. If a panic has left Run, it first gives back what there is.
func (r *Reactor) gather() error {
	if r.owner.CompareAndSwap(ownerLost, ownerShutdown) {
		return r.run()
	}
	return r.result
}

// abortTime is how long Shutdown waits for a loop that was told to abort. By the host's clock, as ctx is: a loop that does
// not turn has no other.
const abortTime = 5 * time.Second

// Close starts the drain that Shutdown waits for, on the loop. Again is nothing.
func (r *Reactor) Close() {
	r.drain.Store(true)
	r.wake() // on another goroutine, where it is misuse, it must not look as if it worked and then not
}

// stopNow has the loop abort everything.
func (r *Reactor) stopNow() {
	r.abort.Store(true)
	r.wake()
}

// wind goes on with the end of the reactor: it starts the drain, aborts when told to, and finishes when nothing is left.
func (r *Reactor) wind() {
	if !r.draining {
		r.draining = true
		r.log.Info("draining", zaplog.Int("conns", r.conns))
		r.table.All(func(_ int, w *Watch) {
			if c, ok := w.sink.(*Conn); ok && !c.is(dialling) { // one that dials may come back with a lower descriptor
				return // its turn comes
			}
			if c, ok := w.sink.(closer); ok {
				c.Close()
			}
		})
		r.unclosed = true
		for _, c := range r.naming.all() {
			c.Close()
		}
		r.tasks.next = r.tasks.oldest
	}
	r.patient = r.await.Load()
	if r.unclosed {
		r.closeSome()
	}
	if r.abort.Load() {
		r.cut = r.cut || !r.drain.Load() || r.open() > 0
		n := endsPerTurn
		r.table.Some(0, func(w *Watch) bool {
			if c, ok := w.sink.(aborter); ok {
				c.Abort() // and it is in the table no more
				n--
			}
			return n > 0
		})
		for _, c := range r.naming.all() {
			c.Abort()
		}
		if !r.aborting {
			r.aborting, r.tasks.next = true, r.tasks.oldest
		}
		r.tasks.walk((*Task).Cancel)
	} else {
		r.tasks.walk(r.drainTask)
	}
	r.settle()
	if r.open()+r.ended.len() == 0 {
		r.finish()
	}
}

// closeSome is a turn's share of the Conns that the drain has to close. There is no new one, so each is found once.
func (r *Reactor) closeSome() {
	n, done := endsPerTurn, false
	r.nextClose, done = r.table.Some(r.nextClose, func(w *Watch) bool {
		if c, ok := w.sink.(*Conn); ok {
			c.Close()
			n--
		}
		return n > 0
	})
	r.unclosed = !done
}

// open is how many things the end has still to end.
func (r *Reactor) open() int { return r.conns + r.listeners + r.packets + r.tasks.n }

type closer interface{ Close() error }
type aborter interface{ Abort() error }

// finish runs what was posted before the end and gives the poller back, unless that has left something to end (Retire).
// From here on Post is refused.
func (r *Reactor) finish() {
	for ok := true; ok; ok = r.takePosted(true) {
		for r.posting.len() > 0 {
			r.runPost(r.posting.take())
		}
	}
	if r.conns+r.ended.len() > 0 {
		return
	}
	r.table.All(func(_ int, w *Watch) { w.drop() }) // the user's: their descriptors stay open
	r.end()
}

func (r *Reactor) end() {
	err := r.failed
	r.mu.Lock()
	r.deaf = true
	if e := r.poller.Close(); err == nil {
		err = e
	}
	r.mu.Unlock()
	if err == nil && r.undelivered.Conns > 0 {
		err = &r.undelivered
	}
	r.stopWatchdog()
	r.result = err
	r.gone = true
	r.publish()
	if !r.lost {
		close(r.done)
	}
}

// report counts what a Conn that a drain gives up has not delivered.
func (c *Conn) report() {
	n := c.Buffered()
	if c.w.gen != 0 && !c.is(dialling) && !c.opening() {
		unsent := c.unsent()
		n += unsent
		if n > 0 && c.is(sentFIN) && unsent > 0 {
			n-- // a FIN counts as one
		}
	}
	if c.filter != nil {
		n -= c.filter.last
	}
	if n > 0 {
		c.w.r.undelivered.Conns++
		c.w.r.undelivered.Bytes += int64(n)
	}
}

// unsent is how many bytes the peer's kernel has not acknowledged, a FIN included; 0 where the kernel cannot tell, and for
// Unix sockets: what the kernel has taken is in the peer's queue already, where our close does not reach it.
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
