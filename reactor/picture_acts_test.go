//go:build unix

package reactor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// The picture of a Listener shows why the Listener does not accept.
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

// An action affects the object with the ID. If that object is closed, the action returns an error,
// and never affects another Conn with the same number. An action for another kind of object does
// nothing.
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
		if err := act(inside.Pause, id); err == nil || !strings.Contains(err.Error(), "does not have this action") {
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

// Pictures that were requested before the end of the loop are delivered. After the end, picture and
// act return ErrClosed.
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

// recent has the latest log lines, and the latest ends of Conns that the program did not cause.
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

// recent has a slow callback with its duration and its peer. If the function that reads stacks is
// set, the stack during the callback is there too.
func TestRecentKeepsSlowCallbacks(t *testing.T) {
	inside.LoopStack = func(uintptr, time.Time) string { return "a stack" }
	defer func() { inside.LoopStack = nil }()
	r := started(t, WithSlowCallback(time.Millisecond))
	at := listen(t, r, "tcp", always(&hooks{data: func(c *Conn, p []byte) {
		// A stack is read at most once a second. If the accept was slow, this callback gets none.
		for began, looked := time.Now(), false; !looked; {
			r.watchdog.mu.Lock()
			looked = r.watchdog.stack != "" || r.watchdog.named && time.Since(began) > 50*time.Millisecond
			r.watchdog.mu.Unlock()
		}
		c.Send(p)
	}}))
	var got inside.Recent
	var s inside.Slow
	for s.Stack == "" {
		roundTrip(t, connect(t, at), "x")
		got = r.recent.get()
		for _, slow := range got.Slow {
			if slow.Stack != "" && slow.Peer.Port != 0 { // this callback, and not the accept
				s = slow
			}
		}
	}
	if s.Took < time.Millisecond || s.Stack != "a stack" || s.Peer.Port == 0 || s.FD <= 0 || got.Slows == 0 {
		t.Errorf("%+v", got)
	}
}
