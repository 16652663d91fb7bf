//go:build unix

package reactor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// picture makes turns until the loop has collected a picture.
func (l *lab) picture() *inside.Loop {
	l.Helper()
	var p *inside.Loop
	l.r.picture(func(got *inside.Loop, err error) {
		if p = got; err != nil {
			l.Fatal(err)
		}
	})
	l.until(func() bool { return p != nil })
	return p
}

// only returns the Conn of a picture that has one Conn.
func (l *lab) only() inside.Conn {
	l.Helper()
	p := l.picture()
	if len(p.Conns) != 1 {
		l.Fatalf("%d Conns", len(p.Conns))
	}
	return p.Conns[0]
}

// A picture shows each Conn once. A turn adds at most 500 entries to it.
func TestPictureShowsEachConnOnceInSlices(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		n := longtest.Count(600, 1200, 3000)
		at := t.listen("tcp", acceptEcho)
		for i := range n {
			p := t.dial(at)
			p.send("hello")
			if i%100 == 0 { // the backlog is limited
				t.until(func() bool { return t.r.conns == i+1 })
			}
		}
		t.until(func() bool { return t.r.conns == n && t.r.often.bytesIn == uint64(5*n) })
		p := t.picture()
		seen := map[inside.ID]bool{}
		for _, c := range p.Conns {
			if seen[c.ID] = true; c.In != 5 || c.Handler != "reactor.echo" || c.Local != at.String() || c.Peer.Port == 0 {
				t.Fatalf("%+v", c)
			}
		}
		if len(seen) != n || len(p.Conns) != n || len(p.Listeners) != 1 || p.Listeners[0].Conns != n {
			t.Errorf("%d Conns, %d different ones, of %d; listeners: %+v", len(p.Conns), len(seen), n, p.Listeners)
		}
		if want := (n+1)/seenPerTurn + 1; p.Turns != want {
			t.Errorf("%d turns, want %d", p.Turns, want)
		}
	})
}

// Conns, Tasks and timers may end while a picture is collected. An object that ends before the
// picture reaches it is not shown. No object is shown twice.
func TestPictureOfALoopThatChanges(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		r := t.reactor()
		for range 3 * seenPerTurn {
			r.After(time.Hour, func() {})
			r.Go(func(t *Task) { t.Sleep(time.Hour) })
			if _, err := r.Dial("tcp", "198.51.100.1:1", echo{}); err != nil {
				t.Fatal(err)
			}
		}
		t.turn() // the tasks begin
		var p *inside.Loop
		r.picture(func(got *inside.Loop, err error) { p = got })
		for p == nil {
			t.turn()
			if task := r.tasks.oldest; task != nil {
				task.Cancel()
			}
			if task := r.tasks.seen; task != nil { // the Task that the picture would show next
				task.Cancel()
			}
			if c := r.unconnected.seen; c != nil {
				c.Abort()
			}
		}
		ids := map[uintptr]bool{}
		for _, task := range p.Tasks {
			if ids[task.ID] {
				t.Fatalf("twice: %+v", task)
			}
			ids[task.ID] = true
		}
		if n := len(p.Tasks); n < 2*seenPerTurn || n > 3*seenPerTurn {
			t.Errorf("%d Tasks", n)
		}
		if n := len(p.Conns); n < 2*seenPerTurn || n > 3*seenPerTurn {
			t.Errorf("%d Conns", n)
		}
		t.abort()
	})
}

// abort ends the reactor at once.
func (l *lab) abort() {
	l.r.abortNow()
	l.until(func() bool { return l.over })
}

// The picture of a Conn shows why it is not read, since when its peer has accepted nothing, and its
// deadlines.
func TestPictureOfAConn(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		var c *Conn
		h := &hooks{opened: func(got *Conn) { c = got }}
		at := t.listen("tcp", always(h), WithLimits(10, 100, 64<<20))
		p := t.dial(at)
		t.until(func() bool { return c != nil })
		if s := t.only().State; s != 0 {
			t.Errorf("state %b at first", s)
		}
		c.Pause()
		c.SetReadTimeout(2 * time.Hour)
		if got := t.only(); got.Idle != 0 || got.Quiet != timeout.Never {
			t.Errorf("without an idle timeout: %+v", got)
		}
		c.SetIdleTimeout(time.Hour)
		now := t.now()
		got := t.only()
		if got.State != inside.Paused || got.Idle != time.Hour || got.Quiet < now || got.Read < got.Quiet || got.Write < got.Read {
			t.Errorf("paused: %+v", got)
		}
		c.Resume()
		began := t.r.times.clock
		c.Send(make([]byte, 16<<20)) // more than fits in the kernel's buffers
		t.pass(time.Second)
		got = t.only()
		if got.State != inside.BackPressured|inside.Blocked || got.Buffered == 0 || got.Out == 0 || got.Stuck < began ||
			got.Stuck > t.now() || got.High != 100 {
			t.Errorf("stuck: %+v", got)
		}
		if t.os() == "linux" && got.Unsent <= 0 {
			t.Errorf("%d bytes unsent", got.Unsent)
		}
		since := got.Stuck
		t.pass(100 * time.Millisecond)
		if got = t.only(); got.Stuck != since {
			t.Errorf("stuck since %d, then since %d", since, got.Stuck)
		}
		p.read(1 << 20)
		t.until(func() bool { return t.only().Stuck > since })
		c.Close()
		if got = t.only(); got.State&inside.Closing == 0 || got.GiveUp < t.now() {
			t.Errorf("closing: %+v", got)
		}
		c.Abort()
	})
}

