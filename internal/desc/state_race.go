//go:build race

package desc

import "github.com/ureactor/ureactor/timeout"

// checkState panics if the state contradicts the table at Desc. The Desc is locked.
func (d *Desc) checkState() {
	must("Desc", !d.finished || d.closed && d.refs == 0, "finished without closed, or with refs")
	must("Desc", !d.detached || d.closed, "detached without closed")
	must("Desc", !d.registered || !d.suspended && !d.closed, "registered with suspended or closed")
	must("Desc", !d.output || d.registered && !d.Transient, "output without registered, or with Transient")
	must("Desc", !d.level || d.registered && !d.output && d.UnixStream && !d.shared,
		"level without registered or UnixStream, or with output or shared")
	must("Desc", !d.suspended || (d.Transient || d.UnixStream) && !d.closed,
		"suspended without Transient or UnixStream, or with closed")
	must("Desc", !d.keepsParker || d.Transient, "keepsParker without Transient")
	must("Desc", d.userCalls >= 0 && (d.userCalls == 0 || d.refs > 0), "userCalls without refs")
	must("Desc", 0 <= d.unturned && d.unturned <= d.refs, "unturned not in 0 … refs")
	for i := range d.dirs {
		s := &d.dirs[i]
		must("Desc", s.waiting == nil || s.busy, "waiting without busy")
		if d.queues != nil {
			q := &d.queues[i]
			must("Desc", q.first == nil || s.busy, "a queue without busy")
			must("Desc", (q.first != nil) == s.queued, "queued does not say whether there is a queue")
			must("Desc", (q.first == nil) == (q.last == nil), "first without last")
			must("Desc", q.sleeper == nil || d.shared, "sleeper without shared")
		}
	}
	x := d.extra
	must("Desc", d.hooked == (x != nil && (x.onArrival != nil || x.onEvent != nil)), "hooked does not say whether there are hooks")
	if x != nil {
		must("Desc", !d.closed || x.hooks == nil && x.onArrival == nil && x.onEvent == nil,
			"closed with hooks, onArrival or onEvent")
		must("Desc", x.closedCh == nil || d.closed && !d.finished, "closedCh without closed, or with finished")
	}
}

// checkTurn panics if the caller does not hold the direction's turn. The Desc is locked.
func (d *Desc) checkTurn(dir Dir) {
	must("Desc", d.dirs[dir].busy, "a holder without busy")
	must("Desc", *d.spent(dir) <= budget, "spent above the budget")
}

// checkBegin panics if a Call has state of an earlier Do. (If the fast path calls Do, the Call may
// have slept already.)
func (c *Call) checkBegin() {
	must("Call", !c.ref, "ref at the beginning")
	must("Call", !c.Again, "Again at the beginning")
	must("Call", !c.sleepFirst, "sleepFirst at the beginning")
	must("Call", !c.begun || c.Limit != timeout.None, "begun with Limit None")
}

// checkEnd panics if a Call still has a reference at its end.
func (c *Call) checkEnd() {
	must("Call", !c.ref, "ref at the end")
	must("Call", c.moved <= 2*PartMost, "moved above twice PartMost")
	must("Call", !c.begun || c.Limit != timeout.None, "begun with Limit None")
}

func must(typ string, holds bool, text string) {
	if !holds {
		panic("desc: state of " + typ + ": " + text)
	}
}
