//go:build unix

package reactor

import (
	"bytes"
	"net"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A peer is the other end of something: a bare descriptor of the lab's kernel. What it sends leaves as there is room,
// whatever else the test does; what it reads, and all else, is done when the call returns.
type peer struct {
	l   *lab
	fd  int          // -1: closed
	out []byte       // has to be sent
	fin bool         // and a FIN after it
	e   kernel.Errno // why it could not
	sip bool         // it reads, and forgets it
}

// peer takes over a descriptor.
func (l *lab) peer(fd int) *peer {
	l.Helper()
	p := &peer{l: l, fd: fd}
	if err := l.eye.Add(fd, 0, poller.In|poller.Out|poller.Edge); err != nil {
		l.Fatal(err)
	}
	l.peers[fd] = p
	return p
}

// must ends the test on an error.
func (l *lab) must(call string, e kernel.Errno) {
	l.Helper()
	if e != 0 {
		l.Fatalf("%s: %v", call, e)
	}
}

// kernelAddr is an address of package net's as the kernel knows it.
func kernelAddr(a net.Addr) Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return kernel.Inet(a.AddrPort())
	case *net.UDPAddr:
		return kernel.Inet(a.AddrPort())
	}
	return kernel.Unix(a.String())
}

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

// server listens; nobody accepts until the test does.
func (l *lab) server(network string, backlog int) *peer {
	l.Helper()
	n, err := findNetwork(network, true)
	if err != nil {
		l.Fatal(err)
	}
	a, _, err := n.binding(l.k, anyAddr(l, network))
	if err != nil {
		l.Fatal(err)
	}
	fd, e := l.k.Socket(a.Family, kernel.SOCK_STREAM, 0)
	l.must("socket", e)
	p := l.peer(fd)
	l.must("bind", l.k.Bind(fd, a))
	l.must("listen", l.k.Listen(fd, backlog))
	return p
}

// accept is the next connection of a server's.
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

// pair is a connected pair of Unix streams: a descriptor for the reactor and a peer.
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

// pairAt is a pair with a server, whose descriptor is this number, the lowest but for those that a process has left out.
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

// tcpPair is the same of TCP.
func (l *lab) tcpPair() (fd int, p *peer) {
	l.Helper()
	s := l.server("tcp", 1)
	p = l.dial(s.addr())
	c := s.accept()
	s.close()
	fd = c.leave()
	return fd, p
}

// leave gives the descriptor away.
func (p *peer) leave() (fd int) {
	fd = p.fd
	if err := p.l.eye.Del(fd); err != nil {
		p.l.Error(err)
	}
	delete(p.l.peers, fd)
	p.fd = -1
	return fd
}

func (p *peer) addr() net.Addr {
	a, e := p.l.k.LocalAddr(p.fd)
	p.l.must("getsockname", e)
	return netAddr(a, false)
}

func (p *peer) remote() net.Addr {
	a, e := p.l.k.PeerAddr(p.fd)
	p.l.must("getpeername", e)
	return netAddr(a, false)
}

// close ends it in order, reset with RST. Again is nothing.
func (p *peer) close() {
	if p.fd >= 0 {
		p.l.must("close", p.l.k.Close(p.leave()))
	}
}

func (p *peer) reset() {
	p.l.must("setsockopt", p.l.k.SetOptBytes(p.fd, kernel.SOL_SOCKET, kernel.SO_LINGER, lingerZero))
	p.close()
}

func (p *peer) setOpt(level, name, value int) {
	p.l.must("setsockopt", p.l.k.SetOpt(p.fd, level, name, value))
}

// discard reads, while the test goes on, what nobody looks at.
func (p *peer) discard() {
	p.sip = true
	p.pump()
}

