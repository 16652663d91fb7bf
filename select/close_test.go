//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// If no descriptor is free for a Poller, a Poll works as poll(2) does. It reports ready objects,
// waits, and can be closed while it waits. When descriptors are free again, it uses a Poller.
func TestNoDescriptors(t *testing.T) { both(t, noDescriptors) }

func noDescriptors(l *lab) {
	k := &failing{Kernel: l.k, e: kernel.EMFILE}
	a, b := l.pair()
	p := l.pollBy(k)
	must(p.Register(a, sel.POLLIN|sel.POLLOUT))
	l.expect(p, 0, is{a: OUT})
	must(p.Modify(a, IN))
	l.expect(p, 0, is{})
	l.expect(p, 3, is{})
	join := l.elsewhere(func() { l.expect(p, guard, is{a: IN}) })
	l.pass()
	b.write("x")
	join()
	if p.Desc() != nil {
		l.Error("a Desc without a descriptor")
	}
	if err := l.poll().Register(p, sel.POLLIN|sel.POLLOUT); !errors.Is(err, sel.ErrValue) {
		l.Errorf("Register of it: %v, want ErrValue", err)
	}
	q := l.pollBy(k)
	must(q.Register(a, 0))
	join = l.elsewhere(func() {
		if _, err := q.Poll(-1); !errors.Is(err, syscall.EBADF) {
			l.Errorf("closed under a wait: %v", err)
		}
	})
	l.pass()
	must(q.Close())
	join()
	k.e = 0
	l.expect(p, 0, is{a: IN})
	if p.Desc() == nil {
		l.Error("no Desc, and descriptors are there")
	}
	a.read()
	b.close()
	a.close()
	l.expect(p, 0, is{a: NVAL})
}

// Without a free descriptor, a Poll of Objects and SSLSockets works too. It asks each of them, and
// waits. An Object may close the Poll.
func TestNoDescriptorsForObjects(t *testing.T) {
	both(t, func(l *lab) {
		p := l.pollBy(&failing{Kernel: l.k, e: kernel.EMFILE})
		o, n := &ready{}, &teller{}
		must(p.Register(o, IN))
		must(p.Register(n, IN))
		l.expect(p, 0, is{})
		l.expect(p, 3, is{})
		join := l.elsewhere(func() { l.expect(p, guard, is{n: IN}) })
		l.pass()
		n.state.Store(int64(IN))
		join()
		n.state.Store(0)
		o.state.Store(int64(OUT))
		l.expect(p, 0, is{o: OUT})
		o.call = func() { p.Close() }
		if _, err := p.Poll(0); err != nil && !errors.Is(err, syscall.EBADF) {
			t.Error(err)
		}
		if _, err := p.Poll(-1); !errors.Is(err, syscall.EBADF) {
			t.Errorf("closed by an Object: %v", err)
		}
	})
}

type failing struct {
	kernel.Kernel
	e   kernel.Errno // the error of NewPoller
	add error        // the error of Add and Mod of a Poller
}

func (k *failing) NewPoller() (poller.Poller, error) {
	if k.e != 0 {
		return nil, os.NewSyscallError("epoll_create1", k.e)
	}
	p, err := k.Kernel.NewPoller()
	return &failingPoller{p, k}, err
}

type failingPoller struct {
	poller.Poller
	k *failing
}

func (p *failingPoller) Add(fd int, gen uint32, want poller.Interest) error {
	if p.k.add != nil {
		return p.k.add
	}
	return p.Poller.Add(fd, gen, want)
}

func (p *failingPoller) Mod(fd int, gen uint32, want poller.Interest) error {
	if p.k.add != nil {
		return p.k.add
	}
	return p.Poller.Mod(fd, gen, want)
}

// If the kernel refuses a Register or a Modify, nothing changes.
func TestKernelRefuses(t *testing.T) { both(t, kernelRefuses) }

