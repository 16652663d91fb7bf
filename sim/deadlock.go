package sim

import (
	"fmt"
	"strings"
)

// A Deadlock is the error of a run whose programs wait without end: nothing is pending, or nothing
// within the limit.
type Deadlock struct {
	Seed    uint64
	Step    uint64
	Waiting []string // one line for each program: its name, and what it waits for
}

func (d *Deadlock) Error() string {
	return fmt.Sprintf("seed=%d step=%d: deadlock: the programs and what they wait for:\n\t%s", d.Seed, d.Step, strings.Join(d.Waiting, "\n\t"))
}

// stuck makes the report.
func (w *World) stuck() *Deadlock {
	d := &Deadlock{Seed: w.seed, Step: w.step}
	for _, h := range w.hosts {
		for _, p := range h.procs {
			if !p.over() {
				d.Waiting = append(d.Waiting, p.report())
			}
		}
	}
	if len(d.Waiting) == 0 {
		d.Waiting = []string{"no program is left; the condition does not hold"}
	}
	return d
}

func (p *proc) report() string {
	if p.last == nil {
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
