package sim

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/ureactor/ureactor/timeout"
)

// Now returns the host's time. It takes no time and is not a step of the history.
func (h *Host) Now() timeout.Deadline {
	h.w.tick()
	return timeout.Deadline(h.clock(h.w.now))
}

// Date is the date at which every world begins. It is far in the future: for a world, a time of the
// machine has always passed, and on the machine a time of a world is never reached. So a program
// that mixes the two fails in every run.
var Date = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// Time returns the date on the host by its own clock. Programs on a host use it instead of
// time.Now: see netconn.Net.Time and reactor.Reactor.Time. StepClock changes the date.
func (h *Host) Time() time.Time { return Date.Add(time.Duration(int64(h.Now())-epoch) + h.stepped) }

// SetClock makes the host's clock faster, or slower if drift is negative. drift is in millionths,
// and is at most one half.
func (h *Host) SetClock(drift Chance) {
	if drift < -Always/2 || drift > Always/2 {
		panic(fmt.Sprintf("sim: clock drift %d: must be -500,000 … 500,000 millionths", drift))
	}
	if h.w.live != nil {
		panic("sim: SetClock of a live world, whose goroutines have the clock of time.Now")
	}
	if drift != 0 {
		if h.drifts++; !h.w.does(Fault{Kind: Drifts, Host: h.name, Nth: h.drifts, Drift: drift}) {
			return
		}
	}
	h.began, h.since = h.clock(h.w.now), h.w.now
	h.drift = drift
	for _, p := range h.procs { // the deadlines of the programs are now at other times of the world
		if p.last != nil && !p.over() && p.w.cur != p {
			p.soon(h.w.now)
		}
	}
}

// clock returns the host's time at the world's time `at`.
func (h *Host) clock(at int64) int64 {
	gone := at - h.since
	return h.began + gone + share(gone, int64(h.drift))
}

// share returns n·millionths/1e6 without an overflow.
func share(n, millionths int64) int64 {
	return n/int64(Always)*millionths + n%int64(Always)*millionths/int64(Always)
}

// when returns the first time of the world at which the host's clock shows d or more.
func (h *Host) when(d timeout.Deadline) int64 {
	if d == timeout.Never {
		return never
	}
	gone := max(int64(d), h.began) - h.began
	if h.drift != 0 {
		hi, lo := bits.Mul64(uint64(gone), uint64(Always))
		q, _ := bits.Div64(hi%uint64(Always+h.drift), lo, uint64(Always+h.drift))
		gone = int64(min(q, uint64(never/2)))
	}
	at := h.since + gone
	if at < 0 {
		return never
	}
	for at > h.since && h.clock(at-1) >= int64(d) {
		at--
	}
	for h.clock(at) < int64(d) {
		at++
	}
	return max(at, h.w.now)
}
