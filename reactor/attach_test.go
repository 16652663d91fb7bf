//go:build unix

package reactor

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// connected returns a socket that was made and connected without the reactor.
func (l *lab) connected(to net.Addr) int {
	l.Helper()
	a := kernelAddr(to)
	fd, e := l.k.Socket(a.Family, kernel.SOCK_STREAM, 0)
	l.must("socket", e)
	if e := l.k.Connect(fd, a); e != 0 && e != kernel.EINPROGRESS {
		l.must("connect", e)
	}
	l.until(func() bool {
		ready, e := l.k.Ready(fd)
		l.must("poll", e)
		return ready&poller.Out != 0
	})
	return fd
}

// Data first gets the input that was passed to Attach, even if the handler pauses before. Then it
// gets the peer's bytes, and EOF is called. Opened is called once.
func TestAttachedConnGetsWhatWasReceivedBefore(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		twice(t, func(t *lab) {
			addr := t.listen(network, func(*Conn) Handler {
				return &hooks{data: func(c *Conn, p []byte) { c.Send(p); c.CloseWrite() }}
			})
			fd := t.connected(addr)
			var log []string
			read := []byte("before ")
			h := &hooks{
				data:   func(c *Conn, p []byte) { log = append(log, string(p)) },
				closed: func(_ *Conn, err error) { log = append(log, fmt.Sprint("closed ", err)) },
				opened: func(c *Conn) {
					log = append(log, "opened")
					c.Send([]byte("after"))
					c.Pause()
				}}
			c, err := t.r.Attach(fd, read, h)
			if err != nil {
				t.Fatal(err)
			}
			copy(read, "xxxxxxx") // Attach has copied the bytes
			t.still(10 * time.Millisecond)
			if fmt.Sprint(log) != "[opened]" {
				t.Fatal(log)
			}
			if a := c.RemoteAddr(); network == "tcp" && a.String() != addr.String() {
				t.Errorf("RemoteAddr is %v", a)
			}
			if err := c.Resume(); err != nil {
				t.Fatal(err)
			}
			t.until(func() bool { return len(log) == 4 })
			if fmt.Sprint(log) != "[opened before  after closed <nil>]" {
				t.Error(log)
			}
		})
	}
}

// If Attach cannot use a descriptor, it returns an error with the number, and changes nothing. The
// descriptor is still open, in the same mode as before, and not registered.
func TestAttachRefusesAndChangesNothing(t *testing.T) {
	twice(t, func(t *lab) {
		addr := t.listen("tcp", func(*Conn) Handler { return echo{} })
		r := t.r
		made := func(family, typ int) int {
			fd, e := t.k.Socket(family, typ, 0)
			t.must("socket", e)
			return t.own(fd)
		}
		listener := made(kernel.AF_INET, kernel.SOCK_STREAM)
		t.must("listen", t.k.Listen(listener, 1))
		good := t.connected(addr)
		c, err := r.Attach(good, nil, echo{})
		if err != nil {
			t.Fatal(err)
		}
		var fault error
		w, err := r.Watch(t.own(t.connected(addr)), poller.In, func(poller.Readiness) {})
		if err != nil {
			t.Fatal(err)
		}
		cases := []struct {
			fd   int
			opts []SocketOption
			want kernel.Errno
			text string
		}{
			{-1, nil, kernel.EBADF, "descriptor -1 is not open"},
			{1 << 20, nil, kernel.EBADF, "descriptor 1048576 is not open"},
			{math.MaxInt, nil, kernel.EBADF, "is not open"},
			{made(kernel.AF_INET, kernel.SOCK_DGRAM), nil, kernel.EPROTOTYPE, "no stream"},
			{listener, nil, kernel.EINVAL, "listener"},
			{made(kernel.AF_INET, kernel.SOCK_STREAM), nil, kernel.ENOTCONN, "not connected"},
			{good, nil, kernel.EEXIST, "registered"},
			{w.FD(), nil, kernel.EEXIST, "registered"},
			{t.own(t.connected(addr)), []SocketOption{WithControl(func(int) error { return fault })}, kernel.EPERM, "WithControl"},
			{t.own(t.connected(addr)), []SocketOption{WithLimits(3, 2, 1)}, 0, "WithLimits"},
		}
		fault = kernel.EPERM
		if !t.simulated() {
			f, err := os.Open("/dev/null")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cases = append(cases, struct {
				fd   int
				opts []SocketOption
				want kernel.Errno
				text string
			}{int(f.Fd()), nil, kernel.ENOTSOCK, "is no socket"})
		}
		conns, files := r.Stats().Conns, t.files()
		for _, test := range cases {
			c, err := r.Attach(test.fd, []byte("x"), echo{}, test.opts...)
			if err == nil || c != nil || !strings.Contains(err.Error(), test.text) || test.want != 0 && !errors.Is(err, test.want) {
				t.Errorf("descriptor %d: %v, want %q (%v)", test.fd, err, test.text, test.want)
			}
		}
		if n := r.Stats().Conns; n != conns || t.files() != files {
			t.Errorf("%d Conns, was %d; %d descriptors, was %d", n, conns, t.files(), files)
		}
		w.Stop()
		c.Close()
	})
}

