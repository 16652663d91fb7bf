package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

// hostile contains a chance for every kind of fault.
var hostile = sim.Faults{ShortRead: 5 * sim.Percent, ShortWrite: 5 * sim.Percent, Again: 3 * sim.Percent, Interrupt: 3 * sim.Percent,
	Error: 2 * sim.Percent, Spurious: 5 * sim.Percent, EarlyWait: 5 * sim.Percent, Loss: 3 * sim.Percent, Duplicate: 3 * sim.Percent,
	Reorder: 5 * sim.Percent, SlowFIN: 5 * sim.Percent, OneByte: sim.Percent, SlowAccepts: 5 * sim.Percent}

// In asks, host b sends 100 questions to host a in datagrams, and waits 50 ms for each answer. No
// fault makes asks itself fail. But the function planted may return an error. For each question it
// gets the error of a Socket call, and whether the answer came.
func asks(w *sim.World, planted func(i int, socket kernel.Errno, answered bool) error) error {
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	at := kernel.Inet(addr("10.0.0.1:53"))
	a.Boot("answers", func() {
		p, fd := waiting(a, at)
		if p == nil {
			return
		}
		defer p.Close()
		defer p.Del(fd)
		var events [1]poller.Event
		for buf := make([]byte, 100); ; {
			if _, err := p.Wait(events[:], timeout.Never); errors.Is(err, sim.ErrCrashed) {
				return
			}
			if n, from, e := a.RecvFrom(fd, buf, 0); e == 0 {
				a.SendTo(fd, buf[:n], 0, from)
			}
		}
	})
	b.Boot("asks", func() {
		for i := range 100 {
			p, fd := waiting(b, kernel.Addr{})
			if p == nil {
				return
			}
			extra, e := b.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
			if e == 0 {
				b.Close(extra)
			}
			buf := []byte{byte(i)}
			b.SendTo(fd, buf, 0, at)
			answered := false
			for end := b.Now() + timeout.Deadline(50*time.Millisecond); !answered && b.Now() < end; {
				var events [1]poller.Event
				if _, err := p.Wait(events[:], end); errors.Is(err, sim.ErrCrashed) {
					return
				}
				n, _, e := b.RecvFrom(fd, buf, 0)
				answered = n == 1 && e == 0 && buf[0] == byte(i)
			}
			if err := planted(i, e, answered); err != nil {
				w.Fail(err)
			}
			p.Del(fd)
			b.Close(fd)
			p.Close()
		}
	})
	w.SetFaults(hostile)
	return w.Run(time.Minute)
}

// waiting makes a datagram socket, and a Poller that watches it.
func waiting(h *sim.Host, at kernel.Addr) (poller.Poller, int) {
	for h.Up() {
		p, err := h.NewPoller()
		if err != nil {
			continue
		}
		fd, e := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
		if e == 0 && at.Family != 0 {
			e = h.Bind(fd, at)
		}
		if e == 0 && p.Add(fd, 1, poller.In) == nil {
			return p, fd
		}
		if fd >= 0 {
			h.Close(fd)
		}
		p.Close()
	}
	return nil, 0
}

// A program fails only if a packet is lost and a send returns ENOBUFS in the same of its hundred
// rounds. Many other faults happen too. Shrink finds these two faults. Runs with only these two
// have the same history every time.
func TestShrinkFindsTheTwoThatMeet(t *testing.T) {
	meet := func(w *sim.World) error {
		return asks(w, func(i int, e kernel.Errno, answered bool) error {
			if e == kernel.ENOBUFS && !answered {
				return fmt.Errorf("round %d: no answer without memory", i)
			}
			return nil
		})
	}
	seen := 0
	for seed := uint64(1); seen < longtest.Count(1, 3, 5); seed++ {
		if seed > 500 {
			t.Fatalf("only %d seeds of 500 fail", seen)
		}
		s := sim.Shrink(seed, sim.Options{}, meet)
		if s == nil {
			continue
		}
		seen++
		var lines []string
		for _, f := range s.Faults {
			lines = append(lines, f.String())
		}
		text := strings.Join(lines, "\n")
		t.Logf("seed %d: %d faults of %d, %d runs:\n%s", seed, len(s.Faults), s.Of, s.Runs, text)
		if len(lines) != 2 || !s.Least || s.Of < 10 || !strings.Contains(text, "10.0.0.2 socket #") || !strings.Contains(text, "ENOBUFS") {
			t.Errorf("not the two")
		}
		// Only a change of Shrink may change how many runs it takes.
		if want := map[uint64]int{7: 25, 23: 114, 42: 43}[seed]; want != 0 && s.Runs != want {
			t.Errorf("it took %d runs, want %d", s.Runs, want)
		}
		if s.Err == nil || !strings.Contains(s.Err.Error(), "no answer without memory") || !strings.Contains(s.Err.Error(), fmt.Sprintf("seed=%d ", seed)) {
			t.Errorf("it fails with %v", s.Err)
		}
		w := sim.New(seed, sim.Options{Faulty: s.Faults})
		if err := meet(w); err == nil || w.Hash() != s.World.Hash() || w.Injected() != 2 {
			t.Errorf("again with these two: %v, hash %#x and %#x, %d faults", err, w.Hash(), s.World.Hash(), w.Injected())
		}
		w.Close()
	}
}

