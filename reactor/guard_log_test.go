//go:build unix

package reactor

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// Many peers cause a panic, and as many cancelled tasks wait again. At most one stack and a hundred
// lines are logged in a second. The panic handler is called for every panic.
func TestPeersDoNotChooseHowMuchIsLogged(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	told := 0
	r := manual(t, WithLogger(zaplog.New(core)), WithPanicHandler(func(*Conn, any, []byte) { told++ }))
	n := longtest.Count(300, 1000, 1000)
	began := time.Now()
	for range n {
		r.After(0, func() { panic("bad input") })
		r.Go(func(k *Task) {
			for {
				k.Sleep(time.Hour)
			}
		})
	}
	turnUntil(t, r, func() bool { return told == n })
	r.Close()
	r.abort.Store(true)
	for r.Turn(0) != ErrClosed {
	}
	seconds := 1 + int(time.Since(began)/time.Second)
	stacks := 0
	for _, e := range logs.All() {
		if stack, _ := e.ContextMap()["stack"].(string); strings.Contains(stack, "goroutine ") {
			stacks++
		}
	}
	if lines := logs.Len(); stacks > 2*seconds || lines > 2*seconds*zaplog.Lines {
		t.Errorf("%d stacks and %d lines in %d seconds", stacks, lines, seconds)
	}
}

// The watchdog measures each guarded call once, for example a Closed after a step, and a Closed at
// the end of the reactor.
func TestSlowClosedIsNamed(t *testing.T) {
	for _, how := range []string{"Abort", "Shutdown"} {
		core, logs := observer.New(zapcore.WarnLevel)
		r, err := New(WithSlowCallback(5*time.Millisecond), WithLogger(zaplog.New(core)))
		if err != nil {
			t.Fatal(err)
		}
		slow := func() int { return logs.FilterMessage("slow callback").Len() }
		before := 0 // on a busy machine the posted function may be slow too
		a, _ := mustPair()
		c := adoptFD(t, r, a, &hooks{closed: func(*Conn, error) { before = slow(); time.Sleep(20 * time.Millisecond) }})
		if how == "Abort" {
			r.Post(func() { c.Abort(); r.Close() })
			err = r.Run(context.Background())
		} else {
			r.Shutdown(ended())
		}
		if n := slow() - before; n != 1 || err != nil {
			t.Errorf("%s: %d slow callbacks are named, want 1; %v", how, n, err)
		}
	}
}

// A callback calls Cancel, or closes the descriptor that a task waits for. The task does not run
// inside that callback.
func TestCancelRunsNothingInsideACallback(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		inside, was, over := false, false, false
		k := r.Go(func(k *Task) {
			defer func() { was, over = inside, true }()
			k.Sleep(time.Hour)
		})
		r.After(time.Millisecond, func() {
			inside = true
			k.Cancel()
			inside = false
		})
		turnUntil(t, r, func() bool { return over })
		if was {
			t.Error("the task ran inside Cancel")
		}
	})
}

// A Conn knows its peer in every callback, even in Data after the peer has reset, and in Closed.
func TestRemoteAddrAfterAReset(t *testing.T) {
	twice(t, func(t *lab) {
		var seen []string
		see := func(c *Conn) {
			if a := c.RemoteAddr(); a == nil {
				seen = append(seen, "nil")
			} else {
				seen = append(seen, a.String())
			}
		}
		closed := false
		at := t.listen("tcp", always(&hooks{opened: see, data: func(c *Conn, _ []byte) { see(c) },
			closed: func(c *Conn, _ error) { see(c); closed = true }}))
		p := t.dial(at)
		want := p.addr().String()
		t.until(func() bool { return len(seen) == 1 })
		t.freeze(func() { p.send("x"); p.reset() })
		t.until(func() bool { return closed })
		for _, s := range seen {
			if s != want {
				t.Errorf("RemoteAddr is %s, want %s", s, want)
			}
		}
	})
}
