//go:build unix

package socket_test

import (
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// The owner of a listener, or another process, shuts the listener down. Then Accept must end. On
// the BSDs every accept then returns ECONNABORTED, which otherwise means that one connection was
// lost. On FreeBSD shutdown of a listener returns ENOTCONN, but has its effect.
func TestAcceptOnAShutListenerEnds(t *testing.T) {
	both(t, func(l *lab) {
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
			ln := l.listener()
			l.must(ln.SetTimeout(mode))
			if err := ln.Shutdown(socket.SHUT_RD); err != nil {
				l.errno(err, syscall.ENOTCONN)
			}
			want := syscall.EINVAL
			if l.os != "linux" {
				want = syscall.ECONNABORTED
			}
			_, _, err := ln.Accept()
			l.errno(err, want)
		}
	})
}

// Another call gets the error of a refused attempt before Connect does. On NetBSD poll(2) then
// reports neither ERR nor HUP. So Connect must take any reported bit as the end of the attempt.
func TestConnectEndsAlthoughAnotherCallHasTakenItsError(t *testing.T) {
	simulated(t, sim.NetBSD, func(l *lab) {
		h := l.k.(*sim.Host)
		s := l.tcp()
		for n := 1; n <= 3; n++ { // which of these calls comes after the refusal depends on the kernel
			h.During(sim.GetOpt, n, func(fd int) {
				if now, _ := h.Ready(fd); now != 0 {
					_, _ = h.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
				}
			})
		}
		l.errno(s.Connect(l.refusing()), syscall.ECONNREFUSED)
	})
}

// A slow kernel hides for a few calls that an attempt has succeeded. Its connect(2) does not report
// the success.
type slow struct {
	kernel.Kernel
	hidden int // how many more calls hide the success
	asked  bool
}

func (k *slow) Traits() kernel.Traits { return kernel.Traits{} }

func (k *slow) under() bool {
	if !k.asked {
		return false
	}
	k.hidden--
	return k.hidden >= 0
}

func (k *slow) Connect(fd int, to kernel.Addr) kernel.Errno {
	e := k.Kernel.Connect(fd, to)
	k.asked = true
	return e
}

func (k *slow) PeerAddr(fd int) (kernel.Addr, kernel.Errno) {
	if k.under() {
		return kernel.Addr{}, kernel.ENOTCONN
	}
	return k.Kernel.PeerAddr(fd)
}

func (k *slow) Ready(fd int) (poller.Readiness, kernel.Errno) {
	if k.under() {
		return 0, 0
	}
	return k.Kernel.Ready(fd)
}

func (k *slow) GetOpt(fd, level, name int) (int, kernel.Errno) {
	if k.under() {
		return 0, 0
	}
	return k.Kernel.GetOpt(fd, level, name)
}

// If an attempt succeeds between any two of the calls that check it, Connect succeeds. A simulated
// world alone would not show this, because no time passes during a call of Connect.
func TestConnectSucceedsWhileItIsAsked(t *testing.T) {
	for hidden := range 4 {
		k := &slow{Kernel: kernel.Host}
		taskOn(t, t.Context(), k, func(l *lab) {
			ln, s := l.listener(), l.tcp()
			at := l.addr(ln)
			k.hidden, k.asked = hidden, false
			l.must(s.Connect(at))
		})
	}
}

// A peer resets its connection while it waits in the queue. On the BSDs accept(2) then returns an
// error. Accept returns the next connection instead.
func TestAcceptPassesOverConnectionsThatWereReset(t *testing.T) {
	onSimulated(t, func(l *lab) {
		if l.os == "linux" {
			l.skip("Linux hands out such a connection")
		}
		ln := l.listener()
		for _, reset := range []bool{true, true, false} {
			c := l.tcp()
			l.must(c.Connect(l.addr(ln)))
			l.readable(ln)
			if reset {
				l.must(c.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
				l.must(c.Close())
				l.pass() // now the reset arrives
				continue
			}
			l.send(c, "x")
		}
		s, _, err := ln.Accept()
		l.must(err)
		l.recv(l.own(s), 1, "x")
	})
}

// If a Unix receiver has no room, a BSD returns ENOBUFS at once, and still reports Out. As on
// Linux, the call must wait, or return EAGAIN if it is non-blocking.
func TestCrowdedUnixReceiverIsWaitedFor(t *testing.T) {
	both(t, func(l *lab) {
		for name, send := range map[string]func(s *socket.Socket, at socket.Addr) error{
			"Send":   func(s *socket.Socket, _ socket.Addr) error { _, err := s.Send([]byte("x")); return err },
			"SendTo": func(s *socket.Socket, at socket.Addr) error { _, err := s.SendTo([]byte("x"), at); return err },
		} {
			l.note = name + ": "
			receiver, s := l.socket(socket.AF_UNIX, dgram), l.socket(socket.AF_UNIX, dgram)
			at := socket.Path(longtest.SocketPath(l.t))
			l.must(receiver.Bind(at))
			if name == "Send" {
				l.must(s.Connect(at))
			}
			l.must(s.SetBlocking(false))
			waiting := 0
			for ; ; waiting++ {
				if err := send(s, at); err != nil {
					l.errno(err, syscall.EAGAIN)
					break
				}
			}
			l.must(s.SetTimeout(seconds(0.01)))
			l.errno(send(s, at), syscall.ETIMEDOUT)
			l.must(s.SetBlocking(true))
			join := l.beside(func(l *lab) {
				l.asleep(s)
				l.recv(receiver, 9, "x")
			})
			l.must(send(s, at))
			join()
			for range waiting {
				l.recv(receiver, 9, "x")
			}
		}
	})
}
