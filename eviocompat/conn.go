//go:build linux || darwin || freebsd

package eviocompat

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A conn is the Handler of a reactor.Conn, and also evio's Conn. It belongs to its loop. Only Wake
// may be called by other goroutines.
type conn struct {
	s      *server
	c      *reactor.Conn
	index  int
	tcp    bool
	opened bool
	reuse  bool  // ReuseInputBuffer
	over   bool  // Data is not called any more: the conn closes or was detached
	failed error // the reason of an abort
	ctx    any
	remote net.Addr
	wakes  atomic.Int32 // calls of Wake that were not followed by a call of Data yet
}

func (c *conn) Context() any         { return c.ctx }
func (c *conn) SetContext(ctx any)   { c.ctx = ctx }
func (c *conn) AddrIndex() int       { return c.index }
func (c *conn) LocalAddr() net.Addr  { return c.s.addrs[c.index] }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// Wake makes the loop call Data with a nil slice, once for each Wake. If the connection is closed
// before, Data is not called.
func (c *conn) Wake() {
	if c.wakes.Add(1) == 1 { // no post is pending
		// The only possible error is ErrClosed, because the limit of posts is higher than any number of
		// descriptors.
		if c.c.Post(c.woken) != nil {
			c.wakes.Store(0) // otherwise no later Wake would post
		}
	}
}

func (c *conn) woken() {
	for n := c.wakes.Swap(0); n > 0 && !c.over && !c.s.ends.Load() && c.s.events.Data != nil; n-- {
		c.answer(c.s.events.Data(c, nil))
	}
}

// Opened implements reactor.OpenHandler.
func (c *conn) Opened(rc *reactor.Conn) {
	c.opened = true
	c.remote = rc.RemoteAddr()
	if c.s.events.Opened == nil {
		return
	}
	out, opts, action := c.s.events.Opened(c)
	c.reuse = opts.ReuseInputBuffer
	if c.tcp && opts.TCPKeepAlive > 0 {
		// An error here means that the peer has closed the connection. Then Closed is called soon.
		_ = rc.SetKeepAlivePeriod(min(max(opts.TCPKeepAlive, time.Second), 9*time.Hour))
	}
	c.answer(out, action)
}

// Data implements reactor.Handler.
func (c *conn) Data(_ *reactor.Conn, p []byte) {
	if c.over || c.s.events.Data == nil {
		return
	}
	if !c.reuse {
		p = append(make([]byte, 0, len(p)), p...)
	}
	c.answer(c.s.events.Data(c, p))
}

// Closed implements reactor.Handler. As in evio, events.Closed is called only if events.Opened was
// called.
func (c *conn) Closed(_ *reactor.Conn, err error) {
	c.over = true
	if c.failed != nil {
		err = c.failed
	}
	if c.opened && c.s.events.Closed != nil {
		c.s.done(c.s.events.Closed(c, err))
	}
}

// answer sends the output of an event and performs its action.
func (c *conn) answer(out []byte, action Action) {
	if len(out) > 0 {
		if c.s.events.PreWrite != nil {
			c.s.events.PreWrite()
		}
		// If the buffer is full, answer aborts the conn, because a gap in the output would be worse.
		// Closed reports any other error.
		if err := c.c.Send(out); errors.Is(err, reactor.ErrBuffered) {
			c.over, c.failed = true, err
			_ = c.c.Abort()
			return
		}
	}
	switch action {
	case Close:
		c.over = true
		_ = c.c.Close()
	case Detach:
		c.detach()
	case Shutdown:
		c.s.shutdown()
	}
}

// packets handles the datagrams of one loop. Each datagram is a Conn until Data returns.
type packets struct {
	s     *server
	index int
	local net.Addr
}

func (h *packets) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) {
	if len(p) == 0 || h.s.events.Data == nil { // evio does not deliver an empty datagram
		return
	}
	sender := &packetConn{h: h, remote: net.UDPAddrFromAddrPort(from.AddrPort())}
	out, action := h.s.events.Data(sender, append(make([]byte, 0, len(p)), p...))
	if len(out) > 0 {
		if h.s.events.PreWrite != nil {
			h.s.events.PreWrite()
		}
		_ = c.SendTo(out, from) // a datagram that cannot be sent is lost
	}
	h.s.done(action)
}

func (h *packets) Closed(*reactor.PacketConn, error) {}

type packetConn struct {
	h      *packets
	ctx    any
	remote net.Addr
}

func (c *packetConn) Context() any         { return c.ctx }
func (c *packetConn) SetContext(ctx any)   { c.ctx = ctx }
func (c *packetConn) AddrIndex() int       { return c.h.index }
func (c *packetConn) LocalAddr() net.Addr  { return c.h.local }
func (c *packetConn) RemoteAddr() net.Addr { return c.remote }
func (c *packetConn) Wake()                {}
