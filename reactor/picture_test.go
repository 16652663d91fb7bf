//go:build unix

package reactor

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/zaplog"
	"github.com/ureactor/ureactor/timeout"
)

// picture turns the loop until it has a picture of itself.
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

// only is the one Conn of the picture.
func (l *lab) only() inside.Conn {
	l.Helper()
	p := l.picture()
	if len(p.Conns) != 1 {
		l.Fatalf("%d Conns", len(p.Conns))
	}
	return p.Conns[0]
}

// A picture shows each Conn once, and collects at most 500 entries a turn.
func TestPictureShowsEachConnOnceInSlices(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		n := longtest.Count(600, 1200, 3000)
		at := t.listen("tcp", acceptEcho)
		for i := range n {
			p := t.dial(at)
			p.send("hello")
			if i%100 == 0 { // the backlog is not endless
				t.until(func() bool { return t.r.conns == i+1 })
			}
		}
		t.until(func() bool { return t.r.conns == n && t.r.count.BytesIn == uint64(5*n) })
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

// Conns, Tasks and timers may end while a picture is collected. An object that ends before its
// place is not shown, and nothing is shown twice.
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
		t.turn() // tasks begin
		var p *inside.Loop
		r.picture(func(got *inside.Loop, err error) { p = got })
		for p == nil {
			t.turn()
			if task := r.tasks.oldest; task != nil {
				task.Cancel()
			}
			if task := r.tasks.seen; task != nil { // the place of the walk itself
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
		t.abort()
	})
}

// abort ends the reactor at once.
func (l *lab) abort() {
	l.r.abortNow()
	l.until(func() bool { return l.over })
}

// The states of a Conn: why it is not read, since when its peer accepts nothing, its deadlines.
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
		c.SetIdleTimeout(time.Hour)
		c.SetReadTimeout(2 * time.Hour)
		now := t.now()
		got := t.only()
		if got.State != inside.Paused || got.Idle != time.Hour || got.Quiet < now || got.Read < got.Quiet || got.Write < got.Read {
			t.Errorf("paused: %+v", got)
		}
		c.Resume()
		began := t.r.times.clock
		c.Send(make([]byte, 32<<20)) // more than the kernel's buffers hold
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

// A Task shows its function, what it waits for, until when, and who joins it. A descriptor shows
// which Tasks wait for it.
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
		if hour := time.Duration(s.Until - s.Since); hour < time.Hour || !slices.Equal(s.Joiners, []uintptr{joins.number()}) {
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

// pictureNow is the picture of a small loop: one turn collects it, and runs no Task before.
func (l *lab) pictureNow() (p *inside.Loop) {
	l.Helper()
	l.r.picture(func(got *inside.Loop, err error) { p = got })
	l.r.runPosted()
	if p == nil {
		l.Fatal("not in one turn")
	}
	return p
}

// Timers are counted by function, and past a hundred functions the rest are one entry.
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

// A Listener shows why it does not accept.
func TestPictureOfAListener(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		f := t.faults()
		f.accept = func(int) (kernel.Errno, bool) { return kernel.EMFILE, true }
		t.reactor(WithKernel(f))
		l, err := t.r.Listen("tcp", anyAddr(t, "tcp"), acceptEcho, WithBacklog(7))
		if err != nil {
			t.Fatal(err)
		}
		show := func() inside.Listener { return t.picture().Listeners[0] }
		if p := show(); p.Suspended || p.Paused || p.Full || p.Backlog != 7 || p.Addr != l.Addr().String() || p.Cause != 0 {
			t.Errorf("at first: %+v", p)
		}
		l.Pause()
		if p := show(); !p.Paused {
			t.Errorf("paused: %+v", p)
		}
		l.Resume()
		c := t.dial(l.Addr())
		t.until(func() bool { return show().Suspended })
		if p := show(); p.Cause != kernel.EMFILE {
			t.Errorf("without descriptors: %+v", p)
		}
		f.accept = nil
		t.until(func() bool { return t.r.conns == 1 })
		if p := show(); p.Suspended || p.Cause != 0 || p.Conns != 1 {
			t.Errorf("again: %+v", p)
		}
		c.close()
	})
}

