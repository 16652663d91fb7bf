package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
)

// ready accepts connections, at most as many as the budgets allow. While connections arrive one at
// a time, it calls accept once for each Event, because a second call would return EAGAIN. The Watch
// is level-triggered, so a later Event reports the connections that remain.
func (l *Listener) ready(told poller.Readiness) {
	r := l.w.r
	if r.draining { // the drain has not reached this Listener yet
		_ = l.Close()
		return
	}
	most := min(l.opt.accepts, r.budget.accepts)
	if l.single {
		most = min(most, 1)
	}
	if l.suspended && l.failures == 0 {
		l.queued = l.queueLength()
	}
	n := 0
	for n < most && !l.closed && l.w.want != 0 {
		fd, from, e := r.k.Accept(int(l.w.fd))
		if e == kernel.EAGAIN {
			if n == 0 && l.countFailure() {
				if told&(poller.Err|poller.Hup) == 0 && !l.w.stillReady() {
					l.failures = 0 // another owner of the socket has accepted the connection
				} else {
					l.suspend(e)
				}
			}
			break
		}
		if e != 0 && !l.failed(e) {
			return
		}
		n++
		if e == 0 {
			l.failures = 0
			r.budget.accepts--
			r.rare().Accepted++
			r.traceAccept(l, fd, from)
			if l.distributor == nil {
				l.admit(fd, from)
			} else {
				l.distributor.handOff(l, fd, from)
			}
		}
	}
	l.single = n <= 1 && r.batch == 1
}

// failed handles an error of accept, and returns whether to call accept again at once. Each error
// in its list means that one connection was lost (accept(2)). The Listener pauses after vainMost
// such errors in a row, and after any other error.
func (l *Listener) failed(e kernel.Errno) (goOn bool) {
	switch e {
	case kernel.ECONNABORTED, kernel.EPROTO, kernel.EPERM, kernel.EHOSTUNREACH, kernel.ENETUNREACH, kernel.EOPNOTSUPP,
		kernel.ENETDOWN, kernel.EHOSTDOWN, kernel.ENOPROTOOPT, kernel.ETIMEDOUT:
		if !l.countFailure() {
			return true
		}
	}
	l.suspend(e)
	return false
}

// countFailure counts an accept without a connection, and returns whether to pause. After a pause
// one failure is enough, unless that failure has removed a connection from the backlog. Hundreds of
// connections that were reset may wait there in front of good ones.
func (l *Listener) countFailure() bool {
	l.failures++
	return l.failures >= vainMost || l.suspended && l.failures == 1 && l.queueLength() >= l.queued
}

// queueLength returns how many connections wait in the backlog, in a unit of the kernel. It returns
// 0 if the number is unknown, and on systems where a failed accept removes no connection.
func (l *Listener) queueLength() int {
	if !l.w.r.k.Traits().AcceptReportsResets {
		return 0
	}
	return max(0, kernel.Waiting(l.w.r.k, int(l.w.fd)))
}

// suspend pauses the Listener after the error e. Connections that wait stay in the backlog.
func (l *Listener) suspend(e kernel.Errno) {
	r := l.w.r
	r.refused(e)
	l.failures, l.cause = 0, e
	if err := l.accepts(0); err != nil {
		r.log.Error("cannot pause a listener", zaplog.Error(err))
	}
	if !l.suspended {
		r.log.Warn("accept failed; retrying until it succeeds", zaplog.Stringer("addr", l.addr), zaplog.Error(e))
	}
	l.suspended = true
	if l.suspendTimer == nil {
		l.suspendTimer = r.After(pause, l.resumeAccept)
	} else {
		l.suspendTimer.Reset(pause)
	}
}

// full returns whether the limit of WithMaxConns is reached. In a Group, the Conns of all loops
// count.
func (l *Listener) full() bool {
	n := l.conns
	if l.distributor != nil {
		n = l.distributor.conns()
	}
	return l.opt.maxConns > 0 && n >= l.opt.maxConns
}

// awaitsTimer returns whether the Listener waits for the end of a pause after an error.
func (l *Listener) awaitsTimer() bool { return l.suspendTimer != nil && l.suspendTimer.t.Armed() }