func kernelRefuses(l *lab) {
	k := &failing{Kernel: l.k}
	a, b := l.pair()
	twin := &object{l, a.d}
	p := l.pollBy(k)
	must(p.Register(a, OUT))
	k.add = os.NewSyscallError("epoll_ctl", unix.ENOSPC)
	for what, err := range map[string]error{
		"Register":         p.Register(b, sel.POLLIN|sel.POLLOUT),
		"Register a twin":  p.Register(twin, sel.POLLIN|sel.POLLOUT),
		"Register a mask":  p.Register(a, IN),
		"Modify":           p.Modify(a, IN),
		"Register, opened": p.Register(sel.FD(b.d.FD), sel.POLLIN|sel.POLLOUT),
	} {
		if !errors.Is(err, syscall.ENOSPC) {
			l.Errorf("%s: %v, want ENOSPC", what, err)
		}
	}
	l.expect(p, 0, is{a: OUT})
	k.add = nil
	l.expect(p, 0, is{a: OUT})
	must(p.Register(b, sel.POLLIN|sel.POLLOUT))
	must(p.Register(twin, IN))
	l.expect(p, 0, is{a: OUT, b: OUT})
	b.close()
	a.close()
	l.expect(p, 0, is{a: NVAL, b: NVAL, twin: NVAL})
}

// A Poll in another Poll is readable while one of its descriptors is ready, even if the outer Poll
// must wait for that. If it is closed, it is NVAL. A ring is refused.
func TestNestedPolls(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		inner, outer := l.poll(), l.poll()
		must(inner.Register(a, IN))
		must(outer.Register(inner, sel.POLLIN|sel.POLLOUT))
		l.expect(outer, 0, is{})
		join := l.asleep(func() { l.expect(outer, guard, is{inner: IN}) })
		b.write("x")
		join()
		l.expect(outer, 0, is{inner: IN})
		l.expect(inner, 0, is{a: IN})
		if err := inner.Register(outer, sel.POLLIN|sel.POLLOUT); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("a ring: %v, want ELOOP", err)
		}
		a.read()
		l.expect(outer, 1, is{})

		// If no registration wants an Event any more, the Event must not keep the inner Poll
		// readable.
		twin := &object{l, a.d}
		must(inner.Register(twin, OUT))
		l.expect(outer, 0, is{inner: IN})
		must(inner.Modify(twin, IN))
		l.expect(outer, 0, is{})
		must(inner.Modify(twin, OUT))
		must(inner.Unregister(twin))
		l.expect(outer, 0, is{})
		b.write("x")
		l.dup(a)
		a.close()
		l.expect(outer, 0, is{})
		l.expect(inner, 0, is{a: NVAL})
		must(inner.Close())
		l.expect(outer, 0, is{inner: NVAL})
		must(outer.Unregister(inner))
		must(outer.Register(inner, sel.POLLIN|sel.POLLOUT))
		l.expect(outer, 0, is{inner: NVAL})
	})
}

// A Poll reports Sockets of package socket in each mode, and also closed and accepted ones.
func TestSockets(t *testing.T) {
	both(t, func(l *lab) {
		create := func() *socket.Socket {
			return l.create(socket.AF_UNIX, socket.SOCK_STREAM, 0)
		}
		ln, c := create(), create()
		path := unixPath()
		must(ln.Bind(socket.Path(path)))
		must(ln.Listen(1))
		p := l.poll(ln)
		l.expect(p, 0, is{})
		must(c.Connect(socket.Path(path)))
		l.expect(p, guard, is{ln: IN})
		s, _, err := ln.Accept()
		must(err)
		l.expect(p, 0, is{})
		must(p.Register(s, IN))
		must(p.Register(c, sel.POLLIN|sel.POLLOUT))
		for _, seconds := range []float64{0, 2} {
			must(s.SetTimeoutSeconds(seconds))
			l.expect(p, 0, is{c: OUT})
			c.Send([]byte("x"))
			l.expect(p, guard, is{s: IN, c: OUT})
			s.Recv(1)
		}
		must(ln.Close())
		must(c.Close())
		l.expect(p, guard, is{ln: NVAL, c: NVAL, s: l.told(IN|OUT|HUP, IN)})
		must(s.Close())
		runtime.KeepAlive(c)
	})
}
