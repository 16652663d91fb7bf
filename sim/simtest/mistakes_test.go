package simtest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/prefetch"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// discard is a Handler that reads everything and answers nothing.
type discard struct{}

func (discard) Data(*reactor.Conn, []byte)  {}
func (discard) Closed(*reactor.Conn, error) {}

// mistakes contains functions that make a program depend on something outside of the world. The
// test calls each of them in a timer of a client that has connections to three servers.
var mistakes = map[string]func(w *sim.World, h *sim.Host, conns map[int]*reactor.Conn, b []byte){
	"the order of a map decides who gets a message": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		for _, c := range conns {
			c.Send(b)
		}
	},
	"the order of a map in a message": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		i := 0
		for k := range conns {
			b[i] = byte(k)
			i++
		}
		conns[0].Send(b)
	},
	"time.Now in a message": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		binary.BigEndian.PutUint64(b, uint64(time.Now().UnixNano()))
		conns[0].Send(b)
	},
	"time.Now in a timer": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		d := time.Duration(time.Now().UnixNano()%1000) * time.Microsecond
		conns[0].Reactor().After(d, func() { conns[0].Send(b) })
	},
	"chance decides who gets a message": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		conns[rand.Intn(3)].Send(b)
	},
	"chance in a message": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		binary.BigEndian.PutUint64(b, rand.Uint64())
		conns[0].Send(b)
	},
	"a pointer in a message": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		kept = append(kept, make([]byte, 64)) // a different address each time
		copy(b, fmt.Sprintf("%p", kept[len(kept)-1])[4:])
		conns[0].Send(b)
	},
	"select of two channels": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		x, y := make(chan int, 1), make(chan int, 1)
		x <- 1
		y <- 2
		select {
		case i := <-x:
			conns[i].Send(b)
		case i := <-y:
			conns[i%3].Send(b)
		}
	},
	"a global variable": func(_ *sim.World, _ *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		counter++
		conns[counter/7%3].Send(b)
	},
	"a global variable in a rare branch": func(_ *sim.World, h *sim.Host, conns map[int]*reactor.Conn, b []byte) {
		if h.Rand().Int(15) == 0 { // from the seed, so that each run of this test has the same result
			rare++
			conns[rare%3].Send(b)
		}
	},
}

var (
	counter int
	rare    int
	kept    [][]byte
)

// client dials three servers and makes the mistake 20 times.
func client(w *sim.World, make20 func(h *sim.Host, conns map[int]*reactor.Conn, b []byte)) error {
	for i := range 3 {
		program(w.Host(fmt.Sprint("10.0.0.", i+1)), func(r *reactor.Reactor) error {
			_, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return discard{} })
			return err
		})
	}
	h := w.Host("10.0.1.1")
	program(h, func(r *reactor.Reactor) error {
		conns := map[int]*reactor.Conn{}
		r.After(10*time.Millisecond, func() {
			for i := range 3 {
				conns[i], _ = r.Dial("tcp", fmt.Sprintf("10.0.0.%d:80", i+1), discard{})
			}
		})
		for i := range 20 {
			r.After(time.Duration(50+10*i)*time.Millisecond, func() { make20(h, conns, make([]byte, 8)) })
		}
		return nil
	})
	return w.Run(time.Second)
}

// Each mistake in the table makes a program nondeterministic. Check notices it and reports the
// first step in which two runs differ.
func TestWhatIsNotSimulatedIsNoticed(t *testing.T) {
	for name, mistake := range mistakes {
		t.Run(name, func(t *testing.T) {
			f := &failing{TB: t}
			simtest.Check(f, 41, func(w *sim.World) error {
				return client(w, func(h *sim.Host, conns map[int]*reactor.Conn, b []byte) { mistake(w, h, conns, b) })
			})
			for _, want := range []string{"two histories", "the first step that differs", "second run: "} {
				if !strings.Contains(f.text, want) {
					t.Errorf("%.500q\ndoes not say %q", f.text, want)
				}
			}
		})
	}
}

