//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A receiver is the Desc of a UDP socket whose callers park, and a socket that sends to it.
type receiver struct {
	*desc.Desc
	t  *testing.T
	at kernel.Addr
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	k := kernel.Host
	fd, e := k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	if e == 0 {
		e = k.Bind(fd, kernel.Addr{Family: kernel.AF_INET, IP: [16]byte{127, 0, 0, 1}})
	}
	at, e2 := k.LocalAddr(fd)
	if e != 0 || e2 != 0 {
		t.Fatal(e, e2)
	}
	d := desc.New(k, fd, desc.Parked)
	t.Cleanup(func() { d.Close() })
	return &receiver{d, t, at}
}

func (r *receiver) send(s string) {
	if _, e := r.Kernel.SendTo(r.FD, []byte(s), 0, r.at); e != 0 {
		r.t.Error(e)
	}
}

func (r *receiver) recv(limit timeout.Timeout) (string, kernel.Errno) {
	c := desc.Call{Limit: limit}
	buf := make([]byte, 100)
	n, e := r.Do(desc.In, &c, func() (int, kernel.Errno) { return r.Kernel.Recv(r.FD, buf, 0) })
	return string(buf[:n]), e
}

// A receive with each of the three kinds of timeout, without data and then with data. Readiness
// beats the timeout.
func TestModes(t *testing.T) {
	r := newReceiver(t)
	if _, e := r.recv(0); e != kernel.EAGAIN {
		t.Errorf("non-blocking: %v, want EAGAIN", e)
	}
	if _, e := r.recv(1); e != kernel.ETIMEDOUT {
		t.Errorf("1 ns: %v, want ETIMEDOUT", e)
	}
	for _, limit := range []timeout.Timeout{0, 1, timeout.None} {
		r.send("x")
		if s, e := r.recv(limit); s != "x" || e != 0 {
			t.Errorf("%v with data: %q, %v", limit, s, e)
		}
	}
}

// 500 waits of up to 2 ms end only by their timeouts. None of them returns too early.
func TestDeadlineIsNeverEarly(t *testing.T) {
	r := newReceiver(t)
	waits := longtest.Count(50, 250, 1000)
	for i := range waits {
		d := time.Duration(i) * 2 * time.Millisecond / time.Duration(waits)
		from := r.Kernel.Now()
		if _, e := r.recv(timeout.Timeout(max(d, 1))); e != kernel.ETIMEDOUT {
			t.Fatal(e)
		}
		if took := time.Duration(r.Kernel.Now() - from); took < d {
			t.Fatalf("waited %v of %v", took, d)
		}
	}
}

// Sixteen goroutines receive from one Desc, and sixteen datagrams arrive. Each goroutine receives
// one.
func TestCallersOfOneDirectionTakeTurns(t *testing.T) {
	r := newReceiver(t)
	var wg sync.WaitGroup
	var got sync.Map
	for range 16 {
		wg.Go(func() {
			s, e := r.recv(timeout.None)
			if e != 0 {
				t.Error(e)
			}
			if _, twice := got.LoadOrStore(s, true); twice {
				t.Errorf("%q came twice", s)
			}
		})
	}
	for i := range 16 {
		r.send(string(rune('a' + i)))
	}
	wg.Wait()
}

// While one goroutine holds the turn, others wait for the turn with a timeout, and their timeouts
// expire. The turn must still reach a goroutine that waits for it without a limit.
func TestTimeoutWhileQueuedForTheTurn(t *testing.T) {
	r := newReceiver(t)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, e := r.recv(timeout.None); e != 0 {
				t.Error(e)
			}
		})
	}
	for range 8 {
		wg.Go(func() {
			if _, e := r.recv(timeout.Timeout(2 * time.Millisecond)); e != 0 && e != kernel.ETIMEDOUT {
				t.Error(e)
			}
		})
	}
	// This sleep synchronises nothing. It makes it likely that the timeouts expire first.
	time.Sleep(5 * time.Millisecond)
	for range 10 {
		r.send("x")
	}
	wg.Wait()
}

