package reactor

import (
	"fmt"
	"unsafe"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// conn returns the picture of a Conn.
func (w *painter) conn(c *Conn) inside.Conn {
	p := inside.Conn{
		ID: c.w.id(), Handler: typeName(c.handler), State: c.pictureState(),
		In: c.bytesIn, Out: c.bytesOut, Buffered: c.Buffered(), Unsent: -1,
		Low: c.opt.low, High: c.opt.high, Limit: c.opt.cap,
		Quiet: timeout.Never, Read: timeout.Never, Write: timeout.Never, GiveUp: timeout.Never,
	}
	if d := c.dialing; d != nil {
		p.Dials, p.GiveUp = d.addr, d.until
	} else {
		p.Peer = c.peer.addr()
		p.Opened = w.r.began + timeout.Deadline(c.opened)*ageUnit
	}
	if c.listener != nil {
		if w.listener != c.listener {
			w.listener, w.local = c.listener, addrText(c.listener.addr)
		}
		p.Local = w.local
	}
	if c.is(blocked) {
		p.Stuck = c.out.stuck
	}
	if c.is(blocked|closing) && c.w.gen != 0 && c.opt.tcp {
		if n, e := w.r.k.Unsent(int(c.w.fd)); e == 0 {
			p.Unsent = n
		}
	}
	if d := c.deadlines; d != nil {
		p.Failure = d.outputErr
		if d.lingering {
			p.GiveUp = d.giveUpAt
		} else {
			p.Idle, p.Read, p.Write = d.idle, d.read, d.write
			if d.idle > 0 {
				p.Quiet = timeout.Timeout(d.idle).After(d.lastTraffic)
			}
		}
	}
	if c.filter != nil {
		if d, ok := c.filter.f.(inside.Describer); ok {
			p.TLS = d.DescribeTLS()
		}
	}
	return p
}

func (c *Conn) pictureState() (s inside.State) {
	for _, flag := range []struct {
		from connState
		to   inside.State
	}{
		{dialling, inside.Dialling}, {paused, inside.Paused}, {throttled, inside.BackPressured},
		{blocked, inside.Blocked}, {sawEOF, inside.PeerEnded}, {wantFIN | sentFIN, inside.WriteEnded},
		{closing, inside.Closing}, {outputFailed, inside.Broken}, {readPending, inside.Waiting},
	} {
		if c.is(flag.from) {
			s |= flag.to
		}
	}
	if c.filterOpening() {
		s |= inside.Opening
	}
	return s
}

func (l *Listener) picture() inside.Listener {
	p := inside.Listener{
		ID: l.w.id(), Addr: addrText(l.addr), Conns: l.conns, MaxConns: l.opt.maxConns,
		Backlog: l.opt.backlog, Waiting: kernel.Waiting(l.w.r.k, int(l.w.fd)),
		Paused: l.paused, Full: l.full(), Suspended: l.suspended,
	}
	if l.distributor != nil {
		p.Conns = l.distributor.conns()
	}
	if l.suspended {
		p.Cause = l.cause
	}
	return p
}

func (c *PacketConn) picture() inside.Packet {
	return inside.Packet{ID: c.w.id(), Addr: addrText(c.addr), Handler: typeName(c.handler),
		Queued: c.queue.len(), Blocked: c.blocked, Suspended: c.suspended}
}

// number returns a number that identifies the Task as long as it exists.
func (t *Task) number() uintptr { return uintptr(unsafe.Pointer(t)) }

func (t *Task) picture() inside.Task {
	p := inside.Task{ID: t.number(), Func: funcName(t.code), Until: timeout.Never, Cancelled: t.cancel != 0}
	switch t.state {
	case asleep:
		p.Reason, p.Output = t.waitsFor, t.waitDir != 0
		// The Task may have begun to sleep before the loop began to measure.
		p.Since = max(t.since, timeout.Deadline(t.r.measuring.Load()))
		if t.timer != nil && t.timer.Armed() {
			p.Until = t.timer.Until()
		}
	case running:
		p.Reason = inside.Released
	default:
		p.Reason = inside.Turn
	}
	if t.result != nil {
		for w := t.result.joiners.oldest; w != nil && len(p.Joiners) < waitersShown; w = w.neighbours.newer {
			p.Joiners = append(p.Joiners, w.t.number())
		}
	}
	return p
}

// act makes the loop perform an action on the object with this ID, and pass the result to `then`.
// If the object does not exist any more, the result is an error. Any goroutine may call act.
func (r *Reactor) act(a inside.Action, id inside.ID, then func(error)) {
	ok := r.mustPost(func() {
		w, ok := r.table.Get(id.FD, id.Gen)
		if !ok {
			then(fmt.Errorf("reactor: descriptor %d: the object with this ID is closed: %w", id.FD, ErrClosed))
			return
		}
		then(w.act(a))
	})
	if !ok {
		then(ErrClosed)
	}
}

func (w *Watch) act(a inside.Action) error {
	switch s := w.sink.(type) {
	case *Conn:
		switch a {
		case inside.Close:
			return s.Close()
		case inside.Abort:
			return s.Abort()
		}
	case *Listener:
		switch a {
		case inside.Pause:
			return s.Pause()
		case inside.Resume:
			return s.Resume()
		}
	}
	return fmt.Errorf("reactor: descriptor %d: a %T does not have this action", w.fd, w.sink)
}
