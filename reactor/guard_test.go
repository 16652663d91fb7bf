//go:build unix

package reactor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
)

// unwindings are the ways in which a call does not return, and the value that the panic handler
// gets for each.
var unwindings = map[string]func(){
	"panic":      func() { panic("boom") },
	"panic(nil)": func() { panic(nil) },
	"Goexit":     runtime.Goexit,
	// with GODEBUG, as before Go 1.21, recover returns nil
	"panicnil=1": func() { panic(nil) },
}

func isValue(how string, v any) bool {
	switch how {
	case "panic":
		return v == "boom"
	case "Goexit":
		return v == ErrGoexit
	}
	_, ok := v.(*runtime.PanicNilError)
	return ok
}

// A spot is one kind of user code, with what has it called on the loop.
type spot struct {
	name    string
	crashes bool // a task: runtime.Goexit is a panic there
	handled bool // exists only with a panic handler
	set     func(s *scene)
}

// A scene is where a spot is set: r is a loop that runs, and set is called on it.
type scene struct {
	t    *testing.T
	k    *faults
	r    *Reactor
	boom func()
	say  func(string) // has the panic handler, or the logger, called by what it says

	halfway bool // in logs
}

// pair adopts one end of a pair of sockets; the test gives the other.
func (s *scene) pair(h Handler, opts ...ListenOption) (c *Conn, peer int) {
	fd, peer := mustPair()
	s.k.opened.Add(1)
	s.t.Cleanup(func() { kernel.Host.Close(peer) })
	o, err := newSockOptions("listen", eachOption(opts, ListenOption.forListen))
	if err != nil {
		panic(err)
	}
	c = &Conn{opt: o}
	c.w.open(s.r, fd, c)
	s.r.conns++
	c.attachFilter()
	c.setHandler(h)
	c.established()
	return c, peer
}

func (s *scene) send(fd int, what string) { kernel.Host.Send(fd, []byte(what), 0) }

