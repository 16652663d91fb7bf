//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// An endless kernel has a peer that never pauses, so no call waits. Its clock advances by a
// millisecond with each try. It has one descriptor and counts the calls on it.
type endless struct {
	kernel.Kernel
	now    atomic.Int64
	tries  atomic.Int64
	after  atomic.Int64 // tries after the close
	closes atomic.Int64
	try    func(n int64) // called in the middle of try n
}

func (k *endless) Now() timeout.Deadline { return timeout.Deadline(k.now.Load()) }

func (k *endless) move(p []byte) (int, kernel.Errno) {
	k.now.Add(int64(time.Millisecond))
	if n := k.tries.Add(1); k.try != nil {
		k.try(n)
	}
	if k.closes.Load() > 0 {
		k.after.Add(1)
	}
	return min(len(p), 4<<10), 0
}

// recv clears the bytes that it returns, because p comes from a pool and may contain a line of
// another test.
func (k *endless) recv(p []byte, _ int) (int, kernel.Errno) {
	n, e := k.move(p)
	clear(p[:n])
	return n, e
}

func (k *endless) Close(int) kernel.Errno {
	k.closes.Add(1)
	return 0
}

// Dup returns a number that is not in use.
func (k *endless) Dup(int) (int, kernel.Errno) { return theDup, 0 }

const theFD, theDup = 1 << 20, 1 << 21

func newEndless() (*endless, *desc.Desc) {
	k := &endless{Kernel: kernel.Host}
	k.now.Store(1)
	return k, desc.New(k, theFD, desc.NewParker(k))
}

var room = make([]byte, 1<<28)

// longCalls are calls of several parts. Each has more to do than a test can wait for. n is how many
// bytes the call has moved.
var longCalls = map[string]func(k *endless, d *desc.Desc, c *desc.Call) (n int, e kernel.Errno){
	"Fill": func(k *endless, d *desc.Desc, c *desc.Call) (int, kernel.Errno) {
		return d.Fill(c, room[:], k.recv)
	},
	"Gather": func(k *endless, d *desc.Desc, c *desc.Call) (int, kernel.Errno) {
		p, e := d.Gather(c, 1<<30, k.recv)
		return len(p), e
	},
	"Line": func(k *endless, d *desc.Desc, c *desc.Call) (int, kernel.Errno) {
		p, e := d.Line(c, 1<<30, true, k.recv)
		return len(p), e
	},
	"Line by bytes": func(k *endless, d *desc.Desc, c *desc.Call) (int, kernel.Errno) {
		p, e := d.Line(c, 1<<30, false, k.recv)
		return len(p), e
	},
	"Pour": func(k *endless, d *desc.Desc, c *desc.Call) (int, kernel.Errno) {
		return d.Pour(c, room[:], k.move)
	},
}

// Each call ends although the peer never pauses. With Limit 0 it ends after PartMost bytes, and
// returns them. With a limit, or with a deadline of the direction, it ends when that time has
// passed, and not earlier. Close ends it at once. A slow peer would not do for this test, because
// then each part of a call would begin with a wait.
func TestEveryCallEnds(t *testing.T) {
	const limit = 300 * time.Millisecond
	const partsToSpend = 128 // how many small parts use up the budget, after which the clock is read
	for name, call := range longCalls {
		perTry := int64(1)
		if name == "Line by bytes" {
			perTry = 256 // the value of stepMax
		}
		k, d := newEndless()
		n, e := call(k, d, &desc.Call{})
		if n < 1000 || n > desc.PartMost+desc.ScratchSize || e != 0 && e != kernel.EAGAIN {
			t.Errorf("%s, non-blocking: %d bytes, %v", name, n, e)
		}
		for _, by := range []string{"timeout", "deadline"} {
			k, d := newEndless()
			c := &desc.Call{Limit: timeout.None}
			if by == "timeout" {
				c.Limit = timeout.Timeout(limit)
			} else {
				for _, dir := range []desc.Dir{desc.In, desc.Out} {
					d.SetDeadline(dir, timeout.Timeout(limit).After(k.Now()))
				}
			}
			_, e := call(k, d, c)
			took := time.Duration(k.now.Load() - 1)
			if most := limit + time.Duration((partsToSpend+2)*perTry)*time.Millisecond; e != kernel.ETIMEDOUT || took < limit || took > most {
				t.Errorf("%s, %s of %v: %v after %v", name, by, limit, e, took)
			}
		}
		for _, limit := range []timeout.Timeout{0, timeout.None} {
			k, d := newEndless()
			closed := make(chan struct{})
			k.try = func(n int64) {
				if n == 3 {
					go func() { d.Close(); close(closed) }()
					for name != "Line" && !d.Closed() { // Line holds the lock, so Close waits for it
						time.Sleep(time.Millisecond)
					}
				}
			}
			_, e := call(k, d, &desc.Call{Limit: limit})
			<-closed
			if tries := k.tries.Load(); e != kernel.EBADF && (limit > 0 || name != "Line") || tries > 3+perTry && name != "Line" {
				t.Errorf("%s, limit %v: Close in the third try: %v after %d tries", name, limit, e, tries)
			}
			if k.closes.Load() != 1 || k.after.Load() != 0 {
				t.Errorf("%s: closed %d times, %d tries after that", name, k.closes.Load(), k.after.Load())
			}
		}
	}
}

