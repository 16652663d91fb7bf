package socket_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

// SendMsg and RecvMsg check their arguments. An error has the name and the range of the argument.
// Values at the ends of the range are accepted.
func TestControlDataHasALimit(t *testing.T) {
	s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	to := socket.Tuple("127.0.0.1", 9)
	for name, call := range map[string]func() error{
		"control data of 65537 bytes must have at most 65536": func() error {
			_, err := s.SendMsg(nil, make([]byte, socket.ControlMost+1), 0, to)
			return err
		},
		"room of 65537 bytes for control data must be 0 … 65536": func() error {
			_, _, err := s.RecvMsg(nil, socket.ControlMost+1, 0)
			return err
		},
		"room of -1 bytes": func() error {
			_, _, err := s.RecvMsg(nil, -1, 0)
			return err
		},
	} {
		if err := call(); !errors.Is(err, socket.ErrValue) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	s.SetTimeout(0)
	if _, _, err := s.RecvMsg(nil, socket.ControlMost, 0); !errors.Is(err, &socket.OSError{Errno: 11, Op: "recvmsg"}) {
		t.Error(err)
	}
	stream, err := socket.New(socket.AF_UNIX, socket.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := stream.SendMsg(nil, socket.Rights(0), 0, socket.Addr{}); !errors.Is(err, socket.ErrValue) {
		t.Errorf("no data: %v", err)
	}
}

// A datagram with control data waits for a receiver without room, as with SendTo.
func TestSendMsgWaitsForTheReceiver(t *testing.T) {
	path := longtest.SocketPath(t)
	in, out := unixGram(t), unixGram(t)
	at := socket.Path(path)
	if err := in.Bind(at); err != nil {
		t.Fatal(err)
	}
	rights := socket.Rights(int(os.Stdin.Fd()))
	out.SetTimeout(0)
	queued := 0
	for ; ; queued++ {
		if _, err := out.SendMsg([]byte("x"), rights, 0, at); err != nil {
			if !errors.Is(err, &socket.OSError{Errno: 11, Op: "sendmsg"}) {
				t.Fatal(err)
			}
			break
		}
	}
	out.SetBlocking(true)
	done := make(chan error)
	go func() {
		_, err := out.SendMsg([]byte("last"), rights, 0, at)
		done <- err
	}()
	for i := range queued + 1 {
		p := make([]byte, 9)
		n, m, err := in.RecvMsg(p, 64, 0)
		if err != nil || len(m.Rights()) != 1 || (string(p[:n]) == "last") != (i == queued) {
			t.Fatalf("datagram %d: %q, %v, %v", i, p[:n], m.Rights(), err)
		}
		for _, fd := range m.Rights() {
			os.NewFile(uintptr(fd), "passed").Close()
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func unixGram(t *testing.T) *socket.Socket {
	t.Helper()
	s, err := socket.New(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
