//go:build unix

package socket_test

import (
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// A task sends datagrams to itself, so its calls never wait. Another task and a posted function
// must run meanwhile.
func TestATaskWhoseCallsNeedNotWaitLetsOthersRun(t *testing.T) {
	inTask(t, func(l *lab) {
		s := l.udp()
		task, post := false, false
		l.task.Go(func(*reactor.Task) { task = true })
		l.must(l.r.Post(func() { post = true }))
		for n := 0; !task || !post; n++ {
			if n == 10_000 {
				l.fatalf("after %d calls: task %v, post %v", 2*n, task, post)
			}
			l.must(l.round(s))
		}
	})
}

// The goroutines of this test have one processor. If the calls of a goroutine never wait, another
// goroutine runs after a budget of calls. Without the budget, it would run only when the runtime
// preempts the first goroutine, after 10 ms.
func TestAGoroutineWhoseCallsNeedNotWaitLetsOthersRun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	parked(t, func(l *lab) {
		s := l.udp()
		for range 20 {
			var other atomic.Bool
			go other.Store(true)
			for n := 0; !other.Load(); n++ {
				if n == 300 {
					l.fatalf("after %d calls no other goroutine has run", 2*n)
				}
				l.must(l.round(s))
			}
		}
	})
}

// With Timeout 0 the same task does not yield, because a call that never waits does not yield.
func TestNonBlockingCallsKeepTheLoop(t *testing.T) {
	inTask(t, func(l *lab) {
		s := l.udp()
		l.must(s.SetTimeout(0))
		other := false
		l.task.Go(func(*reactor.Task) { other = true })
		for range 1000 {
			l.must(l.round(s))
		}
		if other {
			t.Error("another task ran between non-blocking calls")
		}
	})
}

// A task is cancelled while it yields. It gets ECANCELED before the call has done anything: the
// peer gets nothing from that call, and no input is lost.
func TestCancelledWhileRestingLosesNothing(t *testing.T) {
	inTask(t, func(l *lab) {
		s := l.udp()
		to := l.addr(s)
		var err error
		sent, got := 0, 0
		busy := l.task.Go(func(*reactor.Task) {
			for err == nil && sent < 10_000 {
				if _, err = s.SendTo([]byte("x"), to); err != nil {
					return
				}
				sent++
				l.arrived(s)
				if _, _, err = s.RecvFrom(1); err == nil {
					got++
				}
			}
		})
		l.must(l.task.Sleep(0)) // the task now runs until it yields
		busy.Cancel()
		_, e := l.task.Join(busy)
		l.must(e)
		l.errno(err, syscall.ECANCELED)
		l.must(s.SetTimeout(0))
		for ; got < sent; got++ {
			_, _, err := s.RecvFrom(1)
			l.must(err)
		}
		if _, _, err := s.RecvFrom(1); err == nil {
			t.Errorf("more than the %d datagrams that were sent", sent)
		}
	})
}

// round sends a datagram to the socket itself and receives it. Neither of these calls waits.
func (l *lab) round(s *socket.Socket) error {
	if _, err := s.SendTo([]byte("x"), l.addr(s)); err != nil {
		return err
	}
	l.arrived(s)
	_, _, err := s.RecvFrom(1)
	return err
}

// arrived waits until a receive would not wait. It does not yield.
func (l *lab) arrived(s *socket.Socket) {
	for now := uint8(0); now&1 == 0; {
		got, e := kernel.Host.Ready(s.Fileno())
		if e != 0 {
			panic(e)
		}
		now = uint8(got)
	}
}

// boundless is a kernel whose peer always sends more and always accepts more. So no call ever
// waits.
type boundless struct{ kernel.Kernel }

func (boundless) Send(_ int, p []byte, _ int) (int, kernel.Errno) { return min(len(p), 64<<10), 0 }
func (boundless) Recv(_ int, p []byte, _ int) (int, kernel.Errno) { return min(len(p), 64<<10), 0 }

// A call that moves much yields in the middle, more than once for each 512 KiB. If the socket is
// closed then, or the task is cancelled, the call ends and returns how many bytes it has moved.
func TestALongCallLetsOthersRun(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	r, err := reactor.New(reactor.WithKernel(boundless{kernel.Host}))
	if err != nil {
		t.Fatal(err)
	}
	const size = 16 << 20
	r.Go(func(task *reactor.Task) {
		defer r.Close()
		fresh := func() *socket.Socket {
			s, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
			if err != nil {
				panic(err)
			}
			return s
		}
		s := fresh()
		defer s.Close()
		for name, call := range map[string]func() (int, error){
			"SendAll":  func() (int, error) { return s.SendAll(make([]byte, size)) },
			"Write":    func() (int, error) { return s.Write(make([]byte, size)) },
			"ReadInto": func() (int, error) { return s.ReadInto(make([]byte, size)) },
			"ReadSize": func() (int, error) { p, err := s.ReadSize(size); return len(p), err },
			"ReadLine": func() (int, error) { p, err := s.ReadLineMax(size); return len(p), err },
		} {
			over, others := false, 0
			other := task.Go(func(task *reactor.Task) {
				for !over {
					others++
					task.Sleep(0)
				}
			})
			n, err := call()
			over = true
			task.Join(other)
			// An earlier call has used a part of the first budget, and the last budget is not used
			// up.
			const least = size>>19 - 2
			if n != size || err != nil || others < least {
				t.Errorf("%s: %d bytes, %v; another task ran %d times", name, n, err, others)
			}
		}
		for want, end := range map[syscall.Errno]func(*socket.Socket, *reactor.Task){
			syscall.EBADF:     func(s *socket.Socket, _ *reactor.Task) { s.Close() },
			syscall.ECANCELED: func(_ *socket.Socket, busy *reactor.Task) { busy.Cancel() },
		} {
			n, s := 0, fresh()
			var err error
			busy := task.Go(func(*reactor.Task) { n, err = s.SendAll(make([]byte, size)) })
			task.Sleep(0)
			end(s, busy)
			task.Join(busy)
			if n == 0 || n == size || !errors.Is(err, want) {
				t.Errorf("%d bytes and %v, want some and %v", n, err, want)
			}
			s.Close()
		}
	})
	if err := r.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
