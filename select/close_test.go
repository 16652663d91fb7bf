//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// pollers counts those that a Kernel has made and that are open, and how often they were woken.
type pollers struct {
	kernel.Kernel
	mu    sync.Mutex
	open  int
	wakes atomic.Int64
}

type counted struct {
	poller.Poller
	k *pollers
}

func (k *pollers) NewPoller() (poller.Poller, error) {
	p, err := k.Kernel.NewPoller()
	k.add(1)
	return &counted{p, k}, err
}

func (p *counted) Close() error {
	p.k.add(-1)
	return p.Poller.Close()
}

func (p *counted) Wake() error {
	p.k.wakes.Add(1)
	return p.Poller.Wake()
}

func (k *pollers) add(n int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open += n
	return k.open
}

// An unreachable Poll is closed, though a socket's hook and a Notifier's function lead to it; one that is polled is not.
func TestUnreachablePollIsClosed(t *testing.T) {
	l := newLab(t, nil)
	defer l.closeAll()
	k := &pollers{Kernel: kernel.Host}
	a, b := l.pair()
	n := &teller{}
	done := make(chan struct{})
	func() {
		p := sel.NewBy(k, desc.Parked)
		must(p.Register(a))
		must(p.Register(n))
		must(p.Register(&ready{}))
		l.expect(p, 0, is{a: OUT})
		q := sel.NewBy(k, l.spy)
		must(q.Register(b, IN))
		go func() {
			defer close(done)
			l.expect(q, -1, is{b: IN})
		}()
		for l.spy.asleep() == 0 {
			runtime.Gosched()
		}
	}()
	for k.add(0) > 1 {
		runtime.GC()
		runtime.Gosched()
	}
	for range 10 {
		runtime.GC()
	}
	if k.add(0) != 1 {
		t.Error("a Poll was closed while it was polled")
	}
	a.write("x")
	<-done
	for k.add(0) > 0 {
		runtime.GC()
		runtime.Gosched()
	}
	runtime.KeepAlive(n)
}

// An unreachable Poll of a loop is closed by the loop, or by whoever finds that the loop has ended.
func TestUnreachablePollOfALoopIsClosed(t *testing.T) {
	k := &pollers{Kernel: kernel.Host}
	r, err := reactor.New(reactor.WithKernel(k))
	must(err)
	r.Go(func(task *reactor.Task) {
		sel.NewOn(r).Poll(0)
		for k.add(0) > 1 { // the reactor's own
			runtime.GC()
			task.Sleep(time.Millisecond)
		}
		sel.NewOn(r).Poll(1)
		r.Close()
	})
	must(r.Run(context.Background()))
	for k.add(0) > 0 {
		runtime.GC()
		runtime.Gosched()
	}
}

// A Poll gives back what it has taken when it is closed, and takes nothing before it is used.
func TestPollIsLean(t *testing.T) {
	k := &pollers{Kernel: kernel.Host}
	p := sel.NewBy(k, desc.Parked)
	if k.add(0) != 0 {
		t.Error("descriptors before the first use")
	}
	p.Poll(1)
	if k.add(0) != 1 {
		t.Errorf("%d pollers", k.add(0))
	}
	must(p.Register(&ready{}))
	if k.wakes.Load() != 0 {
		t.Error("woken though nobody waits")
	}
	must(p.Close())
	if k.add(0) != 0 {
		t.Error("descriptors after Close")
	}
}

// What was registered, found and unregistered is not kept by the Poll; what the last IPoll has found, until the next.
func TestUnregisteredIsNotKept(t *testing.T) {
	l := newLab(t, nil)
	p := l.poll()
	var left atomic.Int64
	func() {
		for range 4 {
			o := &ready{}
			o.state.Store(1)
			left.Add(1)
			runtime.AddCleanup(o, func(int) { left.Add(-1) }, 0)
			must(p.Register(o))
			defer p.Unregister(o)
		}
		p.Poll(0)
		p.Poll(1)
		l.ipoll(p, 0, 0)
		p.Next()
	}()
	l.ipoll(p, 0, 0)
	for left.Load() > 0 {
		runtime.GC()
		runtime.Gosched()
	}
	runtime.KeepAlive(p)
}

// A socket that waits in the background, and so is known to that, is closed when it is unreachable, though it was in a
// Poll: one that is closed, and one that it was taken out of.
func TestUnreachableSocketOfAPollIsClosed(t *testing.T) {
	l := newLab(t, nil)
	for _, leave := range []func(p *sel.Poll, s *socket.Socket){
		func(p *sel.Poll, s *socket.Socket) { must(p.Unregister(s)) },
		func(p *sel.Poll, s *socket.Socket) { must(p.Close()) },
	} {
		p := l.poll()
		fd := func() int {
			s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
			must(err)
			must(s.SetTimeoutSeconds(0.001))
			s.Recv(1)
			must(p.Register(s))
			l.expect(p, 0, is{s: OUT})
			leave(p, s)
			return s.Fileno()
		}()
		for poll2(fd) != NVAL {
			runtime.GC()
			runtime.Gosched()
		}
		runtime.KeepAlive(p)
	}
}