// Shrink also leaves out faults that the test itself causes, if the failure does not need them. Of
// a crash, a cut, a drift, a Swizzle and random faults only the crash remains.
func TestShrinkLeavesOutWhatTheTestDid(t *testing.T) {
	s := sim.Shrink(1, sim.Options{Faults: hostile}, func(w *sim.World) error {
		w.At(time.Second, func() { w.Cut(w.Host("10.0.0.3"), w.Host("10.0.0.4")) })
		w.At(2*time.Second, func() { w.Swizzle(time.Second) })
		err := asks(w, func(int, kernel.Errno, bool) error { return nil })
		h := w.Host("10.0.0.9")
		h.SetClock(1000)
		h.Crash()
		if err == nil && !h.Up() {
			err = errors.New("it is down")
		}
		return err
	})
	if s == nil || len(s.Faults) != 1 || s.Faults[0].Kind != sim.Crashed || s.Faults[0].String() != "10.0.0.9: crash #1" {
		t.Fatalf("got %+v", s)
	}
}

// If a program fails without any fault, Shrink returns an empty list of faults. If a program does
// not fail, Shrink returns nil.
func TestShrinkToNothing(t *testing.T) {
	always := func(w *sim.World) error {
		err := asks(w, func(int, kernel.Errno, bool) error { return nil })
		return errors.Join(err, errors.New("ouch"))
	}
	s := sim.Shrink(1, sim.Options{}, always)
	if s == nil || len(s.Faults) != 0 || !s.Least || s.Of == 0 || s.Runs != 3 {
		t.Fatalf("got %+v", s)
	}
	if n := s.World.Injected(); n != 0 {
		t.Errorf("%d faults happen in the least run, which takes none", n)
	}
	again := sim.New(1, sim.Options{Faulty: s.Faults})
	defer again.Close()
	if err := always(again); err == nil || again.Hash() != s.World.Hash() {
		t.Errorf("again with none: %v, hash %#x and %#x", err, again.Hash(), s.World.Hash())
	}
	if s := sim.Shrink(1, sim.Options{}, func(w *sim.World) error { return w.Run(time.Second) }); s != nil {
		t.Errorf("of what does not fail: %+v", s)
	}
}

// Without faults the program `other` waits without end, and with a lost packet the program `asks`
// does. Both failures are Deadlocks with the same first line. Shrink keeps the fault, because
// without it another program waits.
func TestShrinkKeepsTheProgramThatWaits(t *testing.T) {
	f := func(w *sim.World) error {
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		at := kernel.Inet(addr("10.0.0.1:53"))
		arrived := false
		a.Boot("asks", func() {
			p, _ := waiting(a, at)
			var events [1]poller.Event
			n, _ := p.Wait(events[:], timeout.Never)
			arrived = n > 0
		})
		b.Boot("other", func() {
			p, _ := b.NewPoller()
			fd, _ := b.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
			var events [1]poller.Event
			p.Wait(events[:], b.Now()+timeout.Deadline(time.Second)) // until asks can receive
			b.SendTo(fd, []byte("x"), 0, at)
			p.Wait(events[:], b.Now()+timeout.Deadline(time.Second))
			if arrived {
				p.Wait(events[:], timeout.Never)
			}
		})
		return w.RunUntilDone(time.Minute)
	}
	lossy := sim.Options{Faults: sim.Faults{Loss: sim.Always / 2}}
	kept := false
	for seed := uint64(1); seed < 10; seed++ {
		s := sim.Shrink(seed, lossy, f)
		if s == nil {
			t.Fatal("no program waits")
		}
		if lost := s.Of > 0; lost != strings.Contains(s.Err.Error(), "/asks: ") || lost != (len(s.Faults) == 1) {
			t.Errorf("seed %d: %d faults of %d: %v", seed, len(s.Faults), s.Of, s.Err)
		}
		kept = kept || s.Of > 0
	}
	if !kept {
		t.Error("no packet was lost")
	}
}

// Shrink makes a bounded number of runs, even for a failure that needs all of its faults.
func TestShrinkIsBounded(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	tries := 0
	const all = 120 // they belong to three series, so for each one 26 other numbers are tried
	s := sim.Shrink(1, sim.Options{}, func(w *sim.World) error {
		hosts := []*sim.Host{w.Host("10.0.0.1"), w.Host("10.0.0.2"), w.Host("10.0.0.3")}
		for i := range all {
			hosts[i%3].Crash()
			hosts[i%3].Restart()
		}
		if tries++; w.Injected() < all {
			return nil
		}
		return errors.New("ouch")
	})
	if s == nil || tries != s.Runs || s.Runs > sim.ShrinkRuns+1 || s.Least || len(s.Faults) != all {
		t.Errorf("%d runs, %d faults, least: %v", s.Runs, len(s.Faults), s.Least)
	}
}

// If a run leaves out a fault, the other faults hit the same packets and calls as before: the
// random decision for each packet or call depends only on the seed and its name.
func TestAFaultThatIsLeftOutMovesNoOther(t *testing.T) {
	faults := func(only []sim.Fault) []sim.Fault {
		w := sim.New(3, sim.Options{Trace: 1, Faulty: only, Faults: hostile})
		defer w.Close()
		if err := asks(w, func(int, kernel.Errno, bool) error { return nil }); err != nil {
			t.Fatal(err)
		}
		return w.Faults()
	}
	all := faults(nil)
	for i := range 10 {
		half := all[:0:0]
		for j, f := range all {
			if (i+j)%3 > 0 {
				half = append(half, f)
			}
		}
		for _, f := range faults(half) {
			found := false
			for _, g := range half {
				found = found || f.Kind == g.Kind && f.Call == g.Call && f.Host == g.Host && f.To == g.To && f.Nth == g.Nth &&
					f.Errno == g.Errno && f.Short == g.Short && f.Delay == g.Delay
			}
			if !found {
				t.Fatalf("%v is another than before", f)
			}
		}
	}
}
