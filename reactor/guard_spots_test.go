//go:build unix

package reactor

import (
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// unwindings has the ways in which a call may not return, each with the value that the panic
// handler gets.
var unwindings = map[string]func(){
	"panic":      func() { panic("boom") },
	"panic(nil)": func() { panic(nil) },
	"Goexit":     runtime.Goexit,
	// With this GODEBUG recover returns nil after panic(nil), as before Go 1.21.
	"panicnil=1": func() { panic(nil) },
	// Goexit continues after the panic of a deferred function was recovered.
	"panic in Goexit": func() { defer func() { panic("boom") }(); runtime.Goexit() },
	"Goexit in panic": func() { defer runtime.Goexit(); panic("boom") },
}

// exits returns whether runtime.Goexit ends the goroutine in the end.
func exits(how string) bool { return strings.Contains(how, "Goexit") }

func isValue(how string, v any) bool {
	switch how {
	case "panic", "panic in Goexit":
		return v == "boom"
	case "Goexit", "Goexit in panic":
		return v == ErrGoexit
	}
	_, ok := v.(*runtime.PanicNilError)
	return ok
}

// A spot is one kind of user code. Its function set makes the loop call code of this kind.
type spot struct {
	name    string
	crashes bool // a Task, in which runtime.Goexit counts as a panic
	handled bool // this kind exists only with a panic handler
	set     func(s *scene)
}

// A scene is where a spot is prepared. r is a running loop, and set is called on it.
type scene struct {
	t    *testing.T
	k    *faults
	r    *Reactor
	boom func()
	say  func(string) // a log line with this text makes the logger or the panic handler fail

	halfway bool // the function logs has not returned
}

// pair adopts one end of a pair of sockets, and returns the other end.
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

// accept makes a Listener and connects a client to it.
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

// A trap is a Filter that changes no bytes. In its method `at` it calls boom, once.
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

// logs writes a line in the middle of the loop's own work. The loop must complete that work even if
// the logger panics.
func (s *scene) logs(log func(string, ...zapcore.Field), msg string) {
	s.halfway = true
	log(msg)
	s.halfway = false
}

// A bombCore logs nothing. It panics at one message in Write, at another message in Check, and at
// one level.
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
