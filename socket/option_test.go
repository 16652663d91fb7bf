//go:build unix

package socket_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func TestD30MakeFileIsTheSocket(t *testing.T) {
	both(t, func(l *lab) {
		_, s := l.pair()
		file, err := s.MakeFile("rwb", 0)
		l.must(err)
		if file != s {
			l.fatalf("MakeFile made something else")
		}
		l.must(file.Close())
		if s.Fileno() != -1 {
			l.fatalf("the file is closed, the socket is not")
		}
	})
}

func TestD31MakeFileModes(t *testing.T) {
	both(t, func(l *lab) {
		s := l.tcp()
		for _, mode := range []string{"rb", "br", "wb", "bw", "rwb", "rbw", "wrb", "wbr", "brw", "bwr"} {
			_, err := s.MakeFile(mode)
			l.must(err)
		}
		for _, mode := range []string{"", "r", "w", "b", "rw", "rt", "zz", "rbb", "rrb", "rwbx", "rwt", "a", "ab", "rb+"} {
			_, err := s.MakeFile(mode)
			l.value(err)
		}
	})
}

func TestD32BoolIsAnInt(t *testing.T) {
	both(t, func(l *lab) {
		s := l.tcp()
		for _, on := range []bool{true, false} {
			l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on))
			if v, err := s.GetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE); err != nil || (v != 0) != on {
				l.fatalf("SO_KEEPALIVE %v is %d, %v", on, v, err)
			}
		}
		l.must(s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
		p, err := s.GetSockOptBytes(socket.IPPROTO_TCP, socket.TCP_NODELAY, 4)
		if err != nil || len(p) != 4 || binary.NativeEndian.Uint32(p) == 0 {
			l.fatalf("TCP_NODELAY is %v, %v", p, err)
		}
		l.errno(s.SetSockOpt(socket.SOL_SOCKET, 9999, 1), syscall.ENOPROTOOPT)
		l.errno(s.SetSockOpt(1<<40, 1, 1), syscall.ENOPROTOOPT)
		l.errno(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, []byte{1}), syscall.EINVAL)
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1<<32|1)) // of an int 32 bits count
		for _, bad := range []any{nil, 1.5, "1", uint8(1), func(*socket.Socket) {}} {
			l.value(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bad))
		}
		_, err = s.GetSockOptBytes(socket.SOL_SOCKET, socket.SO_TYPE, -1)
		l.value(err)
	})
}

// heard counts the calls of a callback, and fails the test when one comes inside a call of the user's on the loop.
type heard struct {
	l    *lab
	n    atomic.Int32
	last atomic.Pointer[socket.Socket]
}

func (h *heard) call(s *socket.Socket) {
	h.last.Store(s)
	h.n.Add(1)
}

func (l *lab) listen(s *socket.Socket) *heard {
	h := &heard{l: l}
	l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_CALLBACK, h.call))
	return h
}

// times waits until the callback has been called so often, and no more.
func (h *heard) times(n int32) {
	h.l.t.Helper()
	h.l.until("call", func() bool { return h.n.Load() >= n })
	h.l.quiet()
	if now := h.n.Load(); now != n {
		h.l.fatalf("called %d times, want %d", now, n)
	}
}

// quiet waits until what had been told to the loop, or to the background, before has been delivered: what comes through
// the same way after it has.
func (l *lab) quiet() {
	c, s := l.pair()
	var n atomic.Int32
	l.must(s.SetCallback(func(*socket.Socket) { n.Add(1) }))
	l.send(c, "x")
	l.until("call", func() bool { return n.Load() > 0 })
	l.must(s.Close())
	l.must(c.Close())
}

