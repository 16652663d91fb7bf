//go:build unix

package reactor

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// FuzzConnOps makes a sequence of operations on a Conn and of acts of its peer. It compares the
// results with a model, which only counts. It checks these laws:
//
//   - Closed is called once, but never after Detach. No callback follows Closed. No Data follows
//     Close.
//   - The peer reads a prefix of the accepted output, in order. It reads all if Closed got nil and
//     the peer did not hang up. After Detach, the unsent rest was returned.
//   - Data gets a prefix of the peer's output, and all of it if the peer reads and nobody closes.
//   - A Send that returns an error has accepted nothing. Another Send has accepted everything: its
//     bytes are sent, buffered or counted as lost.
//   - The methods of an ended Conn return net.ErrClosed. Nothing panics.
//   - At the end the table, the timers and the descriptors are empty.
//   - With a panic handler, a callback that panics or exits ends the Conn with one *PanicError. The
//     panic handler is called once.
//   - A Filter gets its calls in order: Open is the first, Closed is the last. There is no Input
//     while the Filter keeps input. After its budget is used up, the next turn continues.
//   - The Input of KeepInput has the bytes that nobody has consumed. At the end it holds no memory.
//   - A Trace sees each byte once.
func FuzzConnOps(f *testing.F) {
	for _, s := range []string{"", "00", "10A0200", "11\x0c\xff\x00\x80\x0d0300", "0\x02\x00\xff\x00\xff\x0f\x80\x02\x00\x0f\xff",
		"1\x01\x12\x00\x0c\x01\x10\x00\x0a\x00\x00\x01", "0\x01\x07\x01\x08\x01\x0b\x90\x0b\x90\x0e\x01\x06\x00",
		"\x08\x12\x00\x12\x00\x0c\x01\x11\x00", "\x09\x12\x00\x12\x02\x00\x50\x0c\x01\x11\x00", "\x0c\x12\x00\x12\x01\x0d\x00\x11\x00", "\x08\x12\x00\x12\x02\x04\x00",
		"\x15\x0c\x20\x15\x80\x00\x40\x11\x02\x13\x00\x0f\xff\x0d\x00\x11\x03", "\x14\x16\x08\x0c\x01\x11\x01\x13\x00\x0f\xff\x0a\x00",
		"\x80\x0c\x40\x05\x01\x0c\x40\x11\x03\x06\x00\x00\x40\x11\x03", "\xe4\x00\x30\x02\x00\x0c\x10\x11\x03",
		"\x18\x12\x00\x13\x00\x0c\x01\x11\x00\x12\x00\x15\x30\x0c\x02\x11\x03", "\x11\x15\xff\x0a\x00", "\x81\x0c\xff\x11\x03\x0c\xff\x11\x03", "\x31\x00\x00\x00\x00\x02\x00\x0e\x00\x0b\x00",
		"\x88\x12\x00\x12\x03\x0c\x01\x11\x00", "\xc8\x12\x00\x12\x00\x12\x00\x12\x03\x0c\x01\x11\x00", "\x00\x15\x01\x17\x00\x00\x19\x11\x03", "\x00\x12\x00\x17\x01\x0c\x20\x11\x01\x00\x19\x11\x03", "\x04\x0d\x00\x11\x01\x17\x01\x00\x04\x0e\x00\x03\x00", "\x08\x12\x00\x12\x00\x17\x00\x11\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		for _, kind := range kinds[:longtest.Count(1, len(kinds), len(kinds))] {
			runConnOps(t, newLab(t, kind), ops)
		}
	})
}

