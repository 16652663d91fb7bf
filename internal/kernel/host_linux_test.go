package kernel

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// With MSG_TRUNC, recv returns the whole length of a datagram, even if the buffer is shorter.
func TestTruncatedDatagramTellsItsLength(t *testing.T) {
	fd, addr := bound(t, SOCK_DGRAM, loopback)
	ok(t, Host.Connect(fd, addr)) // to itself
	for range 2 {
		_, e := Host.Send(fd, make([]byte, 100), 0)
		ok(t, e)
	}
	var p [4]byte
	if n, e := Host.Recv(fd, p[:], MSG_TRUNC); n != 100 || e != 0 {
		t.Errorf("Recv = %d, %v", n, e)
	}
	if n, _, e := Host.RecvFrom(fd, p[:], MSG_TRUNC); n != 100 || e != 0 {
		t.Errorf("RecvFrom = %d, %v", n, e)
	}
}

// A datagram socket has an abstract name. A second socket gets a name from the kernel, and a third
// one has no name.
func TestAbstractAndUnnamedUnixSockets(t *testing.T) {
	name := Unix("@ureactor-test-" + strings.ReplaceAll(t.Name(), "/", "-"))
	to, addr := bound(t, SOCK_DGRAM, name)
	if addr != name {
		t.Errorf("bound to %q, it says %q", name, addr)
	}
	if _, auto := bound(t, SOCK_DGRAM, Unix("")); !strings.HasPrefix(auto.Path, "@") || len(auto.Path) < 2 {
		t.Errorf("the kernel chose %q", auto)
	}
	unnamed := newSocket(t, AF_UNIX, SOCK_DGRAM)
	_, e := Host.SendTo(unnamed, []byte("hi"), 0, name)
	ok(t, e)
	var p [8]byte
	if n, from, e := Host.RecvFrom(to, p[:], 0); n != 2 || from.Path != "" || e != 0 {
		t.Errorf("received %d from %+v, %v", n, from, e)
	}
	if a, e := Host.LocalAddr(unnamed); a != Unix("") || e != 0 {
		t.Errorf("the unnamed one is %+v, %v", a, e)
	}
}

// A SIGPIPE would be ignored by the Go runtime, so the test asks to be notified of it. The kernel
// delivers SIGPIPE before the send returns. The runtime passes on lower signal numbers first. The
// test sends SIGWINCH to itself: if SIGWINCH is the first signal that arrives, there was no
// SIGPIPE.
func TestNoSignalComesFromSending(t *testing.T) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGPIPE, syscall.SIGWINCH)
	defer signal.Stop(signals)
	TestSendingToNobodyIsEPIPE(t)
	syscall.Kill(os.Getpid(), syscall.SIGWINCH)
	for s := range signals {
		if s == syscall.SIGWINCH {
			break
		}
		t.Errorf("got %v", s)
	}
}

// The calls that are made for each message allocate nothing.
func TestMessagesAllocateNothing(t *testing.T) {
	fd, addr := bound(t, SOCK_DGRAM, loopback)
	a, b := tcp(t)
	out, in := NewBatch(8, 64), NewBatch(8, 64)
	for i := range out.Packets {
		out.Packets[i].Addr, out.Packets[i].N = addr, 1
	}
	p := make([]byte, 64)
	pieces := [][]byte{p[:3], p[3:9]}
	listener, _ := bound(t, SOCK_STREAM, loopback)
	ok(t, Host.Listen(listener, 1))
	for name, f := range map[string]func(){
		"a stream":       func() { Host.Send(a, p, 0); Host.Recv(b, p, 0) },
		"pieces":         func() { Host.SendV(a, pieces); Host.Recv(b, p, 0) },
		"datagrams":      func() { Host.SendTo(fd, p, 0, addr); Host.RecvFrom(fd, p, 0) },
		"batches":        func() { Host.SendBatch(fd, out, 8); Host.RecvBatch(fd, in) },
		"nobody to meet": func() { Host.Accept(listener) },
		"the clock":      func() { Host.Now() },
	} {
		if n := testing.AllocsPerRun(longtest.Count(200, 1000, 1000), f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
