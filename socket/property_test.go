//go:build unix

package socket_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func kernelReady(l *lab, s *socket.Socket) poller.Readiness {
	now, e := l.k.Ready(s.Fileno())
	if e != 0 {
		l.fatalf("Ready: %v", e)
	}
	return now
}

// A mode is one call that sets the mode, and the Timeout that the Socket should then have.
type mode struct {
	name string
	set  func(s *socket.Socket) error
	want timeout.Timeout // -1 if the call is refused
}

func drawMode(t *rapid.T) mode {
	switch rapid.IntRange(0, 4).Draw(t, "setter") {
	case 0:
		return mode{"SetBlocking(true)", func(s *socket.Socket) error { return s.SetBlocking(true) }, timeout.None}
	case 1:
		return mode{"SetBlocking(false)", func(s *socket.Socket) error { return s.SetBlocking(false) }, 0}
	case 2:
		v := timeout.Timeout(rapid.Int64Range(-10, 2e6).Draw(t, "ns"))
		return mode{fmt.Sprint("SetTimeout ", v), func(s *socket.Socket) error { return s.SetTimeout(v) }, max(v, -1)}
	case 3:
		return mode{"SetTimeout none", func(s *socket.Socket) error { return s.SetTimeout(timeout.None) }, timeout.None}
	}
	v := rapid.SampledFrom([]float64{0, 1e-9, 1e-3, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e20}).Draw(t, "seconds")
	want, err := timeout.Seconds(v)
	if err != nil {
		want = -1
	}
	return mode{fmt.Sprint("SetTimeoutSeconds ", v), func(s *socket.Socket) error { return s.SetTimeoutSeconds(v) }, want}
}

// states are the states in which a socket may be before a call.
var states = []struct {
	name string
	make func(l *lab) *socket.Socket
}{
	{"idle", func(l *lab) *socket.Socket { _, s := l.pair(); return s }},
	{"data", func(l *lab) *socket.Socket { c, s := l.pair(); l.send(c, "ab\ncd"); l.readable(s); return s }},
	{"ended", func(l *lab) *socket.Socket { c, s := l.pair(); l.must(c.Close()); l.readable(s); return s }},
	{"data and end", func(l *lab) *socket.Socket {
		c, s := l.pair()
		l.send(c, "ab\ncd")
		l.must(c.Close())
		l.until("the end", func() bool { p, _ := s.RecvFlags(9, socket.MSG_PEEK); return len(p) == 5 })
		l.quietEnd(s)
		return s
	}},
	{"reset", func(l *lab) *socket.Socket { c, s := l.pair(); l.reset(c, s); return s }},
	{"fresh", func(l *lab) *socket.Socket { return l.tcp() }},
	{"listening", func(l *lab) *socket.Socket { return l.listener() }},
	{"closed", func(l *lab) *socket.Socket { s := l.tcp(); l.must(s.Close()); return s }},
	{"datagram", func(l *lab) *socket.Socket {
		s := l.udp()
		_, err := s.SendTo([]byte("ab\ncd"), l.addr(s))
		l.must(err)
		l.readable(s) // a datagram to the socket itself may arrive after sendto has returned
		return s
	}},
	{"empty datagram", func(l *lab) *socket.Socket {
		s := l.udp()
		_, err := s.SendTo(nil, l.addr(s))
		l.must(err)
		l.readable(s)
		return s
	}},
	{"no datagram", func(l *lab) *socket.Socket { return l.udp() }},
}

// quietEnd waits for a FIN behind data. Only the state of the kernel's socket shows it.
func (l *lab) quietEnd(s *socket.Socket) {
	if l.os != "linux" { // the numbers below are Linux's; see kernel.Waiting
		l.until("a FIN", func() bool { return kernel.Waiting(l.k, s.Fileno())&1 == 1 })
		return
	}
	l.until("a FIN", func() bool {
		info, err := s.GetSockOptBytes(socket.IPPROTO_TCP, 11 /* TCP_INFO */, 1)
		return err != nil || len(info) == 0 || info[0] == 8 // CLOSE_WAIT
	})
}

