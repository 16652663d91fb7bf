//go:build unix

package reactor

import (
	"bytes"
	"net"
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

// A peer is the other end of a connection: a descriptor of the lab's kernel that no reactor has.
// Its output is sent when there is room, even while the test does other things. All other
// operations are complete when their call returns.
type peer struct {
	l   *lab
	fd  int          // -1 if closed
	out []byte       // bytes that are not sent yet
	fin bool         // a FIN follows out
	e   kernel.Errno // the error of the last send
	sip bool         // the peer reads its input and discards it
}

// peer makes a peer of a descriptor.
func (l *lab) peer(fd int) *peer {
	l.Helper()
	p := &peer{l: l, fd: fd}
	if err := l.eye.Add(fd, 0, poller.In|poller.Out|poller.Edge); err != nil {
		l.Fatal(err)
	}
	l.peers[fd] = p
	return p
}

// leave returns the descriptor, which then does not belong to the peer any more.
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
	return netaddr.NetAddr(p.l.k, a, false)
}

func (p *peer) remote() net.Addr {
	a, e := p.l.k.PeerAddr(p.fd)
	p.l.must("getpeername", e)
	return netaddr.NetAddr(p.l.k, a, false)
}

// close closes the descriptor, and reset closes it with RST. A second call does nothing.
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

// discard makes the peer read its input and discard it, while the test continues.
func (p *peer) discard() {
	p.sip = true
	p.pump()
}

// pump sends as much of the output as the kernel accepts.
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

// write sends b while the test continues. sendAndFIN does the same, and then ends the stream.
func (p *peer) write(b []byte) {
	p.out = append(p.out, b...)
	p.pump()
}

func (p *peer) sendAndFIN(b []byte) {
	p.fin = true
	p.write(b)
}

// closeWrite ends the stream after the output that waits.
func (p *peer) closeWrite() { p.sendAndFIN(nil) }

// send sends all of b.
func (p *peer) send(b string) {
	p.l.Helper()
	p.write([]byte(b))
	p.flush()
}

// flush waits until the kernel has accepted all output.
func (p *peer) flush() {
	p.l.Helper()
	p.l.until(func() bool { return len(p.out) == 0 })
	p.l.must("send", p.e)
}

// try sends once without waiting, and returns how many bytes were sent.
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

// look reads once without waiting.
func (p *peer) look(b []byte) (int, kernel.Errno) { return p.l.k.Recv(p.fd, b, 0) }

// recv waits for bytes and reads them. At the end of input it returns 0, 0.
func (p *peer) recv(b []byte) (n int, e kernel.Errno) {
	p.l.Helper()
	p.l.until(func() bool {
		n, e = p.look(b)
		return e != kernel.EAGAIN
	})
	return n, e
}

// readAll reads until the end of input or an error.
func (p *peer) readAll() (got []byte, e kernel.Errno) {
	p.l.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, e := p.recv(buf)
		if n == 0 {
			return got, e
		}
		if cap(got)-len(got) < n {
			got = slices.Grow(got, len(got)+n) // append would copy each byte about five times
		}
		got = append(got, buf[:n]...)
	}
}

// wantAll reads until the end of input, and compares the bytes with want.
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

// read reads exactly n bytes.
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

// wantRead reads len(want) bytes, and compares them with want.
func (p *peer) wantRead(want string) {
	p.l.Helper()
	if got := string(p.read(len(want))); got != want {
		p.l.Fatalf("read %q, want %q", got, want)
	}
}

// roundTrip sends s to an echo server, and expects it back.
func (p *peer) roundTrip(s string) {
	p.l.Helper()
	p.write([]byte(s))
	p.wantRead(s)
	p.flush()
}

// wantReset fails the test unless the next read returns a reset.
func (p *peer) wantReset() {
	p.l.Helper()
	got, e := p.readAll()
	if e != kernel.ECONNRESET {
		p.l.Errorf("the peer reads %d bytes and %v, want a reset", len(got), e)
	}
}
