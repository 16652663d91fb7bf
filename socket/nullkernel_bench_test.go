//go:build linux

package socket_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// After `on` is set, a nullKernel makes no system call: each Wait reports input of every
// connection, each Recv has 64 bytes, and each Send succeeds. This ends when `left` Events were
// reported.
type nullKernel struct {
	kernel.Kernel
	on   bool
	left int
	regs []poller.Event // the listener, and then the connections
	done chan struct{}
}

type nullPoller struct {
	poller.Poller
	k *nullKernel
}

func (k *nullKernel) ReadsFully() bool { return true }

func (k *nullKernel) NewPoller() (poller.Poller, error) {
	p, err := k.Kernel.NewPoller()
	return &nullPoller{p, k}, err
}

func (k *nullKernel) Recv(fd int, p []byte, flags int) (int, kernel.Errno) {
	if k.on {
		return 64, 0
	}
	return k.Kernel.Recv(fd, p, flags)
}

func (k *nullKernel) Send(fd int, p []byte, flags int) (int, kernel.Errno) {
	if k.on {
		return len(p), 0
	}
	return k.Kernel.Send(fd, p, flags)
}

func (p *nullPoller) Add(fd int, gen uint32, want poller.Interest) error {
	p.k.regs = append(p.k.regs, poller.Event{FD: int32(fd), Gen: gen, Ready: poller.In})
	return p.Poller.Add(fd, gen, want)
}

func (p *nullPoller) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	if p.k.on && p.k.left <= 0 {
		p.k.on = false
		close(p.k.done)
	}
	if !p.k.on {
		return p.Poller.Wait(events, until)
	}
	n := copy(events, p.k.regs[1:])
	p.k.left -= n
	return n, nil
}

// BenchmarkWithoutAKernel is an echo on 50 connections whose system calls do nothing. user-ns is
// the user time of a message: compare medians of several runs.
func BenchmarkWithoutAKernel(b *testing.B) {
	for style, listen := range map[string]func(*testing.B, *reactor.Reactor) string{"callback": echoCallbacks, "task": echoTasks} {
		b.Run(style, func(b *testing.B) {
			k := &nullKernel{Kernel: kernel.Host, done: make(chan struct{})}
			r, err := reactor.New(reactor.WithKernel(k))
			if err != nil {
				b.Fatal(err)
			}
			at, ran := listen(b, r), make(chan error)
			go func() { ran <- r.Run(context.Background()) }()
			for range 50 {
				c, err := net.Dial("tcp", at)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				for range 3 {
					_, _ = c.Write([]byte("x"))
					if _, err := c.Read(make([]byte, 1)); err != nil {
						b.Fatal(err)
					}
				}
			}
			var before, after syscall.Rusage
			b.ResetTimer()
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			_ = r.Post(func() { k.left, k.on = b.N, true })
			<-k.done
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
			b.ReportMetric(float64(after.Utime.Nano()-before.Utime.Nano())/float64(b.N), "user-ns")
			_ = r.Shutdown(context.Background())
			<-ran
		})
	}
}

type nullEcho struct{}

func (nullEcho) Data(c *reactor.Conn, p []byte) { _ = c.Send(p) }
func (nullEcho) Closed(*reactor.Conn, error)    {}

func echoCallbacks(b *testing.B, r *reactor.Reactor) string {
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return nullEcho{} })
	if err != nil {
		b.Fatal(err)
	}
	return l.Addr().String()
}

func echoTasks(b *testing.B, r *reactor.Reactor) string {
	l, err := socket.NewOn(r, inet, stream, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Bind(socket.Tuple("127.0.0.1", 0)); err != nil {
		b.Fatal(err)
	}
	if err := l.Listen(64); err != nil {
		b.Fatal(err)
	}
	a, err := l.LocalAddr()
	if err != nil {
		b.Fatal(err)
	}
	r.Go(func(t *reactor.Task) {
		defer l.Close()
		for {
			c, _, err := l.Accept()
			if err != nil {
				return
			}
			t.Go(func(*reactor.Task) { echoData(c); _ = c.Close() })
		}
	})
	return fmt.Sprint("127.0.0.1:", a.Port())
}