// Close and Detach return when the last try has returned, and nobody uses the number any more. The
// same holds for a second Close.
func TestCloseWaitsForTheTry(t *testing.T) {
	for _, detach := range []bool{false, true} {
		k, d := newEndless()
		out := make(chan string, 3)
		k.try = func(n int64) {
			if n != 1 {
				return
			}
			if detach {
				go func() {
					if fd, e := d.Detach(); fd != theFD || e != 0 {
						t.Errorf("Detach: %d, %v", fd, e)
					}
					out <- "closer"
				}()
			} else {
				go func() { d.Close(); out <- "closer" }()
			}
			for !d.Closed() {
				time.Sleep(time.Millisecond)
			}
			go func() { d.Close(); out <- "closer" }()
			// A Close that does not wait would return in this time.
			time.Sleep(20 * time.Millisecond)
			out <- "try"
		}
		d.Do(desc.In, &desc.Call{}, func() (int, kernel.Errno) { return k.move(nil) })
		for i, want := range []string{"try", "closer", "closer"} {
			if got := <-out; got != want {
				t.Errorf("detach %v: %d. comes %s, want %s", detach, i, got, want)
			}
		}
		if closes := k.closes.Load(); detach && closes != 0 || !detach && closes != 1 {
			t.Errorf("detach %v: closed %d times", detach, closes)
		}
	}
}

// User code that runs inside a reference may close or detach the Desc. Neither waits for that code.
// The number is valid until the code returns, and is then closed. Detach returns another number.
func TestUserClosesInside(t *testing.T) {
	within := map[string]func(d *desc.Desc, f func()){
		"Use": func(d *desc.Desc, f func()) {
			d.Use(func(int) kernel.Errno { d.User(f); return 0 })
		},
		"Do": func(d *desc.Desc, f func()) {
			d.Do(desc.In, &desc.Call{Limit: timeout.None}, func() (int, kernel.Errno) { d.User(f); return 0, 0 })
		},
	}
	for name, inside := range within {
		for _, detach := range []bool{false, true} {
			k, d := newEndless()
			inside(d, func() {
				if detach {
					if fd, e := d.Detach(); fd != theDup || e != 0 {
						t.Errorf("%s: Detach: %d, %v", name, fd, e)
					}
				} else {
					d.Close()
				}
				d.Close()
				if k.closes.Load() != 0 {
					t.Errorf("%s: closed under the user's function", name)
				}
			})
			if k.closes.Load() != 1 {
				t.Errorf("%s, detach %v: closed %d times", name, detach, k.closes.Load())
			}
		}
	}
}

// Close waits for a try. If a user function begins in that try, Close must not wait any longer,
// because the function may wait for the caller of Close.
func TestCloseDoesNotWaitForUsers(t *testing.T) {
	k, d := newEndless()
	d.Do(desc.In, &desc.Call{}, func() (int, kernel.Errno) {
		closed := make(chan struct{})
		go func() { d.Close(); close(closed) }()
		for !d.Closed() {
			time.Sleep(time.Millisecond)
		}
		d.User(func() { <-closed })
		return 0, 0
	})
	if k.closes.Load() != 1 {
		t.Errorf("closed %d times", k.closes.Load())
	}
}
