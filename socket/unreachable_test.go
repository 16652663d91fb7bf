//go:build unix

package socket_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// A Socket that nobody refers to is closed, whatever call it was last used for. This also holds if
// its own callback refers to it.
func TestD21UnreachableSocketIsClosed(t *testing.T) {
	test := func(l *lab) {
		listener := l.listener() // it accepts nothing more after these
		before := descriptors(l.t)
		drop := func() {
			for i := range 20 {
				s, err := l.make(inet, dgram, 0)
				l.must(err)
				switch i % 5 {
				case 0: // the Socket is registered
					l.must(s.SetTimeout(1))
					_, err = s.Recv(1)
					l.errno(err, syscall.ETIMEDOUT)
				case 1:
					l.must(s.SetCallback(func(*socket.Socket) { runtime.KeepAlive(s) }))
				case 2:
					fd, err := s.Detach()
					l.must(err)
					_, err = l.fromFD(fd)
					l.must(err)
				case 3:
					client, err := l.make(inet, stream, 0)
					l.must(err)
					l.must(client.Connect(l.addr(listener)))
					_, _, err = listener.Accept()
					l.must(err)
				}
			}
		}
		drop()
		l.until("collection", func() bool {
			runtime.GC()
			return descriptors(l.t) <= before
		})
	}
	t.Run("parked", func(t *testing.T) { parked(t, test) })
	// A Socket of a simulated kernel stays open: see package sim.
	t.Run("task", func(t *testing.T) { inTask(t, test) })
}

// Many Sockets are accepted while the garbage collector runs all the time. Each is kept open, or
// closed, detached or dropped at some time. In the end exactly those that are kept are open.
func TestD21AcceptedSockets(t *testing.T) {
	test := func(l *lab) {
		before := descriptors(l.t)
		var collecting sync.WaitGroup
		var done atomic.Bool
		collecting.Go(func() {
			for !done.Load() {
				runtime.GC()
			}
		})
		var kept []*socket.Socket
		func() {
			listener := l.listener()
			defer listener.Close()
			random := rand.New(rand.NewPCG(1, 0))
			for range longtest.Count(150, 600, 6000) {
				client, err := l.make(inet, stream, 0)
				l.must(err)
				l.must(client.Connect(l.addr(listener)))
				s, _, err := listener.Accept()
				l.must(err)
				l.must(client.Close())
				kept = append(kept, s)
				for len(kept) > random.IntN(200) {
					i := random.IntN(len(kept))
					s := kept[i]
					switch kept = slices.Delete(kept, i, i+1); random.IntN(4) {
					case 0, 1:
						l.must(s.Close())
					case 2:
						fd, err := s.Detach()
						l.must(err)
						l.must(unix.Close(fd))
					}
				}
			}
		}()
		l.until("collection", func() bool { return descriptors(l.t) <= before+len(kept) })
		done.Store(true)
		collecting.Wait()
		for _, s := range kept {
			if s.Fileno() < 0 {
				l.fatalf("closed while it was in use")
			}
			l.must(s.Close())
		}
		if n := descriptors(l.t); n != before {
			l.fatalf("%d descriptors, and %d before", n, before)
		}
	}
	t.Run("parked", func(t *testing.T) { parked(t, test) })
	t.Run("task", func(t *testing.T) { inTask(t, test) })
}

// The peer of an abandoned Socket receives the end of the stream, even if the reactor of the Socket
// has ended.
func TestD21AfterTheReactor(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	parked(t, func(l *lab) {
		listener := l.listener()
		func() {
			s, err := socket.NewOn(r, inet, stream, 0)
			l.must(err)
			l.must(s.SetBlocking(false))
			l.errno(s.Connect(l.addr(listener)), syscall.EINPROGRESS)
		}()
		l.must(r.Shutdown(context.Background()))
		s, _, err := listener.Accept()
		l.must(err)
		l.own(s)
		l.until("collection", func() bool {
			runtime.GC()
			now, _ := l.k.Ready(s.Fileno())
			return now != 0 && uint8(now)&1 != 0
		})
		l.recv(s, 1, "")
	})
}

// The garbage collector does not close a Socket during a call. In this test nobody else refers to
// the Socket, and the garbage collector runs all the time.
func TestD21NotUnderACall(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	both(t, func(l *lab) {
		peer := l.udp()
		to := make(chan socket.Addr, 1)
		var received string
		var failed error
		join := l.beside(func(l *lab) {
			s, err := l.make(inet, dgram, 0) // not owned by the lab
			l.must(err)
			l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
			a, err := s.LocalAddr()
			l.must(err)
			to <- a
			p := make([]byte, 10)
			n, err := s.ReadInto(p[:5]) // the try of this call refers only to the Desc
			received, failed = string(p[:n]), err
		})
		var a socket.Addr
		l.until("an address", func() bool {
			select {
			case a = <-to:
				return true
			default:
				return false
			}
		})
		for range 20 {
			runtime.GC()
			l.pass()
		}
		_, err := peer.SendTo([]byte("alive"), a)
		l.must(err)
		join()
		l.must(failed)
		if received != "alive" {
			l.fatalf("received %q", received)
		}
	})
}

// An abandoned Socket is closed even if its reactor never runs. Then its port is free.
func TestD21NeverRun(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	parked(t, func(l *lab) {
		var port socket.Addr
		func() {
			s, err := socket.NewOn(r, inet, dgram, 0)
			l.must(err)
			l.must(s.Bind(socket.Tuple("127.0.0.1", 0)))
			port = l.addr(s)
			l.must(s.SetBlocking(false))
			_, _, err = s.RecvFrom(1)
			l.errno(err, syscall.EAGAIN)
		}()
		l.until("collection", func() bool {
			runtime.GC()
			return l.socket(inet, dgram).Bind(port) == nil
		})
	})
	if err := r.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A Socket was registered with the Poller of a loop that has ended. The garbage collector closes
// that Socket too.
func TestD21OfAnEndedLoop(t *testing.T) {
	parked(t, func(l *lab) {
		r, err := reactor.New()
		l.must(err)
		var port socket.Addr
		r.Go(func(*reactor.Task) {
			defer r.Close()
			s, err := socket.NewOn(r, inet, dgram, 0)
			if err == nil {
				err = s.Bind(socket.Tuple("127.0.0.1", 0))
			}
			if err != nil {
				t.Error(err)
				return
			}
			port = l.addr(s)
			_ = s.SetTimeout(1)
			if _, _, err := s.RecvFrom(1); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Error(err)
			}
		})
		l.must(r.Run(t.Context()))
		l.until("collection", func() bool {
			runtime.GC()
			return l.socket(inet, dgram).Bind(port) == nil
		})
	})
}
