package timerq

import "github.com/ureactor/ureactor/timeout"

// A Timer is a Deadline in a Queue and the function to call then. The zero Timer is idle and can be
// armed. A Timer belongs to one Queue at a time. It must not be copied while it is armed.
type Timer struct {
	F func() // the owner calls it when Expire has returned the timer; the Queue never calls it

	until timeout.Deadline
	seq   uint64 // the number of the last Arm, which orders timers with equal deadlines
	place int32  // index in the heap + 1; 0 when idle
}

// Armed returns whether the timer is in a queue.
func (t *Timer) Armed() bool { return t.place != 0 }

// Until returns the deadline of an armed timer.
func (t *Timer) Until() timeout.Deadline { return t.until }

// A Queue orders armed timers by deadline, and timers with equal deadlines by the time of Arm. It
// is a 4-ary heap whose keys may be earlier than the deadlines (they lag). Moving a timer to a
// later deadline only stores the deadline; the heap is repaired when the timer's old key reaches
// the top. So re-arming for each message is O(1), and everything else is O(log n). Only growth
// allocates.
type Queue struct {
	heap []entry
	seq  uint64
}

// heapKeep is how many places a Queue keeps even if it has few timers.
const heapKeep = 4096

// An entry is one timer with its key. Invariant: a key is never later than its timer's deadline. So
// if the key at the top is exact, its timer is the earliest of all.
type entry struct {
	key timeout.Deadline
	seq uint64
	t   *Timer
}

func (a *entry) before(b *entry) bool { return a.key < b.key || a.key == b.key && a.seq < b.seq }

// Len returns the number of armed timers.
func (q *Queue) Len() int { return len(q.heap) }

// Some calls f for the armed timers from place i on, in no particular order, until f returns false.
// It returns the place where the next call continues. done means that there are no more. A timer
// that is armed or stopped between two calls may move, and is then seen twice or not at all.
func (q *Queue) Some(i int, f func(t *Timer) bool) (next int, done bool) {
	if f == nil {
		panic("timerq: Some with a nil function")
	}
	for i = max(i, 0); i < len(q.heap); i++ {
		if !f(q.heap[i].t) {
			return i + 1, false
		}
	}
	return i, true
}

// Mark returns the sequence number that the next armed timer gets; see Expire.
func (q *Queue) Mark() uint64 { return q.seq + 1 }

// Arm adds the timer with the deadline, or moves it if it is armed. It panics if the deadline is
// Never, because such a timer would hold a place without use.
func (q *Queue) Arm(t *Timer, until timeout.Deadline) {
	if until == timeout.Never {
		panic("timerq: a timer that never fires; stop it instead")
	}
	q.seq++
	if t.place != 0 && until >= q.heap[t.place-1].key {
		t.until, t.seq = until, q.seq // the key lags until top repairs it
		return
	}
	t.until, t.seq = until, q.seq
	e := entry{until, q.seq, t}
	if t.place != 0 {
		q.up(int(t.place)-1, e)
		return
	}
	q.heap = append(q.heap, e)
	q.up(len(q.heap)-1, e)
}

// Stop removes the timer and returns whether it was armed.
func (q *Queue) Stop(t *Timer) bool {
	if t.place == 0 {
		return false
	}
	i := int(t.place) - 1
	last := q.heap[len(q.heap)-1]
	q.heap[len(q.heap)-1] = entry{}
	q.heap = q.heap[:len(q.heap)-1]
	t.place = 0
	defer q.shrink()
	if i == len(q.heap) {
		return true
	}
	if i > 0 && last.before(&q.heap[(i-1)/4]) {
		q.up(i, last)
	} else {
		q.down(i, last)
	}
	return true
}

// Settle repairs lagging keys at the top, in at most n steps. It returns how many steps are left.
// ok means that Next and Expire need no repair. They work without Settle too, but then they may
// make one step for each timer that was moved to a later deadline.
func (q *Queue) Settle(n int) (left int, ok bool) {
	for ; len(q.heap) > 0 && q.heap[0].seq != q.heap[0].t.seq; n-- {
		if n <= 0 {
			return 0, false
		}
		q.repair()
	}
	return n, true
}

// Next returns the earliest deadline, or Never if no timer is armed.
func (q *Queue) Next() timeout.Deadline {
	if len(q.heap) == 0 {
		return timeout.Never
	}
	return q.top().until
}

// Expire removes and returns the earliest timer, if its deadline has passed at now and it was armed
// before the mark. Otherwise it returns nil. To expire only timers that are armed already, take one
// Mark and call Expire until it returns nil. These calls do not return a timer that F arms
// meanwhile, provided that its deadline is not before now.
func (q *Queue) Expire(now timeout.Deadline, mark uint64) *Timer {
	if len(q.heap) == 0 {
		return nil
	}
	t := q.top()
	if !t.until.Passed(now) || t.seq >= mark {
		return nil
	}
	q.Stop(t)
	return t
}

// top makes the first key exact and returns its timer.
func (q *Queue) top() *Timer {
	for {
		t := q.heap[0].t
		if q.heap[0].seq == t.seq {
			return t
		}
		q.repair()
	}
}

// repair makes the key at the top exact and moves its timer to the place of its deadline.
func (q *Queue) repair() {
	t := q.heap[0].t
	q.down(0, entry{t.until, t.seq, t})
}

// shrink frees memory when three quarters of the places are unused.
func (q *Queue) shrink() {
	if n := len(q.heap); cap(q.heap) > heapKeep && n < cap(q.heap)/4 {
		q.heap = append(make([]entry, 0, 2*n), q.heap...)
	}
}

func (q *Queue) up(i int, e entry) {
	for i > 0 {
		p := (i - 1) / 4
		if !e.before(&q.heap[p]) {
			break
		}
		q.put(i, q.heap[p])
		i = p
	}
	q.put(i, e)
}

func (q *Queue) down(i int, e entry) {
	for {
		first := 4*i + 1
		if first >= len(q.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(q.heap)); c++ {
			if q.heap[c].before(&q.heap[least]) {
				least = c
			}
		}
		if !q.heap[least].before(&e) {
			break
		}
		q.put(i, q.heap[least])
		i = least
	}
	q.put(i, e)
}

func (q *Queue) put(i int, e entry) {
	q.heap[i] = e
	e.t.place = int32(i + 1)
}