// A Close by another goroutine ends the wait of the holder and of the calls in the queue with
// EBADF. Every later call returns EBADF too.
func TestCloseWakesEveryCaller(t *testing.T) {
	for range 50 {
		r := newReceiver(t)
		var wg sync.WaitGroup
		var in atomic.Int32
		for range 4 {
			wg.Go(func() {
				in.Add(1)
				if _, e := r.recv(timeout.None); e != kernel.EBADF {
					t.Errorf("got %v, want EBADF", e)
				}
			})
		}
		for in.Load() < 4 {
			runtime.Gosched()
		}
		if e := r.Close(); e != 0 {
			t.Error(e)
		}
		wg.Wait()
		if _, e := r.recv(0); e != kernel.EBADF {
			t.Errorf("after Close: %v", e)
		}
		if r.Close() != 0 || r.Number() != -1 {
			t.Error("closing again is not nothing")
		}
	}
}

// Close runs each hook once, before the number can belong to another descriptor. It does not run a
// hook that was removed.
func TestHooksRunAtCloseWhileTheNumberIsOurs(t *testing.T) {
	r := newReceiver(t)
	ran := 0
	hook := &desc.Hook{F: func() {
		ran++
		if _, e := r.Kernel.LocalAddr(r.FD); e != 0 {
			t.Errorf("the number is gone already: %v", e)
		}
	}}
	out := &desc.Hook{F: func() { t.Error("a hook that was taken out ran") }}
	r.AddHook(hook)
	r.AddHook(out)
	r.DelHook(out)
	r.Close()
	r.Close()
	if ran != 1 {
		t.Errorf("ran %d times", ran)
	}
	if e := r.AddHook(hook); e != kernel.EBADF {
		t.Errorf("a hook on a closed Desc: %v", e)
	}
}

// 300 goroutines wait on 300 Descs, and the number of threads stays small. When all Descs are
// closed, the background goroutine ends, which TestMain checks.
func TestParkedCallersCostNoThreads(t *testing.T) {
	before := threads(t)
	var wg sync.WaitGroup
	var all []*receiver
	for range 300 {
		r := newReceiver(t)
		all = append(all, r)
		wg.Go(func() {
			if s, e := r.recv(timeout.None); s != "x" || e != 0 {
				t.Error(s, e)
			}
		})
	}
	for _, r := range all {
		r.send("x")
	}
	wg.Wait()
	if grown := threads(t) - before; grown > 10 {
		t.Errorf("%d threads more", grown)
	}
}

// A round trip between two goroutines whose calls park allocates nothing.
func TestParkedWaitAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !longtest.Measures(t) {
		return
	}
	a, b := newReceiver(t), newReceiver(t)
	stop := make(chan bool)
	go func() {
		defer close(stop)
		buf := make([]byte, 100)
		try := func() (int, kernel.Errno) { return a.Kernel.Recv(a.FD, buf, 0) }
		for {
			c := desc.Call{Limit: timeout.None}
			n, e := a.Do(desc.In, &c, try)
			if e != 0 || n == 0 {
				return
			}
			a.Kernel.SendTo(b.FD, buf[:n], 0, b.at)
		}
	}()
	buf := make([]byte, 100)
	msg := []byte("x")
	try := func() (int, kernel.Errno) { return b.Kernel.Recv(b.FD, buf, 0) }
	allocs := testing.AllocsPerRun(500, func() {
		a.Kernel.SendTo(a.FD, msg, 0, a.at)
		c := desc.Call{Limit: timeout.Timeout(time.Minute)}
		if _, e := b.Do(desc.In, &c, try); e != 0 {
			t.Error(e)
		}
	})
	a.send("")
	<-stop
	if allocs != 0 {
		t.Errorf("%v allocations a round trip", allocs)
	}
}
