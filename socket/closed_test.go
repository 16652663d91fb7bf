//go:build unix

package socket_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// When Close returns, the descriptor is closed, even if calls wait on it. So the address of a
// listener or a datagram socket can be bound at once.
func TestClosedIsClosed(t *testing.T) {
	both(t, func(l *lab) {
		for range 20 {
			for _, typ := range []int{stream, dgram} {
				s := l.socket(inet, typ)
				l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
				at := l.addr(s)
				if typ == stream {
					l.must(s.Listen(socket.DefaultBacklog))
				}
				join := l.beside(func(l *lab) {
					var err error
					if typ == stream {
						_, _, err = s.Accept()
					} else {
						_, err = s.Recv(1)
					}
					l.errno(err, syscall.EBADF)
				})
				l.asleep(s)
				l.must(s.Close())
				again := l.socket(inet, typ)
				l.must(again.Bind(at))
				if typ == stream {
					l.must(again.Listen(socket.DefaultBacklog))
				}
				l.must(again.Close())
				join()
			}
		}
	})
}

// A non-blocking call returns the bytes that it has, although the peer always sends more.
func TestNonBlockingCallsEnd(t *testing.T) {
	onSimulated(t, func(l *lab) {
		h := l.k.(*sim.Host)
		for name, read := range map[string]func(s *socket.Socket) (int, error){
			"ReadSize": func(s *socket.Socket) (int, error) { p, err := s.ReadSize(1 << 30); return len(p), err },
			"ReadAll":  func(s *socket.Socket) (int, error) { p, err := s.ReadAll(); return len(p), err },
			"ReadInto": func(s *socket.Socket) (int, error) { return s.ReadInto(make([]byte, 64<<20)) },
			"ReadLine": func(s *socket.Socket) (int, error) { p, err := s.ReadLine(); return len(p), err },
		} {
			_, s := l.pair()
			if e := h.Endless(s.Fileno(), []byte("no end ")); e != 0 {
				l.fatalf("%v", e)
			}
			l.must(s.SetTimeout(0))
			n, err := read(s)
			if n < 1000 || n > 1<<20 || err != nil {
				l.t.Errorf("%s: %d bytes, %v", name, n, err)
			}
			l.must(s.Close())
		}
	})
}

// At each accept or connect, a moody kernel returns the next error of its list. When the list is
// empty, the kernel makes the real call. If the field `always` is true, the kernel returns the last
// error again instead.
type moody struct {
	kernel.Kernel
	errs   []kernel.Errno
	always bool
	calls  int
}

func (k *moody) error() (e kernel.Errno) {
	k.calls++
	if len(k.errs) == 0 {
		return 0
	}
	if e = k.errs[0]; len(k.errs) > 1 || !k.always {
		k.errs = k.errs[1:]
	}
	return e
}

func (k *moody) Accept(fd int) (int, kernel.Addr, kernel.Errno) {
	if e := k.error(); e != 0 {
		return -1, kernel.Addr{}, e
	}
	return k.Kernel.Accept(fd)
}

func (k *moody) Connect(fd int, to kernel.Addr) kernel.Errno {
	if e := k.error(); e != 0 {
		return e
	}
	return k.Kernel.Connect(fd, to)
}

// An error that does not concern the listener never ends an accept loop. Such errors are those that
// accept(2) lists, an unknown one, and those for a lack of descriptors or memory.
func TestAcceptGoesOn(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	k := &moody{Kernel: kernel.Host}
	taskOn(t, t.Context(), k, func(l *lab) {
		listener := l.listener()
		for _, e := range []kernel.Errno{kernel.ECONNABORTED, kernel.ENETDOWN, kernel.EPROTO, kernel.ENOPROTOOPT,
			kernel.EHOSTUNREACH, kernel.EOPNOTSUPP, kernel.ENETUNREACH, kernel.EPERM, kernel.ETIMEDOUT, kernel.EMFILE,
			kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM, 12345} {
			join := l.beside(func(l *lab) { l.must(l.tcp().Connect(l.addr(listener))) })
			l.readable(listener)
			join()
			k.errs = []kernel.Errno{e, e, e}
			s, _, err := listener.Accept()
			if err != nil || len(k.errs) > 0 {
				l.t.Errorf("Accept after %d: %v", int(e), err)
				continue
			}
			l.own(s)
		}
	})
}

// If every accept(2) fails, Accept returns the error after a number of tries. If resources are
// missing, as with EMFILE, it waits until its deadline.
func TestAcceptEnds(t *testing.T) {
	for _, c := range []struct {
		e     kernel.Errno
		limit timeout.Timeout
		want  syscall.Errno
	}{
		{kernel.ECONNABORTED, timeout.None, syscall.ECONNABORTED},
		{kernel.ECONNABORTED, 0, syscall.ECONNABORTED},
		{kernel.EMFILE, 0, syscall.EMFILE},
		{kernel.EMFILE, 50e6, syscall.ETIMEDOUT},
		{kernel.EINVAL, timeout.None, syscall.EINVAL},
	} {
		k := &moody{Kernel: kernel.Host}
		taskOn(t, t.Context(), k, func(l *lab) {
			listener := l.listener()
			l.must(listener.SetTimeout(c.limit))
			k.errs, k.always = []kernel.Errno{c.e}, true
			_, _, err := listener.Accept()
			l.errno(err, c.want)
			k.errs = nil
		})
		if k.calls > 200 {
			t.Errorf("%v, limit %v: %d calls", c.e, c.limit, k.calls)
		}
	}
}

// No errno of the kernel is mistaken for an internal value. For example, if connect returns
// ENOBUFS, the call returns ENOBUFS at once. The simulator's faults would not do, because they
// occur once, and a second try would succeed.
func TestConnectWithoutBuffers(t *testing.T) {
	for _, limit := range []timeout.Timeout{timeout.None, 0} {
		k := &moody{Kernel: kernel.Host}
		taskOn(t, t.Context(), k, func(l *lab) {
			s := l.tcp()
			at := l.addr(l.listener())
			l.must(s.SetTimeout(limit))
			k.errs = []kernel.Errno{kernel.ENOBUFS}
			l.errno(s.Connect(at), syscall.ENOBUFS)
		})
	}
}

// errors.Is matches an OSError with every error that its syscall.Errno matches.
func TestOSErrorIsItsErrno(t *testing.T) {
	parked(t, func(l *lab) {
		err := l.socket(socket.AF_UNIX, stream).Connect(socket.Path(filepath.Join(t.TempDir(), "none")))
		if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, syscall.ENOENT) || errors.Is(err, fs.ErrExist) {
			t.Errorf("%v", err)
		}
		var e syscall.Errno
		if !errors.As(err, &e) || e != syscall.ENOENT {
			t.Errorf("%v holds %d", err, e)
		}
	})
}