// resumeAccept makes the Listener accept again, unless it is full, paused or closed.
func (l *Listener) resumeAccept() {
	if l.closed || l.paused || l.full() {
		return
	}
	if err := l.accepts(poller.In); err != nil {
		l.w.r.log.Error("cannot resume a listener", zaplog.Error(err))
		l.suspendTimer = l.w.r.After(pause, l.resumeAccept)
	}
}

// admit makes a Conn of a descriptor that was accepted.
func (l *Listener) admit(fd int, from Addr) {
	r := l.w.r
	l.suspended = false
	c := &Conn{opt: l.opt, listener: l, peer: shortAddr(from), opened: r.age()}
	c.w.open(r, fd, c)
	r.conns++
	l.connAdded()
	defer func() { // deferred, because user code may panic or call Goexit
		if c.handler == nil {
			c.refuseConn()
		}
	}()
	if l.opt.proxied != nil && !l.opt.proxied(c, from) {
		return
	}
	if p := r.guard(nil, c.attachFilter); p != nil {
		c.handler = noHandler{}
		c.tearDown(p)
		r.endStep()
		return
	}
	if !r.k.Traits().InheritsOptions && !l.net.Unix() {
		tcpOptions(r.k, fd, l.opt)
	}
	var h Handler
	r.guard(nil, func() { h = l.accept(c) }) // if it panics, the Conn is refused
	if h == nil {
		return
	}
	r.guard(c, func() { c.setHandler(h) }) // panics if a deadline is set and h has no Timeout
	if !c.is(released) {
		c.established()
	}
	r.endStep()
}

// refuseConn closes a Conn that has got no handler.
func (c *Conn) refuseConn() {
	c.handler = noHandler{} // Closed is due even if the accept function has closed it
	if !c.is(released) {
		c.reset()
		c.tearDown(ErrAborted)
	}
	c.w.r.endStep()
}

type noHandler struct{}

func (noHandler) Data(*Conn, []byte) {}

func (noHandler) Closed(*Conn, error) {}

// established starts the use of a Conn that is connected and has a handler.
func (c *Conn) established() {
	c.watch()
	if c.is(released) {
		return
	}
	c.w.r.traceOpen(c)
	if c.out != nil || c.is(wantFIN|closing) {
		c.flushLater()
	}
	if !c.awaitsHeader() {
		c.begin()
	}
}

// begin opens the Filter. Without a Filter, it calls Opened of the handler.
func (c *Conn) begin() {
	if c.filter != nil {
		c.w.r.guard(c, c.filter.f.Open) // the Filter calls Opened when it is ready
		return
	}
	if o, ok := c.handler.(OpenHandler); ok && !c.is(closing) {
		c.w.r.guard(c, func() { o.Opened(c) })
	}
}

// connAdded counts a new Conn, and stops the Listener if it is full. A Listener without a
// descriptor is not stopped, because another loop accepts for it.
func (l *Listener) connAdded() {
	if l.distributor == nil {
		l.conns++
	}
	if l.w.gen != 0 && l.full() {
		l.w.r.rare().Full++
		if err := l.accepts(0); err != nil {
			l.w.r.log.Error("cannot pause a listener", zaplog.Error(err))
		}
	}
}

// connClosed counts down when a Conn has closed.
func (l *Listener) connClosed() {
	if l.distributor != nil {
		l.distributor.connClosed(l)
		return
	}
	l.conns--
	l.resumeIfFree()
}

// resumeIfFree makes a Listener accept again that was full, if it has room now.
func (l *Listener) resumeIfFree() {
	if a := l.acceptor(); a != l { // another Listener has become the acceptor since the post
		a.w.r.mustPost(a.resumeIfFree)
		return
	}
	if l.opt.maxConns > 0 && !l.closed && l.w.want == 0 && !l.awaitsTimer() {
		l.resumeAccept()
	}
}

// acceptor returns the Listener that accepts for l.
func (l *Listener) acceptor() *Listener {
	if l.distributor == nil {
		return l
	}
	return l.distributor.acceptor.Load()
}
