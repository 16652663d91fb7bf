//go:build unix

package reactor

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// Each function that Post accepts runs exactly once, in the order in which its goroutine has
// posted. This holds even while Shutdown ends the reactor. Eight goroutines post 5,000 functions
// each. Meanwhile the loop often sleeps, and finally ends.
func TestPostsRunOnceInOrderAlsoAroundShutdown(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for range 8 {
		r, err := New()
		if err != nil {
			t.Fatal(err)
		}
		const goroutines, many = 8, 5000
		var ran [goroutines][]int
		var accepted [goroutines]int
		var wg sync.WaitGroup
		var sum atomic.Int64
		for g := range goroutines {
			wg.Go(func() {
				for i := range many {
					switch err := r.Post(func() { ran[g] = append(ran[g], i) }); err {
					case nil:
						accepted[g]++
						sum.Add(1)
					case ErrClosed:
						return
					default:
						t.Errorf("Post: %v", err)
						return
					}
					if i%64 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { r.Run(context.Background()); close(done) }()
		for sum.Load() < many || r.owner.Load() == ownerless {
			runtime.Gosched()
		}
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-done
		wg.Wait()
		for g := range goroutines {
			if len(ran[g]) != accepted[g] || !slices.IsSorted(ran[g]) {
				t.Errorf("%d of %d ran, in order: %v", len(ran[g]), accepted[g], slices.IsSorted(ran[g]))
			}
		}
		if err := r.Post(func() {}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Post after the end: %v", err)
		}
	}
}

// Eight goroutines call PostSend on one Conn. Every message arrives whole. The messages of each
// goroutine arrive in order.
func TestPostSendsArriveWholeAndInOrder(t *testing.T) {
	r := started(t)
	opened := make(chan *Conn, 1)
	p := connect(t, listen(t, r, "tcp", always(&hooks{opened: func(c *Conn) { opened <- c }})))
	c := <-opened
	const goroutines, size = 8, 24
	many := longtest.Count(200, 2000, 2000)
	for g := range goroutines {
		go func() {
			msg := make([]byte, size)
			for i := 0; i < many; {
				binary.BigEndian.PutUint64(msg, uint64(g))
				binary.BigEndian.PutUint64(msg[8:], uint64(i))
				binary.BigEndian.PutUint64(msg[16:], ^uint64(i))
				switch err := c.PostSend(msg); err {
				case nil:
					i++
				case ErrFull:
					runtime.Gosched()
				default:
					t.Error(err)
					return
				}
				clear(msg) // the caller may reuse its slice
			}
		}()
	}
	var next [goroutines]uint64
	buf := make([]byte, size)
	for range goroutines * many {
		wantBytes(t, p, buf)
		g, i := binary.BigEndian.Uint64(buf), binary.BigEndian.Uint64(buf[8:])
		if g >= goroutines || next[g] != i || binary.BigEndian.Uint64(buf[16:]) != ^i {
			t.Fatalf("message %d of goroutine %d, want %d", i, g, next[g])
		}
		next[g]++
	}
}

// If WithPostLimit functions wait, Post returns ErrFull. After a turn there is room again. The
// bytes of PostSends are limited too.
func TestPostLimit(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor(WithPostLimit(3))
		a, _ := t.pair()
		c := adoptFD(t, r, a, &hooks{})
		ran := 0
		for range 3 {
			if err := r.Post(func() { ran++ }); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := r.Post(func() { ran++ }); err != ErrFull {
				t.Errorf("Post past the limit: %v", err)
			}
			if err := c.PostSend([]byte("x")); err != ErrFull {
				t.Errorf("PostSend past the limit: %v", err)
			}
		}
		r.Turn(0)
		if err := c.PostSend(make([]byte, postArenaMax+1)); !errors.Is(err, kernel.EMSGSIZE) {
			t.Errorf("PostSend of too many bytes: %v", err)
		}
		if err := r.Post(func() {}); err != nil || ran != 3 {
			t.Errorf("after a turn: %v, %d ran", err, ran)
		}
	})
}

// A posted function posts another one, which waits for the next turn. A timer that a timer arms
// waits for the next turn too. A function that a timer posts runs in the same turn.
func TestStepsDoNotFeedThemselves(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		posts, timers, fromTimer := 0, 0, 0
		var post, timer func()
		post = func() { posts++; r.Post(post) }
		timer = func() {
			timers++
			r.After(0, timer)
			r.Post(func() { fromTimer++ })
		}
		r.Post(post)
		r.After(0, timer)
		for turn := 1; turn <= 5; turn++ {
			r.Turn(0)
			if posts != turn || timers != turn || fromTimer != turn {
				t.Fatalf("turn %d: %d posts, %d timers, %d posts by timers", turn, posts, timers, fromTimer)
			}
		}
		post, timer = func() {}, func() {}
	})
}

