//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// pollers counts the open Pollers of a Kernel, and how often they were woken.
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
	defer p.k.add(-1)
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

// A Poll that is unreachable is closed, although a hook of a socket and a function of a Notifier
// refer to its set. A Poll that is being polled is not closed.
func TestUnreachablePollIsClosed(t *testing.T) {
	l := newLab(t, kernel.Host, nil)
	defer l.closeAll()
	k := &pollers{Kernel: kernel.Host}
	a, b := l.pair()
	n := &teller{}
	done := make(chan struct{})
	func() {
		p := sel.NewBy(k, desc.Parked)
		must(p.Register(a, sel.POLLIN|sel.POLLOUT))
		must(p.Register(n, sel.POLLIN|sel.POLLOUT))
		must(p.Register(&ready{}, sel.POLLIN|sel.POLLOUT))
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

// If a Poll of a loop is unreachable, the loop closes it. If the loop has ended, the garbage
// collector does.
func TestUnreachablePollOfALoopIsClosed(t *testing.T) {
	k := &pollers{Kernel: kernel.Host}
	r, err := reactor.New(reactor.WithKernel(k))
	must(err)
	r.Go(func(task *reactor.Task) {
		sel.NewOn(r).Poll(0)
		for k.add(0) > 1 { // the reactor has a Poller of its own
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

// A Poll opens no descriptor before its first use. Close releases everything.
func TestPollIsLean(t *testing.T) { both(t, pollIsLean) }

func pollIsLean(l *lab) {
	k := &pollers{Kernel: l.k}
	p := l.pollBy(k)
	if k.add(0) != 0 {
		l.Error("descriptors before the first use")
	}
	p.Poll(1)
	if k.add(0) != 1 {
		l.Errorf("%d pollers", k.add(0))
	}
	must(p.Register(&ready{}, sel.POLLIN|sel.POLLOUT))
	if k.wakes.Load() != 0 {
		l.Error("woken though nobody waits")
	}
	must(p.Close())
	if k.add(0) != 0 {
		l.Error("descriptors after Close")
	}
}

// A Poll holds no reference to an object that was registered, reported and unregistered. It holds
// the results of the latest IPoll until the next IPoll.
func TestUnregisteredIsNotKept(t *testing.T) {
	l := newLab(t, kernel.Host, nil)
	defer l.closeAll()
	p := l.poll()
	var left atomic.Int64
	func() {
		for range 4 {
			o := &ready{}
			o.state.Store(1)
			left.Add(1)
			runtime.AddCleanup(o, func(int) { left.Add(-1) }, 0)
			must(p.Register(o, sel.POLLIN|sel.POLLOUT))
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

// A socket that is unreachable is closed, although it was in a Poll, and is registered with the
// background goroutine. The Poll was closed, or the socket was unregistered.
func TestUnreachableSocketOfAPollIsClosed(t *testing.T) {
	l := newLab(t, kernel.Host, nil)
	defer l.closeAll()
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
			must(p.Register(s, sel.POLLIN|sel.POLLOUT))
			l.expect(p, 0, is{s: OUT})
			leave(p, s)
			return s.Fileno()
		}()
		for l.poll2(fd) != NVAL {
			runtime.GC()
			runtime.Gosched()
		}
		runtime.KeepAlive(p)
	}
}
