//go:build unix

package socket_test

import (
	"errors"
	"math"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// SetBlocking has the same effects and results as SetTimeout.
func TestD01SetBlockingIsSetTimeout(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(s.SetTimeout(seconds(0.001)))
		l.must(s.SetBlocking(true))
		if s.Timeout() != timeout.None {
			l.fatalf("SetBlocking(true) left the timeout at %v", s.Timeout())
		}
		join := l.beside(func(l *lab) {
			l.asleep(s)
			l.send(c, "late")
		})
		l.recv(s, 10, "late")
		join()
		for _, set := range []func() error{
			func() error { return s.SetBlocking(false) },
			func() error { return s.SetTimeout(0) },
			func() error { return s.SetTimeoutSeconds(0) },
			func() error { return s.SetTimeoutSeconds(math.Copysign(0, -1)) },
		} {
			l.must(s.SetBlocking(true))
			l.must(set())
			_, err := s.Recv(1)
			l.errno(err, syscall.EAGAIN)
		}
	})
}

func TestD02NegativeTimeoutIsErrValue(t *testing.T) {
	both(t, func(l *lab) {
		s := l.tcp()
		l.must(s.SetTimeout(7))
		for _, bad := range []float64{-1, -0.5, -1e-300, math.Inf(-1), math.NaN()} {
			l.value(s.SetTimeoutSeconds(bad))
		}
		l.value(s.SetTimeout(-1))
		if s.Timeout() != 7 {
			l.fatalf("a refused timeout changed the mode to %v", s.Timeout())
		}
	})
}

func TestD03EveryValueAboveZeroIsATimeout(t *testing.T) {
	both(t, func(l *lab) {
		_, s := l.pair()
		for _, tiny := range []float64{1e-7, 1e-12, math.SmallestNonzeroFloat64} {
			l.must(s.SetTimeoutSeconds(tiny))
			_, err := s.Recv(1)
			l.errno(err, syscall.ETIMEDOUT)
		}
		for _, huge := range []float64{math.Inf(1), 1e20} {
			l.must(s.SetTimeoutSeconds(huge))
			if s.Timeout() != timeout.None {
				l.fatalf("%v s became %v", huge, s.Timeout())
			}
		}
	})
}

// Every call on a closed socket returns EBADF, which also matches net.ErrClosed.
func TestD04ClosedIsEBADF(t *testing.T) {
	both(t, func(l *lab) {
		calls := append(append([]call{}, receiving...), sending...)
		calls = append(calls,
			call{"SetTimeout", func(s *socket.Socket) error { return s.SetTimeout(0) }},
			call{"SetTimeoutSeconds", func(s *socket.Socket) error { return s.SetTimeoutSeconds(1) }},
			call{"SetBlocking", func(s *socket.Socket) error { return s.SetBlocking(true) }},
			call{"Bind", func(s *socket.Socket) error { return s.Bind(socket.Tuple("", 0)) }},
			call{"BindFamily", func(s *socket.Socket) error { return s.Bind(socket.Tuple("::1", 0)) }},
			call{"Listen", func(s *socket.Socket) error { return s.Listen(socket.DefaultBacklog) }},
			call{"Accept", func(s *socket.Socket) error { _, _, err := s.Accept(); return err }},
			call{"Connect", func(s *socket.Socket) error { return s.Connect(socket.Tuple("127.0.0.1", 9)) }},
			call{"SetSockOpt", func(s *socket.Socket) error { return s.SetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) }},
			call{"SetSockOptBytes", func(s *socket.Socket) error {
				return s.SetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, []byte{1, 0, 0, 0})
			}},
			call{"SetCallback", func(s *socket.Socket) error { return s.SetCallback(func(*socket.Socket) {}) }},
			call{"ClearCallback", func(s *socket.Socket) error { return s.SetCallback(nil) }},
			call{"GetSockOpt", func(s *socket.Socket) error { _, err := s.GetSockOpt(socket.SOL_SOCKET, socket.SO_TYPE); return err }},
			call{"GetSockOptBytes", func(s *socket.Socket) error {
				_, err := s.GetSockOptBytes(socket.SOL_SOCKET, socket.SO_TYPE, 4)
				return err
			}},
			call{"Shutdown", func(s *socket.Socket) error { return s.Shutdown(socket.SHUT_WR) }},
			call{"LocalAddr", func(s *socket.Socket) error { _, err := s.LocalAddr(); return err }},
			call{"RemoteAddr", func(s *socket.Socket) error { _, err := s.RemoteAddr(); return err }},
			call{"MakeFile", func(s *socket.Socket) error { _, err := s.MakeFile("rb"); return err }},
			call{"Detach", func(s *socket.Socket) error { _, err := s.Detach(); return err }},
			call{"ReadNothing", func(s *socket.Socket) error { _, err := s.ReadSize(0); return err }},
			call{"WriteNothing", func(s *socket.Socket) error { _, err := s.Write(nil); return err }},
		)
		for _, mode := range []timeout.Timeout{timeout.None, 1, 0} {
			s := l.tcp()
			l.must(s.SetTimeout(mode))
			l.must(s.Close())
			l.must(s.Close())
			for _, c := range calls {
				err := c.do(s)
				if !errors.Is(err, syscall.EBADF) || !errors.Is(err, net.ErrClosed) {
					l.t.Errorf("%s with timeout %v: %v", c.name, mode, err)
				}
			}
			if s.Fileno() != -1 {
				l.t.Errorf("Fileno is %d", s.Fileno())
			}
		}
	})
}

