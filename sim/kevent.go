package sim

import (
	"fmt"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A kqueue is a Poller on a simulated BSD. It runs package poller's code for kqueues on a simulated
// kevent(2), which the methods of kevents implement. Faults happen in kevent(2): a fault of Add or
// Mod makes the first new filter fail.
type kqueue struct {
	*epoll
	q     poller.Poller
	sys   *kevents
	early verdict // for the Wait in progress
}

// kevents is the kernel's side of kevent(2). A registration is one filter.
type kevents struct {
	*epoll
	k      *kqueue
	fail   Errno // the error for the next new filter
	events []kevent.Event
}

func newKqueue(p *epoll) *kqueue {
	k := &kqueue{epoll: p}
	k.sys = &kevents{epoll: p, k: k}
	k.q = kevent.Pollers.New(k.sys).(poller.Poller)
	return k
}

// TellsUnasked returns false. It reports to package sel that a registration without an interest
// reports neither errors nor the end of input.
func (*kqueue) TellsUnasked() bool { return false }

func (k *kqueue) Add(fd int, gen uint32, want poller.Interest) error {
	return k.ctl(Add, fd, func() error { k.h.args(want.String); return k.q.Add(fd, gen, want) })
}

func (k *kqueue) Mod(fd int, gen uint32, want poller.Interest) error {
	return k.ctl(Mod, fd, func() error { k.h.args(want.String); return k.q.Mod(fd, gen, want) })
}

func (k *kqueue) Del(fd int) error { return k.ctl(Del, fd, func() error { return k.q.Del(fd) }) }

func (k *kqueue) ctl(c Call, fd int, do func() error) error {
	h := k.h
	v := h.gate(c, fd)
	if k.closed || h.life != k.life {
		v.e = kernel.EBADF
	} else if h.file(fd) == nil {
		return k.unknown(c, fd)
	}
	if c != Del { // Del ends the registration even if it returns an error
		k.sys.fail = v.e
	}
	err := do()
	if err == nil && v.e != 0 {
		err = os.NewSyscallError(c.String(), v.e)
	}
	k.sys.fail = 0
	e := Errno(0)
	if err != nil {
		e = kernel.Number(err)
	}
	h.note(c, fd, 0, e)
	return err
}

func (k *kqueue) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	h := k.h
	v := h.gate(Wait, k.fd)
	if v.e != 0 && !h.gone() {
		h.note(Wait, k.fd, 0, v.e)
		return 0, os.NewSyscallError(Wait.String(), v.e)
	}
	k.early = v
	n, err := k.q.Wait(events, until)
	if err == nil {
		h.note(Wait, k.fd, n, 0)
	}
	return n, err
}

func (k *kqueue) Wake() error { return k.q.Wake() }

func (k *kqueue) Close() error { return k.epoll.Close() }

func (s *kevents) Now() timeout.Deadline { return s.h.Now() }
func (s *kevents) FD() int               { return s.fd }

// Pollable accepts every descriptor, because no descriptor of a host is a file or directory.
func (s *kevents) Pollable(int) error { return nil }
func (s *kevents) Wake() error        { return s.epoll.Wake() }
func (s *kevents) Woken()             {}

func (*kevents) Errors() kevent.Errors {
	return kevent.Errors{Perm: kernel.EPERM, NoDev: kernel.ENODEV, NoEnt: kernel.ENOENT, Exist: kernel.EEXIST, BadFD: kernel.EBADF}
}

func (s *kevents) Change(list []kevent.Change) error {
	for i := range list {
		if e := s.change(&list[i]); e != 0 {
			return e
		}
	}
	return nil
}

func (s *kevents) change(c *kevent.Change) Errno {
	want := poller.Interest(poller.In)
	if c.Write {
		want = poller.Out
	}
	r := s.find(c.FD, want)
	f := s.h.file(c.FD)
	switch {
	case f == nil:
		return kernel.EBADF
	case c.Flags&kevent.Delete != 0:
		if r == nil {
			return kernel.ENOENT
		}
		s.forget(r)
	case c.Flags&kevent.Add == 0: // enable
		if r == nil {
			return kernel.ENOENT
		}
		if _, ready := r.now(); ready && s.h.os() == FreeBSD { // FreeBSD reports the edge again
			s.list(r)
		}
	default:
		return s.add(c, want, r, f)
	}
	return 0
}

