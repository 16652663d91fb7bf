//go:build linux

package socket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// The model is a second implementation of doc/semantics.md, for a pair of streams, a listener and
// datagram sockets. For any sequence of calls, it says which results are allowed.

// A phase is the state of a stream's connect.
type phase uint8

const (
	fresh      phase = iota
	connecting       // to a listener with a full queue, so the connect never ends
	refused          // no call has returned the refusal
	refusedTold
	connected
	listening
)

// An end is one socket of the model.
type end struct {
	s          *socket.Socket // nil for a connection that nobody has accepted
	id, fd     int
	mode       timeout.Timeout
	dgram      bool
	closed     bool
	bound      bool
	phase      phase
	addr, from socket.Addr // its own address, and that of its peer
	peer       *end
	in         []byte // bytes that have arrived or are on their way
	slow       bool   // `in` is larger than the buffer, so a part of it is still at the sender
	fin        bool   // the peer's FIN follows in
	rdShut     bool   // Shutdown has ended this direction
	wrShut     bool   // the FIN was sent
	dead       bool   // there was a reset
	// untold means that the end is connected, but no call has reported that: Connect has returned
	// EINPROGRESS or ETIMEDOUT.
	untold  bool
	err     syscall.Errno // the pending error
	vague   bool          // the model predicts no more results of this end
	queue   []*end        // the connections that wait at a listener
	backlog int
	grams   []gram // datagrams that wait
	to      *end   // the peer of a datagram socket; w.hole means nobody
}

type gram struct {
	data []byte
	from socket.Addr
}

// broken is the panic that ends one sequence of calls.
type broken struct{ text string }

type world struct {
	*lab
	calls []byte // the part of the script that is left
	ends  []*end
	log   []string
	stuck socket.Addr // the address of a listener whose queue is full
	none  socket.Addr // an address where nobody listens
	hole  *end        // a datagram socket that receives nothing
	pos   byte        // the position in the pattern that is sent
}

// next returns a number below n, which it takes from the script.
func (w *world) next(n int) int {
	if len(w.calls) == 0 {
		return 0
	}
	v := int(w.calls[0]*167) % n // rapid prefers small numbers
	w.calls = w.calls[1:]
	return v
}

func (w *world) failf(format string, args ...any) {
	panic(broken{fmt.Sprintf(format, args...) + w.after()})
}

// after returns the last calls.
func (w *world) after() string {
	return "\nafter:\n\t" + strings.Join(w.log[max(0, len(w.log)-40):], "\n\t")
}

func (w *world) note(e *end, format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("#%d (%v) ", e.id, e.mode)+fmt.Sprintf(format, args...))
}

const (
	badArg = syscall.Errno(1 << 20) // stands for ErrValue
	ioEOF  = syscall.Errno(1<<20 + 1)
)

func number(err error) syscall.Errno {
	var o *socket.OSError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &o):
		return syscall.Errno(o.Errno)
	case errors.Is(err, socket.ErrValue):
		return badArg
	case err == io.EOF:
		return ioEOF
	}
	return 1<<20 + 2
}

// want fails the test unless err is one of these errors (0 means no error). It returns err.
func (w *world) want(err error, allowed ...syscall.Errno) syscall.Errno {
	got := number(err)
	for _, a := range allowed {
		if a == got {
			return got
		}
	}
	w.failf("error is %v, want one of %v", err, allowed)
	return got
}

// late returns the error of a call that would have to wait.
func (e *end) late(flags int) syscall.Errno {
	if e.mode == 0 || flags&socket.MSG_DONTWAIT != 0 {
		return syscall.EAGAIN
	}
	return syscall.ETIMEDOUT
}

// mustEnd sets a timeout on e, if the call would wait without limit.
func (w *world) mustEnd(e *end, waits bool, flags int) {
	if waits && e.mode == timeout.None && flags&socket.MSG_DONTWAIT == 0 {
		w.setMode(e, timeout.Timeout(1+w.next(250)*8000))
	}
}

func (w *world) setMode(e *end, t timeout.Timeout) {
	w.must(e.s.SetTimeout(t))
	e.mode = t
	w.note(e, "SetTimeout %v", t)
}

func (w *world) add(e *end) *end {
	e.id, e.mode = len(w.ends), timeout.None
	if e.s != nil {
		w.own(e.s)
		if e.fd = e.s.Fileno(); !e.dgram { // otherwise settle would wait for Nagle's algorithm
			w.must(e.s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, true))
		}
	}
	w.ends = append(w.ends, e)
	return e
}

// settle waits until the kernel has delivered everything. On the host it checks what has arrived.
// In a simulated world it waits longer than the latency of the network.
func (w *world) settle() {
	w.pause()
	for _, e := range w.ends {
		if e.s == nil || e.closed || e.vague || e.dgram {
			continue
		}
		switch e.phase {
		case refused:
			w.failed(e)
		case connected:
			if e.err != 0 {
				w.failed(e)
			}
			if e.slow && len(e.in) == 0 && e.peer.s != nil && !e.peer.closed {
				w.until("room", func() bool { n, _ := w.k.Unsent(e.peer.fd); return n == 0 })
				e.slow = false
			}
			if w.isSimulated() {
				continue
			}
			w.until("data", func() bool {
				n, err := unix.IoctlGetInt(e.fd, unix.SIOCINQ)
				return err != nil || n == len(e.in) || e.slow && n > 0
			})
			if e.fin && !e.slow && !e.dead {
				w.until("end", func() bool { return tcpState(e.s) >= 6 })
			}
		}
	}
}