func TestD33Callback(t *testing.T) {
	both(t, func(l *lab) {
		// After each arrival, with the socket, and at the end.
		c, s := l.pair()
		h := l.listen(s)
		h.times(0)
		l.send(c, "a")
		h.times(1)
		if h.last.Load() != s {
			l.fatalf("called with another socket")
		}
		l.send(c, "b") // what waits does not hide what comes
		h.times(2)
		l.recv(s, 9, "ab")
		l.send(c, "c")
		h.times(3)
		l.must(c.Close())
		h.times(4)

		// Cleared, replaced, closed.
		c, s = l.pair()
		h = l.listen(s)
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_CALLBACK, nil))
		l.send(c, "x")
		l.quiet()
		h.times(0)
		other := l.listen(s)
		l.send(c, "x")
		other.times(1)
		h.times(0)
		l.must(s.Close())
		c.Send([]byte("x"))
		other.times(1)

		// A listener's is not its connections'.
		listener := l.listener()
		h = l.listen(listener)
		c = l.tcp()
		l.must(c.Connect(l.addr(listener)))
		h.times(1)
		conn, _, err := listener.Accept()
		l.must(err)
		l.own(conn)
		l.send(c, "x")
		l.quiet()
		h.times(1)

		// Datagrams.
		a, b := l.udp(), l.udp()
		h = l.listen(a)
		for i := range int32(3) {
			_, err := b.SendTo(nil, l.addr(a))
			l.must(err)
			h.times(i + 1)
		}
	})
}

// What waited at SetCallback is no arrival, what comes in the same turn is one.
func TestD33CallbackNotForWhatWaits(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.send(c, "x")
		l.readable(s)
		h := l.listen(s)
		h.times(0)
		l.send(c, "y")
		h.times(1)

		c, s = l.pair()
		l.send(c, "x")
		l.readable(s)
		h = l.listen(s)
		l.send(c, "y")
		l.quiet()
		if n := h.n.Load(); n < 1 || n > 2 { // the background may have been looking at what waits
			l.fatalf("called %d times for one arrival", n)
		}

		h = l.listen(l.tcp()) // never connected: hung up, for poll(2)
		h.times(0)

		listener := l.listener()
		for range 2 {
			l.must(l.tcp().Connect(l.addr(listener)))
		}
		l.readable(listener)
		h = l.listen(listener)
		h.times(0)
		l.must(l.tcp().Connect(l.addr(listener)))
		h.times(1)
	})
}

// A call that is on its way when the callback is cleared, or the socket closed, does not come.
func TestD33CallbackNotAfterItIsCleared(t *testing.T) {
	parked(t, func(l *lab) {
		for _, end := range []func(s *socket.Socket) error{
			func(s *socket.Socket) error { return s.SetCallback(nil) },
			(*socket.Socket).Close,
		} {
			_, slow := l.pair()
			peer, s := l.pair()
			busy, goOn := make(chan struct{}), make(chan struct{})
			l.must(slow.SetCallback(func(*socket.Socket) {
				close(busy)
				<-goOn
			}))
			h := l.listen(s)
			l.must(slow.Shutdown(socket.SHUT_RD)) // arrives here
			<-busy
			l.send(peer, "x") // its call waits behind the slow one
			l.readable(s)
			for range 10 {
				l.pass()
			}
			l.must(end(s))
			close(goOn)
			l.must(slow.Close())
			l.quiet()
			h.times(0)
		}
	})
}

// The callback may do anything to its socket. What comes together is told once, so it takes all there is.
func TestD33CallbackUsesTheSocket(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(s.SetBlocking(false))
		var got []byte
		done := make(chan struct{})
		l.must(s.SetCallback(func(s *socket.Socket) {
			for {
				p, err := s.Recv(9)
				if err != nil {
					return
				}
				got = append(got, p...)
				if len(p) == 0 {
					s.Close()
					close(done)
					return
				}
			}
		}))
		for range 5 {
			l.send(c, "ab")
		}
		l.must(c.Close())
		l.until("the end", func() bool {
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
		if string(got) != "ababababab" {
			l.fatalf("got %q", got)
		}
	})
}

