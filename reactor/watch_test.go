//go:build unix

package reactor

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

func pipe(t testing.TB) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	for _, fd := range p {
		unix.CloseOnExec(fd)
		unix.SetNonblock(fd, true)
	}
	return p[0], p[1]
}

// A Watch without Edge is called as long as there is input. It is also called if the other end
// closes, whatever its interest is.
func TestWatchTellsWhatIsReady(t *testing.T) {
	t.Run("pipe", func(t *testing.T) {
		inLab(t, kinds[0], func(t *lab) {
			rd, wr := pipe(t)
			watchInput(t, rd, t.peer(wr), wr, poller.Hup|poller.End) // a kqueue also reports End
		})
	})
	twice(t, func(t *lab) {
		rd, wr := t.pair()
		watchInput(t, rd, wr, wr.fd, poller.Hup|poller.End)
	})
}

func watchInput(t *lab, rd int, p *peer, wr int, end poller.Readiness) {
	r := t.reactor()
	var told []poller.Readiness
	w, err := r.Watch(t.own(rd), poller.In, func(i poller.Readiness) { told = append(told, i) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	out, err := r.Watch(wr, poller.Out, func(i poller.Readiness) {
		if i&poller.Out == 0 {
			t.Errorf("the writing end is %v", i)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Turn(0)
	if len(told) != 0 {
		t.Fatalf("an empty one is %v", told)
	}
	write(t, wr, "x")
	r.Turn(0)
	r.Turn(0)
	if len(told) != 2 || told[0] != poller.In || told[1] != poller.In {
		t.Errorf("told %v, want in twice", told)
	}
	read(t, rd)
	out.Stop()
	p.close()
	told = nil
	r.Turn(0)
	if len(told) != 1 || told[0]&end == 0 {
		t.Errorf("told %v, want %v", told, end)
	}
}

// write sends and read receives a few bytes; the descriptor may be a pipe.
func write(t *lab, fd int, s string) {
	if t.simulated() {
		t.k.Send(fd, []byte(s), 0)
	} else {
		unix.Write(fd, []byte(s))
	}
}

func read(t *lab, fd int) {
	if t.simulated() {
		t.k.Recv(fd, make([]byte, 2), 0)
	} else {
		unix.Read(fd, make([]byte, 2))
	}
}

// With an empty interest a Watch is not called, not even for Err and Hup, and the loop sleeps. When
// Want sets another interest, the Watch is called at once. Edge alone is an empty interest.
func TestWatchThatWantsNothingHearsNothing(t *testing.T) {
	twice(t, func(t *lab) {
		for _, none := range []poller.Interest{0, poller.Edge, poller.Interest(poller.Err | poller.Hup)} {
			r := t.reactor()
			rd, wr := t.pair()
			told := 0
			w, err := r.Watch(rd, none, func(poller.Readiness) { told++ })
			if err != nil {
				t.Fatalf("Watch for %v: %v", none, err)
			}
			wr.close() // this causes Hup
			for range 3 {
				r.Turn(r.Now() + timeout.Deadline(time.Millisecond))
			}
			if told != 0 || r.often.events != 0 {
				t.Errorf("told %d times, %d Events", told, r.often.events)
			}
			if err := w.Want(poller.In); err != nil {
				t.Error(err)
			}
			r.Turn(0)
			if err := w.Want(none); err != nil || told != 1 {
				t.Errorf("told %d times, want once; %v", told, err)
			}
			r.Turn(0)
			if told != 1 {
				t.Error("told though nothing is wanted any more")
			}
			w.Stop()
			t.k.Close(rd)
		}
	})
}

// If a descriptor cannot be watched, Watch returns an error with its number. If the descriptor has
// a Watch already, Watch panics.
func TestWatchRefusesWhatItCannotWatch(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		if !t.simulated() { // a simulated kernel has no such files
			f, err := os.CreateTemp(t.TempDir(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := r.Watch(int(f.Fd()), poller.In, func(poller.Readiness) {}); !errors.Is(err, kernel.EPERM) {
				t.Errorf("a regular file: %v, want EPERM", err)
			}
		}
		if _, err := r.Watch(-1, poller.In, func(poller.Readiness) {}); err == nil {
			t.Error("descriptor -1 is watched")
		}
		if _, err := r.Watch(9999, poller.In, func(poller.Readiness) {}); !errors.Is(err, kernel.EBADF) {
			t.Errorf("no such descriptor: %v, want EBADF", err)
		}
		rd, wr := t.pair()
		t.own(rd)
		w, err := r.Watch(rd, 0, func(poller.Readiness) {})
		if err != nil {
			t.Fatal(err)
		}
		wantPanic(t, "already", func() { r.Watch(rd, 0, func(poller.Readiness) {}) })
		wantPanic(t, "nil function", func() { r.Watch(wr.fd, 0, nil) })
		w.Stop()
		if r.table.Len() != 0 {
			t.Errorf("%d in the table", r.table.Len())
		}
	})
}

// When the reactor ends, its Watches end. Their descriptors stay open and belong to user code.
func TestWatchesEndWithTheReactor(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		rd, wr := t.pair()
		t.own(rd)
		w, err := r.Watch(rd, poller.In, func(poller.Readiness) { t.Error("told after the end") })
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		for r.Turn(0) != ErrClosed {
		}
		wr.send("x")
		if n, e := t.k.Recv(rd, make([]byte, 2), 0); n != 1 {
			t.Errorf("the descriptor is closed: %v", e)
		}
		if err := w.Want(poller.Out); err != ErrClosed {
			t.Errorf("Want after the end: %v", err)
		}
		w.Stop()
		if _, err := r.Watch(rd, poller.In, func(poller.Readiness) {}); err != ErrClosed {
			t.Errorf("Watch after the end: %v", err)
		}
	})
}

// A reactor can run inside another loop that uses only FD and Next. Here that loop is a plain
// Poller. An echo, timers and posts work. Without work the reactor needs no turn.
func TestReactorEmbeddedByFDAndNext(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		c := t.dial(t.listen("tcp", acceptEcho))
		outer, err := t.k.NewPoller()
		if err != nil {
			t.Fatal(err)
		}
		defer outer.Close()
		if err := outer.Add(r.FD(), 1, poller.In); err != nil {
			t.Fatal(err)
		}
		ticks := 0
		var tick *Timer
		tick = r.After(time.Millisecond, func() {
			if ticks++; ticks < 5 {
				tick.Reset(time.Millisecond)
			}
		})
		trips, stop := 0, false
		c.send("hello")
		events := make([]poller.Event, 8)
		outerTurns, empty := 0, 0
		for !stop || ticks < 5 || r.conns > 0 {
			until := r.Next()
			if trips < 200 { // the echo may still be on its way
				until = until.Sooner(r.Now() + timeout.Deadline(100*time.Microsecond))
			}
			n, err := outer.Wait(events, until)
			if err != nil {
				t.Fatal(err)
			}
			outerTurns++
			if n == 0 && until > r.Now() {
				empty++
			}
			if n > 0 || r.Next().Passed(r.Now()) {
				if err := r.Turn(0); err != nil {
					t.Fatal(err)
				}
			}
			if c.fd < 0 {
				continue
			}
			if k, _ := c.look(make([]byte, 5)); k == 5 {
				if trips++; trips < 200 {
					c.send("hello")
				} else if trips == 200 {
					c.close()
					post := func() { r.Post(func() { stop = true }) }
					if t.simulated() {
						post()
					} else {
						go post()
					}
				}
			}
		}
		if empty > 0 {
			t.Errorf("%d of %d waits ended for nothing", empty, outerTurns)
		}
		if n, _ := outer.Wait(events, 0); n != 0 {
			r.Turn(0)
			if n, _ = outer.Wait(events, 0); n != 0 {
				t.Error("the reactor at rest is ready still")
			}
		}
	})
}

// The first call decides whether Run or Turn runs the reactor. The other one then panics. Turn
// inside of Turn panics too.
func TestOneDriverOnly(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		r.Turn(0)
		wantPanic(t, "Run of a reactor", func() { r.Run(t.Context()) })
		r.Post(func() { wantPanic(t, "inside a callback", func() { r.Turn(0) }) })
		r.Turn(0)
		s := t.reactor()
		s.After(0, func() {
			wantPanic(t, "that Run runs", func() { s.Turn(0) })
			s.Close()
		})
		if err := s.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