// calls are calls that return their whole result as text.
var calls = []struct {
	name string
	do   func(l *lab, s *socket.Socket) string
}{
	{"Recv", func(l *lab, s *socket.Socket) string { p, err := s.Recv(3); return told(p, err) }},
	{"Recv0", func(l *lab, s *socket.Socket) string { p, err := s.Recv(0); return told(p, err) }},
	{"RecvNegative", func(l *lab, s *socket.Socket) string { p, err := s.Recv(-3); return told(p, err) }},
	{"RecvHuge", func(l *lab, s *socket.Socket) string { p, err := s.Recv(huge); return told(p, err) }},
	{"RecvPeek", func(l *lab, s *socket.Socket) string { p, err := s.RecvFlags(9, socket.MSG_PEEK); return told(p, err) }},
	{"RecvDontWait", func(l *lab, s *socket.Socket) string {
		p, err := s.RecvFlags(9, socket.MSG_DONTWAIT)
		return told(p, err)
	}},
	{"RecvInto", func(l *lab, s *socket.Socket) string {
		p := make([]byte, 9)
		n, err := s.RecvInto(p)
		return told(p[:n], err)
	}},
	{"RecvFrom", func(l *lab, s *socket.Socket) string { p, _, err := s.RecvFrom(9); return told(p, err) }},
	{"ReadSize2", func(l *lab, s *socket.Socket) string { p, err := s.ReadSize(2); return told(p, err) }},
	{"ReadSize9", func(l *lab, s *socket.Socket) string { p, err := s.ReadSize(9); return told(p, err) }},
	{"ReadSize0", func(l *lab, s *socket.Socket) string { p, err := s.ReadSize(0); return told(p, err) }},
	{"ReadAll", func(l *lab, s *socket.Socket) string { p, err := s.ReadAll(); return told(p, err) }},
	{"ReadInto", func(l *lab, s *socket.Socket) string {
		p := make([]byte, 9)
		n, err := s.ReadInto(p)
		return told(p[:n], err)
	}},
	{"ReadLine", func(l *lab, s *socket.Socket) string { p, err := s.ReadLine(); return told(p, err) }},
	{"Read", func(l *lab, s *socket.Socket) string {
		p := make([]byte, 9)
		n, err := s.Read(p)
		return told(p[:n], err)
	}},
	{"Send", func(l *lab, s *socket.Socket) string { n, err := s.Send([]byte("xyz")); return told(n, err) }},
	{"SendAll", func(l *lab, s *socket.Socket) string { n, err := s.SendAll([]byte("xyz")); return told(n, err) }},
	{"Write", func(l *lab, s *socket.Socket) string { n, err := s.Write([]byte("xyz")); return told(n, err) }},
	{"SendTo", func(l *lab, s *socket.Socket) string {
		n, err := s.SendTo([]byte("xyz"), socket.Tuple("127.0.0.1", 9))
		return told(n, err)
	}},
	{"Accept", func(l *lab, s *socket.Socket) string { _, _, err := s.Accept(); return told(nil, err) }},
	{"Bind", func(l *lab, s *socket.Socket) string { return told(nil, s.Bind(socket.Tuple("127.0.0.1", 0))) }},
	{"Connect6", func(l *lab, s *socket.Socket) string { return told(nil, s.Connect(socket.Tuple("::1", 9))) }},
	{"Listen", func(l *lab, s *socket.Socket) string { return told(nil, s.Listen(socket.DefaultBacklog)) }},
}

func told(v any, err error) string { return fmt.Sprintf("%q %v", v, err) }

// blocks returns whether the call would wait without limit. If so, only a timeout ends it.
func blocks(t testing.TB, state, call int) (yes bool) {
	parked(t, func(l *lab) {
		s := states[state].make(l)
		_ = s.SetTimeout(2e6)
		yes = timedOut(calls[call].do(l, s))
	})
	return yes
}

// timedOut returns whether a call has returned ETIMEDOUT, by its number on this system.
func timedOut(told string) bool {
	return strings.Contains(told, fmt.Sprintf("[Errno %d]", int(syscall.ETIMEDOUT)))
}

// A sequence of setters has the effect of the last one that was not refused. In every state, every
// call has the same result in goroutines and in tasks.
func TestModeEquivalence(t *testing.T) {
	t.Parallel()
	longtest.Checks(t, 5, 100, 5000)
	rapid.Check(t, func(rt *rapid.T) {
		modes := rapid.SliceOfN(rapid.Custom(drawMode), 1, 6).Draw(rt, "modes")
		state := rapid.IntRange(0, len(states)-1).Draw(rt, "state")
		call := rapid.IntRange(0, len(calls)-1).Draw(rt, "call")
		last := timeout.None
		for _, m := range modes {
			if m.want >= 0 {
				last = m.want
			}
		}
		if last == timeout.None && blocks(t, state, call) {
			last = timeout.Timeout(1e6)
			modes = append(modes, mode{"SetTimeout 1ms", func(s *socket.Socket) error { return s.SetTimeout(last) }, last})
		}
		results := map[string]string{}
		one := func(world string, l *lab, all bool) {
			s := states[state].make(l)
			if s.Fileno() < 0 {
				results[world] = calls[call].do(l, s)
				return
			}
			if !all {
				l.must(s.SetTimeout(last))
			} else {
				for _, m := range modes {
					if err := m.set(s); (m.want < 0) != errors.Is(err, socket.ErrValue) || m.want >= 0 && err != nil {
						l.fatalf("%s: %v", m.name, err)
					}
				}
			}
			if s.Timeout() != last {
				l.fatalf("the timeout is %v, want %v", s.Timeout(), last)
			}
			results[world] = calls[call].do(l, s)
		}
		parked(t, func(l *lab) { one("parked", l, true) })
		inTask(t, func(l *lab) { one("task", l, true) })
		parked(t, func(l *lab) { one("alone", l, false) })
		if t.Failed() {
			rt.FailNow()
		}
		if results["parked"] != results["task"] || results["parked"] != results["alone"] {
			rt.Fatalf("%s in state %q with timeout %v: %v", calls[call].name, states[state].name, last, results)
		}
	})
}

// A call that need not wait has the same result in every mode. A call that would wait returns
// ETIMEDOUT at its timeout. In the non-blocking mode it returns EAGAIN at once.
func TestModesDifferOnlyInWaiting(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		step := longtest.Count(3, 1, 1)
		for state := range states {
			for call := state % step; call < len(calls); call += step {
				in := func(m timeout.Timeout) string {
					s := states[state].make(l)
					if s.Fileno() >= 0 {
						l.must(s.SetTimeout(m))
					}
					return calls[call].do(l, s)
				}
				timed, never := in(1e6), in(0)
				if timedOut(timed) {
					if timedOut(never) {
						l.t.Errorf("%s in state %s: %s with timeout 0", calls[call].name, states[state].name, never)
					}
					continue
				}
				if always := in(timeout.None); timed != never || timed != always {
					l.t.Errorf("%s in state %s: %s with 1 ms, %s with 0, %s blocking", calls[call].name, states[state].name, timed, never, always)
				}
			}
			l.closeAll()
		}
	})
}
