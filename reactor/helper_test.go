//go:build unix

package reactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// hooks is a Handler whose methods call functions. A function that is nil does nothing.
type hooks struct {
	data    func(*Conn, []byte)
	closed  func(*Conn, error)
	opened  func(*Conn)
	drained func(*Conn)
	timeout func(*Conn, TimeoutKind)
}

func (h *hooks) Data(c *Conn, p []byte) {
	if h.data != nil {
		h.data(c, p)
	}
}

func (h *hooks) Closed(c *Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

func (h *hooks) Opened(c *Conn) {
	if h.opened != nil {
		h.opened(c)
	}
}

func (h *hooks) Drained(c *Conn) {
	if h.drained != nil {
		h.drained(c)
	}
}

func (h *hooks) Timeout(c *Conn, kind TimeoutKind) {
	if h.timeout != nil {
		h.timeout(c, kind)
	}
}

// eofHooks is hooks with a method EOF.
type eofHooks struct {
	hooks
	eof func(*Conn)
}

func (h *eofHooks) EOF(c *Conn) { h.eof(c) }

// plain has none of the optional methods.
type plain struct{ h *hooks }

func (p plain) Data(c *Conn, b []byte)    { p.h.Data(c, b) }
func (p plain) Closed(c *Conn, err error) { p.h.Closed(c, err) }

// echo sends its input back.
type echo struct{}

func (echo) Data(c *Conn, p []byte) { c.Send(p) }
func (echo) Closed(*Conn, error)    {}

func acceptEcho(*Conn) Handler { return echo{} }

func always(h Handler) func(*Conn) Handler { return func(*Conn) Handler { return h } }

// ended returns a context that has ended. A Shutdown with it aborts everything.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// manual makes a reactor whose turns are made by the test.
func manual(t testing.TB, opts ...Option) *Reactor {
	t.Helper()
	r, err := New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.abort.Store(true)
		r.drain.Store(true)
		for end := time.Now().Add(guard); r.turn(0) != ErrClosed; {
			if time.Now().After(end) {
				t.Fatal("an aborted loop does not close")
			}
		}
	})
	return r
}

// turnUntil makes turns until ok returns true.
func turnUntil(t testing.TB, r *Reactor, ok func() bool) {
	t.Helper()
	turns := 0
	for end := r.Now() + timeout.Deadline(guard); !ok(); turns++ {
		if end.Passed(r.Now()) || turns == 1_000_000 { // a simulated clock may stand still
			t.Fatal("it does not happen")
		}
		if err := r.Turn(r.Now() + timeout.Deadline(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

// started makes a reactor. It runs the reactor until the test ends.
func started(t testing.TB, opts ...Option) *Reactor {
	t.Helper()
	r, err := New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		r.Run(context.Background())
		close(done)
	}()
	for r.owner.Load() == ownerless {
		runtime.Gosched()
	}
	t.Cleanup(func() {
		r.Shutdown(ended())
		<-done
	})
	return r
}

// on makes the loop call f, and waits until f has returned.
func on(t testing.TB, r *Reactor, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := r.Post(func() { f(); close(done) }); err != nil {
		t.Fatal(err)
	}
	<-done
}

// listen makes a Listener on a running loop, and returns its address.
func listen(t testing.TB, r *Reactor, network string, accept func(*Conn) Handler, opts ...ListenOption) net.Addr {
	t.Helper()
	var l *Listener
	var err error
	on(t, r, func() { l, err = r.Listen(network, anyAddr(t, network), accept, opts...) })
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr()
}

func anyAddr(t testing.TB, network string) string {
	switch network {
	case "tcp6", "udp6":
		return "[::1]:0"
	case "unix", "unixgram":
		return longtest.SocketPath(t)
	}
	return "127.0.0.1:0"
}

// connect dials with package net.
func connect(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// roundTrip sends p to an echo server, and expects it back.
func roundTrip(t testing.TB, c net.Conn, p string) {
	t.Helper()
	if _, err := io.WriteString(c, p); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(p))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != p {
		t.Fatalf("echo of %q is %q", p, got)
	}
}

// pattern returns n bytes. They form a pattern that does not repeat at the size of a chunk.
func pattern(n int) []byte {
	patterns.Lock()
	defer patterns.Unlock()
	for len(patterns.p) < n {
		patterns.x = patterns.x*1664525 + 1013904223
		patterns.p = append(patterns.p, byte(patterns.x>>24))
	}
	return bytes.Clone(patterns.p[:n])
}

// patterns has the longest pattern that was made, and the state of its generator.
var patterns = struct {
	sync.Mutex
	p []byte
	x uint32
}{x: 1}

// resetConn closes the connection with RST.
func resetConn(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// pair returns two connected Unix stream sockets, which are non-blocking.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return fds[0], fds[1]
}

// tcpPair is like pair, for TCP.
func tcpPair(t failer) (a, b int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer l.Close()
	k := kernel.Host
	b, _ = k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	k.Connect(b, kernel.Inet(l.Addr().(*net.TCPAddr).AddrPort()))
	c, err := l.Accept()
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer c.Close()
	raw, _ := c.(*net.TCPConn).SyscallConn()
	raw.Control(func(fd uintptr) { a, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil {
		t.Fatalf("%v", err)
	}
	return a, b
}

// adoptFD makes a Conn of a connected descriptor, as a Listener does.
func adoptFD(t testing.TB, r *Reactor, fd int, h Handler, opts ...ListenOption) *Conn {
	t.Helper()
	o, err := newSockOptions("listen", eachOption(opts, ListenOption.forListen))
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{opt: o}
	c.w.open(r, fd, c)
	r.conns++
	c.attachFilter()
	c.setHandler(h)
	c.established()
	r.endStep()
	return c
}

// fill writes p to a non-blocking descriptor repeatedly, until the kernel accepts no more.
func fill(fd int, p []byte) (n int) {
	for n < len(p) {
		k, e := kernel.Host.Send(fd, p[n:], 0)
		if e != 0 {
			return n
		}
		n += k
	}
	return n
}

// isBuffered returns whether err is ErrBuffered and ENOBUFS.
func isBuffered(err error) bool {
	return errors.Is(err, ErrBuffered) && errors.Is(err, kernel.ENOBUFS)
}

// wantRead reads len(want) bytes, and compares them with want.
func wantRead(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got[:n], err, want)
	}
}

// wantPanic fails the test unless f panics with a text that contains what.
func wantPanic(t testing.TB, what string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v := fmt.Sprint(recover()); !strings.Contains(v, what) {
			t.Errorf("panic %q, want one that says %q", v, what)
		}
	}()
	f()
}

type packetFunc func()

func (f packetFunc) Packet(*PacketConn, []byte, Addr) { f() }
func (packetFunc) Closed(*PacketConn, error)          {}