// They are the host's options, and mean nothing to sockets that never block there.
func TestD34SocketTimeoutsOfTheHostHaveNoEffect(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		tv := make([]byte, 16)
		binary.NativeEndian.PutUint64(tv[8:], 1000) // 1 ms
		for _, option := range []int{socket.SO_RCVTIMEO, socket.SO_SNDTIMEO} {
			if err := s.SetSockOpt(socket.SOL_SOCKET, option, tv); err != nil {
				l.t.Skip("another struct timeval: ", err)
			}
		}
		if s.Timeout() != timeout.None {
			l.fatalf("the mode is %v", s.Timeout())
		}
		join := l.beside(func(l *lab) {
			l.asleep(s)
			for range 30 { // well past 1 ms
				l.pass()
			}
			l.send(c, "late")
		})
		l.recv(s, 9, "late")
		join()
	})
}

func TestD35Protocols(t *testing.T) {
	both(t, func(l *lab) {
		for _, c := range []struct{ typ, proto int }{{stream, 0}, {stream, socket.IPPROTO_TCP}, {dgram, 0}, {dgram, socket.IPPROTO_UDP}} {
			s, err := l.make(inet, c.typ, c.proto)
			l.must(err)
			l.own(s)
		}
		if socket.IPPROTO_TCP != 6 || socket.IPPROTO_UDP != 17 {
			l.fatalf("protocols are %d and %d", socket.IPPROTO_TCP, socket.IPPROTO_UDP)
		}
		for _, c := range []struct {
			family, typ, proto int
			want               syscall.Errno
		}{
			{inet, stream, socket.IPPROTO_UDP, syscall.EPROTONOSUPPORT},
			{inet, dgram, socket.IPPROTO_TCP, syscall.EPROTONOSUPPORT},
			{inet, stream, socket.IPPROTO_SEC, syscall.EPROTONOSUPPORT},
			{99, stream, 0, syscall.EAFNOSUPPORT},
			{1<<32 | inet, stream, 0, syscall.EAFNOSUPPORT},
			{inet, 77, 0, syscall.EINVAL},
			{inet, 1<<32 | stream, 0, syscall.EINVAL},
			{inet, stream, -1, syscall.EINVAL},
		} {
			_, err := l.make(c.family, c.typ, c.proto)
			if !errors.Is(err, c.want) {
				l.t.Errorf("%d, %d, %d: %v", c.family, c.typ, c.proto, err)
			}
		}
		_, err := l.make(inet, stream, socket.IPPROTO_SEC)
		if err == nil || !strings.Contains(err.Error(), "TLS") {
			l.fatalf("IPPROTO_SEC: %v", err)
		}
	})
}

func TestListenAndBind(t *testing.T) {
	both(t, func(l *lab) {
		for _, backlog := range [][]int{nil, {-5}, {0}, {1 << 40}} {
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
		l.errno(u.Listen(), syscall.EOPNOTSUPP)
		_, _, err := u.Accept()
		l.errno(err, syscall.EOPNOTSUPP)
		_, _, err = l.tcp().Accept()
		l.errno(err, syscall.EINVAL)
		l.errno(l.tcp().Bind(socket.Tuple("203.0.113.1", 0)), syscall.EADDRNOTAVAIL)
		l.errno(l.udp().Bind(socket.Tuple("127.0.0.1", 0)), syscall.EINVAL)
	})
}

// Connections come in the order they were made; one whose peer has gone gives its data, then the end.
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

func TestMulticast(t *testing.T) {
	both(t, func(l *lab) {
		s := l.udp()
		group := append([]byte{224, 0, 0, 251}, 127, 0, 0, 1)
		if err := s.SetSockOpt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group); err != nil {
			l.t.Skip("no multicast here: ", err)
		}
		l.must(s.SetSockOpt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group))
		if err := s.SetSockOpt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group); err == nil {
			l.fatalf("left the group twice")
		}
	})
}