// A test may fail in only one of two runs of a seed, or may fail in both with different histories.
// Check reports that such a seed cannot be replayed.
func TestAFailureWithTwoHistoriesIsToldSo(t *testing.T) {
	for name, fail := range map[string]func(w *sim.World, run int) error{
		"comes and goes": func(w *sim.World, run int) error {
			if w.Seed() == 2 && run%2 == 1 {
				return errors.New("ouch")
			}
			return nil
		},
		"other histories": func(w *sim.World, run int) error {
			if w.Seed() == 2 {
				w.Note("run %d", run)
				return errors.New("ouch")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &failing{TB: t}
			runs := 0
			simtest.Check(f, 100, func(w *sim.World) error {
				runs++
				return errors.Join(shout(w), fail(w, runs))
			})
			if !strings.Contains(f.text, "seed=2: two runs had two histories") || !strings.Contains(f.text, "ouch") {
				t.Errorf("got %q", f.text)
			}
		})
	}
}

// A name of World.Sometimes that was true under no seed fails the test. A name that was true under
// at least one seed does not.
func TestAStateThatIsNeverReachedIsToldSo(t *testing.T) {
	f := &failing{TB: t}
	simtest.Check(f, 20, func(w *sim.World) error {
		w.Sometimes("an even seed", w.Seed()%2 == 0)
		w.Sometimes("seed 21", w.Seed() == 21)
		return nil
	})
	if f.text != "never in 20 seeds: seed 21" {
		t.Errorf("got %q", f.text)
	}
	runs := 0
	if simtest.Check(t, 200, func(*sim.World) error { runs++; return nil }); runs != 200+7 {
		t.Errorf("200 seeds that pass ran %d times", runs)
	}
	none := &failing{TB: t}
	if simtest.Check(none, 0, nil); none.text != "simtest: Check of 0 seeds: must be 1 or more" {
		t.Errorf("got %q", none.text)
	}
}

// If a program starts a goroutine of its own, this goroutine panics at its first call of the world:
// a kernel call, a Post, a timer, a random number, or a fault. This includes the goroutines of an
// http.Client. Meanwhile goroutines end that are older than the world. Where goroutines have no
// address, this could hide a call.
func TestACallOfAGoroutinePanics(t *testing.T) {
	foreign := func(f func()) (v any) {
		before := runtime.NumGoroutine()
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			f()
		}()
		v = <-done
		for runtime.NumGoroutine() > before { // a goroutine that is ending would hide the next one
			runtime.Gosched()
		}
		return v
	}
	for seed := range uint64(20) {
		for i := range 3 {
			if prefetch.Goroutine() != 0 {
				go spin(time.Duration(seed)*50*time.Microsecond + time.Duration(i)*100*time.Microsecond)
			}
		}
		w := sim.New(seed, sim.Options{})
		h, other := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		seen := map[string]any{}
		program(h, func(r *reactor.Reactor) error {
			for i := range 30 { // a goroutine may get their stacks when these are free again
				r.Go(func(t *reactor.Task) { t.Sleep(time.Duration(i) * time.Millisecond) })
			}
			r.After(time.Second, func() {
				timer := r.After(time.Hour, func() {})
				other.Crash()
				for call, f := range map[string]func(){
					"Socket":      func() { h.Socket(2, 1, 0) },
					"Post":        func() { r.Post(func() {}) },
					"Host.Go":     func() { h.Go(func() {}) },
					"Reactor.Go":  func() { r.Go(func(*reactor.Task) {}) },
					"After":       func() { r.After(0, func() {}) },
					"Timer.Reset": func() { timer.Reset(0) },
					"Timer.Stop":  func() { timer.Stop() },
					"Rand":        func() { h.Rand() },
					"Crash":       func() { h.Crash() },
					"Kill":        func() { h.Kill("main") },
					"Pause":       func() { h.Pause(1) },
					"StepClock":   func() { h.StepClock(1) },
					"SetClock":    func() { h.SetClock(1) },
					"Cut":         func() { w.Cut(h, other) },
					"Restart":     func() { other.Restart() },
					"At":          func() { w.At(0, func() {}) },
					"Note":        func() { w.Note("x") },
					"Fail":        func() { w.Fail(errors.New("x")) },
				} {
					seen[call] = foreign(f)
				}
				r.Close()
			})
			return nil
		})
		if err := w.RunUntilDone(time.Minute); err != nil {
			t.Fatal(err)
		}
		if len(seen) < 18 {
			t.Errorf("only %d calls were made", len(seen))
		}
		for call, v := range seen {
			if v := fmt.Sprint(v); !strings.Contains(v, "from a goroutine of its own") {
				t.Errorf("seed %d, %s: panic %v", seed, call, v)
			}
		}
		w.Close()
	}
}

func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}
