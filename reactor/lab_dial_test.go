//go:build unix

package reactor

import (
	"net"
	"net/netip"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

// must ends the test if there is an error.
func (l *lab) must(call string, e kernel.Errno) {
	l.Helper()
	if e != 0 {
		l.Fatalf("%s: %v", call, e)
	}
}

// kernelAddr converts an address of package net to an Addr.
func kernelAddr(a net.Addr) Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return kernel.Inet(unmapped(a.AddrPort()))
	case *net.UDPAddr:
		return kernel.Inet(unmapped(a.AddrPort()))
	}
	return kernel.Unix(a.String())
}

// unmapped converts an IPv4-mapped address to IPv4, because a BSD does not connect an IPv6 socket
// to a mapped address.
func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// dial connects to an address.
func (l *lab) dial(to net.Addr) *peer {
	l.Helper()
	p, e := l.tryDial(to)
	l.must("connect", e)
	return p
}

func (l *lab) tryDial(to net.Addr) (*peer, kernel.Errno) {
	l.Helper()
	a := kernelAddr(to)
	fd, e := l.k.Socket(a.Family, kernel.SOCK_STREAM, 0)
	l.must("socket", e)
	p := l.peer(fd)
	if l.buffer > 0 { // the size must be set before the handshake, in which the window is sent
		p.setOpt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, l.buffer)
		p.setOpt(kernel.SOL_SOCKET, kernel.SO_SNDBUF, l.buffer)
	}
	if e = l.k.Connect(fd, a); e == kernel.EINPROGRESS {
		l.until(func() bool {
			ready, e := l.k.Ready(fd)
			l.must("poll", e)
			return ready&(poller.Out|poller.Err|poller.Hup) != 0
		})
		n, e2 := l.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
		l.must("getsockopt", e2)
		e = kernel.Errno(n)
	}
	if e != 0 {
		p.close()
	}
	return p, e
}

// server returns a listening socket. Only the test accepts its connections.
func (l *lab) server(network string, backlog int) *peer {
	l.Helper()
	n, err := findNetwork(network, true)
	if err != nil {
		l.Fatal(err)
	}
	b, err := netaddr.Listen(l.k, n, anyAddr(l, network))
	if err != nil {
		l.Fatal(err)
	}
	a := b.Addr
	fd, e := l.k.Socket(a.Family, kernel.SOCK_STREAM, 0)
	l.must("socket", e)
	p := l.peer(fd)
	l.must("bind", l.k.Bind(fd, a))
	l.must("listen", l.k.Listen(fd, backlog))
	return p
}

// accept returns the next connection of a server.
func (p *peer) accept() *peer {
	p.l.Helper()
	fd := -1
	p.l.until(func() bool {
		c, _, e := p.l.k.Accept(p.fd)
		if e == kernel.EAGAIN {
			return false
		}
		p.l.must("accept", e)
		fd = c
		return true
	})
	return p.l.peer(fd)
}

// pair returns two connected Unix streams: a descriptor for the reactor, and a peer.
func (l *lab) pair() (fd int, p *peer) {
	l.Helper()
	s := l.server("unix", 1)
	at := s.addr()
	p = l.dial(at)
	fd, _, e := l.k.Accept(s.fd)
	l.must("accept", e)
	s.close()
	l.k.Unlink(at.String())
	return fd, p
}

// pairAt connects a new socket to the server, and returns the accepted end. The new socket gets the
// descriptor `number`, which must be free.
func (s *peer) pairAt(number int) *peer {
	l := s.l
	fd, e := -1, kernel.Errno(0)
	for fd != number {
		fd, e = l.k.Socket(kernel.AF_UNIX, kernel.SOCK_STREAM, 0)
		l.must("socket", e)
		if fd > number {
			l.Fatalf("%d is not free any more", number)
		}
		if fd < number {
			l.own(fd)
		}
	}
	l.must("connect", l.k.Connect(fd, kernelAddr(s.addr())))
	return s.accept()
}

// tcpPair is like pair, for TCP.
func (l *lab) tcpPair() (fd int, p *peer) {
	l.Helper()
	s := l.server("tcp", 1)
	p = l.dial(s.addr())
	c := s.accept()
	s.close()
	fd = c.leave()
	return fd, p
}

// port returns the last part of an address.
func port(a net.Addr) string {
	s := a.String()
	return s[strings.LastIndex(s, ":")+1:]
}
