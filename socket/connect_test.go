//go:build unix

package socket_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// Accept, RecvFrom and GetAddrInfo return addresses of the same type.
func TestD16OneKindOfAddress(t *testing.T) {
	both(t, func(l *lab) {
		listener := l.listener()
		info, err := socket.GetAddrInfo("127.0.0.1", "0", 0, stream, 0, 0)
		l.must(err)
		c := l.tcp()
		l.must(c.Bind(info[0].Addr))
		l.must(c.Connect(l.addr(listener)))
		s, from, err := listener.Accept()
		l.must(err)
		l.own(s)
		if from != l.addr(c) || from != socket.Tuple("127.0.0.1", from.Port()) {
			l.fatalf("accepted from %v, want %v", from, l.addr(c))
		}
		a, b := l.udp(), l.udp()
		_, err = a.SendTo([]byte("x"), l.addr(b))
		l.must(err)
		_, from, err = b.RecvFrom(9)
		l.must(err)
		_, err = b.SendTo([]byte("y"), from)
		l.must(err)
		l.recv(a, 9, "y")
	})
}

func TestD17RefusedIsECONNREFUSED(t *testing.T) {
	both(t, func(l *lab) {
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50)} {
			s := l.tcp()
			l.must(s.SetTimeout(mode))
			l.errno(s.Connect(l.refusing()), syscall.ECONNREFUSED)
		}
		s := l.tcp()
		l.must(s.SetBlocking(false))
		if !l.refuse(s, l.refusing()) {
			_, err := s.Recv(1)
			l.errno(err, syscall.ECONNREFUSED)
		}
	})
}

// After a refused connect the socket is like a new one, whatever call has returned the refusal. It
// has neither an end of input nor bytes to read, and it can listen. The test uses another socket
// for each call.
func TestRefusedConnectLeavesANewSocket(t *testing.T) {
	both(t, func(l *lab) {
		if l.os != "linux" {
			l.skip("elsewhere a refused socket is spent, or at an end")
		}
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
			refused := func() *socket.Socket {
				s := l.tcp()
				l.must(s.SetTimeout(mode))
				to := l.refusing()
				if mode == 0 {
					l.refuse(s, to)
				}
				l.errno(s.Connect(to), syscall.ECONNREFUSED)
				l.must(s.SetTimeout(0))
				return s
			}
			for _, c := range receiving {
				if err := c.do(refused()); !errors.Is(err, syscall.ENOTCONN) {
					l.t.Errorf("timeout %v, %s: %v", mode, c.name, err)
				}
			}
			s := refused()
			if now, e := l.k.Ready(s.Fileno()); e != 0 || now != poller.Out|poller.Hup {
				l.t.Errorf("timeout %v: poll says %v, %v", mode, now, e)
			}
			l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
			l.must(s.Listen(socket.DefaultBacklog))
			l.must(refused().Listen(socket.DefaultBacklog))
		}
	})
}

// After a refusal, whatever call has returned it, the next connect is a new attempt. On NetBSD the
// socket cannot connect again.
func TestD17aConnectAgainAfterARefusal(t *testing.T) {
	both(t, func(l *lab) {
		if l.os == "netbsd" {
			s := l.tcp()
			l.errno(s.Connect(l.refusing()), syscall.ECONNREFUSED)
			l.errno(s.Connect(l.addr(l.listener())), syscall.EINVAL)
			return
		}
		listener := l.listener()
		dead := l.refusing()
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50)} {
			s := l.tcp()
			l.must(s.SetTimeout(mode))
			l.errno(s.Connect(dead), syscall.ECONNREFUSED)
			l.errno(s.Connect(dead), syscall.ECONNREFUSED)
			l.must(s.Connect(l.addr(listener)))
			l.errno(s.Connect(l.addr(listener)), syscall.EISCONN)
		}
		for _, taker := range []func(s *socket.Socket) error{
			func(s *socket.Socket) error { _, err := s.Recv(1); return err },
			func(s *socket.Socket) error { _, err := s.Send([]byte("x")); return err },
			func(s *socket.Socket) error { return s.Connect(dead) },
		} {
			for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
				s := l.tcp()
				l.must(s.SetBlocking(false))
				if !l.refuse(s, dead) {
					l.errno(taker(s), syscall.ECONNREFUSED)
				}
				l.must(s.SetTimeout(mode))
				if mode == 0 {
					l.begin(s, l.addr(listener))
				} else {
					l.must(s.Connect(l.addr(listener)))
				}
			}
		}
	})
}

