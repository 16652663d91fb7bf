package reactor

import (
	"sync"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// A Load says how a loop has spent its time since it began to measure, at the first call of
// Reactor.Load. Busy is the time in turns. Idle is the other time, in which the loop sleeps in its
// Poller or nobody runs it. All times are measured by the Kernel's clock.
type Load struct {
	Busy, Idle time.Duration

	Turns Histogram // the duration of each turn, without the sleep before it
	Lag   Histogram // from a timer's deadline until its turn reaches the timers
	Posts Histogram // from Post or PostSend until its turn reaches the posts
	Wakes Histogram // from the wake, the Go or the yield of a Task until its turn reaches the tasks

	// Present is how long the present turn has run. It is 0 while the loop sleeps. While a callback
	// hangs, it grows.
	Present time.Duration

	// Longest is the longest turn, and Recent is the longest turn of the last 10 to 20 seconds.
	// Turns of less than 100 µs do not count.
	Longest, Recent SlowTurn

	// Unsent is the age of the oldest output that the kernel has refused, of all Conns. It is 0 if
	// there is no such output.
	Unsent time.Duration
}

// Utilization returns the part of the time that the loop was busy: Busy / (Busy + Idle), from 0 to
// 1.
func (l Load) Utilization() float64 {
	if l.Busy+l.Idle <= 0 {
		return 0
	}
	return float64(l.Busy) / float64(l.Busy+l.Idle)
}

// Since returns the Load of the time since earlier, which is an earlier Load of the same Reactor or
// Group. The times and Histograms of the result are differences. Its other fields are those of l.
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

// Load returns the Load of the loop. Any goroutine may call it, and the loop never waits for it. At
// the first call, the loop begins to measure, and reads the clock from then on. So the first call
// returns times of nearly 0. A turn that has not ended counts up to now.
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

// measure makes the loop begin to measure, unless it measures already.
func (r *Reactor) measure(now timeout.Deadline) { r.measuring.CompareAndSwap(0, max(int64(now), 1)) }

// shown has the times that Load has returned. A later Load must not return smaller ones. Without
// shown it could: Load counts the present turn up to now, but the loop counts the turn up to its
// end, and publishes that a little later.
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

// present returns how long the present turn has run. `began` is when that turn began. If there is
// no present turn, the result is 0. The caller must have read `began` before the figures. If the
// turn has ended meanwhile, the figures then show that a turn has ended after `began`.
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

// Load returns the sums over all loops. Present, Unsent, Longest and Recent are the maxima over all
// loops. Utilization of the result is the average. For one loop, call Load of its Reactor: see
// Loops.
func (g *Group) Load() (sum Load) {
	for _, r := range g.loops {
		l := r.Load()
		sum.add(&l)
	}
	return sum
}