// The clock may stand still for a whole turn, as a simulated clock does. Then a timer that arms
// itself with no delay has expired at once. It still fires only once in a turn.
func TestStepsDoNotFeedThemselvesWhileTheClockStands(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor(WithKernel(&stopped{t.k}))
		timers := 0
		var tm *Timer
		tm = r.After(0, func() { timers++; tm.Reset(0) })
		for turn := 1; turn <= 5; turn++ {
			r.Turn(0)
			if timers != turn {
				t.Fatalf("turn %d: %d timers", turn, timers)
			}
		}
	})
}

// A stopped kernel is the host's kernel, but its clock does not advance.
type stopped struct{ Kernel }

func (*stopped) Now() timeout.Deadline { return 1 << 40 }

// Another goroutine may use a Conn for PostSend as soon as Dial has returned, while the Conn still
// connects. The race detector checks that. The bytes arrive.
func TestPostSendBesideADial(t *testing.T) {
	r := started(t)
	got := make(chan string, 1)
	addr := listen(t, r, "tcp", always(&hooks{data: func(_ *Conn, p []byte) { got <- string(p) }}))
	for range 50 {
		conn := make(chan *Conn, 1)
		go func() { (<-conn).PostSend([]byte("posted")) }()
		r.Post(func() {
			c, err := r.Dial("tcp", addr.String(), &hooks{})
			if err != nil {
				t.Error(err)
			}
			conn <- c
		})
		if s := <-got; s != "posted" {
			t.Errorf("got %q", s)
		}
	}
}

// A PostSend to a closed Conn is dropped without an error. Only if the reactor has ended, there is
// an error.
func TestPostSendToAnEndedConnIsDropped(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		a, _ := t.pair()
		c := adoptFD(t, r, a, &hooks{})
		c.Abort()
		if err := c.PostSend([]byte("x")); err != nil {
			t.Error(err)
		}
		r.Turn(0)
		if c.Buffered() != 0 || r.often.bytesOut != 0 {
			t.Error("it was sent")
		}
	})
}

// Stop returns whether the timer was armed. Reset arms a timer that has expired. Timers with the
// same deadline fire in the order in which they were armed. A negative duration counts as 0.
func TestTimersStopResetAndTie(t *testing.T) {
	twice(t, func(t *lab) {
		r := t.reactor()
		var order []int
		for i := range 10 {
			r.After(-1, func() { order = append(order, i) })
		}
		stopped := r.After(0, func() { t.Error("a stopped timer fired") })
		fired := 0
		tm := r.After(0, func() { fired++ })
		if !stopped.Stop() || stopped.Stop() {
			t.Error("Stop tells the wrong thing")
		}
		turnUntil(t, r, func() bool { return fired == 1 })
		if !slices.IsSorted(order) || len(order) != 10 {
			t.Errorf("order %v", order)
		}
		if tm.Stop() {
			t.Error("Stop of a fired timer says that it was armed")
		}
		tm.Reset(0)
		tm.Reset(1 << 62)
		tm.Reset(0)
		turnUntil(t, r, func() bool { return fired == 2 })
		r.Turn(0)
		if fired != 2 || r.timers.Len() != 0 {
			t.Errorf("fired %d times", fired)
		}
		huge := r.After(1<<63-1, func() { t.Error("three hundred years are over") })
		r.Turn(0)
		if !huge.Stop() {
			t.Error("a timer as far as a Duration goes is not armed")
		}
		wantPanic(t, "nil function", func() { r.After(0, nil) })
		wantPanic(t, "nil function", func() { r.Post(nil) })
		if r.Next() != timeout.Never {
			t.Errorf("Next is %v with nothing to do", r.Next())
		}
	})
}

func wantBytes(t testing.TB, c net.Conn, p []byte) {
	t.Helper()
	for n := 0; n < len(p); {
		k, err := c.Read(p[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
}
