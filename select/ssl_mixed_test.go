//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// mixed runs f in a task, with two connected sockets. After a minute the task is cancelled.
func mixed(t *testing.T, f func(l *lab, a, b *socket.Socket)) {
	inTask(t, func(l *lab) {
		l.r.After(time.Minute, l.task.Cancel)
		a, b := l.connected(0)
		defer a.Close()
		defer b.Close()
		f(l, a, b)
	})
}

// shake returns TLS between two sockets, with a complete handshake.
func (l *lab) shake(a, b *socket.Socket) (c, s *socket.SSLSocket) {
	key, cert := keyAndCert()
	server := l.task.Go(func(*reactor.Task) {
		var err error
		s, err = socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert})
		must(err)
	})
	c, err := socket.WrapSSL(a, false, socket.SSLOptions{})
	must(err)
	l.task.Join(server)
	return c, s
}

// A read that does not wait receives everything that the kernel has, and keeps the bytes behind its
// record. A read that waits must then return these bytes.
func TestSSLReadAfterOneThatDoesNotWait(t *testing.T) {
	mixed(t, func(l *lab, a, b *socket.Socket) {
		c, s := l.shake(a, b)
		room := make([]byte, 10)
		read := func(want string) {
			n, err := s.Read(room)
			for errors.Is(err, syscall.EAGAIN) { // on a busy machine the bytes may be late
				n, err = s.Read(room)
			}
			if err != nil || string(room[:n]) != want {
				t.Errorf("%q, %v, want %q", room[:n], err, want)
			}
		}
		write := func(p string) {
			if _, err := c.Write([]byte(p)); err != nil {
				t.Error(err)
			}
		}
		later := l.task.Go(func(task *reactor.Task) { task.Sleep(time.Millisecond); write("first") })
		read("first") // this read has waited, so Events are delivered
		l.task.Join(later)
		write("second") // both have arrived before the loop polls
		write("third")
		s.SetBlocking(false)
		read("second")
		s.SetBlocking(true)
		read("third")
	})
}

// A call that does not wait continues a handshake. Calls that wait for the handshake must notice
// that.
func TestSSLHandshakeByACallThatDoesNotWait(t *testing.T) {
	mixed(t, func(l *lab, a, b *socket.Socket) {
		key, cert := keyAndCert()
		c, err := socket.WrapSSL(a, false, socket.SSLOptions{DeferHandshake: true})
		must(err)
		s, err := socket.WrapSSL(b, true, socket.SSLOptions{DeferHandshake: true, Key: key, Cert: cert})
		must(err)
		waits := l.task.Go(func(*reactor.Task) {
			if n, err := s.Write([]byte("x")); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
		l.task.Sleep(0) // it waits for the client
		both := []*socket.SSLSocket{c, s}
		for _, x := range both {
			x.SetBlocking(false)
		}
		for suite := ""; suite == ""; suite, _ = s.Cipher() { // meanwhile the loop does not poll
			for _, x := range both {
				x.Write(nil)
			}
		}
		l.task.Join(waits)
	})
}
