//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// unknown is an errno that is in no list of the code.
const unknown = kernel.Errno(93)

// accept returns the same error each time, for each of many errnos. After the first few tries there
// are at most ten a second. When accept works again, all peers that wait are served.
func TestAcceptRefusedForGoodRests(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, e := range restErrnos(t, kernel.EPERM, kernel.EOPNOTSUPP, kernel.ECONNABORTED, kernel.EPROTO, kernel.ENOSYS,
			kernel.EINVAL, kernel.EMFILE, kernel.EBADF, kernel.EAGAIN, unknown) {
			k := t.faults()
			tries, refused := 0, true
			k.accept = func(int) (kernel.Errno, bool) {
				tries++
				return e, refused
			}
			r := t.reactor(WithKernel(k))
			c := t.dial(t.listen("tcp", acceptEcho))
			t.until(func() bool { return r.Stats().Refused > 0 })
			rests(t, e, &tries)
			refused = false
			c.roundTrip("hello")
			t.endReactor()
		}
	})
}

// While a Listener pauses, a hundred peers connect and reset. Then one more peer connects and
// stays. On some systems accept returns an error for each of the resets. Even there the last peer
// must not wait for a hundred pauses.
func TestPauseEndsBehindManyResets(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		if !t.simulated() {
			t.Log("not on the host: the limit is one of the simulated clock")
			return
		}
		k := t.faults()
		refused := true
		k.accept = func(int) (kernel.Errno, bool) { return kernel.EMFILE, refused }
		r := t.reactor(WithKernel(k))
		addr := t.listen("tcp", acceptEcho)
		for range 100 {
			t.dial(addr).reset()
		}
		c := t.dial(addr)
		t.until(func() bool { return r.Stats().Refused > 0 })
		refused = false
		start := t.now()
		c.roundTrip("hello")
		if d := time.Duration(t.now() - start); d > 5*pause {
			t.Errorf("served after %v", d)
		}
	})
}

// restErrnos returns the errnos to try: all of them in a simulated world, and with -long also on
// the host. On the host each takes two seconds, so without -long the last one must do. (The errno
// never reaches the kernel.)
func restErrnos(t *lab, all ...kernel.Errno) []kernel.Errno {
	if t.world == nil && !longtest.On() {
		return all[len(all)-1:]
	}
	return all
}

// tries counts the system calls that fail with e. rests fails the test if there are too many of
// them, or too many turns, in two seconds.
func rests(t *lab, e kernel.Errno, tries *int) {
	t.Helper()
	*tries = 0
	turns := t.r.often.turns
	t.pass(2 * time.Second)
	if *tries > 21 || t.r.often.turns-turns > 60 {
		t.Errorf("%v for good: %d tries and %d turns in two seconds", e, *tries, t.r.often.turns-turns)
	}
}

// A datagram socket whose receives fail is suspended in the same way. Only an error that means that
// the descriptor is no socket ends the PacketConn.
func TestReceiveRefusedForGoodRests(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		for _, e := range restErrnos(t, kernel.ENOMEM, kernel.EPERM, kernel.ENOSYS, kernel.ECONNREFUSED, kernel.ENOPROTOOPT,
			kernel.EPROTO, kernel.EACCES, kernel.EINVAL, kernel.EAGAIN, unknown) {
			k := t.faults()
			tries, refused := 0, true
			k.recvBatch = func(int) (kernel.Errno, bool) {
				tries++
				return e, refused
			}
			r := t.reactor(WithKernel(k))
			got := 0
			c, at := listenPacket(t, r, "udp4", &packets{
				packet: func(*PacketConn, []byte, Addr) { got++ },
				closed: func(_ *PacketConn, err error) { t.Errorf("closed: %v", err) },
			})
			if err := c.SendTo([]byte("x"), at); err != nil {
				t.Fatal(err)
			}
			t.until(func() bool { return c.suspended })
			rests(t, e, &tries)
			refused = false
			t.until(func() bool { return got == 1 })
			if c.suspended {
				t.Errorf("%v: it rests though it receives", e)
			}
			c.handler = &packets{}
			t.endReactor()
		}
	})
}

