//go:build unix

package reactor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/poller"
)

// Each kind of user code does not return, in each of the ways, with and without a panic handler. It
// runs on a Reactor and on one loop of a Group. With a panic handler, the handler gets the value
// once, and the loop continues. Without one the loop ends, and Post, Shutdown and Run report that,
// if Run still returns. In each case the other loop of the Group continues, and no descriptor is
// left.
//
// Without a handler the test recovers the panic around Run. In a loop of a Group such a panic would
// end the process: see TestPanicInACallbackCrashes.
func TestUserCodeThatDoesNotReturn(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for _, s := range spots {
		for how := range unwindings {
			for _, handler := range []bool{true, false} {
				for _, loops := range []int{1, 2} {
					if testing.Short() && (loops > 1 || !handler) {
						continue
					}
					if !handler && (s.handled || loops > 1 && crashes(s, how)) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/handler %v/loops %d", s.name, how, handler, loops), func(t *testing.T) {
						doesNotReturn(t, s, how, handler, loops)
					})
				}
			}
		}
	}
}

// crashes returns whether a panic leaves Run if there is no panic handler.
func crashes(s spot, how string) bool { return !exits(how) || how == "panic in Goexit" || s.crashes }

func doesNotReturn(t *testing.T, s spot, how string, handler bool, loops int) {
	if how == "panicnil=1" {
		t.Setenv("GODEBUG", how)
	}
	k := hostWithFaults()
	told := make(chan any, 100)
	went := make(chan struct{}, 100)
	boom := func() { went <- struct{}{}; unwindings[how]() }
	opts := []Option{WithKernel(k), WithLogger(zaplog.New(bombCore{zapcore.NewNopCore(), boom}))}
	if handler {
		opts = append(opts, WithPanicHandler(func(_ *Conn, v any, _ []byte) {
			if v == "to the handler" {
				boom()
			}
			told <- v
		}))
	}
	g, err := NewGroup(loops, opts...)
	if err != nil {
		t.Fatal(err)
	}
	r := g.loops[0]
	l, err := g.Listen("tcp", "127.0.0.1:0", acceptEcho, WithBalance(RoundRobin))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		err := errors.New("Run has not returned")
		defer func() {
			recover() // the panic, if loops == 1 and there is no panic handler
			gone <- err
		}()
		if loops == 1 {
			err = r.Run(context.Background())
		} else {
			err = g.Run(context.Background())
		}
	}()
	sc := &scene{t: t, k: k, r: r, boom: boom, say: func(v string) { panic(v) }}
	if err := r.Post(func() { s.set(sc) }); err != nil {
		t.Fatal(err)
	}
	<-went
	if handler {
		if s.name != "panic handler" {
			if v := <-told; !isValue(how, v) {
				t.Errorf("the panic handler was told %v", v)
			}
		}
		on(t, r, func() {}) // waits until the loop has called a function, so the loop continues
		on(t, r, func() {
			if sc.halfway {
				t.Error("the loop's work was left halfway")
			}
		})
		for len(told) > 0 {
			t.Errorf("the panic handler was also told %v", <-told)
		}
	}
	if !handler {
		<-r.done
	}
	if handler || loops > 1 {
		for range loops {
			c := connect(t, l.Addr())
			roundTrip(t, c, "the others are still served")
			c.Close()
		}
	}
	err = g.Shutdown(context.Background())
	var p *PanicError
	if handler != (err == nil) || !handler && (!errors.As(err, &p) || p.Value != ErrGoexit && !crashes(s, how)) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := r.Post(func() {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Post after the end: %v", err)
	}
	if err := <-gone; handler && err != nil && !(loops == 1 && exits(how)) {
		t.Errorf("Run: %v", err)
	}
	if n := k.opened.Load(); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
}

// Run returns nil if the drain has ended before the context of Run. Otherwise it returns the cause
// of the context, even if nothing is open. After the end, Turn returns ErrClosed, and a timer that
// is then armed never calls its function, and holds no memory.
func TestWhatTheEndSays(t *testing.T) {
	for _, first := range []string{"Shutdown", "context"} {
		r, err := New()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var atEnd error
		hook := sentinelPoller{r.poller, func() { // the poller is closed last
			cancel()
			for !r.abort.Load() {
				runtime.Gosched()
			}
		}}
		if first == "Shutdown" {
			r.poller = hook
			r.Close()
		} else {
			cancel()
		}
		if atEnd = r.Run(ctx); (first == "Shutdown") != (atEnd == nil) {
			t.Errorf("%s first: Run says %v", first, atEnd)
		}
		cancel()
		if tm := r.After(0, func() { t.Error("a timer has fired") }); tm.Stop() || r.timers.Len() != 0 {
			t.Error("a timer is armed after the end")
		}
		if err := r.Turn(0); err != ErrClosed {
			t.Errorf("Turn: %v", err)
		}
	}
}

type sentinelPoller struct {
	poller.Poller
	closing func()
}

func (p sentinelPoller) Close() error { p.closing(); return p.Poller.Close() }

// A PostSend of more than 16 MiB is accepted if no other one waits and the Conn may buffer it.
// ErrFull is temporary. A PostSend of more than the Conn may ever buffer is always refused.
func TestLargePostSends(t *testing.T) {
	if !longtest.Default(t, "messages of 17 MiB") {
		return
	}
	r := manual(t)
	a, b := pair(t)
	defer kernel.Host.Close(b)
	c := adoptFD(t, r, a, &hooks{}, WithLimits(0, 64<<20, 64<<20))
	large := make([]byte, 17<<20)
	if err := c.PostSend(large); err != nil {
		t.Errorf("a large one alone: %v", err)
	}
	if err := c.PostSend(large); !errors.Is(err, ErrFull) {
		t.Errorf("a second one: %v", err)
	}
	turnUntil(t, r, func() bool { return c.Buffered() > 0 })
	if err := c.PostSend(large); err != nil {
		t.Errorf("the second one again: %v", err)
	}
	if err := c.PostSend(make([]byte, 64<<20+1)); !errors.Is(err, kernel.EMSGSIZE) || errors.Is(err, ErrFull) {
		t.Errorf("more than the cap: %v", err)
	}
}
