//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A loop whose goroutine is locked to its thread keeps that goroutine, whose stack grows with each
// runtime.Goexit. So it fails in order after nestedMost of them. A loop that is not locked survives
// more, without a deeper stack.
func TestGoexitsOfALockedLoopAreBounded(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	for _, isLocked := range []bool{true, false} {
		exits := 0
		r, err := New(WithPanicHandler(func(*Conn, any, []byte) { exits++ }))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if isLocked {
				runtime.LockOSThread()
			}
			_ = r.Run(context.Background())
		}()
		on(t, r, func() {}) // else Shutdown would run it here
		const posts = nestedMost + 100
		for range posts {
			for errors.Is(r.Post(runtime.Goexit), ErrFull) {
				time.Sleep(time.Millisecond)
			}
		}
		err = r.Shutdown(context.Background())
		switch {
		case isLocked && (!errors.Is(err, errNested) || exits < nestedMost):
			t.Errorf("locked: %d calls of Goexit, %v", exits, err)
		case !isLocked && (err != nil || exits != posts):
			t.Errorf("not locked: %d calls of Goexit, %v", exits, err)
		}
	}
}

// What mend does is linear in the list of the step that was left: it costs about as much as a visit
// to each Conn, not as one to each for each.
func TestMendIsLinear(t *testing.T) {
	r := manual(t)
	const n, first = 20_000, 1000 // descriptors of no open file, above those that are
	for fd := first; fd < first+n; fd++ {
		c := &Conn{w: Watch{r: r}}
		c.w.sink = c
		gen := r.table.Put(fd, &c.w)
		defer r.table.Delete(int32(fd), gen)
		c.flushLater()
	}
	best := func(f func()) time.Duration {
		least := time.Hour
		for range 5 {
			began := time.Now()
			f()
			least = min(least, time.Since(began))
		}
		return least
	}
	visit := best(func() {
		for _, s := range r.flushPending.list {
			if c, ok := s.(*Conn); ok {
				c.state ^= paused
			}
		}
	})
	mend := best(r.resetStep)
	if r.flushPending.len() != n {
		t.Errorf("%d of %d Conns are left on the list", r.flushPending.len(), n)
	}
	if mend > 100*visit {
		t.Errorf("mend takes %v, a visit to each Conn %v", mend, visit)
	}
	r.flushPending = queue[settler]{}
}
