//go:build unix

package reactor

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// Every errno that accept(2) can tell, and one that it cannot, comes once in between: the listener goes on, for those
// of the lost connection at once, for the others after a pause that Stats counts.
func TestNoAcceptErrorStopsAListener(t *testing.T) {
	lost := []kernel.Errno{kernel.ECONNABORTED, kernel.EPROTO, kernel.EPERM, kernel.ENETDOWN, kernel.EHOSTUNREACH,
		kernel.EOPNOTSUPP, kernel.ETIMEDOUT, kernel.ENOPROTOOPT, kernel.EHOSTDOWN, kernel.ENETUNREACH}
	rest := []kernel.Errno{kernel.EMFILE, kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM, kernel.EINVAL}
	for _, e := range slices.Concat(lost, rest) {
		t.Run(unix.ErrnoName(e), func(t *testing.T) {
			k := hostWithFaults()
			failed := false
			k.accept = func(int) (kernel.Errno, bool) {
				fail := !failed
				failed = true
				return e, fail
			}
			r := started(t, WithKernel(k))
			roundTrip(t, connect(t, listen(t, r, "tcp", acceptEcho)), "hello")
			want := uint64(0)
			if slices.Contains(rest, e) {
				want = 1
			}
			if got := r.Stats().Refused; got != want {
				t.Errorf("Refused is %d, want %d", got, want)
			}
		})
	}
}

// The poller refuses to add an accepted descriptor (ENOMEM): that Conn ends with the error, once, the listener lives.
func TestFailedRegistrationEndsOneConn(t *testing.T) {
	k := hostWithFaults()
	r := started(t, WithKernel(k))
	closed := make(chan error, 10)
	addr := listen(t, r, "tcp", always(&hooks{
		data:   func(c *Conn, p []byte) { c.Send(p) },
		closed: func(_ *Conn, err error) { closed <- err },
	}))
	fail := true
	on(t, r, func() {
		k.ctl = func(op string, _ int) error {
			if op == "add" && fail {
				fail = false
				return os.NewSyscallError("epoll_ctl", kernel.ENOMEM)
			}
			return nil
		}
	})
	c := connect(t, addr)
	if err := <-closed; !errors.Is(err, kernel.ENOMEM) {
		t.Errorf("Closed(%v), want ENOMEM", err)
	}
	if _, err := io.ReadAll(c); err != nil && !errors.Is(err, kernel.ECONNRESET) {
		t.Error(err)
	}
	roundTrip(t, connect(t, addr), "the next")
	if len(closed) != 0 {
		t.Error("Closed again")
	}
}

// Whatever change of a registration fails, at whichever call: the Conn ends with that error and hears nothing after
// Closed, Detach gives back nothing twice, and nothing leaks.
func TestFailedChangeOfInterestIsTheEndOnce(t *testing.T) {
	acts := map[string]func(c *Conn, peer int){
		"Pause":  func(c *Conn, _ int) { c.Pause() },
		"EOF":    func(c *Conn, peer int) { unix.Shutdown(peer, unix.SHUT_WR) },
		"Send":   func(c *Conn, _ int) { c.Send(make([]byte, 1<<20)) },
		"cork":   func(c *Conn, _ int) { c.SendV(make([]byte, 4000)); c.Send(make([]byte, 1<<20)) },
		"Detach": func(c *Conn, _ int) { c.hold(make([]byte, 1<<20)); c.Detach() },
		"Close":  func(c *Conn, _ int) { c.Pause(); c.Close() },
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			k := hostWithFaults()
			r := manual(t, WithKernel(k))
			a, b := pair(t)
			defer unix.Close(b)
			ends := 0
			h := &eofHooks{eof: func(*Conn) {
				if name != "EOF" {
					t.Error("EOF")
				} else {
					t.Error("EOF of a Conn that has ended")
				}
			}}
			h.closed = func(_ *Conn, err error) {
				if ends++; !errors.Is(err, kernel.ENOMEM) {
					t.Errorf("Closed(%v), want ENOMEM", err)
				}
			}
			c := adoptFD(t, r, a, h)
			k.ctl = func(string, int) error { return os.NewSyscallError("epoll_ctl", kernel.ENOMEM) }
			act(c, b)
			r.Turn(0)
			r.settle()
			k.ctl = nil
			if ends != 1 || r.conns != 0 || r.table.Len() != 0 {
				t.Errorf("%d ends, %d Conns, %d in the table", ends, r.conns, r.table.Len())
			}
		})
	}
}