// files returns how many descriptors are open.
func (l *lab) files() int {
	if l.simulated() {
		return l.host.Files()
	}
	names, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0
	}
	return len(names)
}

// AttachConn adopts a connection of package net and closes the original. It refuses a connection
// without a descriptor, and leaves that connection open.
func TestAttachConnTakesConnectionsOfPackageNet(t *testing.T) {
	inLab(t, kinds[0], func(t *lab) {
		addr := t.listen("tcp", func(*Conn) Handler { return echo{} })
		nc, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := t.r.AttachConn(tls.Client(nc, &tls.Config{}), nil, echo{}); err == nil || !strings.Contains(err.Error(), "*tls.Conn has no method SyscallConn") {
			t.Error(err)
		}
		if _, err := t.r.AttachConn(nc, nil, echo{}, WithLimits(3, 2, 1)); err == nil {
			t.Error("bad options were accepted")
		}
		var got string
		c, err := t.r.AttachConn(nc, []byte("hello "), plain{&hooks{data: func(c *Conn, p []byte) {
			if got += string(p); got == "hello " {
				c.Send([]byte("world"))
			}
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the net.Conn is open: %v", err)
		}
		t.until(func() bool { return got == "hello world" })
		c.Close()
		closed, _ := net.Pipe()
		if _, err := t.r.AttachConn(closed, nil, echo{}); err == nil {
			t.Error("a pipe was attached")
		}
	})
}

// After SetHandler the new handler gets all calls, including Closed.
func TestSetHandlerChangesWhoIsCalled(t *testing.T) {
	twice(t, func(t *lab) {
		var log []string
		second := &hooks{data: func(c *Conn, p []byte) { log = append(log, "second "+string(p)); c.Send(p) },
			closed: func(*Conn, error) { log = append(log, "second closed") }}
		var conn *Conn
		addr := t.listen("tcp", func(c *Conn) Handler {
			conn = c
			return &hooks{data: func(c *Conn, p []byte) {
				if err := c.SetHandler(second); err != nil {
					t.Error(err)
				}
				second.Data(c, p)
			}, closed: func(*Conn, error) { log = append(log, "first closed") }}
		})
		p := t.dial(addr)
		p.roundTrip("a")
		p.roundTrip("b")
		p.close()
		t.until(func() bool { return len(log) == 3 })
		if fmt.Sprint(log) != "[second a second b second closed]" {
			t.Error(log)
		}
		if err := conn.SetHandler(second); err != ErrClosed {
			t.Errorf("after Closed: %v", err)
		}
	})
}

// An attached Conn has the same registration as one that a Listener has accepted.
func TestAttachedConnIsRegisteredLikeAnAcceptedOne(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		inLab(t, kinds[0], func(t *lab) { // only on the host is a registration edge-triggered
			var accepted *Conn
			p := t.dial(t.listen(network, func(c *Conn) Handler { accepted = c; return &hooks{} }))
			t.until(func() bool { return accepted != nil })
			c, err := t.r.Attach(p.leave(), nil, &hooks{})
			if err != nil {
				t.Fatal(err)
			}
			if c.w.want != accepted.w.want {
				t.Errorf("%s: %v, accepted: %v", network, c.w.want, accepted.w.want)
			}
		})
	}
}
