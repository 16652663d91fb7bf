//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	sel "github.com/ureactor/ureactor/select"
)

// registered makes a Poll with n datagram sockets, of which one is ready.
func registered(b *testing.B, n int) (*lab, *sel.Poll) {
	l := newLab(b, kernel.Host, nil)
	b.Cleanup(l.closeAll)
	p := sel.New()
	b.Cleanup(func() { p.Close() })
	for i := range n {
		fd, e := l.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		if e != 0 {
			b.Skipf("%d sockets: %v", n, e)
		}
		o := l.own(fd, 0)
		must(p.Register(o, IN))
		if i == n/2 {
			done(l.k.Bind(fd, loopback))
			_, e := l.k.SendTo(fd, []byte("x"), 0, o.addr())
			done(e)
		}
	}
	return l, p
}

// The cost of a poll depends on how many objects are ready, and not on how many are registered.
func BenchmarkPoll(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("registered=", n), func(b *testing.B) {
			_, p := registered(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if ev, err := p.Poll(-1); len(ev) != 1 || err != nil {
					b.Fatal(ev, err)
				}
			}
		})
	}
}

func BenchmarkIPoll(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("registered=", n), func(b *testing.B) {
			_, p := registered(b, n)
			b.ReportAllocs()
			for b.Loop() {
				p.IPoll(-1, 0)
				if _, _, ok := p.Next(); !ok {
					b.Fatal("nothing")
				}
			}
		})
	}
}

// The cost of a poll that waits: another goroutine answers each byte. This cost does not depend on
// how many objects are registered either.
func BenchmarkPollThatWaits(b *testing.B) {
	for _, n := range []int{1, 10, 10_000} {
		b.Run(fmt.Sprint("registered=", n), func(b *testing.B) { pollThatWaits(b, n) })
	}
}

func pollThatWaits(b *testing.B, n int) {
	l := newLab(b, kernel.Host, nil)
	defer l.closeAll()
	x, y := l.pair()
	there, back := sel.New(), sel.New()
	must(there.Register(y, IN))
	must(back.Register(x, IN))
	for range n - 1 {
		fd, e := l.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		if e != 0 {
			b.Skipf("%d sockets: %v", n, e)
		}
		must(back.Register(l.own(fd, 0), IN))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var p [1]byte
		for {
			there.IPoll(-1, 0)
			if n, _ := unix.Read(y.d.FD, p[:]); n == 0 {
				return
			}
			unix.Write(y.d.FD, p[:])
		}
	}()
	b.ReportAllocs()
	var p [1]byte
	for b.Loop() {
		unix.Write(x.d.FD, p[:])
		back.IPoll(-1, 0)
		unix.Read(x.d.FD, p[:])
	}
	unix.Shutdown(x.d.FD, unix.SHUT_WR)
	<-done
	there.Close()
	back.Close()
}

func BenchmarkModify(b *testing.B) {
	l := newLab(b, kernel.Host, nil)
	defer l.closeAll()
	x, _ := l.pair()
	p := sel.New()
	defer p.Close()
	must(p.Register(x, sel.POLLIN|sel.POLLOUT))
	b.ReportAllocs()
	for b.Loop() {
		p.Modify(x, OUT)
	}
}

func BenchmarkSelect(b *testing.B) {
	l := newLab(b, kernel.Host, nil)
	defer l.closeAll()
	x, _ := l.pair()
	r, w := list{x}, list{x}
	b.ReportAllocs()
	for b.Loop() {
		sel.Select(r, w, nil, -1)
	}
}
