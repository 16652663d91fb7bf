package sim

import (
	"fmt"
	"time"
)

// Kill ends the programs of Boot with this name, as SIGKILL does: no code of them runs any more,
// and the kernel closes their descriptors. Peers receive the data that was sent and then a FIN, or
// an RST if there was unread input. Files keep all data that was written. Start or Restart runs the
// programs again.
func (h *Host) Kill(name string) {
	h.booted("Kill", name)
	var dead []*proc
	for _, p := range h.procs {
		if p.name == name && !p.over() {
			dead = append(dead, p)
		}
	}
	if len(dead) == 0 {
		return
	}
	if h.kills++; !h.w.does(Fault{Kind: Killed, Host: h.name, Nth: h.kills}) {
		return
	}
	h.w.trace.note(h.w, "kill "+h.name+"/"+name)
	for _, p := range dead {
		h.closeAll(p)
	}
	h.w.die(dead...)
}

// closeAll closes the descriptors of a program. It closes Pollers first, because they watch other
// descriptors.
func (h *Host) closeAll(p *proc) {
	for _, pollers := range []bool{true, false} {
		for fd := h.lowest(); fd < h.lowest()+len(h.files); fd++ {
			f := h.file(fd)
			if f == nil || f.base().owner != p {
				continue
			}
			if _, is := f.(*epoll); is == pollers {
				h.closeFile(fd)
			}
		}
	}
}

// Start runs the programs of Boot with this name again, if they were killed or have ended. It does
// nothing while they run or while the host is down.
func (h *Host) Start(name string) {
	h.booted("Start", name)
	for _, p := range h.procs {
		if p.name == name && !p.over() {
			return
		}
	}
	if h.down {
		return
	}
	h.w.trace.note(h.w, "start "+h.name+"/"+name)
	for _, b := range h.boots {
		if b.name == name {
			h.start(b)
		}
	}
}

func (h *Host) booted(what, name string) {
	for _, b := range h.boots {
		if b.name == name {
			return
		}
	}
	panic(fmt.Sprintf("sim: %s(%q) on host %s: no program of this name was booted", what, name, h.name))
}

// Pause stops the host's programs for d, as SIGSTOP, a long garbage collection or a stopped virtual
// machine does. The kernel continues: it accepts connections, acknowledges data, and its buffers
// fill. Timers that expire during the pause are late. A program that is running stops when it next
// waits.
func (h *Host) Pause(d time.Duration) {
	if d <= 0 || d > longest {
		panic(fmt.Sprintf("sim: Pause(%v): must be more than 0 and at most 1h", d))
	}
	if h.pauses++; h.w.does(Fault{Kind: Paused, Host: h.name, Nth: h.pauses, Delay: d}) {
		h.w.trace.note(h.w, fmt.Sprintf("pause %s for %v", h.name, d))
		h.paused = max(h.paused, h.w.now+int64(d))
	}
}

// StepClock changes the host's date by d, forwards or backwards, as a time server or an operator
// does. Only Host.Time, Reactor.Time and Net.Time change. Timers use another clock
// (CLOCK_MONOTONIC), which never jumps: see SetClock.
func (h *Host) StepClock(d time.Duration) {
	if all := h.stepped + d; d < -lifetime || d > lifetime || all < -lifetime || all > lifetime {
		panic(fmt.Sprintf("sim: StepClock(%v) after steps of %v: must be at most 100 years in all", d, h.stepped))
	}
	if h.steps++; h.w.does(Fault{Kind: Stepped, Host: h.name, Nth: h.steps, Delay: d}) {
		h.w.trace.note(h.w, fmt.Sprintf("step the clock of %s by %v", h.name, d))
		h.stepped += d
	}
}
