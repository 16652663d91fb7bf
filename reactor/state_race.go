//go:build race

package reactor

import (
	"fmt"
	"maps"
	"strings"

	"github.com/ureactor/ureactor/poller"
)

// checkState panics if the Conn's state contradicts the table at Conn. It exists only in race
// builds, so tests with -race check the table after each step.
func (c *Conn) checkState() {
	if row := c.brokenRow(); row != "" {
		panic(fmt.Sprintf("reactor: state of a Conn: %s: {%v}, want %v", row, c.state, c.w.want))
	}
}

// brokenRow returns the row of the table that does not hold, or "" if all rows hold.
func (c *Conn) brokenRow() string {
	d, r := c.deadlines, c.w.r
	if c.is(released) {
		switch {
		case c.w.gen != 0 || c.w.want != 0:
			return "released excludes a descriptor"
		case c.out != nil:
			return "released excludes out"
		case d != nil && d.t.Armed():
			return "released excludes an armed timer"
		case c.dialing != nil && c.dialing.listed:
			return "released excludes a place in the list of unconnected Conns"
		}
		return ""
	}
	failed := d != nil && d.outputErr != nil
	switch {
	case c.handler == nil:
		return "handler is nil"
	case c.is(dialling) != (c.dialing != nil):
		return "dialing is set exactly while dialling"
	case c.is(dialling) && c.is(sawEOF|sentFIN|blocked|outputFailed|inStep|readPending|endPending):
		return "dialling excludes what follows a connect"
	case c.is(dialling) && c.w.want&^poller.Out != 0:
		return "dialling wants nothing but Out"
	case c.is(closing) && c.is(paused|throttled):
		return "closing excludes paused and throttled"
	case c.is(outputFailed) != failed:
		return "outputErr is set exactly with outputFailed"
	case c.is(outputFailed) && (c.out != nil || c.is(blocked|throttled)):
		return "outputFailed excludes out, blocked and throttled"
	case c.is(sentFIN) && (c.out != nil || !c.is(wantFIN|closing)):
		return "sentFIN excludes out and needs wantFIN or closing"
	case c.is(blocked) && c.out == nil:
		return "blocked excludes an empty out"
	case c.out != nil && !c.is(blocked|dialling|inStep|flushPending):
		return "out waits for nothing"
	case c.is(flushPending) && r.flushPending.len() == 0:
		return "flushPending without a place in the list"
	case c.is(readPending) && r.readPending.len() == 0:
		return "readPending without a place in the list"
	case c.is(closing) && !c.is(dialling|inStep|flushPending) && (d == nil || !d.lingering):
		return "closing without a limit of time"
	case d != nil && d.lingering && !c.is(closing):
		return "a limit of time for the close without closing"
	case c.w.gen != 0 && !c.is(inStep|flushPending) && c.w.want != c.wants():
		return "the registration is not what wants says"
	}
	return ""
}

func (s connState) String() string {
	names := []string{"dialling", "sawEOF", "wantFIN", "sentFIN", "closing", "released", "paused", "throttled",
		"blocked", "inStep", "flushPending", "outputFailed", "readPending", "endPending"}
	var set []string
	for i, name := range names {
		if s&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, " ")
}

// checkState panics if the Task's state contradicts the table at Task.
func (t *Task) checkState() {
	if row := t.brokenRow(); row != "" {
		state := [...]string{"runnable", "running", "asleep", "finished"}[t.state]
		panic(fmt.Sprintf("reactor: state of a Task: %s: %s, cancel %04b", row, state, t.cancel))
	}
}

func (t *Task) brokenRow() string {
	r, armed := t.r, t.timer != nil && t.timer.Armed()
	switch {
	case (t.state == running) != (r.running == t):
		return "running is the Task that the loop runs"
	case t.state != asleep && armed:
		return "only asleep has an armed timer"
	case armed && !t.timed:
		return "an armed timer is timed"
	case t.state == asleep && t.wakePending:
		return "asleep excludes wakePending"
	case t.state == asleep && t.home == nil:
		return "asleep excludes a Task without a coroutine"
	case t.state == runnable && r.runnable.len()+len(r.woken) == 0:
		return "runnable without a place in the list"
	case t.state == finished && (t.home != nil || t.seat != nil):
		return "finished excludes a coroutine"
	case t.state == finished && (t.neighbours != links[Task]{} || r.tasks.oldest == t):
		return "finished excludes a place in the list of Tasks"
	case r.tasks.n == 0 && len(r.idle) > 0:
		return "idle coroutines need a Task"
	case t.cancel&drainReported != 0 && t.cancel&drainAsked == 0,
		t.cancel&cancelReported != 0 && t.cancel&cancelAsked == 0:
		return "nothing is reported that was not asked"
	case t.cancel != 0 && t.ctx != nil && t.ctx.Err() == nil:
		return "a cancel ends the Context"
	}
	return ""
}

// seatsChecked limits checkSeats, which takes time for each Task.
const seatsChecked = 64

// checkSeats panics if not each coroutine that is suspended has a seat of its own. The loop runs,
// so there is one seat for each of them.
func (r *Reactor) checkSeats() {
	if r.tasks.n > seatsChecked {
		return
	}
	homes, seats := map[*coroutine]bool{}, map[*coroutine]bool{}
	for _, c := range r.idle {
		homes[c], seats[c.seat] = true, true
	}
	for t := r.tasks.oldest; t != nil; t = t.neighbours.newer {
		if t.home != nil {
			homes[t.home], seats[t.seat] = true, true
		}
	}
	if !maps.Equal(homes, seats) {
		panic(fmt.Sprintf("reactor: seats of coroutines: %d of %d are taken", len(seats), len(homes)))
	}
}

// checkFigures panics if publish has not copied a figure that has changed. In that case the code
// that changed the figure must call rare.
func (r *Reactor) checkFigures(shown *figures) {
	if *shown != r.figures {
		panic(fmt.Sprintf("reactor: publish shows %+v, want %+v", *shown, r.figures))
	}
}