// Without descriptors to be had every call says EMFILE, and the Poll is usable once there are some.
func TestNoDescriptors(t *testing.T) {
	k := &failing{Kernel: kernel.Host, e: kernel.EMFILE}
	l := newLab(t, nil)
	defer l.closeAll()
	a, _ := l.pair()
	p := sel.NewBy(k, desc.Parked)
	defer p.Close()
	if _, err := p.Poll(0); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("Poll: %v, want EMFILE", err)
	}
	if err := p.Register(a); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("Register: %v, want EMFILE", err)
	}
	if p.Desc() != nil {
		t.Error("a Desc without a descriptor")
	}
	if err := sel.New().Register(p); !errors.Is(err, sel.ErrValue) {
		t.Errorf("Register of it: %v, want ErrValue", err)
	}
	k.e = 0
	must(p.Register(a))
	l.expect(p, 0, is{a: OUT})
}

type failing struct {
	kernel.Kernel
	e   kernel.Errno // of NewPoller
	add error        // of a Poller's Add and Mod
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

// What the kernel refuses leaves everything as it was.
func TestKernelRefuses(t *testing.T) {
	k := &failing{Kernel: kernel.Host}
	l := newLab(t, nil)
	defer l.closeAll()
	a, b := l.pair()
	twin := &object{l, a.d}
	p := sel.NewBy(k, desc.Parked)
	defer p.Close()
	must(p.Register(a, OUT))
	k.add = os.NewSyscallError("epoll_ctl", unix.ENOSPC)
	for what, err := range map[string]error{
		"Register":         p.Register(b),
		"Register a twin":  p.Register(twin),
		"Register a mask":  p.Register(a, IN),
		"Modify":           p.Modify(a, IN|OUT),
		"Register, opened": p.Register(sel.FD(b.d.FD)),
	} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v, want ENOSPC", what, err)
		}
	}
	l.expect(p, 0, is{a: OUT})
	k.add = nil
	l.expect(p, 0, is{a: OUT})
	must(p.Register(b))
	must(p.Register(twin, IN))
	l.expect(p, 0, is{a: OUT, b: OUT})
	b.close()
	a.close()
	l.expect(p, 0, is{a: NVAL, b: NVAL, twin: NVAL})
}

// A Poll in a Poll is readable while a descriptor in it is ready, also when it is waited for; closed it is NVAL. A ring
// is refused.
func TestNestedPolls(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		inner, outer := l.poll(), l.poll()
		must(inner.Register(a, IN))
		must(outer.Register(inner))
		l.expect(outer, 0, is{})
		join := l.asleep(func() { l.expect(outer, guard, is{inner: IN}) })
		b.write("x")
		join()
		l.expect(outer, 0, is{inner: IN})
		l.expect(inner, 0, is{a: IN})
		if err := inner.Register(outer); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("a ring: %v, want ELOOP", err)
		}
		a.read()
		l.expect(outer, 1, is{})

		// What nobody asks for any more does not keep the inner one readable.
		twin := &object{l, a.d}
		must(inner.Register(twin, OUT))
		l.expect(outer, 0, is{inner: IN})
		must(inner.Modify(twin, IN))
		l.expect(outer, 0, is{})
		must(inner.Modify(twin, OUT))
		must(inner.Unregister(twin))
		l.expect(outer, 0, is{})
		b.write("x")
		l.own(unix.Dup(a.d.FD))
		a.close()
		l.expect(outer, 0, is{})
		l.expect(inner, 0, is{a: NVAL})
		must(inner.Close())
		l.expect(outer, 0, is{inner: NVAL})
		must(outer.Unregister(inner))
		must(outer.Register(inner))
		l.expect(outer, 0, is{inner: NVAL})
	})
}

// Sockets of package socket: in a poll with a mode of any kind, closed, and accepted.
func TestSockets(t *testing.T) {
	both(t, func(l *lab) {
		create := func() *socket.Socket {
			s, err := socket.New(socket.AF_UNIX, socket.SOCK_STREAM, 0)
			if l.r != nil {
				s, err = socket.NewOn(l.r, socket.AF_UNIX, socket.SOCK_STREAM, 0)
			}
			must(err)
			return s
		}
		ln, c := create(), create()
		path := filepath.Join(t.TempDir(), "s")
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
		must(p.Register(c))
		for _, seconds := range []float64{0, 2} {
			must(s.SetTimeoutSeconds(seconds))
			l.expect(p, 0, is{c: OUT})
			c.Send([]byte("x"))
			l.expect(p, guard, is{s: IN, c: OUT})
			s.Recv(1)
		}
		must(ln.Close())
		must(c.Close())
		l.expect(p, guard, is{ln: NVAL, c: NVAL, s: IN | HUP})
		must(s.Close())
		runtime.KeepAlive(c)
	})
}
