package main

import (
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/proxyproto"
	"github.com/ureactor/ureactor/reactor"
)

// A proxy forwards connections to a server.
type proxy struct {
	to   string // the server's address
	send int    // version of the PROXY header for the server; 0 means none
}

// high is how much output may be buffered for a slow peer before the other side is paused. It
// equals the high-water mark, because Drained is called only after more than that was buffered.
const high = 256 << 10

var limits = reactor.WithLimits(64<<10, high, 4<<20)

// accept returns the Handler of a client.
func (p *proxy) accept(*reactor.Conn) reactor.Handler {
	in, out := &relay{}, &relay{}
	in.back, out.back = out, in
	return &front{relay: in, p: p}
}

// A front is the Handler of a client. It dials in Opened, because only then a PROXY header was read
// and the addresses are those of the client.
type front struct {
	*relay
	p *proxy
}

func (h *front) Opened(c *reactor.Conn) {
	out := h.back
	out.to = c
	to, err := c.Reactor().Dial("tcp", h.p.to, out, limits)
	if err == nil {
		h.to = to
		err = h.p.header(c, to) // the header is sent after the connect, before the client's bytes
	}
	if err != nil {
		_ = c.Abort()
	}
}

// header sends the addresses of the client's connection.
func (p *proxy) header(client, server *reactor.Conn) error {
	if p.send == 0 {
		return nil
	}
	h := proxyproto.Header{Version: p.send, Source: addrOf(client.RemoteAddr()), Destination: addrOf(client.LocalAddr())}
	b, err := h.Append(nil)
	if err != nil {
		return err
	}
	return server.Send(b)
}

// addrOf returns the address of a TCP connection as a netip.AddrPort. For any other address it
// returns an invalid one.
func addrOf(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// A relay sends the input of one connection to another one.
type relay struct {
	to   *reactor.Conn // nil if the client has no server yet
	back *relay        // the other direction
	done bool          // the half-close of this side was forwarded
}

func (h *relay) Data(c *reactor.Conn, p []byte) {
	if err := h.to.Send(p); err != nil {
		_ = c.Abort() // otherwise the peer would receive a stream with a gap
		return
	}
	if h.to.Buffered() > high {
		_ = c.Pause()
	}
}

// Drained resumes reading from the other side, because the output for this side was sent.
func (h *relay) Drained(*reactor.Conn) { _ = h.to.Resume() }

func (h *relay) EOF(c *reactor.Conn) {
	_ = h.to.CloseWrite() // the other direction may still send
	if h.done = true; h.back.done {
		_ = c.Close()
		_ = h.to.Close()
	}
}

func (h *relay) Closed(_ *reactor.Conn, err error) {
	if h.to == nil {
		return
	}
	if err != nil {
		_ = h.to.Abort() // otherwise the other peer would regard a broken stream as complete
		return
	}
	_ = h.to.Close()
}
