package reactor

import (
	"errors"

	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

// A packetPart is one datagram socket of a GroupListener. Its loop calls user code to get the
// handler. Until then, the socket receives nothing.
type packetPart struct {
	net    netaddr.Network
	at     netaddr.Binding
	opt    *sockOptions
	file   netaddr.File // the socket's file, while there is no PacketConn
	choose func(*PacketConn) PacketHandler
	home   *sharedSocket // nil if other loops have sockets at the address too
	c      *PacketConn
}

func (p *packetPart) attach(r *Reactor, fd int) error {
	p.c = newPacketConn(r.k, p.net, p.at, p.opt, inheritedSocket{fd: fd, file: p.file})
	p.c.sharedAt, p.c.handler, p.file = p.home, noPackets{}, netaddr.File{}
	return p.c.attach(r, fd, 0)
}

// open calls the function that returns the handler. If the function returns nil or does not return,
// the PacketConn ends.
func (p *packetPart) open(on func(func() error) error) error {
	c := p.c
	h := PacketHandler(nil)
	chosen := false
	defer func() {
		if !chosen {
			_ = on(func() error { c.tearDown(ErrAborted); return nil })
		}
	}()
	h = p.choose(c)
	chosen = true
	return on(func() error { return c.begin(h) })
}

// begin makes the PacketConn receive, with the handler h.
func (c *PacketConn) begin(h PacketHandler) error {
	if h == nil {
		c.tearDown(ErrAborted)
		return errors.New("no handler: the function returned nil")
	}
	c.handler = h
	if c.closed || c.blocked {
		return nil
	}
	if err := c.w.set(poller.In); err != nil {
		c.tearDown(err)
		return err
	}
	return nil
}

// detachFD ends the PacketConn. It returns the descriptor, which stays open.
func (p *packetPart) detachFD() int {
	c := p.c
	p.file, c.file = c.file, netaddr.File{}
	c.detached = true
	c.tearDown(c.w.r.failed)
	return int(c.w.fd)
}

func (p *packetPart) discard(k Kernel, fd int) { discard(k, fd, p.file) }

func (p *packetPart) Close() error { return p.c.Close() }

type noPackets struct{}

func (noPackets) Packet(*PacketConn, []byte, Addr) {}
func (noPackets) Closed(*PacketConn, error)        {}