// TestConnOpsOnEveryState checks the same laws with operations that rapid generates and shrinks.
func TestConnOpsOnEveryState(t *testing.T) {
	longtest.Checks(t, 8, 30, 4000)
	twice(t, func(t *lab) {
		rapid.Check(t, func(r *rapid.T) {
			ops := []byte{0}
			for bit := range 8 { // rapid.Byte prefers small numbers
				if rapid.Bool().Draw(r, "kind") {
					ops[0] |= 1 << bit
				}
			}
			for range rapid.IntRange(0, 40).Draw(r, "many") {
				ops = append(ops, rapid.ByteMax(operations-1).Draw(r, "op"), rapid.Byte().Draw(r, "arg"))
			}
			runConnOps(r, newLab(t.T, t.kind), ops)
		})
	})
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// A connModel has one Conn, its peer, and the counts of the bytes that both should have seen.
type connModel struct {
	t    failer
	l    *lab
	r    *Reactor
	c    *Conn
	peer *peer
	tcp  bool

	accepted  int // bytes that Send has accepted
	unsent    int // bytes that Detach has returned
	received  int // bytes that the peer has received
	peerSent  int
	shown     int // bytes that Data has received
	fin       bool
	hungUp    bool // the peer has closed or reset the connection
	peerFIN   bool
	dead      bool // Close, Abort, Detach or Closed was called: methods return ErrClosed
	detached  bool
	closed    int
	closedErr error
	traps     bool       // there is a panic handler, and callbacks may panic
	sprung    int        // how many callbacks have panicked or exited
	told      int        // how often the panic handler was called
	early     bool       // one of these callbacks was not Closed
	handlers  int        // how many handlers the Conn has had; only the last one may be called
	files     []*os.File // files that belong to the Conn
	late      bool       // the Filter becomes ready only when the first input comes
	posts     bool       // it does so in a posted function
	relay     *relay     // nil without a Filter
	rest      []byte     // the part of the argument of Data that StartFilter gets
	in        *Input     // nil without KeepInput
	taken     int        // how many bytes were consumed before those that the Input has
	traced    traced
	inside    []byte // operations that the next callback makes
	log       []string
}

// at returns the byte at position i of a stream.
func at(i int) byte { return byte(i*7 + i>>8*13 + i>>16) }

func stream(from, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = at(from + i)
	}
	return p
}

func (m *connModel) fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s: %s\nafter:\n%s", m.l.kind.name, fmt.Sprintf(format, args...), strings.Join(m.log, "\n"))
}

func runConnOps(t failer, l *lab, ops []byte) {
	m := &connModel{t: t, l: l}
	kind := byte(0)
	if len(ops) > 0 {
		kind, ops = ops[0], ops[1:min(len(ops), 201)]
	}
	var opts []Option
	if m.traps = kind&8 != 0; m.traps {
		opts = append(opts, WithPanicHandler(func(*Conn, any, []byte) { m.told++ }))
	}
	if kind&32 != 0 {
		opts = append(opts, WithTrace(m.trace()))
	}
	m.r = l.reactor(opts...)
	if len(ops)%3 > 0 { // so that a read often fills the buffer
		m.r.buf.P = m.r.buf.P[:[]int{700, 30_000}[len(ops)%3-1]]
	}
	m.tcp = kind&1 == 1
	a := -1
	if m.tcp {
		a, m.peer = l.tcpPair()
	} else {
		a, m.peer = l.pair()
	}
	if kind&16 != 0 {
		m.attach(a, kind)
	} else {
		m.open(a, kind)
	}
	for len(ops) >= 2 {
		if ops[0]%operations == inCallback { // the operations after this one are made in a callback
			if ops = ops[2:]; len(ops) >= 2 {
				m.inside = append(m.inside, ops[0], ops[1])
				ops = ops[2:]
			}
			continue
		}
		m.do(ops[0], ops[1], false)
		m.balance()
		ops = ops[2:]
	}
	m.finish()
	l.end()
}

func (m *connModel) data(p []byte) {
	for i, b := range p {
		if b != at(m.shown+i) {
			m.fatalf("Data shows a wrong byte at %d", m.shown+i)
		}
	}
	if rest := len(p) / 2; m.in == nil && len(m.inside) > 0 && opNames[m.inside[0]%operations] == "StartFilter" {
		m.rest, p = bytes.Clone(p[rest:]), p[:rest]
	}
	m.shown += len(p)
	if m.shown > m.peerSent {
		m.fatalf("Data shows %d bytes, the peer sent %d", m.shown, m.peerSent)
	}
	if m.in != nil && !m.dead {
		m.take(len(p) / (1 + m.shown%3))
	}
	m.callback("Data")
	m.shown += len(m.rest) // no Filter has taken it
	m.rest = nil
}