// An action finds what the ID names, or reports that it is closed. It never reaches another Conn
// with the same number, and it has no effect on what it is not for.
func TestActReachesWhatTheIDNames(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		at := t.listen("tcp", acceptEcho)
		act := func(a inside.Action, id inside.ID) (err error) {
			t.r.act(a, id, func(e error) { err = e })
			t.turn()
			return err
		}
		c := t.dial(at)
		t.until(func() bool { return t.r.conns == 1 })
		id, l := t.only().ID, t.picture().Listeners[0].ID
		if err := act(inside.Pause, id); err == nil || !strings.Contains(err.Error(), "not for this action") {
			t.Errorf("Pause of a Conn: %v", err)
		}
		if err := act(inside.Abort, l); err == nil {
			t.Error("Abort of a Listener")
		}
		if err := act(inside.Pause, l); err != nil || !t.picture().Listeners[0].Paused {
			t.Errorf("Pause: %v", err)
		}
		if err := act(inside.Resume, l); err != nil || t.picture().Listeners[0].Paused {
			t.Errorf("Resume: %v", err)
		}
		if err := act(inside.Abort, id); err != nil {
			t.Error(err)
		}
		c.wantReset()
		t.dial(at)
		t.until(func() bool { return t.r.conns == 1 })
		if now := t.only().ID; now.FD != id.FD {
			t.Logf("another number: %v, then %v", id, now)
		}
		if err := act(inside.Abort, id); !errors.Is(err, ErrClosed) || t.r.conns != 1 {
			t.Errorf("an ID of a closed Conn: %v", err)
		}
		for _, id := range []inside.ID{{}, {FD: -1}, {FD: 1 << 30, Gen: 1}} {
			if err := act(inside.Close, id); !errors.Is(err, ErrClosed) {
				t.Errorf("%v: %v", id, err)
			}
		}
	})
}

// After the loop's end a picture and an action are ErrClosed. One that was asked for before comes.
func TestPictureOfALoopThatEnds(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		r := t.reactor()
		for range 2 * seenPerTurn {
			r.After(time.Hour, func() {})
		}
		var before, after []error
		r.picture(func(_ *inside.Loop, err error) { before = append(before, err) })
		r.picture(func(_ *inside.Loop, err error) { before = append(before, err) })
		t.shutdown(guard)
		if len(before) != 2 {
			t.Errorf("asked for before the end: %v", before)
		}
		r.picture(func(_ *inside.Loop, err error) { after = append(after, err) })
		r.act(inside.Close, inside.ID{}, func(err error) { after = append(after, err) })
		if len(after) != 2 || after[0] != ErrClosed || after[1] != ErrClosed {
			t.Errorf("asked for after the end: %v", after)
		}
	})
}

// The last error of each kind is kept, unless the program caused it.
func TestRecentKeepsTheLatest(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		for i := range recentMost + 3 {
			r.log.Warn("warned", zaplog.Int("number", i), zaplog.ByteString("stacks", []byte("long")))
			r.log.Info("said")
		}
		got := r.recent.get()
		if len(got.Log) != recentMost || got.Log[0].Text != "warn: warned number=3" {
			t.Errorf("%d lines, the first: %+v", len(got.Log), got.Log[0])
		}
		at := t.listen("tcp", acceptEcho)
		p := t.dial(at)
		t.until(func() bool { return r.conns == 1 })
		p.reset()
		t.until(func() bool { return r.conns == 0 })
		t.dial(at)
		t.until(func() bool { return r.conns == 1 })
		for c := range r.Conns() {
			c.Abort()
		}
		t.turn()
		got = r.recent.get()
		if got.Failed != 1 || len(got.Ends) != 1 || !errors.Is(got.Ends[0].Err, kernel.ECONNRESET) || got.Ends[0].Peer.Port == 0 {
			t.Errorf("ends: %+v", got)
		}
	})
}

// A callback that keeps the loop is kept with its length, its peer, and the stack that it had
// meanwhile, if somebody can show it.
func TestRecentKeepsSlowCallbacks(t *testing.T) {
	inside.LoopStack = func(uintptr) string { return "a stack" }
	defer func() { inside.LoopStack = nil }()
	r := started(t, WithSlowCallback(time.Millisecond))
	at := listen(t, r, "tcp", always(&hooks{data: func(c *Conn, p []byte) {
		for looked := false; !looked; {
			r.watchdog.mu.Lock()
			looked = r.watchdog.stack != ""
			r.watchdog.mu.Unlock()
		}
		c.Send(p)
	}}))
	roundTrip(t, connect(t, at), "x")
	got := r.recent.get()
	for ; len(got.Slow) == 0; got = r.recent.get() {
		roundTrip(t, connect(t, at), "x")
	}
	s := got.Slow[0]
	if s.Took < time.Millisecond || s.Stack != "a stack" || s.Peer.Port == 0 || s.FD <= 0 || got.Slows == 0 {
		t.Errorf("%+v", got)
	}
}
