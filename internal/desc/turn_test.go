//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A turnQueue is a list. Random additions and removals at any place have the same result as with a
// slice.
func TestATurnQueueIsAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q turnQueue
	var model []*queued
	for step := range 2000 {
		if n := len(model); n < 5 && r.IntN(2) == 0 {
			x := &queued{sleeper: &goroutineSleeper{}}
			q.add(x)
			model = append(model, x)
		} else if n > 0 {
			i := r.IntN(n)
			q.remove(model[i])
			if model[i].in || model[i].next != nil || model[i].prev != nil {
				t.Fatal("a removed call is still linked")
			}
			model = slices.Delete(model, i, i+1)
		}
		var want []Sleeper
		for _, x := range model {
			want = append(want, x.sleeper)
			if !x.in {
				t.Fatal("an added call is not in the queue")
			}
		}
		if got := q.sleepers(nil); !slices.Equal(got, want) {
			t.Fatalf("step %d: %d sleepers, want %d, or another order", step, len(got), len(want))
		}
	}
}

// crowded starts a call that is in a try until `free` is closed, and the given number of calls
// behind it, each in a goroutine. The channel done receives the results of these calls.
func crowded(d *Desc, dir Dir, n int, c Call) (free chan bool, done chan Errno) {
	free, done = make(chan bool), make(chan Errno, n+1)
	in := make(chan bool)
	go d.Do(dir, &Call{Limit: timeout.None}, func() (int, Errno) { close(in); <-free; return 1, 0 })
	<-in
	for range n {
		go func() {
			c := c
			_, e := d.Do(dir, &c, func() (int, Errno) { return 1, 0 })
			done <- e
		}()
	}
	for queued := 0; queued < n; time.Sleep(10 * time.Microsecond) {
		d.lock()
		if queued = 0; d.queues != nil {
			queued = len(d.queues[dir].sleepers(nil))
		}
		d.unlock()
	}
	return free, done
}

// A deadline that is moved into the past ends the calls that wait for their turn. It does so even
// while the holder of the turn is in a try. A handshake also ends with the deadline of the other
// direction.
func TestADeadlineEndsCallsInTheQueue(t *testing.T) {
	for _, dir := range []Dir{In, Out} {
		for _, both := range []bool{false, true} {
			d := New(&lone{Kernel: kernel.Host}, 1000, NewParker(kernel.Host))
			free, done := crowded(d, dir, 3, Call{Limit: timeout.None, BothDeadlines: both})
			ends := dir
			if both {
				ends = 1 - dir
			}
			d.SetDeadline(ends, timeout.Past)
			for range 3 {
				if e := <-done; e != kernel.ETIMEDOUT {
					t.Errorf("direction %d, both %v: %v", dir, both, e)
				}
			}
			close(free)
			d.Close()
		}
	}
}

// Close ends the calls that wait for their turn. It waits only for the try.
func TestCloseEndsCallsInTheQueue(t *testing.T) {
	k := &lone{Kernel: kernel.Host}
	d := New(k, 1000, NewParker(k))
	free, done := crowded(d, In, 3, Call{Limit: timeout.None})
	closed := make(chan bool)
	go func() { d.Close(); close(closed) }()
	for range 3 {
		if e := <-done; e != kernel.EBADF {
			t.Error(e)
		}
	}
	close(free)
	<-closed
	if k.closes != 1 {
		t.Errorf("%d closes", k.closes)
	}
}

// Sleepers returns the calls that wait, with the holder of the turn first. It returns at most the
// given number of them.
func TestSleepersAreCallsThatWait(t *testing.T) {
	d := New(&lone{Kernel: kernel.Host}, 1000, NewParker(kernel.Host))
	defer d.Close()
	free, done := crowded(d, Out, 3, Call{Limit: timeout.None})
	for most, want := range []int{0, 1, 2, 3, 3} {
		d.lock()
		queue, all := d.queues[Out].sleepers(nil), d.Sleepers(nil, most)
		holder := &goroutineSleeper{}
		d.dirs[Out].waiting = holder
		held := d.Sleepers(nil, most)
		d.dirs[Out].waiting = nil
		d.unlock()
		if !slices.Equal(all, queue[:want]) {
			t.Errorf("%d of %d sleepers, want %d", len(all), len(queue), want)
		}
		if first := append([]Sleeper{holder}, queue...); !slices.Equal(held, first[:most]) {
			t.Errorf("with a holder: %d sleepers, want %d, the holder first", len(held), most)
		}
	}
	close(free)
	for range 3 {
		<-done
	}
}

