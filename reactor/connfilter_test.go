//go:build unix

package reactor

import (
	"bytes"
	"io"
	"testing"
)

// This file belongs to the model of connops_test.go. It has the Filter and the Trace that the Conn
// may have.

// A relay is a Filter that passes everything on. It delivers input in parts, and keeps the input
// that its Conn does not want or that exceeds its budget. It checks the order of its calls.
type relay struct {
	m        *connModel
	w        *Wire
	kept     []byte
	spent    uint64 // the last turn in which the budget was used up
	eof      bool   // the wire's input has ended
	ready    bool
	opened   bool
	finished bool
	closed   bool
}

// relayPart is the largest number of bytes in a part. relayParts is how many parts a relay delivers
// at once.
const relayPart, relayParts = 9_000, 3

// filter returns the function that makes the Filter of the Conn, or nil if this kind of Conn has
// none.
func (m *connModel) filter(kind byte) func(*Wire) Filter {
	if kind&128 == 0 {
		return nil
	}
	m.late, m.posts = kind&64 != 0, kind&4 != 0
	return func(w *Wire) Filter {
		m.relay = &relay{m: m, w: w}
		return m.relay
	}
}

func (f *relay) called(what string) {
	f.m.log = append(f.m.log, "  Filter."+what)
	if f.closed || !f.opened && what != "Closed" {
		f.m.fatalf("Filter.%s; opened: %v, closed: %v", what, f.opened, f.closed)
	}
}

func (f *relay) Open() {
	if f.opened {
		f.m.fatalf("Filter.Open twice")
	}
	f.opened = true
	f.called("Open")
	if !f.m.late {
		f.begin()
	}
}

func (f *relay) begin() {
	f.ready = true
	f.w.Ready()
}

func (f *relay) Input(p []byte) {
	f.called("Input")
	if len(f.kept) > 0 || f.eof {
		f.m.fatalf("Filter.Input while it has %d bytes, after the end of input: %v", len(f.kept), f.eof)
	}
	switch {
	case f.ready:
	case f.m.posts: // it becomes ready in another step
		_ = f.w.Conn().Post(f.begin)
	default:
		f.begin()
	}
	if f.pass(p); len(f.kept) > 0 {
		f.w.Keep()
	}
}

func (f *relay) pass(p []byte) {
	n := 0
	for ; len(p) > 0 && n < relayParts && f.ready && f.w.CanDeliver(); n++ {
		part := p[:min(len(p), relayPart, len(f.m.r.buf.P)/4)]
		p = p[len(part):]
		f.w.Deliver(part)
	}
	if n == relayParts && len(p) > 0 {
		f.spent = f.m.r.often.turns
	}
	f.kept = bytes.Clone(p)
}

func (f *relay) More() (left bool) {
	f.called("More")
	if len(f.kept) == 0 {
		f.m.fatalf("Filter.More without input")
	}
	if f.spent == f.m.r.often.turns {
		f.m.fatalf("Filter.More in the turn in which its budget was used up")
	}
	if f.pass(f.kept); len(f.kept) == 0 && f.eof {
		f.w.EOF()
	}
	return len(f.kept) > 0
}

func (f *relay) EOF() {
	f.called("EOF")
	if f.eof {
		f.m.fatalf("Filter.EOF twice")
	}
	f.eof = true
	switch {
	case !f.ready && len(f.kept) == 0:
		f.w.Fail(io.ErrUnexpectedEOF)
	case len(f.kept) == 0:
		f.w.EOF()
	}
}

func (f *relay) Output(p []byte) error {
	f.called("Output")
	if f.finished {
		f.m.fatalf("Filter.Output after Finish")
	}
	f.w.Send(p)
	return nil
}

func (f *relay) Finish() {
	f.called("Finish")
	if f.finished {
		f.m.fatalf("Filter.Finish twice")
	}
	f.finished = true
}

// begin makes a late Filter ready.
func (m *connModel) begin() {
	if m.relay != nil && m.late && !m.relay.w.c.filter.ready {
		m.do(12, 1, false) // the peer sends a byte
	}
}

func (f *relay) Closed() {
	f.called("Closed")
	f.closed = true
}

// traced has what the functions of a Trace have seen.
type traced struct {
	on                              bool
	in, out                         uint64
	opens, ends, failures, closings int
}

