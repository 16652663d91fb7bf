//go:build unix

package api

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

type handler struct{}

func (handler) Opened(*reactor.Conn)                       {}
func (handler) Data(*reactor.Conn, []byte)                 {}
func (handler) Closed(*reactor.Conn, error)                {}
func (handler) Timeout(*reactor.Conn, reactor.TimeoutKind) {}

type packets struct{}

func (packets) Packet(*reactor.PacketConn, []byte, reactor.Addr) {}
func (packets) Closed(*reactor.PacketConn, error)                {}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// turned returns a reactor whose loop the test turns. It also returns a function that ends the
// loop.
func turned(t *testing.T) (*reactor.Reactor, func()) {
	t.Helper()
	r, err := reactor.New()
	must(t, err)
	return r, func() {
		for range 3 {
			must(t, r.Turn(r.Now()-1))
		}
		r.Close()
		for range 100 {
			if r.Turn(r.Now()+timeout.Deadline(1e6)) != nil {
				return
			}
		}
		t.Fatal("the reactor does not end")
	}
}

// onLoop returns a function that makes a reactor and, with f, an object of this reactor.
func onLoop(f func(t *testing.T, r *reactor.Reactor) any) func(*testing.T) (any, func()) {
	return func(t *testing.T) (any, func()) {
		r, done := turned(t)
		return f(t, r), done
	}
}

// conn returns an open Conn that a listener of r with these options has accepted.
func conn(t *testing.T, r *reactor.Reactor, opts ...reactor.ListenOption) *reactor.Conn {
	var c *reactor.Conn
	l, err := r.Listen("tcp", "127.0.0.1:0", func(n *reactor.Conn) reactor.Handler { c = n; return handler{} }, opts...)
	must(t, err)
	peer, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	t.Cleanup(func() { peer.Close() })
	for c == nil {
		must(t, r.Turn(r.Now()+timeout.Deadline(time.Second)))
	}
	must(t, l.Close())
	defer peer.Close()
	return c
}

type filter struct{ w *reactor.Wire }

func (f filter) Open()                 { f.w.Ready() }
func (f filter) Input([]byte)          {}
func (f filter) More() bool            { return false }
func (f filter) EOF()                  {}
func (f filter) Output(p []byte) error { f.w.Send(p); return nil }
func (f filter) Finish()               {}
func (f filter) Closed()               {}

func wire(t *testing.T, r *reactor.Reactor) any {
	var w *reactor.Wire
	conn(t, r, reactor.WithFilters(func(bool) (func(*reactor.Wire) reactor.Filter, error) {
		return func(n *reactor.Wire) reactor.Filter { w = n; return filter{n} }, nil
	}))
	return w
}

// usualInReactor returns ordinary arguments for methods of package reactor.
func usualInReactor(method string, i int, typ reflect.Type) reflect.Value {
	to := func(v any) reflect.Value { return reflect.ValueOf(v).Convert(typ) }
	switch {
	case typ == reflect.TypeFor[reactor.Handler]():
		return to(handler{})
	case typ == reflect.TypeFor[reactor.PacketHandler]():
		return to(packets{})
	case typ == reflect.TypeFor[reactor.Addr]():
		return to(reactor.AddrFrom(netip.MustParseAddrPort("127.0.0.1:9")))
	case typ == reflect.TypeFor[func(*reactor.Task)]():
		return to(func(*reactor.Task) {})
	case typ.Kind() == reflect.String && i == 0 && method == "ListenPacket":
		return to("udp")
	case typ.Kind() == reflect.String && i == 0:
		return to("tcp")
	case typ.Kind() == reflect.String:
		return to("127.0.0.1:0")
	case method == "Watch" && i == 0:
		return to(-1)
	}
	return reflect.Value{}
}

var reactorSkips = map[string]string{
	"Run": "needs a context", "Shutdown": "needs a context", "Restart": "needs a command", "Turn": "the test of the loop's own",
	"Retire": "it owns the descriptor also on error, and 0 is one of the process",
}

// The error of Retire names the number if the number is no open descriptor.
func TestRetireOfWhatIsNotOpen(t *testing.T) {
	balanced(t, func() {
		r, done := turned(t)
		defer done()
		for _, v := range odd(reflect.TypeFor[int]()) {
			fd := int(v.Int())
			if fd == 0 {
				continue
			}
			if err := r.Retire(fd); err == nil || !strings.Contains(err.Error(), fmt.Sprint("descriptor ", fd)) {
				t.Errorf("Retire(%d): %v", fd, err)
			}
		}
	})
}

var reactorTakes = takes{
	"Input.Discard.0":      "as many as have arrived, and ErrIncomplete",
	"Histogram.Quantile.0": "0 is the fastest, and any share up to 1",
	"Task.Sleep.0":         "a time that is over, or never comes",
}

// TestMisusedReactor calls each method of package reactor with impossible arguments.
func TestMisusedReactor(t *testing.T) {
	if !longtest.Default(t, "calls every method with many arguments") {
		return
	}
	for name, make := range map[string]func(*testing.T) (any, func()){
		"Reactor": onLoop(func(t *testing.T, r *reactor.Reactor) any { return r }),
		"Conn":    onLoop(func(t *testing.T, r *reactor.Reactor) any { return conn(t, r) }),
		"Wire":    onLoop(wire),
		"Input":   onLoop(func(t *testing.T, r *reactor.Reactor) any { return conn(t, r).KeepInput(100) }),
		"Listener": onLoop(func(t *testing.T, r *reactor.Reactor) any {
			l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return nil })
			must(t, err)
			return l
		}),
		"PacketConn": onLoop(func(t *testing.T, r *reactor.Reactor) any {
			c, err := r.ListenPacket("udp4", "127.0.0.1:0", packets{})
			must(t, err)
			return c
		}),
		"Histogram": func(*testing.T) (any, func()) { return &reactor.Histogram{}, func() {} },
		"Timer":     onLoop(func(t *testing.T, r *reactor.Reactor) any { return r.After(time.Hour, func() {}) }),
		"Watch": func(t *testing.T) (any, func()) {
			r, done := turned(t)
			var p [2]int
			must(t, syscall.Pipe(p[:]))
			w, err := r.Watch(p[0], 0, func(reactorInterest) {})
			must(t, err)
			return w, func() { w.Stop(); syscall.Close(p[0]); syscall.Close(p[1]); done() }
		},
		"Group": func(t *testing.T) (any, func()) {
			g, err := reactor.NewGroup(2)
			must(t, err)
			return g, func() { must(t, g.Shutdown(t.Context())) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			balanced(t, func() { methods(t, name, use{make, usualInReactor, reactorSkips}, reactorTakes) })
		})
	}
	t.Run("Task", func(t *testing.T) {
		balanced(t, func() {
			r, done := turned(t)
			r.Go(func(task *reactor.Task) {
				methods(t, "Task", use{func(*testing.T) (any, func()) { return task, func() {} }, usualInReactor,
					map[string]string{"Sleep": "MaxInt64 is for ever"}}, reactorTakes)
			})
			done()
		})
	})
}
