//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
)

// boundless is a kernel with one descriptor whose peer is in memory. This peer always has more data
// and accepts everything, so no call on the descriptor waits. After speak the peer uses TLS.
type boundless struct {
	kernel.Kernel
	fd      int
	tls     *secure.Session // the peer's; nil without TLS
	in, out []byte          // input and output of tls
}

func newBoundless() *boundless { return &boundless{Kernel: kernel.Host, fd: -1} }

// speak makes the peer of fd a server or client of TLS.
func (k *boundless) speak(fd int, server bool) {
	if k.fd = fd; server {
		k.tls = secure.New((*boundlessWire)(k), serverConfig(), true)
	} else {
		k.tls = secure.New((*boundlessWire)(k), clientConfig(), false)
		k.shake()
	}
}

func (k *boundless) shake() {
	if err := k.tls.Handshake(); err != nil && err != secure.ErrAgain {
		panic(err)
	}
}

func (k *boundless) Send(fd int, p []byte, flags int) (int, kernel.Errno) {
	switch {
	case fd != k.fd:
		return k.Kernel.Send(fd, p, flags)
	case k.tls != nil && !k.tls.Ready():
		k.in = append(k.in, p...)
		k.shake()
	}
	return min(len(p), 64<<10), 0
}

func (k *boundless) SendV(fd int, p [][]byte) (int, kernel.Errno) {
	if fd != k.fd {
		return k.Kernel.SendV(fd, p)
	}
	n := 0
	for _, piece := range p {
		n += len(piece)
	}
	return min(n, 64<<10), 0
}

func (k *boundless) Recv(fd int, p []byte, flags int) (n int, e kernel.Errno) {
	if fd != k.fd || k.tls == nil {
		return k.Kernel.Recv(fd, p, flags)
	}
	for {
		moved := copy(p[n:], k.out)
		k.out, n = k.out[moved:], n+moved
		switch {
		case n == 0 && !k.tls.Ready():
			return 0, kernel.EAGAIN
		case n == len(p) || !k.tls.Ready():
			return n, 0
		}
		if _, err := k.tls.Write(make([]byte, 16<<10)); err != nil {
			panic(err)
		}
	}
}

type boundlessWire boundless

func (w *boundlessWire) Read(p []byte) (int, error) {
	n := copy(p, w.in)
	if w.in = w.in[n:]; n == 0 {
		return 0, secure.ErrAgain
	}
	return n, nil
}

func (w *boundlessWire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *boundlessWire) LocalAddr() net.Addr  { return nil }
func (w *boundlessWire) RemoteAddr() net.Addr { return nil }
