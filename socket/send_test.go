//go:build unix

package socket_test

import (
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
)

// A send after the peer's close returns EPIPE and raises no signal. The signal would end a process
// whose main program is not in Go, for example a Python process that has loaded a library in Go.
func TestD13NoSIGPIPE(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	defer func() {
		signal.Stop(signals)
		if len(signals) > 0 {
			t.Error("SIGPIPE came")
		}
	}()
	both(t, func(l *lab) {
		for _, c := range sending {
			s, peer := l.pair()
			l.must(peer.Close())
			l.readable(s)
			_, err := s.Send([]byte("x"))
			l.must(err)
			l.until("the reset", func() bool {
				if l.os == "netbsd" { // its poll(2) does not report this
					_, err := s.Send([]byte("x"))
					return err != nil
				}
				now, _ := l.k.Ready(s.Fileno())
				return now&poller.Hup != 0
			})
			if err := c.do(s); !errors.Is(err, syscall.EPIPE) {
				l.t.Errorf("%s: %v", c.name, err)
			}
			if err := c.do(l.tcp()); !errors.Is(err, syscall.EPIPE) {
				l.t.Errorf("%s, never connected: %v", c.name, err)
			}
			if err := c.do(l.listener()); !errors.Is(err, syscall.EPIPE) {
				l.t.Errorf("%s, listening: %v", c.name, err)
			}
		}
	})
}

// Send makes one successful try, which may move fewer bytes than p has.
func TestD14SendMayBeShort(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		c, s := l.pair()
		n, err := c.Send(big)
		if err != nil || n == 0 || n == len(big) {
			l.fatalf("Send of %d: %d, %v", len(big), n, err)
		}
		l.must(c.SetBlocking(false))
		n += l.fill(c)
		l.must(c.SetBlocking(true))
		var sent atomic.Bool
		join := l.beside(func(l *lab) {
			l.asleepOr(c, &sent)
			for n > 0 {
				p, err := s.Recv(min(n, 1<<20))
				l.must(err)
				n -= len(p)
			}
		})
		k, err := c.Send([]byte("tail"))
		sent.Store(true)
		join()
		if k != 4 {
			l.fatalf("Send after the peer has read: %d, %v", k, err)
		}
		l.recv(s, 9, "tail")
	})
}

func TestD15SendAll(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	both(t, func(l *lab) {
		c, s := l.pair()
		join := l.beside(func(l *lab) {
			left := len(big)
			for left > 0 {
				p, err := s.Recv(100000)
				l.must(err)
				left -= len(p)
			}
			l.must(s.SetBlocking(false))
			_, err := s.Recv(1)
			l.errno(err, syscall.EAGAIN)
		})
		n, err := c.SendAll(big)
		join()
		if n != len(big) || err != nil {
			l.fatalf("SendAll: %d, %v", n, err)
		}
		if n, err := c.SendAll(nil); n != 0 || err != nil {
			l.fatalf("SendAll of nothing: %d, %v", n, err)
		}
		l.must(c.SetBlocking(false))
		n, err = c.SendAll(big)
		l.errno(err, syscall.EAGAIN)
		got := 0
		for got < n {
			l.readable(s)
			p, err := s.Recv(1 << 20)
			l.must(err)
			got += len(p)
		}
		if got != n {
			l.fatalf("SendAll told %d, %d have come", n, got)
		}
	})
}

func TestDatagrams(t *testing.T) {
	both(t, func(l *lab) {
		a, b, u := l.udp(), l.udp(), l.socket(inet, dgram)
		_, err := u.Send([]byte("x"))
		l.errno(err, syscall.EDESTADDRREQ)
		_, err = u.SendTo(make([]byte, 70000), l.addr(a))
		l.errno(err, syscall.EMSGSIZE)
		l.must(u.Connect(l.addr(a)))
		l.must(u.Connect(l.addr(b)))
		n, err := u.SendTo([]byte("other"), l.addr(a))
		if l.os != "linux" {
			l.errno(err, syscall.EISCONN)
			l.must(u.Connect(l.addr(a)))
			l.send(u, "other")
			l.must(u.Connect(l.addr(b)))
		} else if n != 5 {
			l.fatalf("SendTo: %d, %v", n, err)
		}
		l.send(u, "peer")
		got, from, err := a.RecvFrom(2)
		l.data(got, err, "ot")
		if from.Port() != l.addr(u).Port() {
			l.fatalf("from %v", from)
		}
		l.recv(b, 9, "peer")
		l.send(u, "")
		l.recv(b, 9, "")
		l.must(a.SetBlocking(false))
		_, err = a.Recv(9)
		l.errno(err, syscall.EAGAIN)

		l.must(b.Close())
		l.send(u, "lost")
		l.over(u)
		_, err = u.Recv(9)
		l.errno(err, syscall.ECONNREFUSED)
	})
}

// On a stream the address of SendTo has no effect. It must be valid nevertheless.
func TestSendToOnAStream(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		for _, a := range []socket.Addr{socket.Tuple("203.0.113.1", 1), socket.Tuple("::1", 1), {}} {
			_, err := c.SendTo([]byte("x"), a)
			l.must(err)
			l.recv(s, 9, "x")
		}
		_, err := c.SendTo([]byte("x"), socket.Tuple("name", 1))
		l.value(err)
	})
}
