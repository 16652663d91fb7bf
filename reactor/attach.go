package reactor

import (
	"bytes"
	"errors"
	"fmt"
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Attach makes a Conn of a connected stream socket that was made elsewhere. read is input that the
// caller has received from it already. Attach copies read, and Data gets it first. The descriptor
// belongs to the Conn. It becomes non-blocking and close-on-exec, and gets the options of TCP that
// Dial sets. Opened is called before Attach returns. Data is called in the next turn or later.
//
// Attach checks the descriptor first. If Attach returns an error, the descriptor still belongs to
// the caller, and nothing has changed. If the descriptor is registered with a Poller of another
// owner, unregister it there.
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

// AttachConn is Attach for a connection of package net, package netconn, or any other with a
// SyscallConn method. The Conn gets a duplicate of its descriptor, and nc is closed. If AttachConn
// returns an error, nc stays open. A connection that encrypts or buffers has no SyscallConn. For a
// connection that buffers, pass the connection below it as nc, and pass the bytes that it has
// buffered as read.
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
		r.log.Warn("an attached connection has returned an error when it was closed")
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

// holdsInput returns whether there is input for the Handler that no Event reports.
func (c *Conn) holdsInput() bool { return c.filter != nil && c.filter.inputKept || c.hasEarly() }

// hasEarly returns whether input that was given to Attach still waits.
func (c *Conn) hasEarly() bool { return c.in != nil && len(c.in.early) > 0 }

// readEarly delivers the input that was given to Attach, in place of a read. The next turn reads.
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

// SetHandler replaces the Conn's handler by h, which gets all later calls, Closed included. The old
// handler gets no more calls. Opened is not called. If the old handler's Data has not consumed all
// of its input, and h should get the rest, the old handler calls h.Data itself. h needs a Timeout
// method if the Conn has a deadline.
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

var errHasFilter = errors.New("reactor: the Conn has a Filter already")

// StartFilter puts a Filter between the wire and the Handler of an open Conn, as after STARTTLS.
// Earlier output is sent unchanged. read is input for the Filter that the Handler has already
// received: the bytes that follow the command in Data's argument. The Filter must copy the bytes
// that it keeps. Opened is called when the Filter is ready, also if it was called before. See
// WithFilters.
func (c *Conn) StartFilter(read []byte, make func(w *Wire) Filter) error {
	switch {
	case make == nil:
		panic("reactor: StartFilter with a nil function")
	case c.is(released | closing | dialling | wantFIN | outputFailed):
		return ErrClosed
	case c.filter != nil:
		return errHasFilter
	case c.in != nil && c.in.b.Buffered() > 0:
		return fmt.Errorf("reactor: StartFilter: the Conn's Input has %d bytes: consume them, and pass them on", c.in.b.Buffered())
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
