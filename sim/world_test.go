package sim_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the tests make many worlds
	goleak.VerifyTestMain(m)
}

// wild contains a chance for each kind of fault except resets.
var wild = sim.Faults{ShortRead: 20 * sim.Percent, ShortWrite: 20 * sim.Percent, Again: 10 * sim.Percent, Interrupt: 5 * sim.Percent,
	Spurious: 10 * sim.Percent, EarlyWait: 10 * sim.Percent, Loss: 2 * sim.Percent, SlowFIN: 20 * sim.Percent,
	OneByte: 2 * sim.Percent, NeverReads: 2 * sim.Percent, SlowAccepts: 10 * sim.Percent}

// runEcho returns a whole history as text.
func runEcho(t testing.TB, seed uint64, opt sim.Options) (trace string, hash uint64) {
	opt.Trace = -1
	w, good := echoWorld(t, seed, opt, 5, 20_000)
	defer w.Close()
	if err := w.RunUntil(func() bool { return good() == 5 }, 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := w.WriteTrace(&b); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.Hash()
}

// Two runs with the same seed have byte for byte the same history, with and without faults. A run
// with another seed has another history.
func TestOneSeedIsOneHistory(t *testing.T) {
	for name, opt := range map[string]sim.Options{"quiet": {}, "wild": {Faults: wild}, "FreeBSD": {Faults: wild, Kernel: sim.FreeBSD}, "NetBSD": {Faults: wild, Kernel: sim.NetBSD}} {
		t.Run(name, func(t *testing.T) {
			first, h1 := runEcho(t, 7, opt)
			second, h2 := runEcho(t, 7, opt)
			if first != second || h1 != h2 {
				a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
				for i := range a {
					if i >= len(b) || a[i] != b[i] {
						t.Fatalf("line %d:\n%s\n%s", i, a[i], b[min(i, len(b)-1)])
					}
				}
				t.Fatal("the second is longer")
			}
			if _, h3 := runEcho(t, 8, opt); h3 == h1 {
				t.Error("another seed has the same history")
			}
		})
	}
}

// Impossible options, hosts and addresses panic with a message that gives the reason.
func TestBadInputSaysWhatIsWrong(t *testing.T) {
	w := sim.New(1, sim.Options{Trace: -1})
	defer w.Close()
	h := w.Host("10.0.0.1", "fd00::1")
	for want, f := range map[string]func(){
		"At(-1ns)":            func() { w.At(-1, func() {}) },
		"At of a nil":         func() { w.At(1, nil) },
		"Run(-1s)":            func() { w.Run(-time.Second) },
		"RunUntil(-1s)":       func() { w.RunUntilDone(-time.Second) },
		"at most 100 years":   func() { w.At(1<<63-1, func() {}) },
		"latency":             func() { sim.New(1, sim.Options{Latency: -1}) },
		"bandwidth":           func() { sim.New(1, sim.Options{Bandwidth: -1}) },
		"buffer 3":            func() { sim.New(1, sim.Options{Buffer: 3}) },
		"chance 1000001":      func() { sim.New(1, sim.Options{Faults: sim.Faults{Loss: sim.Always + 1}}) },
		"chance -1":           func() { w.SetFaults(sim.Faults{Reset: -1}) },
		"has this address":    func() { w.Host("10.0.0.1") },
		"must be an IP":       func() { w.Host("server") },
		"others can reach":    func() { w.Host("127.0.0.1") },
		"without an address":  func() { w.Host() },
		"nil function":        func() { h.Boot("x", nil) },
		"must have Nth":       func() { h.Inject(sim.Injection{Call: sim.Recv}) },
		"SetFileLimit(-1)":    func() { h.SetFileLimit(-1) },
		"must be -500,000":    func() { h.SetClock(sim.Always) },
		"trace -2":            func() { sim.New(1, sim.Options{Trace: -2}) },
		"must be 0 … 1048576": func() { sim.New(1, sim.Options{Files: -1}) },
	} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, want) {
					t.Errorf("panic %q, want one that says %q", v, want)
				}
			}()
			f()
		}()
	}
	fd, _ := h.Socket(2, 1, 0)
	if e := h.Bind(fd, reactor.AddrFrom(addr("10.9.9.9:1"))); e != kernel.EADDRNOTAVAIL {
		t.Errorf("Bind to another's address: %v", e)
	}
	simulated, err := reactor.New(reactor.WithKernel(h))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := simulated.Watch(0, poller.In, func(poller.Readiness) {}); !errors.Is(err, kernel.EBADF) || !strings.Contains(err.Error(), "simulated") {
		t.Errorf("a simulated reactor with a real descriptor: %v", err)
	}
	if _, e := h.Recv(0, nil, 0); e != kernel.EBADF {
		t.Errorf("recv of a real descriptor: %v", e)
	}
	if e := h.Close(0); e != kernel.EBADF {
		t.Errorf("close of a real descriptor: %v", e)
	}
	var trace bytes.Buffer
	if w.WriteTrace(&trace); !strings.Contains(trace.String(), "recv(0) EBADF: a simulated host has no such descriptor; a real one?") {
		t.Errorf("the trace does not tell of a real descriptor:\n%s", trace.String())
	}
	p, err := h.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(0, 1, poller.In); !errors.Is(err, kernel.EBADF) || !strings.Contains(err.Error(), "a real one") {
		t.Errorf("Add of a real descriptor: %v", err)
	}
	r, err := reactor.New()
	if errors.Is(err, poller.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Shutdown(context.Background())
	if _, err := r.Watch(fd, poller.In, func(poller.Readiness) {}); !errors.Is(err, kernel.EBADF) || !strings.Contains(err.Error(), "simulated") {
		t.Errorf("a real reactor with a simulated descriptor: %v", err)
	}
}