// If a call leaves the queue at its deadline, the calls before and behind it still get their turns.
func TestACallThatLeavesTheQueue(t *testing.T) {
	d := New(&lone{Kernel: kernel.Host}, 1000, NewParker(kernel.Host))
	defer d.Close()
	free, done := crowded(d, In, 1, Call{Limit: timeout.None})
	late := func(n int, limit timeout.Timeout, done chan Errno) {
		for range n {
			go func() {
				_, e := d.Do(In, &Call{Limit: limit}, func() (int, Errno) { return 1, 0 })
				done <- e
			}()
		}
	}
	gone := make(chan Errno)
	late(3, timeout.Timeout(time.Millisecond), gone)
	late(2, timeout.None, done)
	for range 3 {
		if e := <-gone; e != kernel.ETIMEDOUT {
			t.Error(e)
		}
	}
	close(free)
	for range 3 {
		if e := <-done; e != 0 {
			t.Error(e)
		}
	}
}

// Without BothDeadlines, only the deadline of its own direction ends a call. With it, either
// deadline ends the call, before the first try.
func TestDeadlinesOfBothDirections(t *testing.T) {
	for _, both := range []bool{false, true} {
		for _, dir := range []Dir{In, Out} {
			d := New(&lone{Kernel: kernel.Host}, 1000, &scripted{})
			d.SetDeadline(1-dir, timeout.Past)
			n, e := d.Do(dir, &Call{Limit: timeout.None, BothDeadlines: both}, func() (int, Errno) { return 1, 0 })
			if both && e != kernel.ETIMEDOUT || !both && (n != 1 || e != 0) {
				t.Errorf("both %v, direction %d: %d, %v", both, dir, n, e)
			}
		}
	}
}

// A Call inside another one has the deadline of that one, even if nothing has computed it yet.
func TestACallWithinHasTheSameDeadline(t *testing.T) {
	k := &advancing{Kernel: kernel.Host}
	c := Call{Limit: 1000}
	in := c.Within(k)
	if at := in.Deadline(k); at != c.Deadline(k) || k.reads.Load() != 1 {
		t.Errorf("the deadlines are %d and %d, and the clock was read %d times", at, c.Deadline(k), k.reads.Load())
	}
	c = Call{Limit: timeout.None}
	in = c.Within(k)
	if at := in.Deadline(k); at != timeout.Never || k.reads.Load() != 1 {
		t.Errorf("without a limit: %d, and the clock was read %d times", at, k.reads.Load())
	}
}

// The clock of an advancing kernel advances each time it is read.
type advancing struct {
	kernel.Kernel
	reads atomic.Int64
}

func (k *advancing) Now() timeout.Deadline { return timeout.Deadline(k.reads.Add(1)) }

// Line peeks if no other call can receive between its two system calls. Such other calls are those
// that do not wait. For a Line that does not wait itself, the holder of the turn is one too, if it
// is awake.
func TestLinePeeksOnlyAlone(t *testing.T) {
	const none, use, awake, asleep = "none", "a Use", "a holder in a try", "a holder that sleeps"
	for _, x := range []struct {
		other  string
		limit  timeout.Timeout
		peeked bool
	}{
		{none, 0, true}, {none, timeout.None, true},
		{use, 0, false}, {use, timeout.None, false},
		{awake, 0, false}, {asleep, 0, true},
	} {
		k := &lone{Kernel: kernel.Host}
		d := New(k, 1000, NewParker(newPolled()))
		d.Use(func(int) Errno { return 0 }) // calls that have ended do not count
		d.Do(In, &Call{}, func() (int, Errno) { return 0, 0 })
		peeked := false
		line := func() {
			s := &piecewise{pieces: [][]byte{[]byte("ab\n")}}
			got, e := d.Line(&Call{Limit: x.limit}, 10, true, func(p []byte, flags int) (int, Errno) {
				peeked = peeked || flags&kernel.MSG_PEEK != 0
				return s.recv(p, flags)
			})
			if string(got) != "ab\n" || e != 0 {
				t.Errorf("%+v: %q, %v", x, got, e)
			}
		}
		switch x.other {
		case none:
			line()
		case use:
			d.Use(func(int) Errno { line(); return 0 })
		case awake:
			d.Do(In, &Call{Limit: timeout.None}, func() (int, Errno) { line(); return 1, 0 })
		case asleep:
			done := make(chan bool)
			go func() {
				d.Do(In, &Call{Limit: timeout.None}, func() (int, Errno) { return 0, kernel.EAGAIN })
				close(done)
			}()
			for holds := false; !holds; time.Sleep(10 * time.Microsecond) {
				d.lock()
				holds = d.Waiting() != nil
				d.unlock()
			}
			line()
			d.Close()
			<-done
		}
		if peeked != x.peeked {
			t.Errorf("%+v: peeked %v", x, peeked)
		}
		d.Close()
	}
}
