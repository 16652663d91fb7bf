//go:build unix

package reactor

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// goroutine returns the name of the calling goroutine, for example "goroutine 7".
func goroutine() string {
	var text [64]byte
	name, _, _ := bytes.Cut(text[:runtime.Stack(text[:], false)], []byte(" ["))
	return string(name)
}

// After runtime.Goexit in a callback, a loop that is not locked to its thread continues on another
// goroutine. A loop that is locked stays on its own.
func TestGoexitMovesALoopThatIsNotLocked(t *testing.T) {
	for _, isLocked := range []bool{false, true} {
		r, err := New(WithPanicHandler(func(*Conn, any, []byte) {}))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if isLocked {
				runtime.LockOSThread()
			}
			_ = r.Run(context.Background())
		}()
		var was, is string
		on(t, r, func() { was = goroutine() })
		for range 3 {
			_ = r.Post(runtime.Goexit)
			on(t, r, func() { is = goroutine() })
			if is == was != isLocked {
				t.Errorf("locked: %v; before and after Goexit: %s and %s", isLocked, was, is)
			}
			was = is
		}
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// If a panic leaves Run on a goroutine that is not locked, Shutdown ends the Tasks: their deferred
// functions run.
func TestTasksEndInOrderAfterAPanicOfRun(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	deferred := 0
	for range 3 {
		r.Go(func(t *Task) {
			defer func() { deferred++ }()
			_ = t.Sleep(time.Hour)
		})
	}
	r.Go(func(*Task) { _ = r.Post(func() { panic("on purpose") }) }) // when the others sleep
	// Post from another goroutine, until the loop has ended.
	go func() {
		for !errors.Is(r.Post(func() {}), ErrClosed) {
			runtime.Gosched()
		}
	}()
	ran := make(chan any)
	go func() {
		defer func() { ran <- recover() }()
		_ = r.Run(context.Background())
	}()
	if v := <-ran; v != "on purpose" {
		t.Fatalf("Run panicked with %v", v)
	}
	_ = r.Shutdown(context.Background())
	if deferred != 3 {
		t.Errorf("%d deferred functions of 3 Tasks", deferred)
	}
}

// One Event wakes two Tasks, and the first of them panics. With a panic handler, the second one
// runs in the same loop. Without one, the panic leaves Run, and Shutdown ends the second Task in
// order.
func TestPanicOfATaskLeavesTheOthersOfItsEvent(t *testing.T) {
	for _, isHandled := range []bool{true, false} {
		var opts []Option
		if isHandled {
			opts = append(opts, WithPanicHandler(func(*Conn, any, []byte) {}))
		}
		r, err := New(opts...)
		if err != nil {
			t.Fatal(err)
		}
		a, b := pair(t)
		d := desc.New(kernel.Host, a, (*taskWaiter)(r))
		ended := make(chan bool, 1) // deferred functions ran
		r.Go(func(*Task) {
			defer func() { ended <- true }()
			for e := kernel.Errno(0); e == 0; { // until the peer has closed
				_, e = d.SendAll(&desc.Call{Limit: timeout.None}, make([]byte, 1<<16), 1<<16)
			}
		})
		r.Go(func(*Task) {
			_ = r.Post(func() { _ = kernel.Host.Close(b) }) // the other Task waits already
			_, _ = d.Recv(&desc.Call{Limit: timeout.None}, make([]byte, 1), 0)
			panic("on purpose")
		})
		ran := make(chan any)
		go func() {
			defer func() { ran <- recover() }()
			_ = r.Run(context.Background())
		}()
		if isHandled {
			<-ended
			r.Close()
		}
		if v := <-ran; (v != nil) == isHandled {
			t.Errorf("handled: %v; Run panicked with %v", isHandled, v)
		}
		_ = r.Shutdown(context.Background())
		if !isHandled {
			<-ended
		}
		_ = d.Close()
	}
}

// A drain and an abort end the Conns that have no descriptor yet.
func TestDrainEndsConnsWithoutADescriptor(t *testing.T) {
	for _, end := range []func(r *Reactor){(*Reactor).Close, (*Reactor).abortNow} {
		simulated(t, func(t *lab) {
			r := t.reactor()
			closed := 0
			for range 3 {
				if _, err := r.Dial("tcp", "10.0.0.9:1", &hooks{closed: func(*Conn, error) { closed++ }}); err != nil {
					t.Fatal(err)
				}
			}
			r.dials = queue[*Conn]{} // as if their names were being looked up
			end(r)
			t.turn()
			t.turn()
			if closed != 3 || r.conns != 0 {
				t.Errorf("%d of 3 are closed", closed)
			}
		})
	}
}

// If nobody listens at the address of a dial, the dial may reach its own socket. Then it is
// refused.
func TestDialDoesNotConnectToItself(t *testing.T) {
	inLab(t, kinds[0], func(t *lab) {
		s := t.server("tcp", 1)
		addr := s.addr().String()
		s.close()
		d := &dialled{}
		var err error
		d.c, err = t.reactor().Dial("tcp", addr, d.handler(), WithLocalAddr(addr))
		if err != nil {
			t.Fatal(err)
		}
		t.until(func() bool { return d.opened+len(d.closed) > 0 })
		if d.opened > 0 || !errors.Is(d.closed[0], kernel.ECONNREFUSED) {
			t.Errorf("opened %d times, closed %v", d.opened, d.closed)
		}
	})
}