func (m *connModel) trace() Trace {
	m.traced.on = true
	t := &m.traced
	return Trace{
		Open: func(*Conn) { t.opens++ },
		Read: func(_ *Conn, n int) {
			if t.in += uint64(n); n == 0 {
				t.ends++
			}
		},
		Send: func(_ *Conn, n int, err error) {
			if t.out += uint64(n); err != nil {
				t.failures++
			} else if n == 0 {
				m.fatalf("Trace.Send of nothing")
			}
		},
		Close: func(*Conn, error) { t.closings++ },
	}
}

// traceAgrees checks that the Trace has seen each byte once, and each event at most once.
func (m *connModel) traceAgrees() {
	t := m.traced
	switch {
	case !t.on:
	case t.out != m.r.often.bytesOut || t.in != m.r.often.bytesIn:
		m.fatalf("traced: %d bytes in and %d out; Stats: %d and %d", t.in, t.out, m.r.often.bytesIn, m.r.often.bytesOut)
	case t.opens != 1 || t.ends > 1 || t.failures > 1 || t.closings != m.closed:
		m.fatalf("traced: %+v; Closed %d times", t, m.closed)
	}
}

// Output that was sent before Wire.Ready counts as buffered (see WithLimits). When it is sent,
// Drained is called once.
func TestDrainedFollowsEarlyOutput(t *testing.T) {
	twice(t, func(t *lab) {
		var wire *Wire
		drained, early := 0, 0
		late := WithFilters(func(bool) (func(*Wire) Filter, error) {
			return func(w *Wire) Filter { wire = w; return &unready{xor{w}} }, nil
		})
		p := t.dial(t.listen("tcp", func(c *Conn) Handler {
			if err := c.Send(make([]byte, corkMax+1)); err != nil {
				t.Error(err)
			}
			early = c.Buffered()
			return &hooks{drained: func(*Conn) { drained++ }}
		}, late, WithLimits(100, 1000, 1<<20)))
		t.until(func() bool { return wire != nil && early > 0 })
		t.turn()
		wire.Ready()
		p.read(corkMax + 1)
		t.until(func() bool { return drained > 0 })
		if drained != 1 || early != corkMax+1 {
			t.Errorf("Drained %d times after %d early bytes", drained, early)
		}
		p.close()
	})
}

// An unready Filter never becomes ready by itself.
type unready struct{ xor }

func (f *unready) Open() {}

// CloseWrite from before Wire.Ready sends its FIN when the Filter is ready, also if Ready is called
// outside of a read.
func TestReadySendsTheEarlyFIN(t *testing.T) {
	twice(t, func(t *lab) {
		var wire *Wire
		late := WithFilters(func(bool) (func(*Wire) Filter, error) {
			return func(w *Wire) Filter { wire = w; return &unready{xor{w}} }, nil
		})
		p := t.dial(t.listen("tcp", func(c *Conn) Handler {
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
			return &hooks{}
		}, late))
		t.until(func() bool { return wire != nil })
		t.turn()
		_ = t.r.Post(wire.Ready)
		p.wantAll(nil)
		p.close()
	})
}

// A slowly Filter becomes ready in More, and keeps its input until then.
type slowly struct {
	xor
	kept []byte
}

func (f *slowly) Open()          {}
func (f *slowly) Input(p []byte) { f.kept = bytes.Clone(p); f.w.Keep() }
func (f *slowly) More() bool     { f.kept = f.kept[1:]; return len(f.kept) > 0 || f.begin() }
func (f *slowly) begin() bool    { f.w.Ready(); return false }

// A Filter that is not ready gets More for the input that it keeps, also while the Conn is paused.
func TestAPausedConnsFilterBecomesReady(t *testing.T) {
	twice(t, func(t *lab) {
		filters := WithFilters(func(bool) (func(*Wire) Filter, error) {
			return func(w *Wire) Filter { return &slowly{xor: xor{w}} }, nil
		})
		opened := false
		p := t.dial(t.listen("tcp", func(c *Conn) Handler {
			_ = c.Pause()
			return &hooks{opened: func(*Conn) { opened = true }}
		}, filters))
		p.send("hello")
		t.until(func() bool { return opened })
		p.close()
	})
}