func (m *connModel) toldClosed(err error) {
	m.log = append(m.log, fmt.Sprintf("  Closed(%v)", err))
	if m.closed++; m.closed > 1 || m.detached {
		m.fatalf("Closed %d times, detached: %v", m.closed, m.detached)
	}
	m.closedErr = err
	m.dead = true
	m.doInside()
}

func (m *connModel) callback(what string) {
	m.log = append(m.log, "  "+what)
	if m.dead {
		m.fatalf("%s of a Conn that has been closed", what)
	}
	m.doInside()
}

func (m *connModel) doInside() {
	if len(m.inside) >= 2 {
		op, arg := m.inside[0], m.inside[1]
		m.inside = m.inside[2:]
		if m.traps && op == inCallback {
			m.spring(arg)
		}
		m.do(op, arg, true)
	}
}

// spring makes the callback panic or exit.
func (m *connModel) spring(arg byte) {
	ways := slices.Sorted(maps.Keys(unwindings))
	how := ways[int(arg)%len(ways)]
	m.log = append(m.log, "  "+how)
	m.sprung++
	m.early = m.early || m.closed == 0
	m.dead = true
	unwindings[how]()
}

// do makes one operation. inside means that a callback makes it.
func (m *connModel) do(op, arg byte, inside bool) {
	n := size(arg)
	c := m.c
	m.log = append(m.log, fmt.Sprintf("%s %d (in a callback: %v)", opNames[op%operations], n, inside))
	switch op % operations {
	case 0:
		m.sent(n, c.Send(stream(m.accepted, n)))
	case 1:
		p := stream(m.accepted, n)
		m.sent(n, c.SendV(p[:n/3], nil, p[n/3:n/2], p[n/2:]))
	case 2:
		if m.allowed(c.CloseWrite()) {
			m.fin = true
		}
	case 3:
		m.dead = true
		if err := c.Close(); err != nil {
			m.fatalf("Close: %v", err)
		}
	case 4:
		m.dead = true
		if err := c.Abort(); err != nil {
			m.fatalf("Abort: %v", err)
		}
	case 5:
		m.allowed(c.Pause())
	case 6:
		m.allowed(c.Resume())
	case 7:
		m.allowed(c.SetReadTimeout(time.Duration(arg) * time.Microsecond))
	case 8:
		m.allowed(c.SetWriteTimeout(time.Duration(arg) * time.Microsecond))
	case 9:
		m.allowed(c.SetIdleTimeout(time.Duration(arg) * time.Microsecond))
	case 10:
		m.detach()
	case 11:
		m.postSend(n, inside)
	case 12:
		if m.peer.fd >= 0 && !m.peerFIN {
			m.peerSent += m.peer.try(stream(m.peerSent, n))
		}
	case 13:
		if m.peer.fd >= 0 {
			m.peer.closeWrite()
			m.peerFIN = true
		}
	case 14:
		m.hangUp(true)
	case 15:
		m.read(n)
	case 16:
		m.allowed(c.SetNoDelay(arg&1 == 1), kernel.ENOTSUP, kernel.EOPNOTSUPP, kernel.EINVAL)
		c.LocalAddr()
		c.RemoteAddr()
	case 17:
		if !inside {
			for range arg%4 + 1 {
				m.turn()
			}
		}
	default:
		m.more(op%operations, n, inside)
	}
}

var opNames = [...]string{"Send", "SendV", "CloseWrite", "Close", "Abort", "Pause", "Resume", "SetReadDeadline",
	"SetWriteDeadline", "SetIdleTimeout", "Detach", "PostSend", "peer sends", "peer half-closes", "peer hangs up",
	"peer reads", "options", "turn", "nothing", "SetHandler", "SetKeepAlivePeriod", "SendFile", "SendRights", "StartFilter", "input"}

const (
	inCallback = 18 // the operations after this one are made in a callback
	operations = byte(len(opNames))
)