func TestD18ConnectAfterCompletionIsEISCONN(t *testing.T) {
	both(t, func(l *lab) {
		listener := l.listener()
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
			s := l.tcp()
			l.must(s.SetBlocking(false))
			l.begin(s, l.addr(listener))
			l.ready(s, uint8(poller.Out))
			l.must(s.SetTimeout(mode))
			l.errno(s.Connect(l.addr(listener)), syscall.EISCONN)
			l.errno(s.Connect(l.addr(listener)), syscall.EISCONN)
		}
		l.errno(listener.Connect(l.addr(listener)), syscall.EISCONN)
		c, s := l.pair()
		l.errno(c.Connect(l.addr(listener)), syscall.EISCONN)
		l.errno(s.Connect(l.addr(listener)), syscall.EISCONN)
	})
}

// A connect that has timed out continues. Until it succeeds, further Connects return EALREADY at
// once. It succeeds when the queue of the listener has room. The kernel tries again only after a
// second, so the subtests wait in parallel.
func TestD19TimedOutConnectStaysInProgress(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	bothAtOnce(t, func(l *lab) {
		a, listener := l.stuck()
		s := l.tcp()
		l.must(s.SetTimeout(seconds(0.01)))
		l.errno(s.Connect(a), syscall.ETIMEDOUT)
		l.errno(s.Connect(a), syscall.EALREADY)
		l.must(s.SetBlocking(true))
		l.errno(s.Connect(a), syscall.EALREADY)
		l.must(s.SetBlocking(false))
		l.errno(s.Connect(a), syscall.EALREADY)
		_, err := s.Recv(1)
		l.errno(err, syscall.EAGAIN)
		_, err = s.Send([]byte("x"))
		l.errno(err, syscall.EAGAIN)
		if s.Fileno() < 0 {
			l.fatalf("the descriptor is closed")
		}
		l.must(listener.SetBlocking(false))
		l.until("end of the handshake", func() bool {
			if conn, _, err := listener.Accept(); err == nil {
				l.must(conn.Close())
			}
			_, err := s.RemoteAddr()
			return err == nil
		})
		l.errno(s.Connect(a), syscall.EISCONN)
	})
}

func TestD20NonBlockingConnectIsNotWaitedFor(t *testing.T) {
	both(t, func(l *lab) {
		listener := l.listener()
		s := l.tcp()
		l.must(s.SetBlocking(false))
		l.begin(s, l.addr(listener))
		l.ready(s, uint8(poller.Out))
		conn, _, err := listener.Accept()
		l.must(err)
		l.send(s, "x")
		l.recv(l.own(conn), 1, "x")
	})
}

// If the queue of a Unix listener is full, connect returns EAGAIN on Linux, and no Event reports
// that the queue has room. The BSDs refuse the connection.
func TestConnectToAFullUnixListener(t *testing.T) {
	both(t, func(l *lab) {
		full := syscall.EAGAIN
		if l.os != "linux" {
			full = syscall.ECONNREFUSED
		}
		path := socket.Path(longtest.SocketPath(l.t))
		listener := l.socket(socket.AF_UNIX, stream)
		l.must(listener.Bind(path))
		l.must(listener.Listen(0))
		waiting := 0
		for ; ; waiting++ {
			s := l.socket(socket.AF_UNIX, stream)
			l.must(s.SetBlocking(false))
			if err := s.Connect(path); err != nil {
				l.errno(err, full)
				break
			}
		}
		if l.os != "linux" {
			return
		}
		s := l.socket(socket.AF_UNIX, stream)
		l.must(s.SetTimeout(seconds(0.01)))
		l.errno(s.Connect(path), syscall.ETIMEDOUT)
		l.must(s.SetBlocking(true))
		join := l.beside(func(l *lab) {
			l.asleep(s)
			for range waiting + 1 {
				conn, _, err := listener.Accept()
				l.must(err)
				l.own(conn)
			}
		})
		l.must(s.Connect(path))
		join()
	})
}
