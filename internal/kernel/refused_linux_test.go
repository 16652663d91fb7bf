package kernel

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/seccomp"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A seccomp filter refuses one call, with each errno of seccomp.Errnos. Another call must then do
// the work. An error that concerns one descriptor must be returned unchanged.
func TestRefusedCallsHaveAFallback(t *testing.T) {
	if !longtest.Default(t, "processes that are started") {
		return
	}
	for name, call := range map[string]uintptr{
		"accept4": unix.SYS_ACCEPT4, "recvmmsg": unix.SYS_RECVMMSG, "sendmmsg": unix.SYS_SENDMMSG, "ioctl": unix.SYS_IOCTL,
		"epoll_pwait2": unix.SYS_EPOLL_PWAIT2, "eventfd2": unix.SYS_EVENTFD2, "fcntl": unix.SYS_FCNTL, "pipe2": unix.SYS_PIPE2,
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range seccomp.Errnos {
				seccomp.Denied(t, call, e, func(t *testing.T) {
					accepts(t)
					movesDatagrams(t)
					waits(t)
				})
			}
		})
	}
}

// accepts accepts two connections. The second accept uses what the first one has found out about
// the system.
func accepts(t *testing.T) {
	l := listening(t)
	at, _ := Host.LocalAddr(l)
	for range 2 {
		c := socketOf(t, SOCK_STREAM)
		if e := Host.Connect(c, at); e != 0 && e != EINPROGRESS {
			t.Fatal(e)
		}
		s, from, e := acceptSoon(l)
		if e != 0 {
			t.Fatalf("accept: %v", e)
		}
		if me, _ := Host.LocalAddr(c); me != from {
			t.Errorf("accept says %v, the peer is %v", from, me)
		}
		if _, e := Host.Send(c, []byte("x"), 0); e != 0 {
			t.Error(e)
		}
		if n, e := Host.Unsent(c); e != 0 && e != EPERM || n > 100_000 {
			t.Errorf("unsent: %d, %v", n, e)
		}
		Host.Close(s)
	}
	if _, _, e := Host.Accept(l); e != EAGAIN {
		t.Errorf("accept of nothing: %v", e)
	}
	if _, _, e := Host.Accept(-1); e != EBADF {
		t.Errorf("accept of -1: %v", e)
	}
}

func acceptSoon(l int) (s int, from Addr, e Errno) {
	for e = EAGAIN; e == EAGAIN; time.Sleep(time.Millisecond) {
		if s, from, e = Host.Accept(l); e == 0 {
			return s, from, 0
		}
	}
	return s, from, e
}

// movesDatagrams sends a batch of three datagrams and receives the batch in order, twice.
func movesDatagrams(t *testing.T) {
	a, b := socketOf(t, SOCK_DGRAM), socketOf(t, SOCK_DGRAM)
	to, _ := Host.LocalAddr(b)
	me, _ := Host.LocalAddr(a)
	out, in := NewBatch(4, 0), NewBatch(4, 100)
	for range 2 {
		if n, e := Host.RecvBatch(b, in); n != 0 || e != EAGAIN {
			t.Fatalf("nothing there: %d, %v", n, e)
		}
		for i, s := range []string{"one", "", "three"} {
			out.Packets[i] = Packet{Buf: []byte(s), N: len(s), Addr: to}
		}
		if n, e := Host.SendBatch(a, out, 3); n != 3 || e != 0 {
			t.Fatalf("sent %d, %v", n, e)
		}
		n, e := Host.RecvBatch(b, in)
		if n != 3 || e != 0 {
			t.Fatalf("received %d, %v", n, e)
		}
		for i, p := range in.Packets[:n] {
			if string(p.Buf[:p.N]) != string(out.Packets[i].Buf) || p.Addr != me {
				t.Errorf("datagram %d: %q from %v", i, p.Buf[:p.N], p.Addr)
			}
		}
	}
	if n, e := Host.RecvBatch(-1, in); n != 0 || e != EBADF {
		t.Errorf("of -1: %d, %v", n, e)
	}
}

// waits makes a Poller sleep until a deadline, and wakes it twice from another goroutine.
func waits(t *testing.T) {
	p, err := Host.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	events := make([]poller.Event, 4)
	for _, d := range []time.Duration{time.Millisecond, 1500 * time.Microsecond} {
		until := timeout.Timeout(d).After(Host.Now())
		if n, err := p.Wait(events, until); n != 0 || err != nil || !until.Passed(Host.Now()) {
			t.Fatalf("a wait of %v: %d, %v, %v early", d, n, err, until.Left(Host.Now()))
		}
	}
	for range 2 {
		go p.Wake()
		if n, err := p.Wait(events, timeout.Never); n != 0 || err != nil {
			t.Fatalf("woken: %d, %v", n, err)
		}
	}
	until := timeout.Timeout(time.Millisecond).After(Host.Now())
	if _, err := p.Wait(events, until); err != nil || !until.Passed(Host.Now()) {
		t.Fatal("a Wake has ended a second wait", err)
	}
}

func socketOf(t *testing.T, typ int) int {
	t.Helper()
	fd, e := Host.Socket(AF_INET, typ, 0)
	if e == 0 {
		e = Host.Bind(fd, Addr{Family: AF_INET, IP: [16]byte{127, 0, 0, 1}})
	}
	if e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() { Host.Close(fd) })
	return fd
}

func listening(t *testing.T) int {
	t.Helper()
	fd := socketOf(t, SOCK_STREAM)
	if e := Host.Listen(fd, 10); e != 0 {
		t.Fatal(e)
	}
	return fd
}