// Before each datagram there is one error, of an ICMP message or with an unknown errno. All
// datagrams arrive, and the socket is not suspended.
func TestReceiveErrorIsNoEnd(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		e, news := kernel.Errno(0), false
		k.recvBatch = func(int) (kernel.Errno, bool) {
			was := news
			news = false
			return e, was
		}
		r := t.reactor(WithKernel(k))
		got := 0
		c, at := listenPacket(t, r, "udp4", &packets{
			packet: func(*PacketConn, []byte, Addr) { got++ },
			closed: func(_ *PacketConn, err error) { t.Errorf("%v: closed: %v", e, err) },
		})
		want := 0
		for e = 1; e < 140; e++ {
			switch e {
			case kernel.EAGAIN, kernel.EBADF, kernel.ENOTSOCK, kernel.EFAULT:
				continue
			}
			news = true
			if err := c.SendTo([]byte("x"), at); err != nil {
				t.Fatal(err)
			}
			want++
			t.until(func() bool { return got == want })
		}
		if c.suspendTimer != nil {
			t.Error("it has rested")
		}
		c.handler = &packets{}
	})
}

// Listen and Dial work on a system that refuses the options of TCP, as a sandbox may.
func TestTCPOptionsCanBeRefused(t *testing.T) {
	twice(t, func(t *lab) {
		for _, e := range []kernel.Errno{kernel.ENOPROTOOPT, kernel.EPERM, kernel.ENOSYS, kernel.EINVAL} {
			t.k = &plainTCP{Kernel: t.k, e: e}
			t.reactor(WithKernel(t.k))
			echoOverDial(t, t.listen("tcp", acceptEcho), []byte("hello"))
			t.endReactor()
			t.k = t.k.(*plainTCP).Kernel
		}
	})
}

// A sandbox refuses every setsockopt, with any errno. Listen and Dial still work, with one
// exception: a socket for all IPv6 addresses without IPv4 is an error, if the system's default is
// to receive both.
func TestAllOptionsCanBeRefused(t *testing.T) {
	for _, e := range []kernel.Errno{kernel.EPERM, kernel.ENOSYS, kernel.Errno(4000)} {
		twice(t, func(t *lab) {
			if t.os() != runtime.GOOS {
				t.Log("not on this kernel: which families an IPv6 socket takes by default follows the system of the build")
				return
			}
			k := &noOptions{t.k, e}
			t.k = k
			r := t.reactor(WithKernel(k))
			echoOverDial(t, t.listen("tcp", acceptEcho), []byte("hello"))
			for _, network := range []string{"tcp", "tcp4"} {
				if l, err := r.Listen(network, ":0", acceptEcho); err != nil {
					t.Errorf("%s: %v", network, err)
				} else {
					l.Close()
				}
			}
			if c, err := r.ListenPacket("udp", ":0", &packets{}); err != nil {
				t.Error(err)
			} else {
				c.Close()
			}
			if l, err := r.Listen("tcp6", "[::]:0", acceptEcho); err == nil && kernel.MapsIPv4 {
				t.Error("tcp6 at all addresses hears IPv4")
				l.Close()
			} else if err != nil && !errors.Is(err, e) && !errors.Is(err, kernel.EAFNOSUPPORT) && !errors.Is(err, kernel.EADDRNOTAVAIL) {
				t.Errorf("tcp6: %v", err)
			}
			t.endReactor()
			t.k = k.Kernel
		})
	}
	k := &noOptions{kernel.Host, kernel.EPERM}
	g, err := NewGroup(2, WithKernel(k))
	if err != nil {
		t.Fatal(err)
	}
	l, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho)
	if err != nil {
		t.Fatal(err)
	}
	if kernel.SO_BALANCE != 0 {
		if _, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho, WithBalance(ByAddress)); !errors.Is(err, kernel.EPERM) {
			t.Errorf("ByAddress, which was asked for: %v", err)
		}
	}
	go g.Run(context.Background())
	for range 2 {
		c := connect(t, l.Addr())
		roundTrip(t, c, "hello")
		c.Close()
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// noOptions is a kernel that refuses setsockopt.
type noOptions struct {
	Kernel
	e kernel.Errno
}

func (k *noOptions) SetOpt(int, int, int, int) kernel.Errno { return k.e }

func (k *noOptions) SetOptBytes(int, int, int, []byte) kernel.Errno { return k.e }

type plainTCP struct {
	Kernel
	e kernel.Errno
}

func (k *plainTCP) SetOpt(fd, level, name, value int) kernel.Errno {
	if level == kernel.IPPROTO_TCP || name == kernel.SO_KEEPALIVE {
		return k.e
	}
	return k.Kernel.SetOpt(fd, level, name, value)
}
