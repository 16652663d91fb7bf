//go:build unix

package socket_test

import (
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/socket"
)

// FromFD is the reverse of Detach: the new Socket has the family, the type and the peer of the old
// one.
func TestFromFDGoesOnWhereDetachLeftOff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s, err := socket.FromConn(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the net.Conn is open: %v", err)
	}
	fd, err := s.Detach()
	if err != nil {
		t.Fatal(err)
	}
	s, err = socket.FromFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Fileno() != fd || s.Family() != socket.AF_INET || s.Type() != socket.SOCK_STREAM {
		t.Error(s.Fileno(), s.Family(), s.Type())
	}
	if _, err := s.SendAll([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(peer, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	peer.Write([]byte("answer"))
	data, from, err := s.RecvFrom(10) // this call waits, although the descriptor is non-blocking
	if string(data) != "answer" || from.String() != l.Addr().String() || err != nil {
		t.Errorf("%q from %v: %v", data, from, err)
	}
}

// FromFD refuses a descriptor that is not a socket of a known family. The error has the number of
// the descriptor, and nothing changes.
func TestFromFDRefusesAndChangesNothing(t *testing.T) {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	for _, test := range []struct {
		fd   int
		text string
		want error
	}{
		{-1, "descriptor -1 is not open", syscall.EBADF},
		{1 << 20, "descriptor 1048576 is not open", syscall.EBADF},
		{math.MaxInt, "is not open", syscall.EBADF},
		{fds[0], "is no socket", syscall.ENOTSOCK},
	} {
		s, err := socket.FromFD(test.fd)
		if s != nil || err == nil || !strings.Contains(err.Error(), test.text) || !errors.Is(err, test.want) {
			t.Errorf("%v, want %q", err, test.text)
		}
	}
	if n, err := syscall.Write(fds[1], []byte("x")); n != 1 {
		t.Error("the pipe was closed", err)
	}
	if _, err := socket.FromConn(nil); err == nil {
		t.Error("a nil connection was taken")
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := socket.FromConn(a); err == nil || !strings.Contains(err.Error(), "*net.pipe has no method SyscallConn") {
		t.Error(err)
	}
	if err := a.SetDeadline(time.Now()); err != nil {
		t.Error("the refused connection is closed")
	}
}
