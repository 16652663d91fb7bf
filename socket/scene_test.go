//go:build unix

package socket_test

import (
	"syscall"

	"github.com/ureactor/ureactor/socket"
)

func (l *lab) make(family, typ, proto int) (*socket.Socket, error) {
	if l.r != nil {
		return socket.NewOn(l.r, family, typ, proto)
	}
	return socket.New(family, typ, proto)
}

func (l *lab) fromFD(fd int) (*socket.Socket, error) {
	if l.r != nil {
		return socket.FromFDOn(l.r, fd)
	}
	return socket.FromFD(fd)
}

func (l *lab) socket(family, typ int) *socket.Socket {
	l.t.Helper()
	s, err := l.make(family, typ, 0)
	l.must(err)
	return l.own(s)
}

func (l *lab) tcp() *socket.Socket { return l.socket(inet, stream) }

// udp returns a datagram socket that is bound.
func (l *lab) udp() *socket.Socket {
	s := l.socket(inet, dgram)
	l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
	return s
}

func (l *lab) listener(backlog ...int) *socket.Socket {
	s := l.tcp()
	l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
	l.must(s.Listen(append(backlog, socket.DefaultBacklog)[0]))
	return s
}

func (l *lab) addr(s *socket.Socket) socket.Addr {
	a, err := s.LocalAddr()
	l.must(err)
	return a
}

// pair returns both ends of a TCP connection.
func (l *lab) pair() (client, server *socket.Socket) {
	l.t.Helper()
	listener := l.listener()
	client = l.tcp()
	l.must(client.Connect(l.addr(listener)))
	server, _, err := listener.Accept()
	l.must(err)
	l.must(listener.Close())
	return client, l.own(server)
}

// stuck returns the address of a listener whose queue is full. Connects to it stay in progress.
func (l *lab) stuck() (socket.Addr, *socket.Socket) {
	if l.os == "freebsd" {
		l.skip("FreeBSD resets what a listener has no room for: no connect stays in progress")
	}
	listener := l.listener(0)
	for range 4 {
		s := l.tcp()
		l.must(s.SetBlocking(false))
		l.errno(s.Connect(l.addr(listener)), syscall.EINPROGRESS)
	}
	return l.addr(listener), listener
}

// refusing returns an address at which nobody listens.
func (l *lab) refusing() socket.Addr {
	s := l.tcp()
	l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
	return l.addr(s)
}

// reset closes s with a reset. It waits until the peer sees that.
func (l *lab) reset(s, peer *socket.Socket) {
	l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
	l.must(s.Close())
	l.over(peer)
}

// over waits until s, which has no input, has failed or ended. Then poll(2) reports ERR and HUP on
// Linux, HUP on FreeBSD, and on NetBSD only that a call would not wait.
func (l *lab) over(s *socket.Socket) { l.readable(s) }

// begin starts to connect a non-blocking socket. On FreeBSD a connect on the loopback ends at once.
func (l *lab) begin(s *socket.Socket, to socket.Addr) {
	l.t.Helper()
	if err := s.Connect(to); err != nil || l.os != "freebsd" {
		l.errno(err, syscall.EINPROGRESS)
	}
}

// refuse makes the connect of a non-blocking socket fail with a refusal. `told` means that connect
// itself has returned the error, so the error is not pending.
func (l *lab) refuse(s *socket.Socket, to socket.Addr) (told bool) {
	l.t.Helper()
	err := s.Connect(to)
	if l.os == "freebsd" {
		l.errno(err, syscall.ECONNREFUSED)
		return true
	}
	l.errno(err, syscall.EINPROGRESS)
	l.over(s)
	return false
}

// fill sends on a non-blocking socket until there is no room. Acknowledgements make room, and on a
// busy machine they may be late. So fill waits for them.
func (l *lab) fill(s *socket.Socket) (n int) {
	p := make([]byte, 64<<10)
	for idle := 0; idle < 3; {
		k, err := s.Send(p[:max(1, len(p)>>(8*idle))])
		n += k
		if err == nil {
			idle = 0
			continue
		}
		l.errno(err, syscall.EAGAIN)
		if idle++; !l.isSimulated() && underWay(s.Fileno()) {
			idle = 0
		}
		l.pass()
	}
	return n
}
