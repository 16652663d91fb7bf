//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"bytes"
	"net/netip"
	"runtime"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = Inet(netip.MustParseAddrPort("127.0.0.1:0"))

func ok(t testing.TB, e Errno) {
	t.Helper()
	if e != 0 {
		t.Fatal(e)
	}
}

func newSocket(t testing.TB, family, typ int) int {
	t.Helper()
	fd, e := Host.Socket(family, typ, 0)
	ok(t, e)
	t.Cleanup(func() { Host.Close(fd) })
	return fd
}

// bound returns a new socket that is bound to a, and its address.
func bound(t testing.TB, typ int, a Addr) (int, Addr) {
	t.Helper()
	fd := newSocket(t, a.Family, typ)
	ok(t, Host.Bind(fd, a))
	a, e := Host.LocalAddr(fd)
	ok(t, e)
	return fd, a
}

// await sleeps until the Poller reports that the descriptor is ready.
func await(t testing.TB, fd int, want poller.Interest) {
	t.Helper()
	p, err := Host.NewPoller()
	if err == nil {
		defer p.Close()
		err = p.Add(fd, 1, want)
	}
	if err != nil {
		t.Fatal(err)
	}
	var events [1]poller.Event
	if _, err := p.Wait(events[:], timeout.Never); err != nil {
		t.Fatal(err)
	}
}

// tcp returns both ends of a new connection: the one that dialled and the accepted one.
func tcp(t testing.TB) (a, b int) {
	t.Helper()
	l, addr := bound(t, SOCK_STREAM, loopback)
	ok(t, Host.Listen(l, 1))
	a = newSocket(t, AF_INET, SOCK_STREAM)
	if e := Host.Connect(a, addr); e != 0 && e != EINPROGRESS {
		t.Fatal(e)
	}
	await(t, l, poller.In)
	b, from, e := Host.Accept(l)
	ok(t, e)
	t.Cleanup(func() { Host.Close(b) })
	await(t, a, poller.Out)
	if local, _ := Host.LocalAddr(a); from != local {
		t.Fatalf("accepted from %v, dialed from %v", from, local)
	}
	if peer, e := Host.PeerAddr(a); e != 0 || peer != addr {
		t.Fatalf("the peer is %v, %v, want %v", peer, e, addr)
	}
	return a, b
}

func TestDescriptorsAreNonBlockingAndCloseOnExecFromBirth(t *testing.T) {
	a, b := tcp(t)
	for _, fd := range []int{a, b, newSocket(t, AF_UNIX, SOCK_DGRAM)} {
		status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || status&unix.O_NONBLOCK == 0 {
			t.Errorf("%d blocks: %v", fd, err)
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%d is inherited: %v", fd, err)
		}
	}
	var p [1]byte
	if n, e := Host.Recv(b, p[:], 0); n != 0 || e != EAGAIN {
		t.Errorf("Recv of nothing = %d, %v", n, e)
	}
}

// After a shutdown of the sending direction, every kind of send returns EPIPE.
func TestSendingToNobodyIsEPIPE(t *testing.T) {
	a, _ := tcp(t)
	ok(t, Host.Shutdown(a, SHUT_WR))
	if _, e := Host.Send(a, []byte("x"), 0); e != EPIPE {
		t.Errorf("Send: %v", e)
	}
	if _, e := Host.SendTo(a, []byte("x"), 0, Addr{}); e != EPIPE {
		t.Errorf("SendTo: %v", e)
	}
	if _, e := Host.SendV(a, [][]byte{[]byte("x"), []byte("y")}); e != EPIPE {
		t.Errorf("SendV: %v", e)
	}
	b := NewBatch(1, 1)
	b.Packets[0].N = 1
	if _, e := Host.SendBatch(a, b, 1); e != EPIPE {
		t.Errorf("SendBatch: %v", e)
	}
}

func TestStreamEndsWithZero(t *testing.T) {
	a, b := tcp(t)
	n, e := Host.Send(a, []byte("hello"), 0)
	ok(t, e)
	ok(t, Host.Shutdown(a, SHUT_WR))
	await(t, b, poller.In)
	var p [16]byte
	if m, e := Host.Recv(b, p[:], MSG_PEEK); m != n || e != 0 {
		t.Fatalf("peeked %d, %v", m, e)
	}
	if m, e := Host.Recv(b, p[:], 0); m != n || e != 0 || string(p[:m]) != "hello" {
		t.Fatalf("received %d, %v", m, e)
	}
	await(t, b, poller.In)
	if m, e := Host.Recv(b, p[:], 0); m != 0 || e != 0 {
		t.Fatalf("the end is %d, %v", m, e)
	}
}

// SendV gets more pieces than it accepts in one call, and some of them are empty. It sends the
// first ones in order.
func TestPiecesGoInOrder(t *testing.T) {
	a, b := tcp(t)
	var pieces [][]byte
	var all []byte
	for i := range 2 * MaxPieces {
		pieces = append(pieces, nil, []byte{byte(i), byte(i)})
		all = append(all, byte(i), byte(i))
	}
	n, e := Host.SendV(a, pieces)
	ok(t, e)
	if n != 2*MaxPieces {
		t.Fatalf("%d bytes of %d pieces", n, MaxPieces)
	}
	got := make([]byte, 0, len(all))
	for len(got) < n {
		await(t, b, poller.In)
		m, e := Host.Recv(b, got[len(got):cap(got)], 0)
		ok(t, e)
		got = got[:len(got)+m]
	}
	if !bytes.Equal(got, all[:n]) {
		t.Fatal("the bytes differ")
	}
}