// The picture of a Task shows its function, what it waits for, its deadline, and which Tasks join
// it. The picture of a descriptor shows which Tasks wait for it.
func TestPictureOfTasks(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		r := t.reactor()
		sleeps := r.Go(func(t *Task) { t.Sleep(time.Hour) })
		joins := r.Go(func(t *Task) { t.Join(sleeps) })
		awaits := make(chan struct{})
		waits := r.Go(func(t *Task) { t.Await(func() { <-awaits }) })
		fd, peer := t.pair()
		d := desc.New(t.k, fd, inside.Waiter(r))
		reads := r.Go(func(*Task) {
			var b [1]byte
			d.Recv(&desc.Call{Limit: timeout.None}, b[:], 0)
		})
		t.turn()
		begins := r.Go(func(*Task) {})
		p := t.pictureNow()
		byID := map[uintptr]inside.Task{}
		for _, task := range p.Tasks {
			byID[task.ID] = task
			if !strings.Contains(task.Func, "TestPictureOfTasks") {
				t.Errorf("function %q", task.Func)
			}
		}
		for task, want := range map[*Task]inside.Reason{sleeps: inside.Sleep, joins: inside.Join, waits: inside.Await,
			reads: inside.Event, begins: inside.Turn} {
			if got := byID[task.number()]; got.Reason != want || got.ID == 0 {
				t.Errorf("waits for %d, want %d: %+v", got.Reason, want, got)
			}
		}
		s := byID[sleeps.number()]
		if hour := time.Duration(s.Until - s.Since); hour < time.Hour || hour > 2*time.Hour || !slices.Equal(s.Joiners, []uintptr{joins.number()}) {
			t.Errorf("the sleeper: %+v, %v", s, hour)
		}
		if len(p.Watches) != 1 || p.Watches[0].Kind != inside.ByTask || !slices.Equal(p.Watches[0].Waiters, []uintptr{reads.number()}) {
			t.Errorf("descriptors: %+v", p.Watches)
		}
		if len(p.Timers) != 1 || p.Timers[0].N != 1 || !strings.Contains(p.Timers[0].Func, "timerFired") {
			t.Errorf("timers: %+v", p.Timers)
		}
		close(awaits)
		peer.close()
		t.until(func() bool { return reads.Done() && waits.Done() })
		sleeps.Cancel()
		t.turn()
		d.Close()
	})
}

// pictureNow returns the picture of a small loop. One turn collects that, before any Task runs.
func (l *lab) pictureNow() (p *inside.Loop) {
	l.Helper()
	l.r.picture(func(got *inside.Loop, err error) { p = got })
	l.r.runPosted()
	if p == nil {
		l.Fatal("not in one turn")
	}
	return p
}

// Timers are counted by their function. A picture lists a hundred functions, and has one entry for
// all others.
func TestPictureOfTimers(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		r := t.reactor()
		for i := range 3 {
			r.After(time.Duration(i+1)*time.Hour, func() {})
		}
		p := t.pictureNow()
		if len(p.Timers) != 1 {
			t.Fatalf("%+v", p.Timers)
		}
		if e := p.Timers[0]; e.N != 3 || time.Duration(e.Last-e.First) < 2*time.Hour || !strings.Contains(e.Func, "TestPictureOfTimers") {
			t.Errorf("%+v", e)
		}
		w := painter{r: r, p: &inside.Loop{}, left: seenPerTurn, funcs: map[uintptr]int{}}
		for i := range uintptr(timerFuncs) {
			w.funcs[i] = int(i)
			w.p.Timers = append(w.p.Timers, inside.Timers{})
		}
		if w.timers(); len(w.p.Timers) != timerFuncs+1 || w.p.Timers[timerFuncs].N != 3 || w.p.Timers[timerFuncs].Func != "others" {
			t.Errorf("%+v", w.p.Timers[timerFuncs:])
		}
	})
}

// The age of a loop begins with New.
func TestAgeBeginsWithNew(t *testing.T) {
	simulated(t, func(t *lab) {
		t.pass(time.Second)
		if r := t.reactor(); r.began != t.now() || r.age() != 0 {
			t.Errorf("began at %v, now it is %v", r.began, t.now())
		}
	})
}
