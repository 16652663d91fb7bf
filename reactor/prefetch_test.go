//go:build unix

package reactor

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/prefetch"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// sleepers starts n Tasks, each of which reads from its Desc, one byte at a time. It returns the
// Descs and their peers.
func sleepers(t *testing.T, r *Reactor, n int, got func(i int)) (descs []*desc.Desc, peers []int) {
	for i := range n {
		a, b := pair(t)
		t.Cleanup(func() { unix.Close(b) })
		d := desc.New(kernel.Host, a, (*taskWaiter)(r))
		t.Cleanup(func() { d.Close() })
		r.Go(func(*Task) {
			var p [1]byte
			for {
				c := desc.Call{Limit: timeout.None}
				if n, e := d.Recv(&c, p[:], 0); n == 0 || e != 0 {
					return
				}
				got(i)
			}
		})
		descs, peers = append(descs, d), append(peers, b)
	}
	for r.runnable.len() > 0 {
		r.Turn(0)
	}
	return descs, peers
}

// Before the loop delivers an Event, it knows the Task of the third Event after it, and how the
// next Task continues. If one of these Events is stale, there is no Task.
func TestLookaheadFindsTheTask(t *testing.T) {
	r := manual(t)
	descs, _ := sleepers(t, r, 12, func(int) {})
	r.batch = 0
	add := func(fd int, gen uint32) {
		r.events[r.batch] = poller.Event{FD: int32(fd), Gen: gen, Ready: poller.In}
		r.batch++
	}
	var want []*Task
	for i, d := range descs {
		if i == 8 { // a stale Event between the others
			add(d.FD, d.Gen+2)
			want = append(want, nil)
		}
		add(d.FD, d.Gen)
		want = append(want, (*Task)(d.Waiting().(*taskSleeper)))
	}
	var a lookahead
	for r.next = 1; r.next <= r.batch; r.next++ {
		a.advance(r)
		if i := r.next + 3; i >= 6 && i < r.batch && a.t != want[i] { // its stack is next
			t.Errorf("Event %d: Task %p, want %p", i, a.t, want[i])
		}
		if i := r.next + 1; i >= 6 && i < r.batch {
			var call unsafe.Pointer
			if want[i] != nil {
				call = want[i].seat.call()
			}
			if a.call != call || want[i] != nil && call == nil {
				t.Errorf("Event %d: %p continues the Task, want %p", i, a.call, call)
			}
		}
	}
	if a != (lookahead{}) {
		t.Errorf("at the end of the batch: %+v", a)
	}
	r.next, r.batch = 0, 0
	known := prefetch.Goroutine() != 0 // on some processors no goroutine has an address
	for _, k := range want {
		if k != nil && known && (k.stack == 0) != (k.g == 0) {
			t.Errorf("a Task that waits has its stack at %#x, its goroutine at %#x", k.stack, k.g)
		}
	}
}

// Tasks close Descs for whose Events the loop already prefetches. Every Task whose Desc is open
// still gets its byte.
func TestLookaheadAtClosedDescs(t *testing.T) {
	r := manual(t)
	const n = prefetchFrom + 40
	got := make([]int, n)
	closed := make([]bool, n)
	var descs []*desc.Desc
	descs, peers := sleepers(t, r, n, func(i int) {
		got[i]++
		for _, j := range []int{i + 1, i + 2, i + 4} {
			if i%7 == 0 && j < n && got[j] == 0 {
				descs[j].Close()
				closed[j] = true
			}
		}
	})
	for _, b := range peers {
		unix.Write(b, []byte("x"))
	}
	turnUntil(t, r, func() bool {
		for i := range n {
			if got[i] == 0 && !closed[i] {
				return false
			}
		}
		return true
	})
	for i := range n {
		if got[i] > 1 || got[i] == 1 && closed[i] {
			t.Errorf("%d: %d bytes, closed %v", i, got[i], closed[i])
		}
	}
}

// A closure at the end of a page may be shorter than what Captured reads, and the next page may not
// be mapped.
func TestPrefetchAtTheEndOfAPage(t *testing.T) {
	size := unix.Getpagesize()
	p, err := unix.Mmap(-1, 0, 2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(p)
	if err := unix.Mprotect(p[size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	for i := size - 64; i < size; i += 8 {
		prefetch.Captured(unsafe.Pointer(&p[i]))
	}
}
