package inspector

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/stacks"
	"github.com/ureactor/ureactor/reactor"
)

const (
	every    = time.Second            // between two samples
	unasked  = 15 * time.Second       // without a request for so long, sampling ends
	patience = 300 * time.Millisecond // how long a request waits for new pictures
	points   = 120                    // how many values a chart has
	shareMax = 20                     // a picture that took d is collected at most every shareMax·d
)

// While requests arrive, a sampler reads the figures of the loops once a second and collects their
// pictures. One sampler serves all requests.
type sampler struct {
	loops []*loop

	mu      sync.Mutex // guards the fields below
	asked   time.Time  // the time of the latest request
	running bool
}

// A loop contains the samples and the picture of one loop.
type loop struct {
	r    *reactor.Reactor
	acts atomic.Int32 // actions that wait for the loop

	mu      sync.Mutex // guards the fields below
	now     sample     // the latest sample
	charts  [3][]float64
	pic     *picture      // the latest picture; nil before the first one
	pending time.Time     // when the pending picture was requested; zero: none is pending
	came    chan struct{} // is closed when the pending picture arrives
	next    time.Time     // no picture is requested before this time
	ended   bool
}

// A sample contains the figures of a loop, and their changes since the sample before.
type sample struct {
	at    time.Time
	load  reactor.Load
	stats reactor.Stats
	span  reactor.Load // changes since the sample before
	rates rates
}

// rates contains values for one second.
type rates struct{ in, out, turns, accepted float64 }

func newSampler(loops []*reactor.Reactor) *sampler {
	s := &sampler{}
	for i, r := range loops {
		if r == nil {
			panic("inspect: a loop is nil")
		}
		if slices.Contains(loops[:i], r) {
			panic("inspect: a loop is listed twice")
		}
		s.loops = append(s.loops, &loop{r: r})
	}
	if len(loops) == 0 {
		panic("inspect: no loops; pass Group.Loops, or one Reactor")
	}
	return s
}

// look serves a request. It starts the sampling of all loops, and waits a short time for pictures
// that are new enough.
func (s *sampler) look() {
	s.mu.Lock()
	s.asked = time.Now()
	if !s.running {
		s.running = true
		for _, l := range s.loops {
			l.sample(s.asked)
		}
		go s.run()
	}
	s.mu.Unlock()
	s.pictures(patience)
}

// pictures requests pictures and waits up to d for them.
func (s *sampler) pictures(d time.Duration) {
	var wait []<-chan struct{}
	for _, l := range s.loops {
		if c := l.ask(); c != nil {
			wait = append(wait, c)
		}
	}
	limit := time.NewTimer(d)
	defer limit.Stop()
	for _, c := range wait {
		select {
		case <-c:
		case <-limit.C:
			return
		}
	}
}

// run samples until no more requests come.
func (s *sampler) run() {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for now := range tick.C {
		s.mu.Lock()
		if now.Sub(s.asked) > unasked {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, l := range s.loops {
			l.sample(now)
			l.ask()
		}
	}
}

// sample reads the figures of the loop. The sampler does not wait for the loop, and the loop does
// not wait for the sampler.
func (l *loop) sample(now time.Time) {
	load, stats := l.r.Load(), l.r.Stats()
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.now
	l.now = sample{at: now, load: load, stats: stats}
	d := now.Sub(old.at).Seconds()
	if old.at.IsZero() || d > 10*every.Seconds() { // a pause without requests
		l.charts, l.now.span = [3][]float64{}, load
		return
	}
	l.now.span = load.Since(&old.load)
	per := func(from, to uint64) float64 { return float64(to-from) / max(d, 0.001) }
	l.now.rates = rates{
		in: per(old.stats.BytesIn, stats.BytesIn), out: per(old.stats.BytesOut, stats.BytesOut),
		turns: per(old.stats.Turns, stats.Turns), accepted: per(old.stats.Accepted, stats.Accepted),
	}
	lag := max(l.now.span.Lag.Quantile(0.99), load.Present)
	for i, v := range []float64{l.now.span.Utilization(), lag.Seconds(), l.now.rates.in + l.now.rates.out} {
		if c := l.charts[i]; len(c) == points {
			copy(c, c[1:])
			c[points-1] = v
		} else {
			l.charts[i] = append(c, v)
		}
	}
}

// ask requests a picture, unless the latest one is new enough or one is already pending. It returns
// a channel that is closed when a picture arrives, or nil if none will arrive.
func (l *loop) ask() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.pending.IsZero():
		if time.Since(l.pending) > patience { // the loop hangs, so requests do not wait for it
			return nil
		}
		return l.came
	case l.ended || time.Now().Before(l.next):
		return nil
	case l.r.Load().Present >= every: // otherwise the requests of WriteText would pile up
		return nil
	}
	l.pending, l.came = time.Now(), make(chan struct{})
	came := l.came
	go inside.Inspected(l.r).Picture(func(p *inside.Loop, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pending = time.Time{}
		close(came)
		if errors.Is(err, reactor.ErrClosed) {
			l.ended, l.pic = true, nil
		}
		if err != nil {
			return
		}
		l.pic = newPicture(p, l.pic)
		l.next = time.Now().Add(max(every/2, shareMax*time.Duration(p.Now-p.Began)))
	})
	return came
}

// hangs returns how long the current turn of the loop has run, or 0 if that is not long. Usually a
// second is long. A loop measures its turns only since the first request, which may have come
// during a turn that already hung. So before the first picture, half of patience is long.
func (l *loop) hangs() time.Duration {
	d, least := l.r.Load().Present, every
	if l.latest() == nil {
		least = patience / 2
	}
	if d >= least {
		return d
	}
	return 0
}

// A glance is what is known about a loop at one moment. A page uses one glance for each loop, so
// that it does not contradict itself.
type glance struct {
	loop   int
	hang   time.Duration // how long the present turn has run; 0: the loop does not hang
	stack  string        // where the loop hangs
	now    sample
	charts [3][]float64
	pic    *picture // nil before the first one
	slow   []inside.Slow
	ended  bool
}

func (l *loop) glance(i int) *glance {
	g := &glance{loop: i, slow: inside.Inspected(l.r).Recent().Slow}
	if d := l.hangs(); d > 0 {
		g.hang, g.stack = d, l.stack(time.Now().Add(-d))
		if l.r.Load().Present < d { // the turn has ended, so the stack may be of a later one
			g.hang, g.stack = 0, ""
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g.now, g.pic, g.ended = l.now, l.pic, l.ended
	for k := range g.charts {
		g.charts[k] = append([]float64(nil), l.charts[k]...)
	}
	return g
}

// stack returns a stack of the loop that is at most a second old and that was read after `since`.
func (l *loop) stack(since time.Time) string {
	return loopStack(uintptr(unsafe.Pointer(l.r)), since)
}

func init() { inside.LoopStack = loopStack }

func loopStack(r uintptr, since time.Time) string {
	return cleanLines(stacks.Loop(allStacks.get(since), r))
}

// allStacks contains the stacks of all goroutines. To read them stops the whole program. So they
// are read at most once a second, except if a turn or callback of interest has begun since.
var allStacks dump

type dump struct {
	mu   sync.Mutex
	at   time.Time
	text string
}

// get returns stacks that are at most a second old and that were read after `since`.
func (d *dump) get(since time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.text == "" || time.Since(d.at) >= every || d.at.Before(since) {
		d.text, d.at = stacks.All(), time.Now()
		time.AfterFunc(2*every, d.drop)
	}
	return d.text
}

// drop frees the text, unless the stacks were read again meanwhile.
func (d *dump) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.at) >= every {
		d.text = ""
	}
}
