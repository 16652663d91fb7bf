package sim

import (
	"fmt"
	"os"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/poller"
)

// An epoll is a simulated Poller with the rules of Linux's fs/eventpoll.c. When something happens
// to a file, each registration with an interest in it is put on the ready list. Wait removes
// registrations from the front of the list and asks each file for its readiness. A level-triggered
// registration that is still ready is put at the end of the list again. So an edge is reported
// once, with everything that is ready when Wait asks. Readiness that has ended before is not
// reported.
//
// A BSD's kqueue (kevent.go) has the same list. Its registrations are filters, so one descriptor
// has up to two of them.
type epoll struct {
	node
	regs   []*reg // by slot
	first  int    // the lowest descriptor of the host
	ready  []*reg
	woken  bool
	closed bool
	waiter *proc
	asleep bool
	roused chan struct{} // ends the sleep of a goroutine: see Live
	told   []told        // the registrations that pick has found
}

// A reg is the registration of one descriptor. In a kqueue it is one filter of a descriptor: In or
// Out.
type reg struct {
	p      *epoll
	n      *node
	fd     int32
	gen    uint32
	want   poller.Interest
	listed bool
	gone   bool
}

// told is a ready registration with its readiness. filter documents flags and fflags.
type told struct {
	r             *reg
	ready         poller.Readiness
	flags, fflags uint32
}

// NewPoller makes a Poller of the host.
func (h *Host) NewPoller() (poller.Poller, error) {
	v := h.gate(NewPoller, 0)
	if v.e == 0 && h.full() {
		v.e = kernel.EMFILE
	}
	if v.e != 0 {
		h.note(NewPoller, -1, 0, v.e)
		return nil, os.NewSyscallError("epoll_create1", v.e)
	}
	p := &epoll{first: h.lowest()}
	h.born(&p.node, p)
	p.oneByte, p.deaf = false, 0
	h.note(NewPoller, p.fd, 0, 0)
	if h.os() != Linux {
		return newKqueue(p), nil
	}
	return p, nil
}

// TellsUnasked returns true. It reports to package sel that a registration without an interest
// still reports errors and the end of input.
func (*epoll) TellsUnasked() bool { return true }

func (p *epoll) what() string { return "poller" }
func (p *epoll) vanish()      { p.closed = true; p.rouse() }
func (p *epoll) close() {
	p.closed = true
	for _, r := range p.regs {
		if r != nil {
			p.forget(r)
		}
	}
}

func (p *epoll) FD() int { return p.fd }

// A Poller is readable while a Wait would return at once, because of an Event or a Wake. A kqueue
// that has become empty stays readable until the next Wait (observed on FreeBSD 12 and NetBSD 7).
func (p *epoll) status() status {
	s := status{in: p.woken}
	for _, r := range p.ready {
		if !r.gone && (p.isKqueue() || r.bits() != 0) {
			s.in = true
		}
	}
	return s
}

func (p *epoll) isKqueue() bool { return p.h.os() != Linux }

// bits returns the readiness that the registration reports at this moment.
func (r *reg) bits() poller.Readiness {
	told := poller.Readiness(r.want)&(poller.In|poller.Out) | poller.Err | poller.Hup
	if r.want&poller.Edge != 0 {
		told |= poller.End
	}
	return r.n.ready().epoll() & told
}

// now returns what the registration reports at this moment. It returns false if that is nothing.
func (r *reg) now() (told, bool) {
	if r.p.isKqueue() {
		s := r.n.ready()
		active, flags, fflags := s.filter(r.want&poller.Out != 0)
		if s.noReader && r.want&poller.Out != 0 && r.p.h.os() == FreeBSD {
			flags |= kevent.OneShot
		}
		return told{r, 0, flags, fflags}, active
	}
	bits := r.bits()
	return told{r: r, ready: bits}, bits != 0
}

// list puts the registration on the ready list and wakes the sleeper. In a kqueue, a filter that is
// already on the list wakes nobody. Otherwise kqueues that watch each other in a ring would wake
// each other without end.
func (p *epoll) list(r *reg) {
	if r.listed && p.isKqueue() {
		return
	}
	if !r.listed {
		r.listed = true
		p.ready = append(p.ready, r)
	}
	p.stir()
}

// stir wakes the program or Poller that waits for this Poller. A program runs after a short random
// delay.
func (p *epoll) stir() {
	if p.asleep {
		p.asleep = false
		w := p.h.w
		if p.rouse() {
			return
		}
		p.waiter.soon(w.now + 1000 + p.h.turns.N(5000))
	}
	p.wake(poller.In)
}

