package reactor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// Attach makes a Conn of a connected stream socket that was made elsewhere. read is input that the
// caller has already received from the socket. Attach copies read, and Data gets these bytes first.
//
// The descriptor then belongs to the Conn. Attach makes it non-blocking and close-on-exec, and sets
// the options of TCP that Dial sets. Opened is called before Attach returns. Data is called in the
// next turn or later.
//
// Attach checks the descriptor before it changes anything. If Attach returns an error, the
// descriptor still belongs to the caller, and nothing has changed. If another Poller has the
// descriptor registered, unregister it there.
func (r *Reactor) Attach(fd int, read []byte, h Handler, opts ...SocketOption) (*Conn, error) {
	if h == nil {
		panic("reactor: Attach with a nil handler")
	}
	c, err := r.attach(fd, read, h, opts)
	if err != nil {
		return nil, fmt.Errorf("reactor: attach: %w", err)
	}
	c.established()
	return c, nil
}

// AttachConn is Attach for a connection of package net, of package netconn, or of another type that
// has a SyscallConn method. The Conn gets a duplicate of the descriptor, and AttachConn closes nc.
// If AttachConn returns an error, nc stays open.
//
// A connection that encrypts or buffers has no SyscallConn. If the connection only buffers, pass
// the connection below it as nc, and the bytes that it has buffered as read.
func (r *Reactor) AttachConn(nc net.Conn, read []byte, h Handler, opts ...SocketOption) (*Conn, error) {
	if nc == nil || h == nil {
		panic("reactor: AttachConn with a nil connection or handler")
	}
	fd, err := kernel.DupOf(r.k, nc)
	if err != nil {
		return nil, fmt.Errorf("reactor: attach: %w", err)
	}
	c, err := r.Attach(fd, read, h, opts...)
	if err != nil {
		r.k.Close(fd)
		return nil, err
	}
	if err := nc.Close(); err != nil {
		r.log.Warn("close of an attached connection failed", zaplog.Error(err))
	}
	return c, nil
}

// attach checks everything before it changes anything.
func (r *Reactor) attach(fd int, read []byte, h Handler, opts []SocketOption) (*Conn, error) {
	if r.draining {
		return nil, ErrClosed
	}
	o, err := newSockOptions("attach", eachOption(opts, SocketOption.forDial))
	if err != nil {
		return nil, err
	}
	f, err := kernel.Find(r.k, fd)
	switch {
	case err != nil:
		return nil, err
	case f.Type != kernel.SOCK_STREAM:
		return nil, fmt.Errorf("descriptor %d is no stream socket: %w", fd, kernel.EPROTOTYPE)
	case f.Listening:
		return nil, fmt.Errorf("descriptor %d is a listener: %w", fd, kernel.EINVAL)
	case !f.Connected:
		return nil, fmt.Errorf("descriptor %d is not connected: %w", fd, kernel.ENOTCONN)
	case r.table.Has(fd):
		return nil, fmt.Errorf("descriptor %d is registered with this reactor already: %w", fd, kernel.EEXIST)
	}
	o.tcp = f.Family != kernel.AF_UNIX
	o.edge = o.tcp && kernel.ReadsFully(r.k)
	if err := r.control(fd, o); err != nil {
		return nil, err
	}
	c := &Conn{opt: o, handler: h, peer: shortAddr(f.Peer), opened: r.age()}
	c.w.open(r, fd, c)
	err = c.w.set(c.wants())
	if err == nil {
		if e := kernel.Take(r.k, fd); e != 0 {
			err = callError("fcntl", e)
		}
	}
	if err != nil {
		c.w.drop()
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	if o.tcp {
		tcpOptions(r.k, fd, o)
	}
	r.conns++
	if len(read) > 0 {
		c.in = &Input{c: c, early: bytes.Clone(read)}
		c.readNextTurn()
	}
	return c, nil
}

// holdsInput returns whether the Conn has input for its Handler that no Event will report.
func (c *Conn) holdsInput() bool { return c.filter != nil && c.filter.inputKept || c.hasEarly() }

// hasEarly returns whether the Conn still has input that was passed to Attach.
func (c *Conn) hasEarly() bool { return c.in != nil && len(c.in.early) > 0 }

// readEarly delivers the input that was passed to Attach. It does not read: the next turn does.
func (c *Conn) readEarly() {
	p := c.in.early
	c.in.early = nil
	c.w.r.often.reads++
	c.state |= inStep
	c.input(p)
	c.state &^= inStep
	if !c.is(released) {
		c.readNextTurn()
	}
	c.finishStep()
}

// SetHandler makes h the Conn's handler. h gets all later calls, including Closed, and the old
// handler gets no more calls. Opened is not called again. If the Data of the old handler has not
// used all of its input, it must pass the rest to h.Data itself. If the Conn has a deadline, h
// needs a Timeout method.
func (c *Conn) SetHandler(h Handler) error {
	if h == nil {
		panic("reactor: SetHandler(nil)")
	}
	if c.is(released) {
		return ErrClosed
	}
	c.setHandler(h)
	return nil
}

var (
	errHasFilter    = errors.New("reactor: the Conn has a Filter already")
	errNotConnected = errors.New("reactor: StartFilter before Opened; use WithFilters instead")
	errNoInput      = fmt.Errorf("reactor: StartFilter after the peer's FIN: %w", io.ErrUnexpectedEOF)
)

// StartFilter adds a Filter to an open Conn, for example after STARTTLS. Output that was sent
// before does not pass through the Filter. read is input for the Filter that the Handler has
// already received: the bytes that follow the command in the argument of Data. The Filter must copy
// the bytes that it keeps. When the Filter is ready, Opened is called, even if Opened was called
// before. See WithFilters.
//
// The errors are ErrClosed, ErrWriteClosed, and an earlier error of the output. If the peer's FIN
// has arrived, the error wraps io.ErrUnexpectedEOF. Other errors say that the Conn is not connected
// yet, has a Filter, or has an Input with bytes.
func (c *Conn) StartFilter(read []byte, make func(w *Wire) Filter) error {
	switch {
	case make == nil:
		panic("reactor: StartFilter with a nil function")
	case c.is(released | closing):
		return ErrClosed
	case c.is(dialling):
		return errNotConnected
	case c.is(wantFIN):
		return ErrWriteClosed
	case c.is(outputFailed):
		return c.deadlines.outputErr
	case c.filter != nil:
		return errHasFilter
	case c.is(sawEOF):
		return errNoInput
	case c.in != nil && c.in.b.Buffered() > 0:
		return fmt.Errorf("reactor: StartFilter: the Conn's Input has %d bytes: consume them, and pass them to StartFilter", c.in.b.Buffered())
	}
	c.makeFilter(make)
	c.w.r.guard(c, c.filter.f.Open)
	if len(read) > 0 && !c.is(released) {
		c.w.r.guard(c, func() { c.filter.f.Input(read) })
	}
	if !c.is(released) {
		c.flushLater()
		c.watch()
	}
	return nil
}
