//go:build unix

package socket_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/socket"
)

// Two Sockets do not share an EAGAIN error, because a program may change the fields of an error. If
// a Socket returns EAGAIN again, it allocates nothing.
func TestEAGAINBelongsToItsSocket(t *testing.T) {
	again := func(s *socket.Socket) *socket.OSError {
		_, err := s.Recv(1)
		var e *socket.OSError
		if !errors.As(err, &e) || !errors.Is(err, syscall.EAGAIN) {
			t.Fatal(err)
		}
		return e
	}
	one, other := connectedPair()
	defer one.Close()
	defer other.Close()
	for _, s := range []*socket.Socket{one, other} {
		if err := s.SetBlocking(false); err != nil {
			t.Fatal(err)
		}
	}
	e, text := again(one), again(other).Error()
	e.Op = "changed"
	for _, s := range []*socket.Socket{one, other} {
		if got := again(s).Error(); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
	p := make([]byte, 1)
	if n := testing.AllocsPerRun(100, func() { _, _ = one.RecvInto(p) }); !raceEnabled && n > 0 {
		t.Errorf("%v allocations", n)
	}
}