func TestOptionsAreSetAndGot(t *testing.T) {
	fd := newSocket(t, AF_INET, SOCK_STREAM)
	ok(t, Host.SetOpt(fd, IPPROTO_TCP, TCP_NODELAY, 1))
	if v, e := Host.GetOpt(fd, IPPROTO_TCP, TCP_NODELAY); v == 0 || e != 0 {
		t.Errorf("TCP_NODELAY = %d, %v", v, e)
	}
	linger := make([]byte, unix.SizeofLinger)
	// These bytes mean on and 9 seconds on a little-endian machine, and larger numbers on another one.
	linger[0], linger[4] = 1, 9
	ok(t, Host.SetOptBytes(fd, SOL_SOCKET, SO_LINGER, linger))
	got := make([]byte, unix.SizeofLinger)
	if n, e := Host.GetOptBytes(fd, SOL_SOCKET, SO_LINGER, got); n != len(got) || e != 0 || got[0]|got[3] == 0 {
		t.Errorf("SO_LINGER = %d, %v, % x", n, e, got)
	}
	if _, e := Host.GetOptBytes(fd, SOL_SOCKET, -1, got); e != ENOPROTOOPT {
		t.Errorf("no such option: %v", e)
	}
	if v, e := Host.GetOpt(fd, SOL_SOCKET, SO_TYPE); v != SOCK_STREAM || e != 0 {
		t.Errorf("SO_TYPE = %d, %v", v, e)
	}
}

// Unsent counts what the peer's kernel has not acknowledged. It becomes 0 when the peer has read
// everything.
func TestUnsentReachesZero(t *testing.T) {
	a, b := tcp(t)
	if n, e := Host.Unsent(a); n != 0 {
		t.Fatalf("Unsent = %d, %v", n, e)
	}
	chunk := make([]byte, 1<<16)
	for e := Errno(0); e == 0; { // until both kernels have full buffers
		_, e = Host.Send(a, chunk, 0)
	}
	n, e := Host.Unsent(a)
	if e == ENOTSUP {
		t.Skip("not to be had here")
	}
	if n == 0 || e != 0 {
		t.Fatalf("Unsent = %d, %v, with a full send buffer", n, e)
	}
	for n > 0 {
		if _, e := Host.Recv(b, chunk, 0); e == EAGAIN {
			runtime.Gosched() // the acknowledgement is on its way
		}
		n, e = Host.Unsent(a)
		ok(t, e)
	}
}

func TestClosedDescriptorIsEBADF(t *testing.T) {
	fd, e := Host.Socket(AF_INET, SOCK_STREAM, 0)
	ok(t, e)
	ok(t, Host.Close(fd))
	if e := Host.Close(fd); e != EBADF {
		t.Errorf("Close: %v", e)
	}
	if conn, _, e := Host.Accept(fd); conn != -1 || e != EBADF {
		t.Errorf("Accept = %d, %v", conn, e)
	}
	var p [1]byte
	if _, e := Host.Recv(fd, p[:], 0); e != EBADF {
		t.Errorf("Recv: %v", e)
	}
	if _, e := Host.Send(fd, p[:], 0); e != EBADF {
		t.Errorf("Send: %v", e)
	}
	if _, e := Host.Unsent(fd); e != EBADF && e != ENOTSUP {
		t.Errorf("Unsent: %v", e)
	}
	if fd, e := Host.Socket(-1, SOCK_STREAM, 0); fd != -1 || e == 0 {
		t.Errorf("a socket of no family is %d, %v", fd, e)
	}
}

// One goroutine writes a variable and sends, and another one receives and reads the variable. Only
// the two sockets order the goroutines. With -race the test fails if package kernel does not report
// that order to the race detector.
func TestSocketsOrderMemory(t *testing.T) {
	sends := map[string]func(fd int, p []byte){
		"Send":   func(fd int, p []byte) { Host.Send(fd, p, 0) },
		"SendTo": func(fd int, p []byte) { Host.SendTo(fd, p, 0, Addr{}) },
		"SendV":  func(fd int, p []byte) { Host.SendV(fd, [][]byte{p}) },
		"SendBatch": func(fd int, p []byte) {
			b := NewBatch(1, 0)
			b.Packets[0] = Packet{Buf: p, N: len(p)}
			Host.SendBatch(fd, b, 1)
		},
	}
	recvs := map[string]func(fd int, p []byte) Errno{
		"Recv":     func(fd int, p []byte) Errno { _, e := Host.Recv(fd, p, 0); return e },
		"RecvFrom": func(fd int, p []byte) Errno { _, _, e := Host.RecvFrom(fd, p, 0); return e },
		"RecvBatch": func(fd int, p []byte) Errno {
			b := NewBatch(1, 0)
			b.Packets[0].Buf = p
			_, e := Host.RecvBatch(fd, b)
			return e
		},
	}
	for name, send := range sends {
		for answer, recv := range recvs {
			t.Run(name+answer, func(t *testing.T) {
				a, addrA := bound(t, SOCK_DGRAM, loopback)
				b, addrB := bound(t, SOCK_DGRAM, loopback)
				ok(t, Host.Connect(a, addrB))
				ok(t, Host.Connect(b, addrA))
				shared, done := 0, make(chan struct{})
				go func() {
					defer close(done)
					shared = 7
					send(a, []byte("x"))
				}()
				var p [1]byte
				for recv(b, p[:]) == EAGAIN {
					runtime.Gosched()
				}
				if shared != 7 || p[0] != 'x' {
					t.Errorf("got %d, %q", shared, p)
				}
				<-done
			})
		}
	}
}
