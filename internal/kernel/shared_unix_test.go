//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"testing"

	"golang.org/x/sys/unix"
)

// O_NONBLOCK belongs to the open file, so another process that shares the file can clear it. Even
// then no receive and no send waits.
func TestNothingWaitsOnABlockingFile(t *testing.T) {
	for _, typ := range []int{SOCK_STREAM, SOCK_DGRAM} {
		pair, err := unix.Socketpair(unix.AF_UNIX, typ, 0) // without O_NONBLOCK
		if err != nil {
			t.Fatal(err)
		}
		defer Host.Close(pair[0])
		defer Host.Close(pair[1])
		fd, p, b := pair[0], make([]byte, 1000), NewBatch(2, 1000)
		for name, try := range map[string]func() (int, Errno){
			"Recv":      func() (int, Errno) { return Host.Recv(fd, p, 0) },
			"Recv peek": func() (int, Errno) { return Host.Recv(fd, p, MSG_PEEK) },
			"RecvFrom":  func() (int, Errno) { n, _, e := Host.RecvFrom(fd, p, 0); return n, e },
			"RecvBatch": func() (int, Errno) { return Host.RecvBatch(fd, b) },
		} {
			if n, e := try(); n != 0 || e != EAGAIN {
				t.Errorf("%s of nothing: %d, %v", name, n, e)
			}
		}
		for name, try := range map[string]func() (int, Errno){
			"Send":   func() (int, Errno) { return Host.Send(fd, p, 0) },
			"SendTo": func() (int, Errno) { return Host.SendTo(fd, p, 0, Addr{}) },
			"SendV":  func() (int, Errno) { return Host.SendV(fd, [][]byte{p, p}) },
			"SendBatch": func() (int, Errno) {
				b.Packets[0] = Packet{Buf: p, N: len(p)}
				return Host.SendBatch(fd, b, 1)
			},
		} {
			e := Errno(0)
			for i := 0; e == 0 && i < 100_000; i++ {
				_, e = try()
			}
			if e != EAGAIN && e != ENOBUFS {
				t.Errorf("%s with no room: %v", name, e)
			}
		}
	}
}

func TestAcceptDoesNotWaitOnABlockingFile(t *testing.T) {
	l, e := Host.Socket(AF_INET, SOCK_STREAM, 0)
	if e != 0 {
		t.Fatal(e)
	}
	defer Host.Close(l)
	if e := Host.Bind(l, Addr{Family: AF_INET, IP: [16]byte{127, 0, 0, 1}}); e != 0 {
		t.Fatal(e)
	}
	if e := Host.Listen(l, 10); e != 0 {
		t.Fatal(e)
	}
	if err := unix.SetNonblock(l, false); err != nil {
		t.Fatal(err)
	}
	at, _ := Host.LocalAddr(l)
	for range 2 {
		if _, _, e := Host.Accept(l); e != EAGAIN {
			t.Errorf("nobody there: %v", e)
		}
		c, _ := Host.Socket(AF_INET, SOCK_STREAM, 0)
		if err := unix.SetNonblock(c, false); err != nil {
			t.Fatal(err)
		}
		if e := Host.Connect(c, at); e != 0 {
			t.Fatal(e)
		}
		s, _, e := Host.Accept(l)
		if e != 0 {
			t.Errorf("somebody there: %v", e)
		}
		if _, e := Host.Recv(s, make([]byte, 1), 0); e != EAGAIN {
			t.Errorf("what is accepted: %v", e)
		}
		Host.Close(s)
		Host.Close(c)
	}
}
