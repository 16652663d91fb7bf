//go:build linux

package socket_test

import (
	"slices"
	"syscall"

	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// step makes one call.
func (w *world) step() {
	e := w.ends[w.next(len(w.ends))]
	// The script prefers a socket on which a call is interesting.
	for i := w.next(4); i > 0 && (e.closed || e.phase == fresh && !e.dgram); i-- {
		e = w.ends[w.next(len(w.ends))]
	}
	switch op := w.next(32); {
	case op < 3:
		w.modes(e)
	case op < 9:
		w.recv(w.full(e))
	case op < 14:
		w.read(w.full(e))
	case op < 20:
		w.send2(e)
	case op < 22:
		w.dial(e)
	case op < 24:
		w.accept(e)
	case op == 24:
		w.bind(e)
	case op == 25:
		w.listen(e)
	case op == 26:
		w.shutdown(e)
	case op == 27:
		if !e.closed && w.next(2) == 0 {
			return
		}
		w.close(e, w.next(3) == 0)
	case op == 28:
		if w.next(4) == 0 {
			w.fillUp(e)
			return
		}
		w.options(e)
	case op == 29:
		w.file(e)
	default:
		w.fresh()
	}
}

// full returns e, or in half of the cases an end that has data.
func (w *world) full(e *end) *end {
	if w.next(2) == 0 {
		for _, f := range w.ends {
			if len(f.in)+len(f.grams) > 0 {
				return f
			}
		}
	}
	return e
}

// fresh makes a new socket, or two sockets that are connected to each other.
func (w *world) fresh() {
	if len(w.ends) > 40 {
		return
	}
	if w.next(3) == 0 {
		w.add(&end{s: w.socket(inet, dgram), dgram: true})
		return
	}
	e := w.add(&end{s: w.tcp()})
	if a := w.ends[0]; w.next(4) > 0 && !a.closed && a.backlog > 0 && len(a.queue) == 0 {
		w.connectTo(e, a)
		w.accept(a)
	}
}

// dial connects a socket. It may be new or already connected.
func (w *world) dial(e *end) {
	if w.next(2) == 0 && len(w.ends) < 40 {
		e = w.add(&end{s: w.tcp()})
		if w.next(3) > 0 {
			w.setMode(e, 0)
		}
	}
	w.connect(e)
	if w.settle(); w.next(3) == 0 {
		w.recv(e)
	}
	if w.settle(); w.next(2) == 0 {
		w.connect(e)
	}
}

// connect connects to a listener, to an unused port, to a full queue, or to an address of the wrong
// family.
func (w *world) connect(e *end) {
	if w.next(8) == 0 {
		err := e.s.Connect(socket.Tuple("::1", 9))
		w.note(e, "Connect ::1: %v", err)
		switch {
		case e.closed:
			w.want(err, syscall.EBADF)
		default:
			w.want(err, syscall.EAFNOSUPPORT)
		}
		return
	}
	if e.dgram {
		w.connectGram(e)
		return
	}
	if e.untold && e.dead {
		// The accepted end was closed before any call has reported the connect. Both ECONNRESET and
		// a new attempt are allowed.
		return
	}
	var list []*end
	for _, a := range w.ends {
		if a.phase == listening && !a.closed && len(a.queue) < max(1, a.backlog) && len(w.ends) < 40 {
			list = append(list, a)
		}
	}
	if i := w.next(len(list) + 2); i < len(list) {
		w.connectTo(e, list[i])
	} else {
		w.connectNone(e, i == len(list))
	}
}

// already returns the error of a Connect that does not make an attempt.
func (e *end) already() syscall.Errno {
	switch {
	case e.closed:
		return syscall.EBADF
	case e.phase == connected, e.phase == listening:
		return syscall.EISCONN // D18
	case e.phase == connecting:
		return syscall.EALREADY // D19
	}
	return 0
}

// first returns whether err is a refusal that this Connect may return.
func (e *end) first(err error) bool {
	if e.phase == refused && number(err) == syscall.ECONNREFUSED {
		e.phase = refusedTold
		return true
	}
	return false
}

func (w *world) connectTo(e, a *end) {
	if e.spent(w) {
		return
	}
	err := e.s.Connect(a.addr)
	w.note(e, "Connect to #%d: %v", a.id, err)
	if no := e.already(); no != 0 {
		w.want(err, no)
		e.untold = false
		return
	}
	if e.first(err) {
		return
	}
	switch e.mode {
	case timeout.None:
		w.want(err, 0)
	case 0:
		w.want(err, 0, syscall.EINPROGRESS) // D20
	default:
		w.want(err, 0, syscall.ETIMEDOUT)
	}
	e.untold = err != nil
	w.arrived("connection", func() bool { return tcpState(e.s) == 1 })
	e.phase, e.bound, e.addr, e.from = connected, true, w.addr(e.s), a.addr
	e.peer = &end{phase: connected, bound: true, addr: a.addr, from: e.addr, peer: e}
	a.queue = append(a.queue, e.peer)
	w.arrived("connection in the queue", func() bool { return waiting(a.s) == len(a.queue) })
}

func (w *world) connectNone(e *end, refuses bool) {
	if e.spent(w) {
		return
	}
	refuses = refuses || w.stuck == w.none
	if !refuses && e.mode == timeout.None && e.already() == 0 {
		w.setMode(e, timeout.Timeout(1+w.next(256)*4000))
	}
	to := w.stuck
	if refuses {
		to = w.none
	}
	err := e.s.Connect(to)
	w.note(e, "Connect refused %v: %v", refuses, err)
	if no := e.already(); no != 0 {
		w.want(err, no)
		e.untold = false
		return
	}
	if e.first(err) {
		return
	}
	e.bound = true
	switch {
	case !refuses && e.mode == 0:
		w.want(err, syscall.EINPROGRESS)
		e.phase = connecting
	case !refuses:
		w.want(err, syscall.ETIMEDOUT) // D6
		e.phase = connecting
	case e.mode == 0 && w.os == "freebsd": // on the loopback a connect ends at once
		w.want(err, syscall.ECONNREFUSED)
		e.phase = refusedTold
	case e.mode == 0:
		w.want(err, syscall.EINPROGRESS)
		e.phase = refused
	case e.mode == timeout.None:
		w.want(err, syscall.ECONNREFUSED) // D17
		e.phase = refusedTold
	case w.want(err, syscall.ECONNREFUSED, syscall.ETIMEDOUT) == syscall.ETIMEDOUT:
		e.phase = refused
	default:
		e.phase = refusedTold
	}
}

func (w *world) accept(e *end) {
	if w.os != "linux" { // Accept skips connections that were reset in the queue (ECONNABORTED)
		e.queue = slices.DeleteFunc(e.queue, func(c *end) bool { return c.dead })
	}
	w.mustEnd(e, e.phase == listening && !e.closed && len(e.queue) == 0, 0)
	s, from, err := e.s.Accept()
	w.note(e, "Accept: %v %v", from, err)
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
	case e.dgram:
		w.want(err, w.on(syscall.EOPNOTSUPP, syscall.EINVAL))
	case e.phase != listening:
		w.want(err, syscall.EINVAL)
	case len(e.queue) == 0:
		w.want(err, e.late(0))
	default:
		w.want(err, 0)
		c := e.queue[0]
		e.queue = e.queue[1:]
		c.s = s
		w.add(c)
		if from != c.from || s.Timeout() != timeout.None { // D8
			w.failf("accepted from %v with timeout %v, want %v", from, s.Timeout(), c.from)
		}
	}
}

func (w *world) bind(e *end) {
	which := w.next(3)
	if e.phase == refused || e.phase == refusedTold || !e.closed && (e.dead || e.wrShut && e.fin) {
		return // no document specifies this
	}
	err := e.s.Bind([]socket.Addr{socket.Tuple("127.0.0.1", 0), w.ends[0].addr, socket.Tuple("192.0.2.1", 0)}[which])
	w.note(e, "Bind %d: %v", which, err)
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
	case e.bound:
		w.want(err, syscall.EINVAL, []syscall.Errno{syscall.EINVAL, syscall.EADDRINUSE, syscall.EADDRNOTAVAIL}[which])
	case which == 0:
		w.want(err, 0)
		e.bound, e.addr = true, w.addr(e.s)
	case which == 2:
		w.want(err, syscall.EADDRNOTAVAIL)
	case e.dgram || w.ends[0].closed: // the port may be free
		if w.want(err, 0, syscall.EADDRINUSE) == 0 {
			e.bound, e.addr = true, w.addr(e.s)
		}
	default:
		w.want(err, syscall.EADDRINUSE)
	}
}
