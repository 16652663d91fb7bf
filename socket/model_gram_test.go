//go:build linux

package socket_test

import (
	"bytes"
	"syscall"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// gotGram checks the result of a recv on a datagram socket.
func (w *world) gotGram(e *end, n, flags int, got []byte, from socket.Addr, named bool, nothing []syscall.Errno, err error) {
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
		return
	case e.err != 0 && number(err) == e.err:
		e.err = 0
		return
	case len(e.grams) == 0:
		e.tell(w.want(err, e.met(nothing, flags)...))
		return
	}
	w.want(err, 0)
	g := e.grams[0]
	w.equal(got, g.data[:min(n, len(g.data))])
	if named && from != g.from {
		w.failf("from %v, want %v", from, g.from)
	}
	if flags&socket.MSG_PEEK == 0 {
		e.grams = e.grams[1:]
	}
}

// gatherGrams joins datagrams in the same way as the stream methods.
func gatherGrams(list []gram, n int, all, line bool) (data []byte, full, ended bool, rest []gram) {
	for i, g := range list {
		if len(g.data) == 0 {
			return data, false, true, list[i+1:]
		}
		k := len(g.data)
		if line {
			k = 1
		}
		if n >= 0 && !all {
			k = min(k, n-len(data))
		}
		data = append(data, g.data[:k]...)
		if n >= 0 && !all && len(data) == n || line && g.data[0] == '\n' {
			return data, true, false, list[i+1:]
		}
	}
	return data, false, false, nil
}

// gramBytes checks the bytes of a read that has ended with an error.
func (w *world) gramBytes(e *end, got, plan []byte) {
	if !bytes.HasPrefix(plan, got) {
		w.failf("got %q, want a part of %q", got, plan)
	}
	e.vague = true
}

// sendGram sends a datagram.
func (w *world) sendGram(e *end) {
	p := w.pattern(w.next(20))
	huge := w.next(20) == 0
	if huge {
		p = big[:65508]
	}
	which := w.next(4)
	to := e.to
	var err error
	n := 0
	memory := -1
	if which == 3 {
		to = w.target()
	}
	if to != nil && to != w.hole && !to.closed {
		memory = kernel.Waiting(w.k, to.fd)
	}
	switch which {
	case 0:
		n, err = e.s.Send(p)
	case 1:
		n, err = e.s.SendAll(p)
	case 2:
		n, err = e.s.Write(p)
	case 3:
		n, err = e.s.SendTo(p, to.addr)
	}
	w.note(e, "%s %d bytes: %d %v", []string{"Send", "SendAll", "Write", "SendTo"}[which], len(p), n, err)
	got := number(err)
	e.bound = e.bound || which != 2 || len(p) > 0 // any attempt to send binds the socket
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
		return
	case which == 2 && len(p) == 0:
		w.want(err, 0)
		return
	case e.err != 0 && got == e.err:
		e.err = 0
		return
	case w.os != "linux" && which == 3 && e.to != nil:
		w.want(err, syscall.EISCONN)
		return
	case to == nil:
		w.want(err, syscall.EDESTADDRREQ)
		return
	case huge:
		w.want(err, syscall.EMSGSIZE)
		return
	}
	w.want(err, 0)
	if n != len(p) {
		w.failf("sent %d of %d bytes", n, len(p))
	}
	if to == w.hole || to.closed || to.to != nil && to.to.addr != w.local(e) {
		if to.closed && to.vague { // another program receives the datagram
			e.vague = true
			return
		}
		if to == e.to { // only a connected socket gets the error of a closed port
			e.err = syscall.ECONNREFUSED
			w.failed(e)
		}
		return
	}
	w.arrived("the datagram", func() bool { return kernel.Waiting(w.k, to.fd) > memory })
	to.grams = append(to.grams, gram{p, w.local(e)})
}

// hold keeps the port of e, which is closed, so that no other program receives what is sent there.
// If another program already has the port, the results of a send to e are vague.
func (w *world) hold(e *end) {
	s := w.socket(inet, dgram)
	err := s.Bind(e.addr)
	e.vague = w.want(err, 0, syscall.EADDRINUSE) != 0
	if err == nil {
		w.must(s.Connect(e.addr))
	}
}

// local returns the address from which datagrams of e come.
func (w *world) local(e *end) socket.Addr {
	return socket.Tuple("127.0.0.1", w.addr(e.s).Port())
}

// target returns a datagram socket or, in few cases, an unused port.
func (w *world) target() *end {
	var list []*end
	for _, e := range w.ends {
		if e.dgram && !e.closed && e.addr.Port() != 0 {
			list = append(list, e)
		}
	}
	if i := w.next(len(list) + 1); i < len(list) {
		return list[i]
	}
	return w.hole
}

// connectGram sets the peer of a datagram socket.
func (w *world) connectGram(e *end) {
	to := w.target()
	err := e.s.Connect(to.addr)
	w.note(e, "Connect to #%d: %v", to.id, err)
	if e.closed {
		w.want(err, syscall.EBADF)
		return
	}
	w.want(err, 0)
	e.to, e.bound = to, true
}
