//go:build unix

package reactor

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// accept(2) fails once for each errno in its manual page, and once with an errno that is not there.
// If the errno means that a connection was lost, the Listener continues at once. Otherwise it
// continues after a pause, which Stats counts.
func TestNoAcceptErrorStopsAListener(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		lost := []kernel.Errno{kernel.ECONNABORTED, kernel.EPROTO, kernel.EPERM, kernel.ENETDOWN, kernel.EHOSTUNREACH,
			kernel.EOPNOTSUPP, kernel.ETIMEDOUT, kernel.ENOPROTOOPT, kernel.EHOSTDOWN, kernel.ENETUNREACH}
		rest := []kernel.Errno{kernel.EMFILE, kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM, kernel.EINVAL}
		for _, e := range slices.Concat(lost, rest) {
			t.Run(unix.ErrnoName(e), func(t *lab) {
				k := t.faults()
				failed := false
				k.accept = func(int) (kernel.Errno, bool) {
					fail := !failed
					failed = true
					return e, fail
				}
				r := t.reactor(WithKernel(k))
				t.dial(t.listen("tcp", acceptEcho)).roundTrip("hello")
				want := uint64(0)
				if slices.Contains(rest, e) {
					want = 1
				}
				if got := r.Stats().Refused; got != want {
					t.Errorf("Refused is %d, want %d", got, want)
				}
			})
		}
	})
}

// If the poller refuses to add an accepted descriptor (ENOMEM), that Conn ends with the error,
// once. The Listener continues.
func TestFailedRegistrationEndsOneConn(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		t.reactor(WithKernel(k))
		var closed []error
		addr := t.listen("tcp", always(&hooks{
			data:   func(c *Conn, p []byte) { c.Send(p) },
			closed: func(_ *Conn, err error) { closed = append(closed, err) },
		}))
		fail := true
		k.ctl = func(op string, _ int) error {
			if op == "add" && fail {
				fail = false
				return os.NewSyscallError("epoll_ctl", kernel.ENOMEM)
			}
			return nil
		}
		c := t.dial(addr)
		t.until(func() bool { return len(closed) > 0 })
		if !errors.Is(closed[0], kernel.ENOMEM) {
			t.Errorf("Closed(%v), want ENOMEM", closed[0])
		}
		if got, e := c.readAll(); len(got) > 0 || e != 0 && e != kernel.ECONNRESET {
			t.Errorf("the peer reads %q, %v", got, e)
		}
		t.dial(addr).roundTrip("the next")
		if len(closed) != 1 {
			t.Error("Closed again")
		}
	})
}

// If a change of a registration fails, the Conn ends with that error. The test tries every call
// that changes a registration. No callback follows Closed, a second Detach returns nothing, and
// nothing leaks.
func TestFailedChangeOfInterestIsTheEndOnce(t *testing.T) {
	twice(t, func(t *lab) {
		acts := map[string]func(c *Conn, peer *peer){
			"Pause":  func(c *Conn, _ *peer) { c.Pause() },
			"EOF":    func(_ *Conn, peer *peer) { peer.closeWrite() },
			"Send":   func(c *Conn, _ *peer) { c.Send(make([]byte, 1<<20)) },
			"cork":   func(c *Conn, _ *peer) { c.SendV(make([]byte, 4000)); c.Send(make([]byte, 1<<20)) },
			"Detach": func(c *Conn, _ *peer) { c.enqueue(make([]byte, 1<<20)); c.Detach() },
			"Close":  func(c *Conn, _ *peer) { c.Pause(); c.Close() },
		}
		for name, act := range acts {
			t.Run(name, func(t *lab) {
				k := t.faults()
				r := t.reactor(WithKernel(k))
				a, b := t.pair()
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
				r.endStep()
				k.ctl = nil
				if ends != 1 || r.conns != 0 || r.table.Len() != 0 {
					t.Errorf("%d ends, %d Conns, %d in the table", ends, r.conns, r.table.Len())
				}
			})
		}
	})
}

