package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// reactorOn boots a program that runs a reactor.
func reactorOn(h *sim.Host, name string, begin func(r *reactor.Reactor)) {
	h.Boot(name, func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		begin(r)
		r.Run(context.Background())
	})
}

// deafPeer is a Handler that reads everything, or nothing if pause is set.
type deafPeer struct{ pause bool }

func (d deafPeer) Data(c *reactor.Conn, p []byte) {
	if d.pause {
		c.Pause()
	}
	c.Send([]byte("answer"))
}
func (deafPeer) Closed(*reactor.Conn, error) {}

// When a program is killed, its kernel closes its descriptors. The peer receives the answer that
// was already sent, and then a FIN. If the program had unread input, the peer receives an RST
// instead. Another program of the host continues, and the killed program's port is free.
func TestAKilledProgramsPeersAreToldByTheKernel(t *testing.T) {
	for _, unread := range []bool{false, true} {
		w := sim.New(1, sim.Options{})
		h, c := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		starts, other := 0, 0
		reactorOn(h, "server", func(r *reactor.Reactor) {
			starts++
			if _, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return deafPeer{unread} }); err != nil {
				t.Error(err)
			}
		})
		reactorOn(h, "other", func(r *reactor.Reactor) {
			var tick func()
			tick = func() { other++; r.After(time.Second, tick) }
			tick()
		})
		var got []byte
		var end error
		ended := false
		reactorOn(c, "client", func(r *reactor.Reactor) {
			r.After(10*time.Millisecond, func() {
				conn, err := r.Dial("tcp", "10.0.0.1:80", &clientFunc{done: func(p []byte, err error) { got, end, ended = p, err, true }})
				if err != nil {
					t.Error(err)
				}
				conn.Send([]byte("1"))
				r.After(100*time.Millisecond, func() { conn.Send([]byte("2")) })
			})
		})
		w.At(time.Second, func() { h.Kill("server") })
		if err := w.Run(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		if !ended || !strings.HasPrefix(string(got), "answer") || unread != errors.Is(end, kernel.ECONNRESET) {
			t.Errorf("unread %v: the client has %q, %v, ended %v", unread, got, end, ended)
		}
		h.Start("server")
		h.Start("server") // it runs already
		if w.Run(time.Second); starts != 2 || other < 10 {
			t.Errorf("the server began %d times, the other program made %d steps", starts, other)
		}
		w.Close()
	}
}

// While the programs of a host are paused, its kernel accepts connections and acknowledges data.
// Timers and answers wait until the end of the pause.
func TestAPauseStopsProgramsNotTheKernel(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h, c := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	var ticked, opened, answered time.Duration
	reactorOn(h, "server", func(r *reactor.Reactor) {
		r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return echo{} })
		r.After(2*time.Second, func() { ticked = w.Now() })
	})
	reactorOn(c, "client", func(r *reactor.Reactor) {
		r.After(3*time.Second, func() {
			r.Dial("tcp", "10.0.0.1:80", &opener{func(c *reactor.Conn) { opened = w.Now(); c.Send([]byte("x")) }, func() { answered = w.Now() }})
		})
	})
	var looked time.Duration // when the function of Host.Go ran, which may be a lookup
	w.At(time.Second, func() { h.Pause(9 * time.Second); h.Pause(time.Second); h.Go(func() { looked = w.Now() }) })
	if err := w.Run(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if ticked < 10*time.Second || opened > 4*time.Second || answered < 10*time.Second || answered > 11*time.Second || looked < 10*time.Second {
		t.Errorf("ticked at %v, opened at %v, answered at %v, looked up at %v", ticked, opened, answered, looked)
	}
}

type opener struct {
	opened func(c *reactor.Conn)
	data   func()
}

func (o *opener) Opened(c *reactor.Conn)     { o.opened(c) }
func (o *opener) Data(*reactor.Conn, []byte) { o.data() }
func (*opener) Closed(*reactor.Conn, error)  {}

// StepClock changes the date, also backwards, and does not affect timers.
func TestASteppedClockMovesTheDateOnly(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	var fired time.Duration
	reactorOn(h, "main", func(r *reactor.Reactor) { r.After(10*time.Second, func() { fired = w.Now() }) })
	w.At(time.Second, func() { h.StepClock(-time.Hour) })
	w.At(2*time.Second, func() { h.StepClock(3 * time.Hour) })
	w.Run(20 * time.Second)
	if d := h.Time().Sub(sim.Date); d != 2*time.Hour+20*time.Second {
		t.Errorf("the date has moved by %v", d)
	}
	if fired < 10*time.Second || fired > 10*time.Second+time.Millisecond {
		t.Errorf("the timer fired at %v", fired)
	}
}

// Misuse panics with a message that says what to do.
func TestBadProcessesSayWhatIsWrong(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	for want, f := range map[string]func(){
		"no program of this name": func() { h.Kill("main") },
		"Start(\"main\")":         func() { h.Start("main") },
		"Pause(0s)":               func() { h.Pause(0) },
		"Pause(2h0m0s)":           func() { h.Pause(2 * time.Hour) },
		"at most 100 years":       func() { h.StepClock(time.Duration(1<<63 - 1)) },
		"after steps":             func() { h.StepClock(-time.Duration(1<<63 - 1)) },
	} {
		if v := panicked(f); !strings.Contains(v, want) {
			t.Errorf("panic %q, want one that says %q", v, want)
		}
	}
}

func panicked(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

// In a simulated world Shutdown would wait without end, because the world has only one goroutine.
// So it panics and says what to call instead.
func TestShutdownOnASimulatedLoopPanics(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	var got any
	reactorOn(w.Host("10.0.0.1"), "main", func(r *reactor.Reactor) {
		r.Post(func() {
			defer r.Close()
			defer func() { got = recover() }()
			r.Shutdown(context.Background())
		})
	})
	if err := w.RunUntilDone(time.Minute); err != nil {
		t.Error(err)
	}
	if s, _ := got.(string); !strings.Contains(s, "call Close") {
		t.Errorf("Shutdown on the loop: %v", got)
	}
}

// If a program makes calls endlessly without waiting, the run fails and names the program.
func TestAProgramThatSpinsIsNamed(t *testing.T) {
	if !longtest.Default(t, "spins for 0.1 s") {
		return
	}
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("spinner", func() {
		for w.Err() == nil {
			h.Now()
		}
	})
	if err := w.Run(time.Second); err == nil || !strings.Contains(err.Error(), "program 10.0.0.1/spinner spins") {
		t.Error(err)
	}
}