// The peer sends a byte from time to time until the call has ended. The call must still end at its
// deadline. A call with a new deadline for each piece would never end.
func TestD05OneDeadlinePerCall(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	reads := []call{
		{"ReadSize", func(s *socket.Socket) error { _, err := s.ReadSize(1 << 30); return err }},
		{"ReadAll", func(s *socket.Socket) error { _, err := s.ReadAll(); return err }},
		{"ReadInto", func(s *socket.Socket) error { _, err := s.ReadInto(make([]byte, 1<<20)); return err }},
		{"ReadLine", func(s *socket.Socket) error { _, err := s.ReadLine(); return err }},
	}
	writes := []call{
		{"SendAll", func(s *socket.Socket) error { _, err := s.SendAll(big); return err }},
		{"Write", func(s *socket.Socket) error { _, err := s.Write(big); return err }},
	}
	const limit = 30 * time.Millisecond
	try := func(l *lab, c call, slow func(l *lab, s, peer *socket.Socket)) {
		peer, s := l.pair()
		l.must(s.SetTimeout(timeout.Timeout(limit)))
		join := l.beside(func(l *lab) {
			start := l.now()
			l.errno(c.do(s), syscall.ETIMEDOUT)
			if spent := l.now() - start; spent < limit {
				l.fatalf("%s gave up after %v", c.name, spent)
			}
			l.must(s.Close())
		})
		slow(l, s, peer)
		join()
	}
	both(t, func(l *lab) {
		for _, c := range reads {
			try(l, c, func(l *lab, s, peer *socket.Socket) {
				for s.Fileno() >= 0 {
					peer.Send([]byte("x"))
					l.pass()
				}
			})
		}
		for _, c := range writes {
			try(l, c, func(l *lab, s, peer *socket.Socket) {
				l.must(peer.SetBlocking(false))
				for s.Fileno() >= 0 {
					peer.RecvInto(make([]byte, 1000))
					l.pass()
				}
			})
		}
	})
}

// Every call that waits too long returns ETIMEDOUT, and not too early.
func TestD06ExpiredTimeoutIsETIMEDOUT(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		a, _ := l.stuck()
		calls := map[*socket.Socket][]call{}
		_, s := l.pair()
		calls[s] = receiving
		full, _ := l.pair()
		calls[full] = sending
		calls[l.listener()] = []call{{"Accept", func(s *socket.Socket) error { _, _, err := s.Accept(); return err }}}
		calls[l.tcp()] = []call{{"Connect", func(s *socket.Socket) error { return s.Connect(a) }}}
		calls[l.udp()] = []call{receiving[0], receiving[1], receiving[2], receiving[3], receiving[4]}
		for s, list := range calls {
			for i, c := range list {
				limit := time.Duration(i+1) * 700 * time.Microsecond
				var start time.Duration
				var err error
				for first := true; first || s == full && err == nil; first = false {
					if s == full { // fills it again, because the kernel may have found room meanwhile
						l.must(s.SetBlocking(false))
						l.fill(s)
					}
					l.must(s.SetTimeout(timeout.Timeout(limit)))
					start = l.now()
					err = c.do(s)
				}
				spent := l.now() - start
				var timedOut net.Error
				if !errors.Is(err, syscall.ETIMEDOUT) || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timedOut) || !timedOut.Timeout() {
					l.t.Errorf("%s: %v", c.name, err)
				}
				if spent < limit {
					l.t.Errorf("%s with %v gave up after %v", c.name, limit, spent)
				}
			}
		}
	})
}

func TestD07ReadyBeatsTimeout(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(s.SetTimeout(1))
		for range 50 {
			l.must(c.SetTimeout(1))
			n, err := c.Send([]byte("data"))
			if n != 4 {
				l.fatalf("Send: %d, %v", n, err)
			}
			l.readable(s)
			l.recv(s, 4, "data")
		}
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
			l.must(s.SetTimeout(mode))
			_, err := s.RecvFlags(5, socket.MSG_DONTWAIT)
			l.errno(err, syscall.EAGAIN)
			_, _, err = s.RecvFromFlags(5, socket.MSG_DONTWAIT|socket.MSG_PEEK)
			l.errno(err, syscall.EAGAIN)
			_, err = s.RecvIntoFlags(make([]byte, 5), socket.MSG_DONTWAIT)
			l.errno(err, syscall.EAGAIN)
		}
		l.send(c, "x")
		l.readable(s)
		got, err := s.RecvFlags(5, socket.MSG_DONTWAIT)
		l.data(got, err, "x")
	})
}

func TestD08AcceptedSocketsBlock(t *testing.T) {
	both(t, func(l *lab) {
		for _, mode := range []timeout.Timeout{0, 1, timeout.None} {
			listener := l.listener()
			c := l.tcp()
			l.must(c.Connect(l.addr(listener)))
			l.readable(listener)
			l.must(listener.SetTimeout(mode))
			s, _, err := listener.Accept()
			l.must(err)
			l.own(s)
			if s.Timeout() != timeout.None || c.Timeout() != timeout.None {
				l.fatalf("timeouts are %v and %v", s.Timeout(), c.Timeout())
			}
			join := l.beside(func(l *lab) {
				l.asleep(s)
				l.send(c, "late")
			})
			l.recv(s, 9, "late")
			join()
		}
	})
}
