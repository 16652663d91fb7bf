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

// ProxyTimeout is how long a proxy has for its header: see WithProxy.
const ProxyTimeout = 10 * time.Second

// WithProxy makes each connection of a Listener begin with a header of the PROXY protocol, version
// 1 or 2. trusted has the addresses of the proxies. Opened is called after the header. From then on
// RemoteAddr is the client's address, and LocalAddr is the address that the client has connected
// to. ProxyHeader returns the other contents of the header. TLS (WithFilters) begins after the
// header.
//
// A header decides which client address a server sees, so no proxy is trusted by default. A
// connection from another address is reset, and the function of Listen is not called for it. On a
// Unix socket the permissions of its file decide, and all peers are trusted.
//
// In the function of Listen, the addresses are still the proxy's. Output that this function sends
// does not wait for the header. A Conn whose header is wrong, or is not complete after
// ProxyTimeout, is closed. Closed then gets an error that wraps proxyproto.ErrHeader,
// io.ErrUnexpectedEOF or os.ErrDeadlineExceeded. No other callback comes before.
func WithProxy(trusted ...netip.Prefix) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if len(trusted) == 0 {
			return errors.New("reactor: WithProxy of no prefixes: nobody could connect")
		}
		for i, p := range trusted {
			if !p.IsValid() {
				return fmt.Errorf("reactor: WithProxy: prefix %d is not valid; use netip.ParsePrefix", i)
			}
		}
		list := make(prefixes, len(trusted))
		for i, p := range trusted {
			if p.Addr().Is4In6() && p.Bits() >= 96 { // an IPv4 address in the form of IPv6
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
	proxy  net.Addr // the peer of the connection
	read   []byte   // the incomplete header
	timer  *Timer   // nil once the header is complete

	receive func(c *Conn) // readHeader
}

// prefixes are the addresses of the trusted proxies.
type prefixes []netip.Prefix

// has reports whether a connection from this address may have a header.
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

// expectHeader makes the Conn begin with a header. It returns false if the peer is not trusted.
func (list prefixes) expectHeader(c *Conn, from Addr) bool {
	if !list.has(from) {
		return false
	}
	p := &proxied{proxy: c.RemoteAddr(), receive: (*Conn).readHeader}
	p.timer = c.w.r.After(ProxyTimeout, func() {
		c.tearDown(fmt.Errorf("reactor: no PROXY header in %v: %w", ProxyTimeout, os.ErrDeadlineExceeded))
	})
	c.in = &Input{c: c, proxied: p}
	return true
}

// awaitsHeader reports whether the Conn's header is not complete.
func (c *Conn) awaitsHeader() bool {
	return c.in != nil && c.in.proxied != nil && c.in.proxied.timer != nil
}

// stop stops the timer of the wait for a header.
func (p *proxied) stop() {
	if p != nil && p.timer != nil {
		p.timer.Stop()
		p.timer, p.read = nil, nil
	}
}

// ProxyHeader returns the header that a proxy has sent, and the proxy's own address. It returns nil
// for a Conn without WithProxy, and before Opened.
func (c *Conn) ProxyHeader() (h *proxyproto.Header, proxy net.Addr) {
	if c.in == nil || c.in.proxied == nil || c.awaitsHeader() {
		return nil, nil
	}
	return &c.in.proxied.header, c.in.proxied.proxy
}

// readHeader reads a part of the header, and never a byte that follows it, because the Handler may
// pause the Conn in Opened.
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
		c.readNextTurn() // more may be there, and the kernel reports an edge only once
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

// headerComplete sets the addresses of the Conn to those of the header, and begins the Conn's life.
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