// Every turn brings an Event of everything for every descriptor, ready or not: spurious Events cost an EAGAIN and
// nothing else. An echo of 1 MiB, a dial and an accept go their way; Drained and EOF come as they should.
func TestSpuriousEventsCostNothing(t *testing.T) {
	k := hostWithFaults()
	r := started(t, WithKernel(k))
	on(t, r, func() {
		k.wait = func(events []poller.Event, n int) int {
			r.table.All(func(fd int, w *Watch) {
				if n < len(events) {
					events[n] = poller.Event{FD: int32(fd), Gen: w.gen, Ready: poller.In | poller.Out | poller.Err | poller.Hup}
					n++
				}
			})
			return n
		}
	})
	addr := listen(t, r, "tcp", acceptEcho)
	echoOverDial(t, r, addr, pattern(1<<20))
	c := connect(t, addr)
	sent := pattern(1 << 20)
	sendAndFIN(t, c, sent)
	wantAll(t, c, sent)
}

// Every send takes a few bytes or none: the echo is whole all the same.
func TestShortWritesLoseNothing(t *testing.T) {
	k := hostWithFaults()
	turn := 0
	k.send = func(fd int, p []byte) (int, kernel.Errno, bool) {
		turn++
		if turn%3 == 0 {
			return 0, kernel.EAGAIN, true
		}
		n, e := kernel.Host.Send(fd, p[:min(len(p), turn%7001+1)], 0)
		return n, e, true
	}
	r := started(t, WithKernel(k))
	addr := listen(t, r, "tcp", func(*Conn) Handler {
		return &hooks{data: func(c *Conn, p []byte) { // corked, pushed and vectored
			third := len(p) / 3
			c.Send(p[:third])
			c.SendV(p[third:2*third], nil, p[2*third:])
		}}
	})
	sent := pattern(2 << 20)
	c := connect(t, addr)
	sendAndFIN(t, c, sent)
	wantAll(t, c, sent)
}

// echoOverDial sends p by a Dial of the reactor's own and wants it back.
func echoOverDial(t *testing.T, r *Reactor, addr net.Addr, p []byte) {
	t.Helper()
	done := make(chan error, 1)
	var got []byte
	on(t, r, func() {
		_, err := r.Dial(addr.Network(), addr.String(), &hooks{
			opened: func(c *Conn) { c.Send(p); c.CloseWrite() },
			data:   func(_ *Conn, p []byte) { got = append(got, p...) },
			closed: func(_ *Conn, err error) { done <- err },
		})
		if err != nil {
			done <- err
		}
	})
	if err := <-done; err != nil || string(got) != string(p) {
		t.Errorf("%d bytes of %d back, %v", len(got), len(p), err)
	}
}

// The poller fails: Run returns the error, every Conn is told, nothing leaks.
func TestBrokenPollerEndsTheReactor(t *testing.T) {
	k := hostWithFaults()
	r, err := New(WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	closed := make(chan error, 1)
	opened := make(chan struct{})
	connect(t, listen(t, r, "tcp", always(&hooks{
		opened: func(*Conn) { close(opened) },
		closed: func(_ *Conn, err error) { closed <- err },
	})))
	<-opened
	r.Post(func() { k.waitErr = func() error { return os.NewSyscallError("epoll_wait", kernel.EINVAL) } })
	if err := <-done; !errors.Is(err, kernel.EINVAL) {
		t.Errorf("Run: %v", err)
	}
	if err := <-closed; err == nil {
		t.Error("Closed(nil)")
	}
	if err := r.Shutdown(context.Background()); !errors.Is(err, kernel.EINVAL) {
		t.Errorf("Shutdown: %v", err)
	}
	if n := k.opened.Load(); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
}

// Once the reactor has ended nobody wakes its poller: the number of that descriptor may be a stranger's.
func TestEndedReactorIsNotWoken(t *testing.T) {
	k := hostWithFaults()
	r, err := New(WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	posting := make(chan struct{})
	go func() {
		defer close(posting)
		for r.Post(func() {}) != ErrClosed {
		}
	}()
	time.AfterFunc(time.Millisecond, cancel)
	<-done
	<-posting
	r.Shutdown(ended())
	r.Shutdown(ended())
	r.stopNow()
	r.mustPost(func() {})
	if n := k.late.Load(); n != 0 {
		t.Errorf("%d wakes of a closed poller", n)
	}
}
