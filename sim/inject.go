package sim

import (
	"errors"
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// ErrCrashed is the error of a Poller or a Disk whose host has crashed.
var ErrCrashed = errors.New("sim: the host has crashed")

// An Injection is one fault at one call.
type Injection struct {
	Call  Call
	Nth   int   // which call from now on; 1 is the next one
	Errno Errno // the result; after EINTR the kernel repeats the call
	Short int   // or: at most so many bytes or datagrams are moved
	Count int   // how many calls in a row; 0 means one
}

type planned struct {
	from, to int // numbers of the host's calls of this kind
	Injection
}

// Inject makes the nth call from now on fail, or move fewer bytes than it could.
func (h *Host) Inject(f Injection) {
	if f.Call >= callCount || f.Nth < 1 || f.Short < 0 || f.Count < 0 || (f.Errno == 0) == (f.Short == 0) {
		panic(fmt.Sprintf("sim: Inject(%+v): must have Nth of 1 or more, and either Errno or Short", f))
	}
	at := h.count[f.Call] + f.Nth
	h.plan[f.Call] = append(h.plan[f.Call], planned{at, at + max(f.Count, 1), f})
}

// Count returns how often the call was made so far.
func (h *Host) Count(c Call) int { return h.count[c] }

// SetFaults changes the chances of faults on this host. World.SetFaults changes them on all hosts.
func (h *Host) SetFaults(f Faults) {
	f.check()
	h.odds = f
	h.hazard = f != Faults{}
}

// SetFaults changes the chances of faults on all hosts, including hosts that are made later.
// SetFaults(Faults{}) ends all random faults. A Cut stays until Heal.
func (w *World) SetFaults(f Faults) {
	w.opt.Faults = f
	for _, h := range w.hosts {
		h.SetFaults(f)
	}
}

// A verdict describes what a fault does to a call.
type verdict struct {
	e     Errno
	short int  // 0: no limit
	again bool // the call returns EAGAIN, and then an Event follows
	roll  Rand // for further random choices
}

// gate decides about every call: a fault may make it fail before it reaches its file. gate repeats
// a call after EINTR, as every kernel of this module does (doc/semantics.md, D40).
func (h *Host) gate(c Call, fd int) (v verdict) {
	w := h.w
	w.owned(c, h)
	if h.shared {
		h.yields(c)
	}
	if h.gone() {
		return verdict{e: kernel.EBADF}
	}
	w.calls++
	w.tick()
	h.count[c]++
	if w.observe != nil && !w.trace.sealed {
		w.observe(h, c, fd, 0, 0, false)
	}
	if h.during != nil {
		h.interrupt(c, fd)
	}
	if e := h.refused[c]; e != 0 {
		return verdict{e: e}
	}
	if h.plan[c] == nil && !h.hazard {
		return verdict{}
	}
	if v = h.verdict(c, fd); v.e != kernel.EINTR {
		return v
	}
	h.note(c, fd, 0, kernel.EINTR)
	if c != Close { // Close is never repeated
		w.calls++
		w.tick()
	}
	return verdict{}
}

// verdict decides what happens to the call: by the test's plan, or by chance.
func (h *Host) verdict(c Call, fd int) verdict {
	f := Fault{Kind: AtCall, Call: c, Host: h.name, Nth: h.w.nth(h.count[c]), Of: h.w.of(fd)}
	chosen := h.plan[c] != nil && h.planned(c, &f)
	possible := h.hazard
	if l := h.w.live; l != nil && h.hazard && !chosen {
		possible = c != Wait && l.nthNow(occasion{from: h, call: c, of: f.Of}) == 0
	}
	if possible && !chosen {
		chosen = h.chance(c, &f)
	}
	if !h.w.happens(&f, chosen, possible) {
		return verdict{}
	}
	if f.Errno == kernel.EAGAIN {
		return verdict{again: true, roll: f.roll}
	}
	return verdict{e: f.Errno, short: f.Short}
}

func (h *Host) planned(c Call, f *Fault) (chosen bool) {
	n := h.count[c]
	left := h.plan[c][:0]
	for _, p := range h.plan[c] {
		if n >= p.from && n < p.to {
			f.Errno, f.Short = p.Errno, p.Short
			chosen = true
		}
		if n+1 < p.to {
			left = append(left, p)
		}
	}
	if h.plan[c] = left; len(left) == 0 {
		h.plan[c] = nil
	}
	return chosen
}

func (h *Host) chance(c Call, f *Fault) (chosen bool) {
	r, p := h.dice(AtCall, c, nil, f.Nth, f.Of), &h.odds
	switch {
	case p.Interrupt > 0 && r.Chance(p.Interrupt):
		f.Errno = kernel.EINTR
	case c == Wait:
		if !r.Chance(p.EarlyWait) {
			return false
		}
		f.Errno = kernel.EAGAIN
	case p.Error > 0 && len(callErrors[c]) > 0 && r.Chance(p.Error):
		f.Errno = callErrors[c][r.Int(len(callErrors[c]))]
	case p.Again > 0 && c.Agains() && r.Chance(p.Again):
		f.Errno = kernel.EAGAIN
	case p.ShortRead > 0 && (c == Recv || c == RecvBatch) && r.Chance(p.ShortRead),
		p.ShortWrite > 0 && (c == Send || c == SendV || c == SendBatch) && r.Chance(p.ShortWrite):
		f.Short = 1 + r.Int([]int{1, 16, 256, 4096}[r.Int(4)])
	default:
		return false
	}
	f.roll = r
	return true
}
