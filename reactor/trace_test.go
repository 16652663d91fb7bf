//go:build unix

package reactor

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Each function of a Trace is called when its comment says so. The calls come in the right order.
func TestTraceSeesAConnsLife(t *testing.T) {
	twice(t, func(t *lab) {
		var seen []string
		note := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
		turns, batches := 0, 0
		r := t.reactor(WithTrace(Trace{
			Accept: func(l *Listener, from Addr) { note("accept %v %v", l.Addr() != nil, from.Port != 0) },
			Open:   func(c *Conn) { note("open %v", c.FD() >= 0) },
			Read:   func(c *Conn, n int) { note("read %d", n) },
			Send:   func(c *Conn, n int, err error) { note("send %d %v", n, err) },
		}), WithTrace(Trace{
			Close: func(c *Conn, err error) { note("close %v", err) },
			Turn:  func(events int, d time.Duration) { turns++; batches += events },
		}))
		c := t.dial(t.listen("tcp", always(&hooks{
			opened: func(*Conn) { note("Opened") },
			data:   func(c *Conn, p []byte) { note("Data"); c.Send(p) },
			closed: func(*Conn, error) { note("Closed") },
		})))
		c.roundTrip("hello")
		c.closeWrite()
		t.until(func() bool { return slices.Contains(seen, "Closed") })
		want := []string{"accept true true", "open true", "Opened", "read 5", "Data", "send 5 <nil>", "read 0", "close <nil>", "Closed"}
		if !slices.Equal(seen, want) {
			t.Errorf("seen %q, want %q", seen, want)
		}
		if got := int(r.Stats().Turns); turns != got || r.Load().Turns.Count() == 0 {
			t.Errorf("%d turns were traced of %d", turns, got)
		}
		if got := int(r.Stats().Events); batches < got || got == 0 {
			t.Errorf("%d Events were traced of %d", batches, got)
		}
	})
}

// Trace.Send gets the error of a send that has failed.
func TestTraceSeesAFailedSend(t *testing.T) {
	simulated(t, func(t *lab) {
		var failed error
		k := t.faults()
		k.send = func(int, []byte) (int, kernel.Errno, bool) { return 0, kernel.EPIPE, true }
		t.reactor(WithKernel(k), WithTrace(Trace{Send: func(_ *Conn, n int, err error) {
			if failed = err; n != 0 {
				t.Errorf("%d bytes", n)
			}
		}}))
		t.dial(t.listen("tcp", acceptEcho)).send("x")
		t.until(func() bool { return failed != nil })
		if !errors.Is(failed, kernel.EPIPE) {
			t.Errorf("Send reports %v, want EPIPE", failed)
		}
	})
}

// Enter is called before every callback, with its name, and Leave after it. A callback inside
// another one has no calls of its own. Leave is also called if the callback panics.
func TestEnterAndLeaveSurroundCallbacks(t *testing.T) {
	simulated(t, func(t *lab) {
		var entered []string
		depth := 0
		r := t.reactor(WithPanicHandler(func(*Conn, any, []byte) {}), WithTrace(Trace{
			Enter: func(name string) {
				entered = append(entered, name)
				if depth++; depth > 1 {
					t.Errorf("%q is inside another", name)
				}
			},
			Leave: func() { depth-- },
		}))
		ran := 0
		inside := func() {
			if ran++; depth != 1 {
				t.Errorf("a callback runs outside of Enter and Leave: %q", entered)
			}
		}
		t.dial(t.listen("tcp", always(&hooks{data: func(*Conn, []byte) { inside() }}))).send("x")
		r.After(0, inside)
		r.Post(func() { inside(); panic("on purpose") })
		r.Go(func(k *Task) { inside(); k.Sleep(time.Millisecond); inside() })
		t.until(func() bool { return ran == 5 })
		if depth != 0 || !slices.Contains(entered, "*reactor.hooks") {
			t.Errorf("depth %d, entered %q", depth, entered)
		}
	})
}

// New refuses a Trace without functions, a Trace with only one of Enter and Leave, and two Traces
// with the same function.
func TestWithTraceRefusesMistakes(t *testing.T) {
	open := Trace{Open: func(*Conn) {}}
	for name, opts := range map[string][]Option{
		"none":  {WithTrace(Trace{})},
		"half":  {WithTrace(Trace{Enter: func(string) {}})},
		"twice": {WithTrace(open), WithTrace(open)},
	} {
		if r, err := New(opts...); err == nil {
			t.Errorf("%s: New succeeds", name)
			r.Close()
		}
	}
}

// With Read, Send and Turn in a Trace, an echo allocates nothing, even in guarded callbacks.
func TestTraceOfMessagesDoesNotAllocate(t *testing.T) {
	for name, more := range map[string][]Option{
		"alone":   nil,
		"guarded": {WithPanicHandler(func(*Conn, any, []byte) {}), WithTrace(Trace{Enter: func(string) {}, Leave: func() {}})},
	} {
		bytes, turns := 0, 0
		r := manual(t, append(more, WithTrace(Trace{
			Read: func(_ *Conn, n int) { bytes += n },
			Send: func(_ *Conn, n int, _ error) { bytes += n },
			Turn: func(int, time.Duration) { turns++ },
		}))...)
		a, b := pair(t)
		t.Cleanup(func() { unix.Close(b) })
		adoptFD(t, r, a, echo{})
		msg, got := make([]byte, 64), make([]byte, 64)
		noAllocs(t, name, func() {
			for sent, n := 0, 0; n < len(msg); {
				sent += fill(b, msg[sent:])
				r.Turn(0)
				k, _ := kernel.Host.Recv(b, got, 0)
				n += k
			}
		})
		if bytes == 0 || turns == 0 {
			t.Errorf("%s: %d bytes and %d turns were traced", name, bytes, turns)
		}
	}
}

// Trace.Send sees single bytes too, however they are sent.
func TestTraceSeesSingleBytes(t *testing.T) {
	simulated(t, func(t *lab) {
		sent := 0
		r := t.reactor(WithTrace(Trace{Send: func(_ *Conn, n int, _ error) { sent += n }}))
		fd, _ := t.pair()
		c := adoptFD(t, r, fd, &hooks{})
		if err := c.SendRights([]byte("x"), r.FD()); err != nil || sent != 1 {
			t.Errorf("SendRights: %v, %d bytes were traced", err, sent)
		}
		if err := c.Send([]byte("x")); err != nil {
			t.Error(err)
		}
		r.endStep()
		if sent != 2 {
			t.Errorf("%d bytes were traced", sent)
		}
	})
}
