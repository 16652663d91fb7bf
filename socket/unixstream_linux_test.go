package socket_test

import (
	"context"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

// A counting kernel counts the recvs on one descriptor.
type counting struct {
	kernel.Kernel
	fd    int
	recvs int
}

func (k *counting) Recv(fd int, p []byte, flags int) (int, kernel.Errno) {
	if fd == k.fd {
		k.recvs++
	}
	return k.Kernel.Recv(fd, p, flags)
}

func (k *counting) ReadsFully() bool { return kernel.ReadsFully(k.Kernel) }

// Each message for a task on a Unix stream socket costs one recv, whatever has made the socket, and
// whatever call reads it. After a short read, the task sleeps without another try.
func TestUnixMessageCostsOneRecv(t *testing.T) {
	cert, key := certificate()
	data := func(s *socket.Socket) (func() ([]byte, error), error) { return s.Data, nil }
	for name, reads := range map[string]func(s *socket.Socket) (func() ([]byte, error), error){
		"Data": data,
		"RecvInto": func(s *socket.Socket) (func() ([]byte, error), error) {
			p := make([]byte, 100)
			return func() ([]byte, error) { n, err := s.RecvInto(p); return p[:n], err }, nil
		},
		"TLS": func(s *socket.Socket) (func() ([]byte, error), error) {
			tls, err := socket.WrapSSL(s, true, socket.SSLOptions{Key: key, Cert: cert})
			if err != nil {
				return nil, err
			}
			p := make([]byte, 100)
			return func() ([]byte, error) { n, err := tls.Read(p); return p[:n], err }, nil
		},
		"FromFD": data,
	} {
		t.Run(name, func(t *testing.T) {
			k := &counting{Kernel: kernel.Host}
			taskOn(t, context.Background(), k, func(l *lab) {
				s, c := l.unixPair()
				if name == "FromFD" {
					s = l.again(s)
				}
				k.fd = s.Fileno()
				const messages = 20
				join := l.beside(func(l *lab) {
					var w io.Writer = c
					if name == "TLS" {
						tls, err := socket.WrapSSL(c, false, socket.SSLOptions{})
						l.must(err)
						w = tls
					}
					for range messages {
						_, err := w.Write([]byte("x"))
						l.must(err)
						l.letOthersRun()
					}
				})
				read, err := reads(s)
				l.must(err)
				for i := range messages {
					if i == 2 { // the first call began when the socket was not registered yet
						k.recvs = 0
					}
					p, err := read()
					l.data(p, err, "x")
				}
				join()
				if k.recvs != messages-2 {
					l.fatalf("%d recvs for %d messages", k.recvs, messages-2)
				}
			})
		})
	}
}

// again makes another Socket of the descriptor of s.
func (l *lab) again(s *socket.Socket) *socket.Socket {
	fd, err := s.Detach()
	l.must(err)
	s, err = socket.FromFDOn(l.r, fd)
	l.must(err)
	return l.own(s)
}

// letOthersRun yields to the reader, which receives the data and waits again.
func (l *lab) letOthersRun() {
	for range 3 {
		l.must(l.task.Sleep(0))
	}
}

// A recv stops behind a message that passes descriptors. The bytes that follow are received without
// another Event.
func TestDescriptorsInAUnixStream(t *testing.T) {
	inTask(t, func(l *lab) {
		s, c := l.unixPair()
		for range 3 {
			join := l.beside(func(l *lab) {
				l.asleep(s)
				for i, text := range []string{"a", "b", "c", strings.Repeat("d", 100)} {
					var rights []byte
					if i%2 == 0 {
						rights = syscall.UnixRights(c.Fileno())
					}
					l.must(syscall.Sendmsg(c.Fileno(), []byte(text), rights, nil, syscall.MSG_DONTWAIT))
				}
			})
			got := 0
			for got < 103 {
				p, err := s.Data()
				l.must(err)
				got += len(p)
			}
			join()
		}
	})
}

// unixPair returns both ends of a Unix connection, the accepted one first.
func (l *lab) unixPair() (accepted, connected *socket.Socket) {
	at := socket.Path(longtest.SocketPath(l.t))
	listener := l.socket(socket.AF_UNIX, socket.SOCK_STREAM)
	l.must(listener.Bind(at))
	l.must(listener.Listen(1))
	connected = l.socket(socket.AF_UNIX, socket.SOCK_STREAM)
	l.must(connected.Connect(at))
	accepted, _, err := listener.Accept()
	l.must(err)
	return l.own(accepted), connected
}
