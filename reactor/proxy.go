package reactor

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/proxyproto"
)

// ProxyTimeout is how long a Conn waits for the header of WithProxy.
const ProxyTimeout = 10 * time.Second

// WithProxy makes each connection of a Listener begin with a header of the PROXY protocol, version
// 1 or 2. trusted has the addresses of the proxies. Opened is called after the header. From then on
// RemoteAddr returns the address of the client. LocalAddr returns the address to which the client
// has connected, and ProxyHeader returns the header. TLS (WithFilters) begins after the header.
//
// The sender of a header decides which client address the server sees. So no proxy is trusted by
// default. A connection from another address is reset, and the function of Listen is not called for
// it. On a Unix socket all peers are trusted, because the permissions of its file decide who
// connects.
//
// In the function of Listen, the addresses are still those of the proxy. Output that this function
// sends does not wait for the header. If the header is wrong, or is not complete after
// ProxyTimeout, the Conn is closed. Closed then gets an error that wraps proxyproto.ErrHeader,
// io.ErrUnexpectedEOF or os.ErrDeadlineExceeded. No other callback is called before.
func WithProxy(trusted ...netip.Prefix) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if len(trusted) == 0 {
			return errors.New("reactor: WithProxy without prefixes would refuse every peer; pass at least one")
		}
		for i, p := range trusted {
			if !p.IsValid() {
				return fmt.Errorf("reactor: WithProxy: prefix %d is not valid; use netip.ParsePrefix", i)
			}
		}
		list := make(prefixes, len(trusted))
		for i, p := range trusted {
			if p.Addr().Is4In6() && p.Bits() >= 96 { // an IPv4 prefix in the form of IPv6
				p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
			}
			list[i] = p
		}
		o.proxied = list.expectHeader
		return o.only("listen", "WithProxy")
	})
}

// A proxied has the PROXY header of one Conn.
type proxied struct {
	header proxyproto.Header
	proxy  net.Addr // the address of the connection's peer
	read   []byte   // the part of the header that has arrived
	timer  *Timer   // nil when the header is complete

	receive func(c *Conn) // readHeader
}

// prefixes has the addresses of the trusted proxies.
type prefixes []netip.Prefix

// has reports whether a connection from this address may begin with a header.
func (list prefixes) has(from Addr) bool {
	if from.Family == kernel.AF_UNIX {
		return true
	}
	ip := from.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// expectHeader makes the Conn begin with a header. If the peer is not trusted, it returns false.
func (list prefixes) expectHeader(c *Conn, from Addr) bool {
	if !list.has(from) {
		return false
	}
	p := &proxied{proxy: c.RemoteAddr(), receive: (*Conn).readHeader}
	p.timer = c.w.r.After(ProxyTimeout, func() {
		c.tearDown(fmt.Errorf("reactor: no PROXY header within %v: %w", ProxyTimeout, os.ErrDeadlineExceeded))
	})
	c.in = &Input{c: c, proxied: p}
	return true
}

// awaitsHeader reports whether the Conn waits for the rest of its header.
func (c *Conn) awaitsHeader() bool {
	return c.in != nil && c.in.proxied != nil && c.in.proxied.timer != nil
}

// stop ends the wait for the header.
func (p *proxied) stop() {
	if p != nil && p.timer != nil {
		p.timer.Stop()
		p.timer, p.read = nil, nil
	}
}

// ProxyHeader returns the header that the proxy has sent, and the address of the proxy. Without
// WithProxy, and before Opened, it returns nil.
func (c *Conn) ProxyHeader() (h *proxyproto.Header, proxy net.Addr) {
	if c.in == nil || c.in.proxied == nil || c.awaitsHeader() {
		return nil, nil
	}
	return &c.in.proxied.header, c.in.proxied.proxy
}

// readHeader reads a part of the header. It never reads a byte behind the header, because the
// Handler may pause the Conn in Opened.
func (c *Conn) readHeader() {
	r, p := c.w.r, c.in.proxied
	n, e := r.k.Recv(int(c.w.fd), r.buf.P[:proxyproto.MaxSize], kernel.MSG_PEEK)
	switch {
	case e == kernel.EAGAIN:
		c.state &^= endPending
		return
	case e != 0:
		c.tearDown(callError("recv", e))
		return
	case n == 0:
		c.tearDown(fmt.Errorf("reactor: PROXY header: %w", io.ErrUnexpectedEOF))
		return
	}
	known := len(p.read)
	p.read = append(p.read, r.buf.P[:n]...)
	h, size, err := proxyproto.Parse(p.read)
	if err != nil && err != proxyproto.ErrIncomplete {
		c.tearDown(fmt.Errorf("reactor: PROXY header from %v: %w", p.proxy, err))
		return
	}
	if err == nil {
		n = size - known
	}
	got, e := r.k.Recv(int(c.w.fd), r.buf.P[:n], 0)
	if e != 0 && e != kernel.EAGAIN {
		c.tearDown(callError("recv", e))
		return
	}
	got = max(got, 0)
	c.countHeader(got)
	if c.w.want&poller.Edge != 0 {
		c.readNextTurn() // there may be more input, and an edge is reported only once
	}
	if err != nil || got < n {
		p.read = p.read[:known+got]
		return
	}
	p.header = h
	p.stop()
	c.headerComplete()
}

func (c *Conn) countHeader(n int) {
	c.w.r.often.bytesIn += uint64(n)
	c.bytesIn += uint64(n)
	c.w.r.budget.bytes -= n
	if c.deadlines != nil && n > 0 {
		c.deadlines.noteTraffic(c, true)
	}
}

// headerComplete sets the addresses of the Conn to those in the header, and opens the Conn.
func (c *Conn) headerComplete() {
	if from := c.in.proxied.header.Source; from.IsValid() {
		c.peer = shortAddr(AddrFrom(from))
	}
	if c.watch(); c.is(released) {
		return
	}
	c.state |= inStep
	c.begin()
	c.state &^= inStep
	c.finishStep()
}
