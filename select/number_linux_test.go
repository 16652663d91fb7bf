package sel_test

import (
	"errors"
	"math"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// Any descriptor can be registered by its number, as with poll(2), and a wait reports its Events.
// Examples are the Poll's own number, which counts as closed, and the descriptors of the Poller. In
// another example, two Polls form a ring, which epoll refuses.
func TestAnyNumberCanBeRegistered(t *testing.T) {
	onHost(t, func(l *lab) {
		p, q := l.poll(), l.poll()
		own, other := sel.FD(p.Desc().FD), sel.FD(q.Desc().FD)
		must(p.Register(own, sel.POLLIN|sel.POLLOUT))
		l.expect(p, 0, is{own: NVAL})
		l.expect(p, guard, is{own: NVAL})
		must(p.Unregister(own))
		must(p.Register(other, IN))
		must(q.Register(own, IN))
		l.expect(p, 0, is{})
		a, b := l.pair()
		must(q.Register(a, IN))
		join := l.elsewhere(func() { l.expect(p, guard, is{other: IN}) })
		l.pass()
		b.write("x")
		join()
		join = l.elsewhere(func() { l.expect(q, guard, is{a: IN, own: IN}) })
		join()
		all := l.poll()
		for fd := range 64 {
			must(all.Register(sel.FD(fd), 0))
		}
	})
}

// Like poll(2), a Poll refuses more descriptors than the process may have.
func TestMoreNumbersThanTheLimit(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
	both(t, func(l *lab) {
		limit := kernel.MaxFiles(l.k)
		if limit > 10_000 {
			var old unix.Rlimit
			must(unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
			limit = 10_000
			must(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(limit), Max: old.Max}))
			defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
		}
		o := &ready{} // it has no descriptor
		p := l.poll(o)
		for i := range limit {
			must(p.Register(sel.FD(math.MaxInt32-i), 0))
		}
		if got, err := p.Poll(0); err != nil || len(got) != limit {
			t.Errorf("%d descriptors: %d events, %v", limit, len(got), err)
		}
		must(p.Register(sel.FD(math.MaxInt32-limit), 0))
		if _, err := p.Poll(0); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%d descriptors: %v, want EINVAL", limit+1, err)
		}
		must(p.Unregister(sel.FD(math.MaxInt32)))
		if _, err := p.Poll(0); err != nil {
			t.Error(err)
		}
	})
}

// While urgent data waits, a poll reports PRI if the mask has PRI, for an object and for a number.
// Urgent data also ends a wait.
func TestUrgentData(t *testing.T) {
	onHost(t, func(l *lab) {
		ln := l.create(socket.AF_INET, socket.SOCK_STREAM, 0)
		must(ln.Bind(socket.Tuple("127.0.0.1", 0)))
		must(ln.Listen(socket.DefaultBacklog))
		at, err := ln.LocalAddr()
		must(err)
		c := l.create(socket.AF_INET, socket.SOCK_STREAM, 0)
		must(c.Connect(at))
		s, _, err := ln.Accept()
		must(err)
		defer s.Close()
		fd := sel.FD(s.Fileno())
		p := l.poll()
		must(p.Register(s, sel.POLLPRI))
		q := l.poll()
		must(q.Register(fd, IN|sel.POLLPRI))
		plain := l.poll(s)
		l.expect(p, 0, is{})
		join := l.elsewhere(func() { l.expect(p, guard, is{s: sel.POLLPRI}) })
		l.pass()
		if _, e := kernel.Host.Send(c.Fileno(), []byte("ab!"), kernel.MSG_OOB); e != 0 {
			t.Fatal(e)
		}
		join()
		l.expect(p, 0, is{s: sel.POLLPRI})
		l.expect(q, 0, is{fd: IN | sel.POLLPRI})
		l.expect(plain, 0, is{s: IN | OUT})
		if got, err := s.RecvFlags(1, socket.MSG_OOB); err != nil || string(got) != "!" {
			t.Error(string(got), err)
		}
		l.expect(p, 0, is{})
		l.expect(q, 0, is{fd: IN})
		file, err := os.Open(os.DevNull)
		must(err)
		defer file.Close()
		must(p.Register(sel.FD(file.Fd()), sel.POLLPRI))
		l.expect(p, 3, is{})
	})
}
