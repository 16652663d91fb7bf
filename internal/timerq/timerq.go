package timerq

import "github.com/ureactor/ureactor/timeout"

// A Timer has a deadline, and a function to call when the deadline has passed. The zero Timer is
// idle and can be armed. A Timer is in one Queue at most. It must not be copied while it is armed.
type Timer struct {
	F func() // called by the owner when Expire has returned the Timer; the Queue never calls it

	until timeout.Deadline
	seq   uint64 // the number of the last Arm; it orders timers with equal deadlines
	place int32  // index in the heap + 1; 0 when idle
}

// Armed returns whether the Timer is in a Queue.
func (t *Timer) Armed() bool { return t.place != 0 }

// Until returns the deadline of an armed Timer.
func (t *Timer) Until() timeout.Deadline { return t.until }

// A Queue sorts armed timers by deadline. Timers with equal deadlines are in the order in which
// they were armed. It is a heap in which each entry has up to four children and a key. If a timer
// is moved to a later deadline, Arm stores the deadline only in the Timer, so the key is too early:
// it lags. The heap is repaired when the lagging key reaches the top. So a move to a later deadline
// takes constant time, and other changes take O(log n). Only growth allocates.
type Queue struct {
	heap []entry
	seq  uint64
}

// heapKeep is the number of places up to which a Queue does not shrink.
const heapKeep = 4096

// An entry is one timer with its key. Invariant: a key is never later than the deadline of its
// timer. The key at the top is the smallest. So if that key equals the deadline of its timer, no
// timer has an earlier deadline.
type entry struct {
	key timeout.Deadline
	seq uint64
	t   *Timer
}

func (a *entry) before(b *entry) bool { return a.key < b.key || a.key == b.key && a.seq < b.seq }

// Len returns the number of armed timers.
func (q *Queue) Len() int { return len(q.heap) }

// Some calls f for the armed timers from place i on, in no particular order, until f returns false.
// It returns the place where the next call continues. `done` means that no timers are left. If a
// timer is armed or stopped between two calls, timers may move: the second call may repeat or miss
// them.
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

// Mark returns the sequence number that the next Arm uses. It is an argument of Expire.
func (q *Queue) Mark() uint64 { return q.seq + 1 }

// Arm adds the Timer with this deadline, or moves the Timer if it is armed. Arm panics if the
// deadline is Never, because a Timer that never expires would only use memory.
func (q *Queue) Arm(t *Timer, until timeout.Deadline) {
	if until == timeout.Never {
		panic("timerq: a timer that never fires; stop it instead")
	}
	q.seq++
	if t.place != 0 && until >= q.heap[t.place-1].key {
		t.until, t.seq = until, q.seq // the key lags until repair
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

// Stop removes the Timer, and returns whether it was armed.
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

// Settle repairs lagging keys at the top. It makes at most n steps, and returns how many of the n
// it has not made. ok means that no key at the top lags, so Next and Expire need no repair. Next
// and Expire also work without Settle. Then they may make one step for each timer that was moved to
// later.
func (q *Queue) Settle(n int) (left int, ok bool) {
	for ; len(q.heap) > 0 && q.heap[0].seq != q.heap[0].t.seq; n-- {
		if n <= 0 {
			return 0, false
		}
		q.repair()
	}
	return n, true
}

// Next returns the earliest deadline, or Never if no Timer is armed.
func (q *Queue) Next() timeout.Deadline {
	if len(q.heap) == 0 {
		return timeout.Never
	}
	return q.top().until
}

// Expire removes and returns the earliest Timer, if its deadline has passed at `now` and it was
// armed before `mark` was read. Otherwise it returns nil. To expire only the timers that are armed
// already, call Mark once, and then call Expire until it returns nil. F may arm timers between
// these calls. Such a timer is not returned. If its deadline is before `now`, it hides older timers
// until a new Mark.
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

// top repairs lagging keys at the top, and returns the earliest Timer.
func (q *Queue) top() *Timer {
	for {
		t := q.heap[0].t
		if q.heap[0].seq == t.seq {
			return t
		}
		q.repair()
	}
}

// repair sets the key at the top to the deadline of its Timer, and moves the entry down to its
// place.
func (q *Queue) repair() {
	t := q.heap[0].t
	q.down(0, entry{t.until, t.seq, t})
}

// shrink frees memory if less than a quarter of the places is in use.
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