// A client waits for a server that never answers, so no event is left in the world. The error lists
// what each program waits for.
func TestDeadlockSaysWhoWaitsForWhat(t *testing.T) {
	w := sim.New(3, sim.Options{})
	defer w.Close()
	server, cl := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	server.Boot("mute", func() {
		r, _ := reactor.New(reactor.WithKernel(server))
		r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return mute{} })
		r.Run(context.Background())
	})
	cl.Boot("hopeful", func() {
		r, _ := reactor.New(reactor.WithKernel(cl))
		r.After(5*time.Millisecond, func() { r.Dial("tcp", "10.0.0.1:80", mute{}) })
		r.Run(context.Background())
	})
	err := w.RunUntilDone(0)
	var d *sim.Deadlock
	if !errors.As(err, &d) || len(d.Waiting) != 2 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"seed=3", "10.0.0.2/hopeful", "10.0.0.1:80 (connected)", "10.0.0.1/mute", "(listening)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	if err := w.RunUntilIdle(); err != nil {
		t.Errorf("an idle world: %v", err)
	}
}

type mute struct{}

func (mute) Data(*reactor.Conn, []byte)  {}
func (mute) Closed(*reactor.Conn, error) {}

// A panic of a program ends the run. The error has the stack, the seed and the step.
func TestPanicOfAProgramIsTheRunsError(t *testing.T) {
	w := sim.New(9, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("faulty", func() {
		r, _ := reactor.New(reactor.WithKernel(h))
		r.After(time.Second, func() { panic("ouch") })
		r.Run(context.Background())
	})
	err := w.Run(time.Minute)
	var p *sim.ProgramPanic
	var f *sim.Failure
	if !errors.As(err, &p) || p.Value != "ouch" || !errors.As(err, &f) || f.Seed != 9 || !strings.Contains(err.Error(), "world_test.go") {
		t.Fatalf("got %v", err)
	}
}

// A host crashes while it echoes 1 MB, and restarts. The client gets an error and never an orderly
// end of input. The client's second connection receives everything.
func TestCrashAndRestart(t *testing.T) {
	again := 0
	seeds := longtest.Count(4, 40, 100)
	for seed := range uint64(seeds) {
		w := sim.New(seed, sim.Options{})
		server, cl := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		var ends []error
		server.Boot("echo", func() {
			r, err := reactor.New(reactor.WithKernel(server))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := r.Listen("tcp", ":7", func(*reactor.Conn) reactor.Handler { return echo{} }); err != nil {
				t.Error(err)
			}
			ends = append(ends, r.Run(context.Background()))
		})
		sent := pattern(1_000_000, 1)
		tries, good := 0, 0
		cl.Boot("client", func() {
			r, _ := reactor.New(reactor.WithKernel(cl))
			var try func()
			try = func() {
				tries++
				c, err := r.Dial("tcp", "10.0.0.1:7", &clientFunc{want: len(sent), done: func(got []byte, err error) {
					if err == nil && bytes.Equal(got, sent) {
						good++
						r.Close()
						return
					}
					if err == nil {
						t.Errorf("seed %d: %d bytes and no error", seed, len(got))
					}
					r.After(time.Second, try)
				}}, reactor.WithLimits(0, 4<<20, 4<<20))
				if err == nil {
					err = errors.Join(c.SetIdleTimeout(5*time.Second), c.Send(sent)) // detects a crash
				}
				if err != nil {
					t.Error(err)
				}
			}
			r.After(5*time.Millisecond, try)
			r.Run(context.Background())
		})
		w.At(time.Duration(6000+seed*1000/uint64(seeds))*time.Microsecond, server.Crash)
		w.At(2*time.Second, server.Restart)
		if err := w.RunUntil(func() bool { return good == 1 }, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		again += tries - 1
		w.Close()
		for _, err := range ends {
			if !errors.Is(err, sim.ErrCrashed) {
				t.Errorf("Run: %v", err)
			}
		}
		if server.Files() != 0 || cl.Files() != 0 {
			t.Errorf("%d and %d descriptors are left", server.Files(), cl.Files())
		}
	}
	if again < seeds/2 {
		t.Errorf("only %d crashes cut a connection", again)
	}
}

type clientFunc struct {
	got  []byte
	want int
	done func(got []byte, err error)
}

func (h *clientFunc) Data(c *reactor.Conn, p []byte) {
	if h.got = append(h.got, p...); len(h.got) == h.want {
		c.Close()
	}
}
func (h *clientFunc) Timeout(c *reactor.Conn, _ reactor.TimeoutKind) { c.Abort() }
func (h *clientFunc) Closed(c *reactor.Conn, err error)              { h.done(h.got, err) }