// Every turn gets an Event with all bits for every descriptor, whether it is ready or not. Such
// Events only cost an EAGAIN each: an echo of 1 MiB, a dial and an accept succeed, and Drained and
// EOF are called as usual.
func TestSpuriousEventsCostNothing(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		r := t.reactor(WithKernel(k))
		k.wait = func(events []poller.Event, n int) int {
			r.table.All(func(fd int, w *Watch) {
				if n < len(events) {
					events[n] = poller.Event{FD: int32(fd), Gen: w.gen, Ready: poller.In | poller.Out | poller.Err | poller.Hup}
					n++
				}
			})
			return n
		}
		addr := t.listen("tcp", acceptEcho)
		sent := pattern(1 << 20)
		echoOverDial(t, addr, sent)
		c := t.dial(addr)
		c.sendAndFIN(sent)
		c.wantAll(sent)
	})
}

// If every send accepts only a few bytes or none, the echo is still complete.
func TestShortWritesLoseNothing(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		turn := 0
		k.send = func(fd int, p []byte) (int, kernel.Errno, bool) {
			turn++
			if turn%3 == 0 {
				return 0, kernel.EAGAIN, true
			}
			n, e := k.Kernel.Send(fd, p[:min(len(p), turn%7001+1)], 0)
			return n, e, true
		}
		t.reactor(WithKernel(k))
		addr := t.listen("tcp", func(*Conn) Handler {
			return &hooks{data: func(c *Conn, p []byte) { // corked, sent at once, and sent by SendV
				third := len(p) / 3
				c.Send(p[:third])
				c.SendV(p[third:2*third], nil, p[2*third:])
			}}
		})
		sent := pattern(longtest.Count(1, 4, 4) << 19)
		c := t.dial(addr)
		c.sendAndFIN(sent)
		c.wantAll(sent)
	})
}

// echoOverDial sends p over a dialled Conn and expects it back. The high-water mark is larger than
// p. Otherwise back-pressure would stop both ends.
func echoOverDial(t *lab, addr net.Addr, p []byte) {
	t.Helper()
	var done []error
	var got []byte
	_, err := t.r.Dial(addr.Network(), addr.String(), &hooks{
		opened: func(c *Conn) { c.Send(p); c.CloseWrite() },
		data:   func(_ *Conn, p []byte) { got = append(got, p...) },
		closed: func(_ *Conn, err error) { done = append(done, err) },
	}, WithLimits(0, len(p), len(p)))
	if err != nil {
		t.Fatal(err)
	}
	t.until(func() bool { return len(done) > 0 })
	if done[0] != nil || string(got) != string(p) {
		t.Errorf("%d bytes of %d back, %v", len(got), len(p), done[0])
	}
}

// If the poller fails, Turn and Run return the error. Closed of every Conn is called, and nothing
// leaks.
func TestBrokenPollerEndsTheReactor(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		r := t.reactor(WithKernel(k))
		var closed []error
		opened := false
		t.dial(t.listen("tcp", always(&hooks{
			opened: func(*Conn) { opened = true },
			closed: func(_ *Conn, err error) { closed = append(closed, err) },
		})))
		t.until(func() bool { return opened })
		k.waitErr = func() error { return os.NewSyscallError("epoll_wait", kernel.EINVAL) }
		r.Post(func() {}) // so that there is one more turn
		t.until(func() bool { return t.over })
		if !errors.Is(t.failed, kernel.EINVAL) {
			t.Errorf("Turn: %v", t.failed)
		}
		if len(closed) != 1 || closed[0] == nil {
			t.Errorf("Closed: %v", closed)
		}
		if err := r.Shutdown(context.Background()); !errors.Is(err, kernel.EINVAL) {
			t.Errorf("Shutdown: %v", err)
		}
		if n := k.opened.Load(); n != 0 {
			t.Errorf("%d descriptors are left", n)
		}
	})
}

// If the reactor has ended, nobody wakes its poller, because the descriptor's number may belong to
// another file.
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
	r.abortNow()
	r.mustPost(func() {})
	if n := k.late.Load(); n != 0 {
		t.Errorf("%d wakes of a closed poller", n)
	}
}
