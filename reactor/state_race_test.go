//go:build race && unix

package reactor

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/poller"
)

// Each case breaks one row of the table at Conn. The check must panic with the text of that row.
func TestStateOfAConnIsChecked(t *testing.T) {
	spoils := map[string]func(c *Conn){
		"released excludes a descriptor":    func(c *Conn) { c.state |= released },
		"handler is nil":                    func(c *Conn) { c.handler = nil },
		"dialing is set exactly":            func(c *Conn) { c.state |= dialling },
		"dialling excludes":                 func(c *Conn) { c.state |= dialling | sawEOF; c.dialing = &dialing{} },
		"dialling wants nothing but Out":    func(c *Conn) { c.state |= dialling; c.dialing = &dialing{} },
		"closing excludes":                  func(c *Conn) { c.state |= closing | paused },
		"outputErr is set exactly":          func(c *Conn) { c.state |= outputFailed },
		"sentFIN excludes":                  func(c *Conn) { c.state |= sentFIN },
		"blocked excludes":                  func(c *Conn) { c.state |= blocked },
		"out waits for nothing":             func(c *Conn) { c.out = &output{} },
		"flushPending without a place":      func(c *Conn) { c.state |= flushPending },
		"readPending without a place":       func(c *Conn) { c.state |= readPending },
		"closing without a limit":           func(c *Conn) { c.state |= closing },
		"the registration is not what want": func(c *Conn) { c.w.want ^= poller.In },
	}
	inLab(t, kinds[1], func(t *lab) {
		var served *Conn
		c := t.dial(t.listen("tcp", func(c *Conn) Handler { served = c; return acceptEcho(c) }))
		c.roundTrip("hello")
		for row, spoil := range spoils {
			spare := *served
			spoil(served)
			wantPanic(t, "reactor: state of a Conn: "+row, served.checkState)
			*served = spare
			served.checkState()
		}
	})
}

// Each case breaks one row of the table at Task. The check must panic with the text of that row.
func TestStateOfATaskIsChecked(t *testing.T) {
	spoils := map[string]func(t *Task){
		"running is the Task":          func(t *Task) { t.state = running },
		"only asleep has an armed":     func(t *Task) { t.state = runnable },
		"an armed timer is timed":      func(t *Task) { t.timed = false },
		"asleep excludes wakePending":  func(t *Task) { t.wakePending = true },
		"asleep excludes a Task with":  func(t *Task) { t.home = nil },
		"nothing is reported that was": func(t *Task) { t.cancel = cancelReported },
	}
	inLab(t, kinds[1], func(t *lab) {
		r := t.reactor()
		task := r.Go(func(task *Task) { _ = task.Sleep(time.Hour) })
		t.until(func() bool { return task.state == asleep && task.waitDir == desc.In })
		for row, spoil := range spoils {
			spare := *task
			spoil(task)
			wantPanic(t, "reactor: state of a Task: "+row, task.checkState)
			*task = spare
			task.checkState()
		}
	})
}

// Two Tasks that sleep are in the same seat: the check finds it.
func TestSeatsOfCoroutinesAreChecked(t *testing.T) {
	r := manual(t)
	descs, _ := sleepers(t, r, 2, func(int) {})
	one, two := (*Task)(descs[0].Waiting().(*taskSleeper)), (*Task)(descs[1].Waiting().(*taskSleeper))
	r.checkSeats()
	seat := one.seat
	one.seat = two.seat
	wantPanic(t, "reactor: seats of coroutines: 1 of 2 are taken", r.checkSeats)
	one.seat = seat
}
