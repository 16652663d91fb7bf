//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A script is a kernel and a Waiter. Its answers to a call are the digits of a number: each answer
// uses one digit.
type script struct {
	kernel.Kernel
	scripted
	d     *Desc
	rest  int
	tries int
	naps  int
	lazy  int // how often in a row a sleep has ended without a reason
	now   timeout.Deadline
}

func (s *script) digit(base int) int {
	n := s.rest % base
	s.rest /= base
	return n
}

func (s *script) Now() timeout.Deadline     { return s.now }
func (s *script) Close(int) kernel.Errno    { return 0 }
func (s *script) Sleeper() (Sleeper, Errno) { return s, 0 }

// try uses the next digit. When no digits are left, it returns 5 bytes.
func (s *script) try(room int) (int, Errno) {
	s.tries++
	switch s.digit(8) {
	case 1, 2:
		return 0, kernel.EAGAIN
	case 3:
		s.d.Ready(poller.In | poller.Out) // an Event during the system call
		return 0, kernel.EAGAIN
	case 4:
		return room, 0
	case 5:
		return 0, kernel.ECONNRESET
	case 6:
		return 0, kernel.ETIMEDOUT
	case 7:
		s.d.Close()
		return 3, 0
	}
	return min(5, room), 0
}

func (s *script) Recv(_ int, p []byte, _ int) (int, Errno) { return s.try(len(p)) }
func (s *script) Send(_ int, p []byte, _ int) (int, Errno) { return s.try(len(p)) }

// unwinds returns whether the next sleep panics. A sleep panics if an earlier call was cancelled,
// and ECANCELED ends a call. So only the first sleep of a call can panic.
func (s *script) unwinds() bool { return s.naps == 0 && s.rest%11 == 7 }

func (s *script) Unwind(Dir) {
	if s.unwinds() {
		s.Sleep(In, timeout.Never)
	}
}

func (s *script) Sleep(_ Dir, until timeout.Deadline) Errno {
	if until.Passed(s.now) {
		return kernel.ETIMEDOUT
	}
	if s.unwinds() {
		s.naps++
		s.digit(11)
		panic("unwound")
	}
	s.naps++
	switch s.digit(11) {
	case 1: // the sleep ends without a reason
		if s.lazy++; s.lazy < 3 {
			return 0
		}
	case 2:
		s.now += 100
		return kernel.ETIMEDOUT
	case 3:
		s.now += 100
		s.d.Ready(poller.In | poller.Out)
		return kernel.ETIMEDOUT
	case 4:
		return kernel.ECANCELED
	case 5:
		s.d.Close()
		return 0
	case 6:
		s.d.SetDeadline(In, s.now)
		s.d.SetDeadline(Out, s.now)
		return 0
	case 8:
		s.d.Ready(poller.In | poller.Out | poller.End)
		return 0
	case 9:
		s.d.SetDeadline(In, s.now+50)
		s.now += 100
		return kernel.ETIMEDOUT
	case 10: // the deadline moves while the sleep ends
		s.now += 100
		s.d.SetDeadline(In, s.now+50)
		s.d.SetDeadline(Out, s.now+50)
		return kernel.ETIMEDOUT
	}
	s.d.Ready(poller.In | poller.Out)
	return 0
}

// A start is the state in which a call begins.
type start struct {
	limit                        timeout.Timeout
	more, empty, word, heard, to bool
	number                       int
}

// An outcome is everything that a caller or a later call can see of a call.
type outcome struct {
	n           int
	e           Errno
	panicked    any
	tries, naps int
	refs        int32
	closed      bool
	finished    bool
	dead        bool
	sides       [2]dirState
}

// outcome makes a call with the answers of the script.
func (st start) outcome(call func(d *Desc, c *Call) (int, Errno)) (o outcome) {
	s := &script{Kernel: kernel.Host, rest: st.number, now: 1000}
	d := New(s, 1000, s)
	s.d = d
	d.registered = st.heard
	for i := range d.dirs {
		d.dirs[i].drained, d.dirs[i].ready = st.empty && i == int(In), st.word
	}
	if st.to {
		d.SetDeadline(In, 1050)
		d.SetDeadline(Out, 1050)
	}
	c := Call{Limit: st.limit, NeedsNew: st.more}
	func() {
		defer func() { o.panicked = recover() }()
		o.n, o.e = call(d, &c)
	}()
	o.tries, o.naps, o.refs = s.tries, s.naps, d.refs
	o.closed, o.finished, o.dead, o.sides = d.closed, d.finished, d.timedOut, d.dirs
	return o
}

// A call on the fast path has the same outcome as a call of doSlow, for each script. The test runs
// all scripts of up to four answers. Without -long it runs a part of them.
func TestShortWayIsDo(t *testing.T) {
	step := longtest.Count(101, 7, 1) // coprime to the number of choices of a digit, so that all occur
	p := make([]byte, 10)
	type do = func(*Desc, Dir, *Call, func() (int, Errno)) (int, Errno)
	once := func(do do) func(*Desc, *Call) (int, Errno) {
		return func(d *Desc, c *Call) (int, Errno) {
			return do(d, In, c, func() (int, Errno) {
				n, e := d.Kernel.Recv(d.FD, p, 0)
				c.Drained = c.NeedsNew && 0 < n && n < len(p)
				return n, e
			})
		}
	}
	send := func(do do) func(*Desc, *Call) (int, Errno) {
		return func(d *Desc, c *Call) (n int, e Errno) {
			_, e = do(d, Out, c, func() (int, Errno) {
				sent, e := d.Kernel.Send(d.FD, p[n:], 0)
				n += sent
				c.Again = e == 0 && n < len(p)
				return sent, e
			})
			return n, e
		}
	}
	ways := map[string][2]func(*Desc, *Call) (int, Errno){
		"Recv":    {func(d *Desc, c *Call) (int, Errno) { return d.Recv(c, p, 0) }, once((*Desc).doSlow)},
		"Do":      {once((*Desc).Do), once((*Desc).doSlow)},
		"SendAll": {func(d *Desc, c *Call) (int, Errno) { return d.SendAll(c, p, 1000) }, send((*Desc).doSlow)},
		"parts":   {send((*Desc).Do), send((*Desc).doSlow)},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			for flags := range 64 {
				is := func(n int) bool { return flags&(1<<n) != 0 }
				st := start{limit: timeout.None, more: is(0), empty: is(1), word: is(2), heard: is(3), to: is(4)}
				if is(5) {
					st.limit = 60
				}
				if st.more && (name == "SendAll" || name == "parts") {
					continue
				}
				for st.number = flags % step; st.number < 8*11*8*11; st.number += step {
					short, long := st.outcome(way[0]), st.outcome(way[1])
					for i := range short.sides { // a set ready flag too many only costs a try
						long.sides[i].ready = long.sides[i].ready || short.sides[i].ready
					}
					if short != long {
						t.Fatalf("%+v:\nshort %+v\nslow  %+v", st, short, long)
					}
				}
			}
		})
	}
}