func (s *kevents) add(c *kevent.Change, want poller.Interest, old *reg, f file) Errno {
	if e := s.fail; e != 0 {
		s.fail = 0
		return e
	}
	if p, is := f.(*pipe); is {
		if e := p.refuses(c.Write); e != 0 {
			return e
		}
	}
	if q, nested := f.(*epoll); nested {
		bsd := s.h.os()
		switch {
		case c.Write && bsd == NetBSD:
			return kernel.EPERM
		case c.Write, q == s.epoll && bsd == FreeBSD:
			return kernel.EINVAL
		case q == s.epoll:
			s.h.w.Fail(fmt.Errorf("sim: host %s registers kqueue %d with itself: NetBSD's kernel hangs at the next Wait", s.h.name, s.fd))
			return kernel.EINVAL
		}
	}
	if c.Flags&kevent.Clear != 0 {
		want |= poller.Edge
	}
	if old != nil { // the old filter gets the new udata
		old.gen = c.Gen
		return 0
	}
	s.enter(f.base(), c.FD, c.Gen, want)
	return 0
}

func (s *kevents) Event(i int) kevent.Event { return s.events[i] }

func (s *kevents) Wait(n int, left time.Duration) (int, error) {
	h, w := s.h, s.h.w
	if s.asleep {
		panic("sim: two programs wait in one Poller; give each a Poller of its own")
	}
	if w.wakes.Load() {
		w.takeWakes() // consume wakes from before this call
	}
	until := timeout.Never
	if left >= 0 {
		until = timeout.Timeout(left).After(h.Now())
	}
	for first := true; ; first = false {
		if s.closed || h.life != s.life || h.gone() {
			h.note(Wait, s.fd, 0, kernel.EBADF)
			return 0, fmt.Errorf("%w (host %s): %w", ErrCrashed, h.name, os.NewSyscallError(Wait.String(), kernel.EBADF))
		}
		s.gather(n, first)
		if len(s.events) > 0 {
			if left == 0 && first { // even a poll without waiting takes time
				s.pass()
			}
			return len(s.events), nil
		}
		if left == 0 || !first && until.Passed(timeout.Deadline(h.clock(w.now))) {
			if first {
				s.pass()
			}
			return 0, nil
		}
		at := h.when(until)
		if s.k.early.again {
			at = min(at, w.now+s.k.early.roll.N(int64(10*time.Millisecond)))
		}
		s.sleep(at)
	}
}

// gather fills events with at most n events. The waker's event is first.
func (s *kevents) gather(n int, first bool) {
	s.events = s.events[:0]
	if early := &s.k.early; s.woken || early.again && !first { // a fault can end Wait without a Wake
		early.again = false
		s.woken = false
		s.events = append(s.events, kevent.Event{Wake: true})
	}
	s.pick(n - len(s.events))
	for _, t := range s.told {
		s.events = append(s.events, kevent.Event{FD: t.r.fd, Gen: t.r.gen, Flags: t.flags, Fflags: t.fflags, Write: t.r.want&poller.Out != 0})
	}
	if len(s.events) < n {
		if dice, yes := s.h.spurious(); yes {
			s.invent(dice)
		}
	}
}

// invent adds an event of a random filter, whether the filter is ready or not.
func (s *kevents) invent(dice Rand) {
	if len(s.regs) == 0 {
		return
	}
	r := s.regs[dice.Int(len(s.regs))]
	if r == nil {
		return
	}
	e := kevent.Event{FD: r.fd, Gen: r.gen, Write: r.want&poller.Out != 0}
	if dice.N(4) == 0 {
		e.Flags = kevent.EOF
		e.Fflags = uint32(dice.N(2)) * uint32(kernel.ECONNRESET)
	}
	s.events = append(s.events, e)
}