// slot returns the index in regs for the registration of a descriptor, or for one of its filters.
func (p *epoll) slot(fd int, want poller.Interest) int {
	if !p.isKqueue() {
		return fd - p.first
	}
	return 2*(fd-p.first) + one(want&poller.Out != 0)
}

func (p *epoll) find(fd int, want poller.Interest) *reg {
	if i := p.slot(fd, want); uint(i) < uint(len(p.regs)) {
		return p.regs[i]
	}
	return nil
}

func (p *epoll) ctl(c Call, fd int, do func(f file) Errno) error {
	h := p.h
	v := h.gate(c, fd)
	e := v.e
	f := h.file(fd)
	switch {
	case e != 0 && c != Del: // Del ends the registration even if it returns an error
	case p.closed || h.life != p.life:
		e = kernel.EBADF
	case f == nil:
		return p.unknown(c, fd)
	default:
		if d := do(f); d != 0 {
			e = d
		}
	}
	h.note(c, fd, 0, e)
	if e != 0 {
		return os.NewSyscallError(c.String(), e)
	}
	return nil
}

// unknown returns the error for a descriptor that is not open.
func (p *epoll) unknown(c Call, fd int) error {
	p.h.note(c, fd, 0, kernel.EBADF)
	return fmt.Errorf("sim: descriptor %d is not open on host %s (a real one, or another host's?): %w",
		fd, p.h.name, os.NewSyscallError(c.String(), kernel.EBADF))
}

func (p *epoll) Add(fd int, gen uint32, want poller.Interest) error {
	return p.ctl(Add, fd, func(f file) Errno {
		p.h.args(want.String)
		if p.find(fd, want) != nil {
			return kernel.EEXIST
		}
		if _, is := f.(*File); is { // epoll also refuses regular files
			return kernel.EPERM
		}
		if q, nested := f.(*epoll); nested && q == p {
			return kernel.EINVAL
		} else if nested && (q.watches(p) || q.below()+p.above() > nestsMost) {
			return kernel.ELOOP
		}
		p.enter(f.base(), fd, gen, want)
		return 0
	})
}

// enter adds a registration.
func (p *epoll) enter(n *node, fd int, gen uint32, want poller.Interest) {
	r := &reg{p: p, n: n, fd: int32(fd), gen: gen, want: want}
	for p.slot(fd, want) >= len(p.regs) {
		p.regs = append(p.regs, nil)
	}
	p.regs[p.slot(fd, want)] = r
	n.regs = append(n.regs, r)
	if _, ready := r.now(); ready {
		p.list(r)
	}
}

// nestsMost is how many Pollers a chain may have, from the outermost to the innermost (EP_MAX_NESTS
// plus one).
const nestsMost = 5

// inside calls f with each Poller that p watches.
func (p *epoll) inside(f func(q *epoll)) {
	for _, r := range p.regs {
		if r != nil {
			if q, nested := r.n.self.(*epoll); nested {
				f(q)
			}
		}
	}
}

// watches returns whether p watches the other Poller, directly or through others.
func (p *epoll) watches(other *epoll) (yes bool) {
	p.inside(func(q *epoll) { yes = yes || q == other || q.watches(other) })
	return yes
}

// below returns the length of the longest chain of Pollers that begins at p, where each Poller
// watches the next one. It counts p too. The method above does the same for the Pollers that watch
// p.
func (p *epoll) below() (n int) {
	p.inside(func(q *epoll) { n = max(n, q.below()) })
	return n + 1
}

func (p *epoll) above() (n int) {
	for _, r := range p.node.regs {
		n = max(n, r.p.above())
	}
	return n + 1
}

func (p *epoll) Mod(fd int, gen uint32, want poller.Interest) error {
	return p.ctl(Mod, fd, func(file) Errno {
		p.h.args(want.String)
		r := p.find(fd, want)
		if r == nil {
			return kernel.ENOENT
		}
		r.gen, r.want = gen, want
		if r.bits() != 0 {
			p.list(r)
		}
		return 0
	})
}

func (p *epoll) Del(fd int) error {
	return p.ctl(Del, fd, func(file) Errno {
		r := p.find(fd, 0)
		if r == nil {
			return kernel.ENOENT
		}
		p.forget(r)
		return 0
	})
}

func (p *epoll) forget(r *reg) {
	r.gone = true
	p.regs[p.slot(int(r.fd), r.want)] = nil
	for i, x := range r.n.regs {
		if x == r {
			r.n.regs = append(r.n.regs[:i], r.n.regs[i+1:]...)
			break
		}
	}
}
