package reactor

import (
	"sync"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A Load is how a loop has spent its time, from New until the call of Reactor.Load. Busy is the
// time in turns. Idle is the rest: the loop sleeps in its Poller, or nobody runs it. All times are
// measured by the Kernel's clock.
type Load struct {
	Busy, Idle time.Duration

	Turns Histogram // how long a turn took, without the sleep before it
	Lag   Histogram // from the deadline of a timer to the stage of the turn that calls it
	Posts Histogram // from Post or PostSend to the stage of the turn that runs it
	Wakes Histogram // from the wake of a Task, or its Go or yield, to the stage that runs it

	// Present is how long the present turn has run, 0 while the loop sleeps. While a callback
	// hangs, Present grows.
	Present time.Duration

	// Longest is the longest turn, and Recent the longest of the last 10 to 20 seconds. Turns of
	// less than 100 µs do not count.
	Longest, Recent SlowTurn

	// Unsent is the age of the oldest output of all Conns that the kernel has refused; 0 if there
	// is none.
	Unsent time.Duration
}

// Utilization is Busy as a share of Busy and Idle, 0 … 1.
func (l Load) Utilization() float64 {
	if l.Busy+l.Idle <= 0 {
		return 0
	}
	return float64(l.Busy) / float64(l.Busy+l.Idle)
}

// Since returns the Load of the time after an earlier Load of the same Reactor or Group: its times
// and Histograms are differences, and its other fields are those of l.
func (l Load) Since(earlier *Load) Load {
	d := l
	d.Busy -= earlier.Busy
	d.Idle -= earlier.Idle
	d.Turns.sub(&earlier.Turns)
	d.Lag.sub(&earlier.Lag)
	d.Posts.sub(&earlier.Posts)
	d.Wakes.sub(&earlier.Wakes)
	return d
}

// add adds the Load of another loop of a Group.
func (l *Load) add(m *Load) {
	l.Busy += m.Busy
	l.Idle += m.Idle
	l.Turns.add(&m.Turns)
	l.Lag.add(&m.Lag)
	l.Posts.add(&m.Posts)
	l.Wakes.add(&m.Wakes)
	l.Present = max(l.Present, m.Present)
	l.Unsent = max(l.Unsent, m.Unsent)
	if m.Longest.Took > l.Longest.Took {
		l.Longest = m.Longest
	}
	if m.Recent.Took > l.Recent.Took {
		l.Recent = m.Recent
	}
}

// Load may be called from any goroutine, and never makes the loop wait. With the first call the
// loop begins to measure, and reads the clock from then on. So the figures of the first call are
// nearly all zero. A turn that has not ended counts up to the present.
func (r *Reactor) Load() (l Load) {
	now := r.k.Now()
	r.measure(now)
	since := timeout.Deadline(r.measuring.Load())
	began := timeout.Deadline(r.awake.Load()) // before the figures: see present
	f := r.board.get()
	ended := max(f.often.turnEnded, since)
	if now = max(now, ended); f.final {
		now = ended
	}
	l.Present = f.present(began, since, now)
	l.Busy = f.often.busy + l.Present
	l.Idle = time.Duration(now-since) - l.Busy
	l.Busy, l.Idle = r.shown.grow(l.Busy, l.Idle)
	l.Turns, l.Lag = r.times.turns.read(), r.times.lag.read()
	l.Turns.Sum = f.often.busy
	l.Posts, l.Wakes = r.times.posts.read(), r.times.wakes.read()
	l.Longest, l.Recent = r.slow.read(now)
	if oldest := timeout.Deadline(r.outputs.oldest.Load()); oldest != timeout.Never {
		l.Unsent = max(0, time.Duration(now-oldest))
	}
	return l
}

// measure makes the loop measure its time from now on, if it does not do so already.
func (r *Reactor) measure(now timeout.Deadline) { r.measuring.CompareAndSwap(0, max(int64(now), 1)) }

// shown has the times that Load has returned, because the times of a later Load must not be
// smaller. Without shown they could be smaller: Load counts the present turn up to now, but the
// loop counts the turn only up to its end, which it publishes a little later.
type shown struct {
	mu         sync.Mutex
	busy, idle time.Duration
}

func (s *shown) grow(busy, idle time.Duration) (time.Duration, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.idle = max(s.busy, busy), max(s.idle, idle)
	return s.busy, s.idle
}

// present returns how long the present turn has run, which began at `began`, or 0 if there is none.
// The caller has read `began` before the figures. So if the turn has ended meanwhile, the figures
// say that a turn ended after `began`.
func (f *figures) present(began, since, now timeout.Deadline) time.Duration {
	switch {
	case f.final, began == 0:
		return 0
	case began == unmeasured && f.often.turnEnded == 0:
		return time.Duration(now - since)
	case began < max(f.often.turnEnded, since):
		return 0
	}
	return time.Duration(max(0, now-began))
}

// Load returns the sums over the loops. Present, Unsent, Longest and Recent are the maxima over the
// loops. Utilization is the average. For a single loop call Load of its Reactor: see Loops.
func (g *Group) Load() (sum Load) {
	for _, r := range g.loops {
		l := r.Load()
		sum.add(&l)
	}
	return sum
}
