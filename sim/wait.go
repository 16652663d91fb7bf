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

// turnCost is the duration of one turn. So the clock advances even while a program spins.
const turnCost = int64(time.Microsecond)

func (p *epoll) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	if len(events) == 0 {
		panic("sim: Wait with an empty slice; give it room for one Event or more")
	}
	h, w := p.h, p.h.w
	v := h.gate(Wait, p.fd)
	if v.e != 0 && !h.gone() {
		h.note(Wait, p.fd, 0, v.e)
		return 0, os.NewSyscallError(Wait.String(), v.e)
	}
	if p.asleep {
		panic("sim: two programs wait in one Poller; give each a Poller of its own")
	}
	if w.wakes.Load() {
		w.takeWakes() // consume wakes from before this call
	}
	early := v.again
	for first := true; ; first = false {
		if p.closed || h.life != p.life || h.gone() {
			h.note(Wait, p.fd, 0, kernel.EBADF)
			return 0, fmt.Errorf("%w (host %s): %w", ErrCrashed, h.name, os.NewSyscallError(Wait.String(), kernel.EBADF))
		}
		n := p.take(events)
		if n < len(events) {
			if dice, yes := h.spurious(); yes {
				n = p.invent(events, n, dice)
			}
		}
		over := until == 0 || until.Passed(timeout.Deadline(h.clock(w.now)))
		if n > 0 || p.woken || over && (!first || until == 0) || early && !first {
			p.woken = false
			h.note(Wait, p.fd, n, 0)
			if until == 0 && first { // even a poll without waiting takes time
				p.pass()
			}
			return n, nil
		}
		at := h.when(until)
		if early {
			at = min(at, w.now+v.roll.N(int64(10*time.Millisecond)))
		}
		p.sleep(at)
	}
}

// pass lets the world run for the duration of a turn.
func (p *epoll) pass() {
	w := p.h.w
	if w.cur == nil && w.live != nil {
		w.live.nap(turnCost)
		return
	}
	if w.cur == nil {
		w.drive(p, w.now+turnCost)
		return
	}
	w.cur.last = nil
	w.cur.soon(w.now + turnCost + p.h.turns.N(turnCost))
	w.cur.pause()
}

// sleep lets the world run until stir, or until the world's time `at`.
func (p *epoll) sleep(at int64) {
	w := p.h.w
	cur := w.cur
	if cur == nil && w.live != nil {
		w.live.sleep(p, at)
		return
	}
	if cur == nil {
		w.drive(p, at)
		return
	}
	p.waiter, p.asleep = cur, true
	cur.last = p
	cur.ticket++
	if at != never {
		w.events.add(at, cur, 0, 0, cur.ticket)
	}
	cur.pause()
	p.asleep, cur.last = false, nil
}

// pick corresponds to ep_send_events and kqueue_scan. It stores at most `most` ready registrations
// in p.told.
func (p *epoll) pick(most int) {
	p.told = p.told[:0]
	had := len(p.ready)
	i := 0
	for ; i < had && len(p.told) < most; i++ {
		r := p.ready[i]
		if r.gone {
			continue
		}
		r.listed = false
		t, ready := r.now()
		if !ready {
			continue
		}
		p.told = append(p.told, t)
		if t.flags&kevent.OneShot != 0 { // FreeBSD itself drops the filter
			p.forget(r)
			continue
		}
		if r.want&poller.Edge == 0 {
			r.listed = true
			p.ready = append(p.ready, r)
		}
	}
	p.ready = append(p.ready[:0], p.ready[i:]...)
}

func (p *epoll) take(events []poller.Event) int {
	p.pick(len(events))
	for i, t := range p.told {
		events[i] = poller.Event{FD: t.r.fd, Gen: t.r.gen, Ready: t.ready}
	}
	return len(p.told)
}

// spurious returns whether this Wait ends with an Event that has no cause.
func (h *Host) spurious() (dice Rand, yes bool) {
	if !h.hazard || h.odds.Spurious == 0 || h.w.live != nil {
		return Rand{}, false
	}
	h.looks++
	r := h.dice(Spurious, 0, nil, h.looks, 0)
	f := Fault{Kind: Spurious, Host: h.name, Nth: h.looks}
	chosen := r.Chance(h.odds.Spurious)
	f.roll = r
	yes = h.w.happens(&f, chosen, true)
	return f.roll, yes
}

// invent adds an Event for a random watched descriptor, whether it is ready or not.
func (p *epoll) invent(events []poller.Event, n int, dice Rand) int {
	if len(p.regs) == 0 {
		return n
	}
	r := p.regs[dice.Int(len(p.regs))]
	told := poller.Readiness(dice.N(16)) // In, Out, Err, Hup
	if r == nil || told == 0 {
		return n
	}
	told &= poller.Readiness(r.want) | poller.Err | poller.Hup
	if told == 0 {
		return n
	}
	events[n] = poller.Event{FD: r.fd, Gen: r.gen, Ready: told}
	return n + 1
}

// Wake wakes the sleeper. The sleeper continues when the world runs again.
func (p *epoll) Wake() error {
	w := p.h.w
	w.owned(act("Wake"), p.h)
	w.mu.Lock()
	w.woken = append(w.woken, p)
	w.wakes.Store(true)
	w.mu.Unlock()
	return nil
}

func (w *World) takeWakes() {
	w.mu.Lock()
	list := w.woken
	w.woken = nil
	w.wakes.Store(false)
	w.mu.Unlock()
	for _, p := range list {
		if !p.closed {
			p.woken = true
			p.stir()
		}
	}
}

func (p *epoll) Close() error {
	if p.h.life != p.life || p.h.gone() {
		return nil
	}
	if p.closed {
		return os.NewSyscallError(Close.String(), kernel.EBADF)
	}
	p.h.note(Close, p.fd, 0, 0)
	p.h.closeFile(p.fd)
	return nil
}

// drive runs the world for a Wait outside of all programs, until the Poller has an Event or the
// time has come. fromWorld looks for its name in stacks.
//
//go:noinline
func (w *World) drive(p *epoll, at int64) {
	if w.driven {
		panic("sim: a Wait inside a function of the world's (At, Go): only programs can wait")
	}
	w.drives()
	defer func() { w.driven = false }()
	for {
		if w.wakes.Load() {
			w.takeWakes()
		}
		if p.woken || p.status().in {
			return
		}
		if w.failed != nil {
			panic(w.failed)
		}
		if !w.next(at) {
			break
		}
	}
	if at == never {
		panic(w.stuck(nil, 0))
	}
	w.now = max(w.now, at)
	w.looping = 0
}
