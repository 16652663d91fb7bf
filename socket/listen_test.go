//go:build unix

package socket_test

import (
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
)

func TestListenAndBind(t *testing.T) {
	both(t, func(l *lab) {
		for _, backlog := range [][]int{nil, {-5}, {0}, {huge}} {
			s := l.listener(backlog...)
			c := l.tcp()
			l.must(c.Connect(l.addr(s)))
			conn, _, err := s.Accept()
			l.must(err)
			l.own(conn)
			l.must(s.Listen(3))
			l.errno(l.tcp().Bind(l.addr(s)), syscall.EADDRINUSE)
			l.errno(s.Bind(socket.Tuple("127.0.0.1", 0)), syscall.EINVAL)
			_, _, err = conn.Accept()
			l.errno(err, syscall.EINVAL)
		}
		u := l.udp()
		l.errno(u.Listen(socket.DefaultBacklog), syscall.EOPNOTSUPP)
		_, _, err := u.Accept()
		if l.os == "linux" {
			l.errno(err, syscall.EOPNOTSUPP)
		} else {
			l.errno(err, syscall.EINVAL)
		}
		_, _, err = l.tcp().Accept()
		l.errno(err, syscall.EINVAL)
		l.errno(l.tcp().Bind(socket.Tuple("203.0.113.1", 0)), syscall.EADDRNOTAVAIL)
		l.errno(l.udp().Bind(socket.Tuple("127.0.0.1", 0)), syscall.EINVAL)
	})
}

// Accept returns connections in the order in which they were made. If the peer of a connection has
// closed, its data can be read, and then the end of input.
func TestAcceptOrder(t *testing.T) {
	both(t, func(l *lab) {
		s := l.listener()
		for _, text := range []string{"first", "second"} {
			c := l.tcp()
			l.must(c.Connect(l.addr(s)))
			l.send(c, text)
			l.must(c.Close())
		}
		for _, text := range []string{"first", "second"} {
			conn, _, err := s.Accept()
			l.must(err)
			got, err := l.own(conn).ReadAll()
			l.data(got, err, text)
		}
		if got := kernelReady(l, s); got&poller.In != 0 {
			l.fatalf("the listener is ready for %v", got)
		}
	})
}
