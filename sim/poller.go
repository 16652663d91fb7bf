package sim

import (
	"fmt"
	"os"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// An epoll is a simulated Poller with the rules of Linux's fs/eventpoll.c: a wake-up puts a registration on the ready
// list if it asks for what has happened; Wait takes the list from the front, asks each what it is ready for now, and puts
// the level-triggered ones that still are at the end again. So an edge is told once, with all that is ready then, and one
// that is over before Wait comes is not told. With Options.Kqueue only what is told is another: the wanted filters.
type epoll struct {
	node
	regs   []*reg // by descriptor - first
	first  int    // the host's lowest descriptor
	ready  []*reg
	woken  bool
	closed bool
	waiter *proc
	asleep bool
}

// A reg is the registration of one descriptor.
type reg struct {
	p      *epoll
	n      *node
	fd     int32
	gen    uint32
	want   poller.Interest
	listed bool
	gone   bool
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
	return p, nil
}

func (p *epoll) what() string { return "poller" }
func (p *epoll) vanish()      { p.closed = true }
func (p *epoll) close() {
	p.closed = true
	for _, r := range p.regs {
		if r != nil {
			p.forget(r)
		}
	}
}

func (p *epoll) FD() int { return p.fd }

// TellsUnasked tells package sel whether who wants nothing hears of errors and ends.
func (p *epoll) TellsUnasked() bool { return !p.h.w.opt.Kqueue }

// status: readable while a Wait would return, by an Event or a Wake. A kqueue stays readable after that has been emptied, until
// somebody waits on it (seen on FreeBSD 12 and NetBSD 7).
func (p *epoll) status() status {
	s := status{in: p.woken}
	for _, r := range p.ready {
		if !r.gone && (r.bits() != 0 || p.h.w.opt.Kqueue) {
			s.in = true
		}
	}
	return s
}

// bits is what the registration is told now.
func (r *reg) bits() poller.Interest {
	s := r.n.ready()
	if r.n.h.w.opt.Kqueue {
		return s.kqueue(r.want)
	}
	told := r.want&(poller.In|poller.Out) | poller.Err | poller.Hup
	if r.want&poller.Edge != 0 {
		told |= poller.End
	}
	return s.epoll() & told
}

// list puts the registration on the ready list, and ends the sleep of who waits.
func (p *epoll) list(r *reg) {
	if !r.listed {
		r.listed = true
		p.ready = append(p.ready, r)
	}
	p.stir()
}

// stir wakes who waits for the Poller: a program, or another Poller. It comes to run a little later, by chance.
func (p *epoll) stir() {
	if p.asleep {
		p.asleep = false
		w := p.h.w
		p.waiter.soon(w.now + 1000 + p.h.turns.N(5000))
	}
	p.wake(poller.In)
}

func (p *epoll) find(fd int) *reg {
	if i := fd - p.first; uint(i) < uint(len(p.regs)) {
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
	case e != 0 && c != Del: // Del does its work even when it tells an error
	case p.closed || h.life != p.life:
		e = kernel.EBADF
	case f == nil:
		e = kernel.EBADF
		h.note(c, fd, 0, e)
		return fmt.Errorf("sim: descriptor %d is not open on host %s (a real one, or another host's?): %w", fd, h.name, os.NewSyscallError(c.String(), e))
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

func (p *epoll) Add(fd int, gen uint32, want poller.Interest) error {
	return p.ctl(Add, fd, func(f file) Errno {
		if p.find(fd) != nil {
			return kernel.EEXIST
		}
		if q, nested := f.(*epoll); nested && (q == p || !p.takes(want)) {
			return kernel.EINVAL
		} else if nested && (q.watches(p) || q.below()+p.above() > nestsMost) {
			return kernel.ELOOP
		}
		r := &reg{p: p, n: f.base(), fd: int32(fd), gen: gen, want: want}
		for fd-p.first >= len(p.regs) {
			p.regs = append(p.regs, nil)
		}
		p.regs[fd-p.first] = r
		r.n.regs = append(r.n.regs, r)
		if r.bits() != 0 {
			p.list(r)
		}
		return 0
	})
}

// takes tells whether a Poller can be watched so: a kqueue has no filter for writing to another.
func (p *epoll) takes(want poller.Interest) bool { return !p.h.w.opt.Kqueue || want&poller.Out == 0 }

// nestsMost is how many Pollers there can be from the outermost to the innermost (EP_MAX_NESTS and one more).
const nestsMost = 5

// inside has f called with the Pollers that p watches.
func (p *epoll) inside(f func(q *epoll)) {
	for _, r := range p.regs {
		if r != nil {
			if q, nested := r.n.self.(*epoll); nested {
				f(q)
			}
		}
	}
}

// watches tells whether p watches the other one, also through others.
func (p *epoll) watches(other *epoll) (yes bool) {
	p.inside(func(q *epoll) { yes = yes || q == other || q.watches(other) })
	return yes
}

// below is how many Pollers deep p goes, itself included; above how many there are from it to the outermost.
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
	return p.ctl(Mod, fd, func(f file) Errno {
		r := p.find(fd)
		if r == nil {
			return kernel.ENOENT
		}
		if _, nested := f.(*epoll); nested && !p.takes(want) {
			return kernel.EINVAL
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
		r := p.find(fd)
		if r == nil {
			return kernel.ENOENT
		}
		p.forget(r)
		return 0
	})
}

func (p *epoll) forget(r *reg) {
	r.gone = true
	p.regs[int(r.fd)-p.first] = nil
	for i, x := range r.n.regs {
		if x == r {
			r.n.regs = append(r.n.regs[:i], r.n.regs[i+1:]...)
			break
		}
	}
}
