package sim

import "fmt"

// Together runs the functions as parts of the calling program, and returns when all of them have
// ended. A reactor.Group calls it to run its loops. Each part is a coroutine. At each Wait, and at
// some of the sends, receives and accepts, the seed decides which part runs next. Kill, Crash and
// Pause affect all parts.
func (h *Host) Together(parts ...func()) {
	w := h.w
	h.Owned("Together")
	if !h.InProgram() {
		panic("sim: Together outside of a program of host " + h.name + "; call it in the function of Boot")
	}
	p := w.cur
	p.joins = len(parts)
	h.shared = h.shared || len(parts) > 1
	for i, f := range parts {
		part := &proc{w: w, host: h, name: p.name, part: i + 1}
		part.f = func() {
			defer part.left(p) // deferred, because a function may exit its goroutine
			f()
		}
		h.procs = append(h.procs, part)
		part.soon(w.now + 1 + h.turns.N(turnCost))
	}
	for p.joins > 0 && !p.dead {
		p.pause()
	}
}

// InProgram returns whether the caller runs in a program of the host: in a function that was passed
// to Boot.
func (h *Host) InProgram() bool { return h.w.cur != nil && h.w.cur.host == h }

// left notifies the program that its part has ended.
func (p *proc) left(whole *proc) {
	whole.joins--
	if whole.joins == 0 && !whole.dead {
		whole.soon(p.w.now + 1 + p.host.turns.N(turnCost))
	}
}

// switchesEvery is how often a part yields to the other parts: on average at one of so many calls.
const switchesEvery = 4

// yields lets other parts of the program run before a call that moves data. A loop makes these
// calls outside of user code, so it holds no lock of the program. But a Task may make such a call
// while it holds a lock. Only one loop of a world runs at a time. If yields then runs a loop that
// waits for this lock, the world stops. The simulator does not prevent this.
func (h *Host) yields(c Call) {
	p := h.w.cur
	if p == nil || p.part == 0 || p.host != h {
		return
	}
	switch c {
	case Recv, Send, Accept, RecvBatch, SendBatch:
	default:
		return
	}
	if h.turns.N(switchesEvery) == 0 {
		p.soon(p.w.now + 1 + h.turns.N(2*turnCost))
		p.pause()
	}
}

func (p *proc) String() string {
	if p.part > 0 {
		return fmt.Sprintf("%s/%s part %d", p.host.name, p.name, p.part)
	}
	return p.host.name + "/" + p.name
}
