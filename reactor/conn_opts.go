package reactor

import (
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// LocalAddr returns the Conn's own address, which is a *net.TCPAddr or *net.UnixAddr. It returns
// nil if there is none. Each call asks the kernel. With WithProxy, the result is the address to
// which the client has connected.
func (c *Conn) LocalAddr() net.Addr {
	if h, _ := c.ProxyHeader(); h != nil && h.Destination.IsValid() {
		return c.w.r.netAddr(AddrFrom(h.Destination), false)
	}
	return c.addr(Kernel.LocalAddr)
}

// RemoteAddr returns the peer's address. It works in every callback, including Closed. Before the
// Conn is connected, it returns nil.
func (c *Conn) RemoteAddr() net.Addr {
	if c.peer.family != 0 {
		return c.w.r.netAddr(c.peer.addr(), false)
	}
	return c.addr(Kernel.PeerAddr)
}

func (c *Conn) addr(ask func(Kernel, int) (Addr, kernel.Errno)) net.Addr {
	if c.w.gen == 0 || c.is(dialling) {
		return nil
	}
	a, e := ask(c.w.r.k, int(c.w.fd))
	if e != 0 {
		return nil
	}
	return c.w.r.netAddr(a, false)
}

// SetNoDelay(false) turns Nagle's algorithm on, and SetNoDelay(true) turns it off.
func (c *Conn) SetNoDelay(on bool) error {
	return c.setOpt(kernel.IPPROTO_TCP, kernel.TCP_NODELAY, btoi(on))
}

// SetKeepAlivePeriod makes the kernel probe the peer when the peer has been silent for d, and then
// after each further d. 0 turns the probes off.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	if c.w.gen == 0 || c.is(released|closing) {
		return ErrClosed
	}
	return setKeepAlive(c.w.r.k, int(c.w.fd), d)
}

func (c *Conn) setOpt(level, name, v int) error {
	if c.w.gen == 0 || c.is(released|closing) {
		return ErrClosed
	}
	if e := c.w.r.k.SetOpt(int(c.w.fd), level, name, v); e != 0 {
		return callError("setsockopt", e)
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