// pause waits in a simulated world. On the host it does nothing.
func (w *world) pause() {
	if w.isSimulated() {
		w.must(w.task.Sleep(time.Millisecond))
	}
}

// arrived waits on the host's kernel until done returns true. On a simulated kernel it does
// nothing.
func (w *world) arrived(what string, done func() bool) {
	if w.pause(); !w.isSimulated() {
		w.until(what, done)
	}
}

func tcpState(s *socket.Socket) byte {
	p, err := s.GetSockOptBytes(socket.IPPROTO_TCP, unix.TCP_INFO, 1)
	if err != nil || len(p) == 0 {
		return 0
	}
	return p[0]
}

// waiting returns how many connections wait for Accept.
func waiting(s *socket.Socket) int {
	p, err := s.GetSockOptBytes(socket.IPPROTO_TCP, unix.TCP_INFO, 28)
	if err != nil || len(p) < 28 {
		return -1
	}
	return int(p[24]) // tcpi_unacked
}

// script makes the calls.
func (w *world) script() (wrong string) {
	defer func() {
		if b, ok := recover().(broken); ok {
			wrong = b.text
		}
	}()
	l := w.lab
	a := w.add(&end{s: l.listener(), phase: listening, bound: true, backlog: 128})
	a.addr = l.addr(a.s)
	b := w.add(&end{s: l.tcp()})
	w.connectTo(b, a)
	w.accept(a)
	for range 2 {
		u := w.add(&end{s: l.udp(), dgram: true, bound: true})
		u.addr = l.addr(u.s)
	}
	w.hole = &end{s: l.udp(), dgram: true}
	w.hole.addr = l.addr(w.hole.s)
	l.must(w.hole.s.Connect(w.hole.addr)) // so it receives only what it sends itself
	for len(w.calls) > 1 && !l.t.Failed() {
		w.step()
		w.settle()
	}
	return ""
}

// modelTargets returns addresses that do not answer during the test.
func modelTargets(t testing.TB) (stuck, none socket.Addr) {
	l := &lab{t: t, os: runtime.GOOS, open: new(owned)}
	t.Cleanup(l.closeAll)
	stuck, _ = l.stuck()
	return stuck, l.refusing()
}

// A recorder keeps the errors of one script. If they failed the test itself, rapid could not shrink
// the script.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprintln(args...)) }
func (r *recorder) Errorf(f string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, args...))
}
func (r *recorder) Failed() bool { return len(r.errors) > 0 }

// inBoth runs the script in goroutines and in tasks. In tasks it also runs on the simulated
// kernels. It returns the differences.
func inBoth(t testing.TB, calls []byte, stuck, none socket.Addr) string {
	dog := time.AfterFunc(guard, func() { panic(fmt.Sprintf("a call does not end: script %x", calls)) })
	defer dog.Stop()
	r := &recorder{TB: t}
	var w *world
	var wrong string
	run := func(l *lab, stuck, none socket.Addr) {
		w = &world{lab: l, calls: bytes.Clone(calls), stuck: stuck, none: none}
		wrong = w.script()
	}
	result := func(where string) string {
		if r.Failed() {
			wrong = strings.Join(r.errors, "\n") + w.after()
		}
		if wrong == "" {
			return ""
		}
		return where + ": " + wrong
	}
	parked(r, func(l *lab) { run(l, stuck, none) })
	if wrong := result("parked"); wrong != "" {
		return wrong
	}
	inTask(r, func(l *lab) { run(l, stuck, none) })
	if wrong := result("in a task"); wrong != "" {
		return wrong
	}
	for _, sys := range modelKernels {
		simulated(r, sys, func(l *lab) {
			stuck, none := simulatedTargets(l)
			run(l, stuck, none)
		})
		if wrong := result("simulated " + sys.String()); wrong != "" {
			return wrong
		}
	}
	return ""
}

// Every call has a result that the model allows, whatever calls came before.
func TestModelCalls(t *testing.T) {
	longtest.Checks(t, 3, 12, 1000)
	stuck, none := modelTargets(t)
	rapid.Check(t, func(rt *rapid.T) {
		calls := rapid.SliceOfN(rapid.Byte(), 100, 900).Draw(rt, "calls")
		if wrong := inBoth(t, calls, stuck, none); wrong != "" {
			rt.Fatalf("%s", wrong)
		}
	})
}

func FuzzCalls(f *testing.F) {
	f.Add([]byte("connect, send, recv, close"))
	f.Add([]byte{0x10, 1, 2, 3, 4, 0x20, 5, 6, 7, 8, 0x30, 9, 10, 11, 12, 0x40, 13, 14, 15, 16})
	for _, s := range []string{ // a connection is reset in the queue, and then Accept is called
		"\xfc\x03\x01|\f\xff\xcf\t\x02\xe8\xfc\x05\x06\t\x05\tH\x01\f\x02\x01\x02\x16\n*\x82\x01\t\xca\xed\x0f\xe5\x12\x03\xf3\x01\xe7\x06\am\x98\x89\x91",
		"\xf3\x06#\xf0\x12\x0f\xc1\n\a\x13\x02\xcd\x03,:U3\x01\x15\x00\x06\x00->\x18\x03\x00z1"} {
		f.Add([]byte(s))
	}
	stuck, none := modelTargets(f)
	f.Fuzz(func(t *testing.T, calls []byte) {
		if wrong := inBoth(t, calls[:min(len(calls), 2000)], stuck, none); wrong != "" {
			t.Fatal(wrong)
		}
	})
}
