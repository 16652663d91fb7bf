package secure

import (
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// fdWire is the Conn in the role of its Session's wire. It is the same memory as the Conn under
// another type, so it costs no allocation. Its methods are called only in a try, in Use or in the
// hook of Close, where the descriptor is open. User code never gets an fdWire.
type fdWire Conn

func (w *fdWire) Read(p []byte) (int, error) {
	if len(w.unread) > 0 {
		n := copy(p, w.unread)
		w.unread = w.unread[n:]
		w.recvShort = false
		return n, nil
	}
	if w.far != nil && *w.far {
		w.prefetch()
	}
	n, e := w.kernel.Recv(w.desc.FD, p, 0)
	if e != kernel.EAGAIN {
		w.recvs++
	}
	w.recvShort = n < len(p)
	switch {
	case e == kernel.EAGAIN:
		return 0, ErrAgain
	case e != 0:
		return 0, w.failed(e)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (w *fdWire) Write(p []byte) (int, error) {
	(*Conn)(w).lockWrite()
	defer (*Conn)(w).unlockWrite()
	n := 0
	if len(w.out) == 0 {
		var e desc.Errno
		if n, e = w.kernel.Send(w.desc.FD, p, 0); e != 0 && e != kernel.EAGAIN {
			return 0, w.failed(e)
		}
	}
	if n < len(p) {
		(*Conn)(w).setOut(append(w.out, p[n:]...))
	}
	return len(p), nil
}

// failed converts an error of the kernel for crypto/tls, which stores it for later calls. An
// ETIMEDOUT here means that the connection itself has timed out. failed records this, because later
// the ETIMEDOUT could not be distinguished from that of a deadline.
func (w *fdWire) failed(e desc.Errno) error {
	if e == kernel.ETIMEDOUT {
		w.desc.NoteTimedOut()
	}
	return e
}

func (w *fdWire) LocalAddr() net.Addr  { return w.local }
func (w *fdWire) RemoteAddr() net.Addr { return w.remote }
func (w *fdWire) Outer() net.Conn      { return w.outer() }
func (w *fdWire) User(f func())        { w.desc.User(f) }

// reason returns the Errno that err wraps. If err wraps none, reason returns err in the form for
// users.
func (c *Conn) reason(err error) error {
	if err == ErrStopped { // only Close stops the Session
		return kernel.EBADF
	}
	if e, ok := errnoOf(err); ok {
		return e
	}
	return c.session.PublicError(err)
}