// pump sends what there is room for.
func (p *peer) pump() {
	if p.sip {
		p.sink()
	}
	for len(p.out) > 0 {
		n, e := p.l.k.Send(p.fd, p.out, 0)
		switch e {
		case 0:
			p.out = p.out[n:]
		case kernel.EAGAIN:
			return
		default:
			p.e, p.out, p.fin = e, nil, false
		}
	}
	if p.fin {
		p.fin = false
		p.e = p.l.k.Shutdown(p.fd, kernel.SHUT_WR)
	}
}

func (p *peer) sink() (total int) {
	buf := make([]byte, 64<<10)
	for {
		n, _ := p.look(buf)
		if total += n; n == 0 {
			return total
		}
	}
}

// write sends it while the test goes on; sendAndFIN ends the stream after it.
func (p *peer) write(b []byte) {
	p.out = append(p.out, b...)
	p.pump()
}

func (p *peer) sendAndFIN(b []byte) {
	p.fin = true
	p.write(b)
}

// closeWrite ends the stream after what is still to be sent.
func (p *peer) closeWrite() { p.sendAndFIN(nil) }

// send sends it all.
func (p *peer) send(b string) {
	p.l.Helper()
	p.write([]byte(b))
	p.flush()
}

// flush waits until the kernel has taken all that was sent.
func (p *peer) flush() {
	p.l.Helper()
	p.l.until(func() bool { return len(p.out) == 0 })
	p.l.must("send", p.e)
}

// try sends without waiting, and tells how much went.
func (p *peer) try(b []byte) (n int) {
	for n < len(b) {
		k, e := p.l.k.Send(p.fd, b[n:], 0)
		if e != 0 {
			return n
		}
		n += k
	}
	return n
}

// look reads what is there, without waiting.
func (p *peer) look(b []byte) (int, kernel.Errno) { return p.l.k.Recv(p.fd, b, 0) }

// recv reads what comes next: 0, 0 is the end.
func (p *peer) recv(b []byte) (n int, e kernel.Errno) {
	p.l.Helper()
	p.l.until(func() bool {
		n, e = p.look(b)
		return e != kernel.EAGAIN
	})
	return n, e
}

// readAll reads to the end of the stream, or to an error.
func (p *peer) readAll() (got []byte, e kernel.Errno) {
	p.l.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, e := p.recv(buf)
		if n == 0 {
			return got, e
		}
		got = append(got, buf[:n]...)
	}
}

// wantAll reads to the end, and wants it to be this.
func (p *peer) wantAll(want []byte) {
	p.l.Helper()
	got, e := p.readAll()
	if e != 0 || p.e != 0 {
		p.l.Fatalf("after %d bytes: %v; sending: %v", len(got), e, p.e)
	}
	if !bytes.Equal(got, want) {
		p.l.Fatalf("read %d bytes, want %d, or not the same", len(got), len(want))
	}
}

// read reads so many bytes.
func (p *peer) read(n int) []byte {
	p.l.Helper()
	got := make([]byte, n)
	for k := 0; k < n; {
		m, e := p.recv(got[k:])
		if m == 0 {
			p.l.Fatalf("after %d bytes of %d: the end, %v", k, n, e)
		}
		k += m
	}
	return got
}

// wantRead reads exactly what is wanted.
func (p *peer) wantRead(want string) {
	p.l.Helper()
	if got := string(p.read(len(want))); got != want {
		p.l.Fatalf("read %q, want %q", got, want)
	}
}

// roundTrip sends it on an echo connection and wants it back.
func (p *peer) roundTrip(s string) {
	p.l.Helper()
	p.write([]byte(s))
	p.wantRead(s)
	p.flush()
}

// wantReset wants the next thing to be an RST.
func (p *peer) wantReset() {
	p.l.Helper()
	got, e := p.readAll()
	if e != kernel.ECONNRESET {
		p.l.Errorf("the peer reads %d bytes and %v, want a reset", len(got), e)
	}
}

// port is the last part of an address.
func port(a net.Addr) string {
	s := a.String()
	return s[strings.LastIndex(s, ":")+1:]
}