// accept has a client of the listener at hand.
func (s *scene) accept(accept func(*Conn) Handler, opts ...ListenOption) {
	l, err := s.r.Listen("tcp", "127.0.0.1:0", accept, opts...)
	if err != nil {
		panic(err)
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	s.t.Cleanup(func() { c.Close() })
}

func (s *scene) packets(h *packets) *PacketConn {
	c, err := s.r.ListenPacket("udp", "127.0.0.1:0", h)
	if err != nil {
		panic(err)
	}
	c.SendTo([]byte("x"), kernel.Inet(c.LocalAddr().(*net.UDPAddr).AddrPort()))
	return c
}

// A trap is a Filter that passes everything on, but for the one method that is the spot.
type trap struct {
	w    *Wire
	at   string
	boom func()
	kept []byte
}

func (f *trap) here(at string) {
	if f.at == at {
		f.at = ""
		f.boom()
	}
}

func (f *trap) Open() { f.here("Open"); f.w.Ready() }
func (f *trap) Input(p []byte) {
	f.here("Input")
	if f.at == "More" && f.kept == nil {
		f.kept = slices.Clone(p)
		f.w.Keep()
		f.w.Conn().readNextTurn()
		return
	}
	f.w.Deliver(p)
}
func (f *trap) More() bool            { f.here("More"); f.w.Deliver(f.kept); return false }
func (f *trap) EOF()                  { f.here("EOF"); f.w.EOF() }
func (f *trap) Output(p []byte) error { f.here("Output"); f.w.Send(p); return nil }
func (f *trap) Finish()               { f.here("Finish") }
func (f *trap) Closed()               { f.here("Closed") }

func (s *scene) trap(at string) ListenOption {
	return WithFilters(func(bool) (func(*Wire) Filter, error) {
		return func(w *Wire) Filter {
			if at == "factory" {
				s.boom()
			}
			return &trap{w: w, at: at, boom: s.boom}
		}, nil
	})
}

var spots = []spot{
	{name: "Data", set: func(s *scene) {
		_, peer := s.pair(&hooks{data: func(*Conn, []byte) { s.boom() }})
		s.send(peer, "x")
	}},
	{name: "Opened", set: func(s *scene) { s.accept(always(&hooks{opened: func(*Conn) { s.boom() }})) }},
	{name: "EOF", set: func(s *scene) {
		_, peer := s.pair(&eofHooks{eof: func(*Conn) { s.boom() }})
		kernel.Host.Shutdown(peer, kernel.SHUT_WR)
	}},
	{name: "Timeout", set: func(s *scene) {
		c, _ := s.pair(&hooks{timeout: func(*Conn, TimeoutKind) { s.boom() }})
		c.SetReadTimeout(1)
	}},
	{name: "Drained", set: func(s *scene) {
		c, peer := s.pair(&hooks{drained: func(*Conn) { s.boom() }})
		c.Send(make([]byte, 2<<20))
		var read *Timer
		read = s.r.After(0, func() {
			kernel.Host.Recv(peer, make([]byte, 1<<20), 0)
			if !c.is(released) {
				read.Reset(0)
			}
		})
	}},
	{name: "Closed", set: func(s *scene) {
		c, _ := s.pair(&hooks{closed: func(*Conn, error) { s.boom() }})
		c.Abort()
	}},
	{name: "accept", set: func(s *scene) { s.accept(func(*Conn) Handler { s.boom(); return echo{} }) }},
	{name: "timer", set: func(s *scene) { s.r.After(0, s.boom) }},
	{name: "post", set: func(s *scene) { s.r.Post(s.boom) }},
	{name: "Watch", set: func(s *scene) {
		fd, peer := mustPair()
		s.t.Cleanup(func() { kernel.Host.Close(fd); kernel.Host.Close(peer) })
		if _, err := s.r.Watch(fd, poller.Out, func(poller.Readiness) { s.boom() }); err != nil {
			panic(err)
		}
	}},
	{name: "Packet", set: func(s *scene) { s.packets(&packets{packet: func(*PacketConn, []byte, Addr) { s.boom() }}) }},
	{name: "Lost", set: func(s *scene) {
		c := s.packets(&packets{lost: func(*PacketConn, Addr, error) { s.boom() }})
		c.SendTo([]byte("x"), kernel.Unix("/no/such/family"))
	}},
	{name: "PacketClosed", set: func(s *scene) { s.packets(&packets{closed: func(*PacketConn, error) { s.boom() }}).Close() }},
	{name: "WithControl of Dial", set: func(s *scene) {
		s.r.Dial("tcp", "127.0.0.1:1", &hooks{}, WithControl(func(int) error { s.boom(); return nil }))
	}},
	{name: "WithControl of Listen", set: func(s *scene) {
		s.r.Listen("tcp", "127.0.0.1:0", acceptEcho, WithControl(func(int) error { s.boom(); return nil }))
	}},
	{name: "Filter's factory", set: func(s *scene) { s.accept(acceptEcho, s.trap("factory")) }},
	{name: "Filter.Open", set: func(s *scene) { s.accept(acceptEcho, s.trap("Open")) }},
	{name: "Filter.Input", set: func(s *scene) { _, peer := s.pair(echo{}, s.trap("Input")); s.send(peer, "x") }},
	{name: "Filter.More", set: func(s *scene) { _, peer := s.pair(echo{}, s.trap("More")); s.send(peer, "x") }},
	{name: "Filter.EOF", set: func(s *scene) {
		_, peer := s.pair(echo{}, s.trap("EOF"))
		kernel.Host.Shutdown(peer, kernel.SHUT_WR)
	}},
	{name: "Filter.Output", set: func(s *scene) { _, peer := s.pair(echo{}, s.trap("Output")); s.send(peer, "x") }},
	{name: "Filter.Finish", set: func(s *scene) { c, _ := s.pair(echo{}, s.trap("Finish")); c.Close() }},
	{name: "Filter.Closed", set: func(s *scene) { c, _ := s.pair(echo{}, s.trap("Closed")); c.Abort() }},
	{name: "Data by a Filter in a post", set: func(s *scene) {
		c, _ := s.pair(&hooks{data: func(*Conn, []byte) { s.boom() }}, s.trap(""))
		s.r.Post(func() { c.filter.wire.Deliver([]byte("x")) })
	}},
	{name: "task", crashes: true, set: func(s *scene) { s.r.Go(func(*Task) { s.boom() }) }},
	{name: "task after a sleep", crashes: true, set: func(s *scene) {
		s.r.Go(func(t *Task) { t.Sleep(1); s.boom() })
	}},
	{name: "Await's function", crashes: true, set: func(s *scene) { s.r.Go(func(t *Task) { t.Await(s.boom) }) }},
	{name: "what a Desc calls", set: func(s *scene) { s.r.Post(func() { (*taskWaiter)(s.r).Call(s.boom) }) }},
	{name: "panic handler", handled: true, set: func(s *scene) { s.say("to the handler") }},
	{name: "logger", handled: true, set: func(s *scene) { s.logs(s.r.log.Error, "to the logger") }},
	{name: "logger's check", handled: true, set: func(s *scene) { s.logs(s.r.log.Error, "to the check") }},
	{name: "logger's level", handled: true, set: func(s *scene) { s.logs(s.r.log.Debug, "to the level") }},
}

// logs logs from the middle of the loop's own work, which goes on although the logger panics.
func (s *scene) logs(log func(string, ...zapcore.Field), msg string) {
	s.halfway = true
	log(msg)
	s.halfway = false
}

// A bomb core logs nothing. It goes off at one message in Write, at one in Check, and at one level.
type bombCore struct {
	zapcore.Core
	boom func()
}

func (c bombCore) With([]zapcore.Field) zapcore.Core { return c }
func (c bombCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == "to the check" {
		c.boom()
	}
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}
func (c bombCore) Enabled(l zapcore.Level) bool {
	if l == zapcore.DebugLevel {
		c.boom()
	}
	return true
}
func (c bombCore) Write(e zapcore.Entry, _ []zapcore.Field) error {
	if e.Message == "to the logger" {
		c.boom()
	}
	return nil
}

// Each kind of user code does not return, in each way, with and without a panic handler. It runs on
// a Reactor and on one loop of a Group. With a handler, the handler gets the value once, and the
// loop goes on. Without one the loop ends and reports it: to Run's caller, if that still runs, to
// Post and to Shutdown. The other loop serves in any case, and no descriptor is left. The test
// recovers a panic without a handler around Run. In a Group's loop such a panic ends the process:
// see TestPanicInACallbackCrashes.
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
					crash := how != "Goexit" || s.crashes
					if !handler && (s.handled || loops > 1 && crash) {
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

func doesNotReturn(t *testing.T, s spot, how string, handler bool, loops int) {
	if how == "panicnil=1" {
		t.Setenv("GODEBUG", how)
	}
	k := hostWithFaults()
	told := make(chan any, 100)
	went := make(chan struct{}, 100)
	boom := func() { went <- struct{}{}; unwindings[how]() }
	opts := []Option{WithKernel(k), WithLogger(zap.New(bombCore{zapcore.NewNopCore(), boom}))}
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
			recover() // of loops == 1, without a handler
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
		on(t, r, func() {}) // it goes on
		on(t, r, func() {
			if sc.halfway && how != "Goexit" {
				t.Error("the loop's work was left halfway")
			}
		})
		if len(told) > 0 {
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
	if handler != (err == nil) || !handler && (!errors.As(err, &p) || p.Value != ErrGoexit && how == "Goexit" && !s.crashes) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := r.Post(func() {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Post after the end: %v", err)
	}
	if err := <-gone; handler && err != nil && !(loops == 1 && how == "Goexit") {
		t.Errorf("Run: %v", err)
	}
	if n := k.opened.Load(); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
}

// Run returns nil if the drain ended before its context did, and the context's cause otherwise.
// This also holds with nothing open. A timer that is armed later never fires and holds no memory.
// Turn returns ErrClosed.
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

// A PostSend of more than 16 MiB is taken if it waits alone and the Conn may buffer it; ErrFull is
// a passing state; more than the Conn may ever buffer is refused for good.
func TestLargePostSends(t *testing.T) {
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
