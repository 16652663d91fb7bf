package sim

import (
	"fmt"
	"strings"
	"time"
)

// A Deadlock is the error of a run whose programs wait without end: no event is pending, or no
// program has made a call in the last part of the time limit.
type Deadlock struct {
	Seed    uint64
	Step    uint64
	Waiting []string // one line for each program: its name, and what it waits for
}

func (d *Deadlock) Error() string {
	return fmt.Sprintf("seed=%d step=%d: deadlock: no event is pending; the programs and what they wait for:\n\t%s",
		d.Seed, d.Step, strings.Join(d.Waiting, "\n\t"))
}

// A Livelock is the error of a run that has reached its time limit while programs were busy. The
// programs repeat calls, and the condition of RunUntil does not become true.
type Livelock struct {
	Seed    uint64
	Step    uint64
	Limit   time.Duration
	Busy    []string // one line for each host that made calls in the last tenth of the limit
	Waiting []string // as in a Deadlock
}

func (l *Livelock) Error() string {
	return fmt.Sprintf("seed=%d step=%d: livelock: after %v programs are still busy, and the condition does not hold; calls in the last tenth:\n\t%s\n"+
		"the programs and what they wait for:\n\t%s",
		l.Seed, l.Step, l.Limit, strings.Join(l.Busy, "\n\t"), strings.Join(l.Waiting, "\n\t"))
}

// lastPart determines the last part of a run, whose calls a Livelock reports: its length is the
// time limit divided by lastPart.
const lastPart = 10

// stuck makes the error of a run that has reached its time limit, or in which no event is pending.
// late counts the calls before the last part of the limit. It is nil if the run has ended before
// that part.
func (w *World) stuck(late []counts, limit time.Duration) error {
	waiting := w.waiting()
	if busy := w.busy(late); busy != nil {
		return &Livelock{Seed: w.seed, Step: w.step, Limit: limit, Busy: busy, Waiting: waiting}
	}
	return &Deadlock{Seed: w.seed, Step: w.step, Waiting: waiting}
}

func (w *World) waiting() (all []string) {
	for _, h := range w.hosts {
		for _, p := range h.procs {
			if !p.over() {
				all = append(all, p.report())
			}
		}
	}
	if len(all) == 0 {
		all = []string{"no program is left; the condition does not hold"}
	}
	return all
}

// counts contains how often a host has made each call.
type counts [callCount]int

func (w *World) counted() (all []counts) {
	for _, h := range w.hosts {
		all = append(all, h.count)
	}
	return all
}

// busy returns a line for each host that has made calls since the given counts. A host that only
// waits is not busy, even if one of its timers expires repeatedly.
func (w *World) busy(since []counts) (lines []string) {
	if since == nil {
		return nil
	}
	for i, h := range w.hosts {
		var was counts
		if i < len(since) {
			was = since[i]
		}
		var did []string
		active := false
		for c := range callCount {
			if n := h.count[c] - was[c]; n > 0 {
				did = append(did, fmt.Sprintf("%v %d", c, n))
				active = active || c != Wait
			}
		}
		if active {
			lines = append(lines, h.name+": "+strings.Join(did, ", "))
		}
	}
	return lines
}

func (p *proc) report() string {
	switch {
	case p.joins > 0:
		return fmt.Sprintf("%v: its %d parts", p, p.joins)
	case p.last == nil:
		return p.String() + ": is not in a Wait"
	}
	return p.String() + ": " + p.last.report()
}

func (p *epoll) report() string {
	var what []string
	for _, r := range p.regs {
		if r != nil {
			what = append(what, fmt.Sprintf("%d (%v) %s", r.fd, r.want, r.n.self.what()))
		}
	}
	if len(what) == 0 {
		return "no descriptor"
	}
	return strings.Join(what, ", ")
}
