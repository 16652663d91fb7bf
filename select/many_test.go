//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
)

// Goroutines poll one Poll with every method, while others change everything about it. The race
// detector checks that.
func TestManyGoroutines(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	p := sel.New()
	l := newLab(t, kernel.Host, nil)
	defer l.closeAll()
	a, b := l.pair()
	must(p.Register(a, sel.POLLIN|sel.POLLOUT))
	var all, over sync.WaitGroup
	stop := make(chan struct{})
	run := func(f func()) {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	n := &teller{}
	twin := &object{l, a.d}
	for range 4 {
		run(func() { p.Poll(0) })
		run(func() { p.Poll(1) })
		run(func() {
			seq, _ := p.IPoll(1, 1)
			for range seq {
			}
		})
		run(func() { p.Modify(a, IN); runtime.Gosched(); p.Register(a, OUT) })
	}
	run(func() { p.Register(twin, sel.POLLIN|sel.POLLOUT); p.Unregister(twin) })
	n.state.Store(1)
	run(func() { p.Register(n, IN); p.Unregister(n) })
	run(func() {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		must(err)
		unix.Close(ends[1])
		o := &lone{ends[0], l}
		o.registerAndClose(p)
	})
	// The sleep is the duration of the test. It synchronises nothing.
	over.Go(func() { time.Sleep(300 * time.Millisecond); close(stop) })
	all.Wait()
	over.Wait()
	b.write("x")
	must(p.Register(a, IN))
	l.expect(p, guard, is{a: IN})
	must(p.Close())
}

type lone struct {
	fd int
	l  *lab
}

func (o *lone) registerAndClose(p *sel.Poll) {
	x := &object{o.l, nil}
	x.d = newDesc(o.fd)
	p.Register(x, sel.POLLIN|sel.POLLOUT)
	x.d.Close()
	p.Unregister(x)
}

// 300 polls that wait (2,000 with -long) need goroutines or tasks, but no threads.
func TestManyPolls(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	polls := longtest.Count(100, 300, 2000)
	both(t, func(l *lab) {
		if h, ok := l.k.(*sim.Host); ok {
			h.SetFileLimit(10 * polls)
		}
		threads := pprof.Lookup("threadcreate").Count()
		var joins []func()
		var ends []*object
		for range polls {
			a, b := l.pair()
			p := l.poll()
			must(p.Register(a, IN))
			ends = append(ends, b)
			joins = append(joins, l.elsewhere(func() {
				l.expect(p, -1, is{a: IN})
				must(p.Close())
			}))
		}
		for l.spy.asleep() < polls {
			l.pass()
		}
		for _, b := range ends {
			b.write("x")
		}
		for _, join := range joins {
			join()
		}
		// On a busy machine, some goroutines in system calls have threads.
		if n := pprof.Lookup("threadcreate").Count() - threads; n > polls/10 {
			l.Errorf("%d threads more", n)
		}
	})
}

// At most 500 Polls can wait for one descriptor. If there are more, the kernel returns an error,
// and the poll returns that error.
func TestDescriptorInTooManyPolls(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the limit is epoll's")
	}
	l := newLab(t, kernel.Host, nil)
	defer l.closeAll()
	a, b := l.pair()
	var refused atomic.Int64
	var all sync.WaitGroup
	for range 510 {
		p := l.poll()
		must(p.Register(a, IN))
		all.Go(func() {
			_, err := p.Poll(-1)
			if errors.Is(err, syscall.EINVAL) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
			must(p.Close())
		})
	}
	for int64(l.spy.asleep())+refused.Load() < 510 {
		runtime.Gosched()
	}
	b.write("x")
	all.Wait()
	if refused.Load() != 10 {
		t.Errorf("%d refused, want 10", refused.Load())
	}
}
