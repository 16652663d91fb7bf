//go:build unix

package reactor

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// A loop whose goroutine is locked to its thread keeps that goroutine, whose stack grows with each runtime.Goexit. So it
// fails in order after nestedMost of them. A loop that is not locked survives more, without a deeper stack.
func TestGoexitsOfALockedLoopAreBounded(t *testing.T) {
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

// What mend does is linear in the list of the step that was left, and it finds the Conn without a place in that. A look
// through the list for each Conn would make 8 times the Conns 64 times as dear.
func TestMendIsLinear(t *testing.T) {
	r := manual(t)
	cost := func(n int) time.Duration {
		for fd := range n { // of no open file, above those that are
			c := &Conn{w: Watch{r: r}}
			c.w.sink = c
			gen := r.table.Put(1<<20+fd, &c.w)
			defer r.table.Delete(int32(1<<20+fd), gen)
			c.mark()
		}
		best := time.Hour
		for range 5 {
			began := time.Now()
			r.mend()
			best = min(best, time.Since(began))
		}
		if r.dirty.len() != n {
			t.Fatalf("%d of %d Conns are left on the list", r.dirty.len(), n)
		}
		r.dirty = queue[settler]{}
		return best
	}
	const n = 5_000
	if one, eight := cost(n), cost(8*n); eight > 32*one {
		t.Errorf("%d Conns: %v, %d: %v", n, one, 8*n, eight)
	}
}
