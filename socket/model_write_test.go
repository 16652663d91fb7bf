//go:build linux

package socket_test

import (
	"syscall"

	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// pattern returns the next n bytes of the output. Some of them are '\n'.
func (w *world) pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		w.pos++
		if p[i] = 'a' + w.pos%26; w.pos%7 == 0 {
			p[i] = '\n'
		}
	}
	return p
}

// full returns whether there may be no room for more bytes.
func (e *end) full() bool { return e.peer != nil && e.peer.slow }

// unsendable returns the error of a sending call on a stream, or a value for a wait, or 0.
func (e *end) unsendable() syscall.Errno {
	switch {
	case e.closed:
		return syscall.EBADF
	case e.phase == connecting:
		return sleeps
	case e.phase == refused:
		return syscall.ECONNREFUSED
	case e.phase != connected:
		return syscall.EPIPE
	case e.err != 0:
		return e.err
	case e.dead, e.wrShut:
		return syscall.EPIPE // D13
	}
	return 0
}

func (w *world) send2(e *end) {
	if e.dgram {
		w.sendGram(e)
		return
	}
	p := w.pattern([]int{0, 1, 2, 5, 9, 200}[w.next(6)])
	which := w.next(4)
	if e.vague || e.full() && e.peer.closed {
		return
	}
	meets := e.unsendable()
	w.mustEnd(e, meets == sleeps || meets == 0 && e.full(), 0)
	n := 0
	var err error
	switch which {
	case 0:
		n, err = e.s.Send(p)
	case 1:
		n, err = e.s.SendAll(p)
	case 2:
		n, err = e.s.Write(p)
	case 3:
		n, err = e.s.SendTo(p, []socket.Addr{w.none, e.from, {}}[w.next(3)])
	}
	w.note(e, "%s %d bytes: %d %v", []string{"Send", "SendAll", "Write", "SendTo"}[which], len(p), n, err)
	w.sent(e, p, n, err, meets, which)
}

// sent checks the result of a sending call.
func (w *world) sent(e *end, p []byte, n int, err error, meets syscall.Errno, which int) {
	switch {
	case which == 2 && len(p) == 0 && !e.closed:
		w.want(err, 0)
	case meets == sleeps:
		allowed := []syscall.Errno{e.late(0)}
		if len(p) == 0 {
			allowed = append(allowed, 0)
		}
		w.want(err, allowed...)
	case meets != 0:
		e.tell(w.want(err, meets))
	case e.full() && len(p) > 0:
		if w.want(err, 0, e.late(0)) == 0 && (n == 0 || n < len(p) && which != 0 && which != 3) {
			w.failf("sent %d of %d without an error", n, len(p))
		}
	default:
		w.want(err, 0)
		if n != len(p) {
			w.failf("sent %d of %d", n, len(p))
		}
	}
	if n > 0 {
		w.arrives(e, p[:n])
	}
}

// arrives applies the sent bytes to the other end in the model.
func (w *world) arrives(e *end, p []byte) {
	other := e.peer
	switch {
	case other.closed: // a closed end answers with a reset
		e.reset()
	// A peer that has shut both directions down resets too. No document specifies what its own
	// calls return.
	case other.rdShut && other.wrShut:
		e.dead, e.err = true, syscall.EPIPE
		other.dead, other.vague = true, true
	default:
		other.in = append(other.in, p...)
	}
}

// fillUp sends until there is no room.
func (w *world) fillUp(e *end) {
	if e.dgram || e.closed || e.phase != connected || e.unsendable() != 0 || e.vague || e.peer.closed || e.peer.rdShut || e.full() ||
		e.peer.s == nil {
		return
	}
	w.setMode(e, 0)
	n, err := e.s.SendAll(big) // D15
	if w.want(err, syscall.EAGAIN); n == 0 || n >= len(big) {
		w.failf("SendAll of too much sent %d", n)
	}
	n += w.fill(e.s)
	w.note(e, "full after %d bytes", n)
	e.peer.in = append(e.peer.in, make([]byte, n)...)
	e.peer.slow = true
}

// reset applies a reset by the peer to e in the model.
func (e *end) reset() {
	if e.closed || e.dead {
		return
	}
	e.dead = true
	switch {
	case e.slow, e.full():
		e.vague = true
	case e.fin:
		e.err = syscall.EPIPE
	default:
		e.err = syscall.ECONNRESET
	}
}

// gone applies a close of e to the other ends in the model.
func (e *end) gone(hard bool) {
	for _, c := range e.queue {
		c.gone(true)
	}
	p := e.peer
	e.closed = true
	switch {
	case e.phase != connected, p.closed, e.dead, e.wrShut && e.fin && !p.slow && !e.slow:
	case hard, len(e.in) > 0:
		p.reset()
	default:
		p.fin = true
	}
	e.in, e.grams = nil, nil
}

func (w *world) close(e *end, hard bool) {
	if hard && !e.closed {
		w.must(e.s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
	}
	w.want(e.s.Close(), 0)
	w.note(e, "Close, hard %v", hard)
	if !e.closed {
		e.gone(hard)
		if e.dgram && e.addr.Port() != 0 {
			w.hold(e)
		}
	}
	if e.s.Fileno() != -1 {
		w.failf("Fileno %d after Close", e.s.Fileno())
	}
}

func (w *world) shutdown(e *end) {
	how := w.next(3)
	if !e.closed && (e.phase != connected || e.full() || e.slow || e.vague) {
		return // no document specifies this
	}
	err := e.s.Shutdown(how)
	w.note(e, "Shutdown %d: %v", how, err)
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
		return
	case e.dead, e.wrShut && e.fin:
		w.want(err, 0, syscall.ENOTCONN)
		return
	}
	w.want(err, 0)
	e.rdShut = e.rdShut || how != socket.SHUT_WR
	if how != socket.SHUT_RD && !e.wrShut {
		e.wrShut = true
		if !e.peer.closed {
			e.peer.fin = true
		}
	}
}

func (w *world) modes(e *end) {
	v := w.next(8)
	t := timeout.Timeout(1 + w.next(256)*8000) // up to 2 ms
	var err error
	switch v {
	case 0:
		t, err = timeout.None, e.s.SetBlocking(true)
	case 1:
		t, err = 0, e.s.SetBlocking(false)
	case 2:
		t, err = timeout.None, e.s.SetTimeout(timeout.None)
	case 3:
		t, err = 0, e.s.SetTimeoutSeconds(0)
	case 4:
		err = e.s.SetTimeoutSeconds(float64(t) / 1e9)
		t = e.s.Timeout() // the rounded value
		if err == nil && (t <= 0 || t > 3e6) {
			w.failf("the timeout is %v", t)
		}
	case 5:
		w.want(e.s.SetTimeout(-t), wrongArg(e)...) // D2
		t = e.mode
	case 6:
		w.want(e.s.SetTimeoutSeconds(-1), wrongArg(e)...)
		t = e.mode
	case 7:
		err = e.s.SetTimeout(t)
	}
	w.note(e, "mode %v: %v", t, err)
	if e.closed {
		if v != 5 && v != 6 {
			w.want(err, syscall.EBADF) // D4
		}
		return
	}
	w.want(err, 0)
	if e.mode = t; e.s.Timeout() != t {
		w.failf("Timeout is %v, want %v", e.s.Timeout(), t)
	}
}
