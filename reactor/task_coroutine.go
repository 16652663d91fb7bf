package reactor

import (
	"iter"
	"runtime"
	"unsafe"

	"github.com/ureactor/ureactor/internal/prefetch"
)

// A coroutine runs Tasks, one after the other. To make a coroutine and to let its stack grow costs
// more than a short Task itself. So a coroutine whose Task has returned stays for the next one.
//
// iter.Pull makes a goroutine and a seat, in which exactly one goroutine is suspended. A goroutine
// that calls change continues the goroutine in the seat, and is then suspended there itself
// (runtime/coro.go, which says "coro" for seat). At first each goroutine is in its own seat. A Task
// that switches to another Task is then in the seat of that Task. So after some switches each
// goroutine may be in any seat, and so may the loop's goroutine. A coroutine that ends continues
// the goroutine in its own seat, which may not be the loop's. So each goroutine that is continued
// checks whether it should run. If not, it switches to the loop.
type coroutine struct {
	//	field   set by                        cleared by            excludes
	//	t       begin                         main, after the Task  ends
	//	seat    main, while it is idle        -                     read while it is idle
	//	next    begin                         -
	//	yield   main, when it begins          -
	//	taken   change, if it calls next      the next change
	//	ends    endIdle                       -                     t

	t     *Task      // the Task that runs or begins next; nil: idle, or about to end
	seat  *coroutine // where the goroutine is suspended
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	taken bool // next was called last, so the next change must call yield
	ends  bool
}

// change continues the goroutine in the seat c, and suspends the caller there. Before, the caller
// stores c as its seat.
func (c *coroutine) change() {
	if c.taken = !c.taken; c.taken {
		c.next()
	} else {
		c.yield(struct{}{})
	}
}

// call returns the closure that the next change calls.
func (c *coroutine) call() unsafe.Pointer {
	if c.taken {
		return *(*unsafe.Pointer)(unsafe.Pointer(&c.yield))
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&c.next))
}

// idleCoroutines is how many coroutines without a Task a loop keeps. Each has its stack.
const idleCoroutines = 128

// begin gives the Task a coroutine at its first step. A new coroutine begins in the lock state of
// the loop's goroutine. An idle one began in the same state, because there are idle ones only while
// Tasks live (see Task).
func (r *Reactor) begin(t *Task) {
	if last := len(r.idle) - 1; last >= 0 {
		c := r.idle[last]
		r.idle[last] = nil
		r.idle = r.idle[:last]
		c.t, t.home, t.seat = t, c, c.seat
		return
	}
	if r.driver == 0 {
		r.driver = r.probe.State()
	}
	c := &coroutine{t: t}
	c.next, _ = iter.Pull(c.main())
	t.home, t.seat = c, c
}

// keep makes c idle, and returns whether it did. A coroutine has the labels for profiles of its
// first Task, so with Enter each Task gets its own.
func (r *Reactor) keep(c *coroutine) bool {
	if r.tasks.n == 1 || len(r.idle) == idleCoroutines || r.trace.all.Enter != nil {
		return false
	}
	r.idle = append(r.idle, c)
	return true
}

// endIdle ends the idle coroutines.
func (r *Reactor) endIdle() {
	for _, c := range r.idle {
		c.ends = true
		r.seat = c.seat
		r.seat.change()
	}
	r.idle = nil
}

// A loner is a simulated Kernel, which only one goroutine and its coroutines may use. It counts the
// coroutines and reads their stacks. So each coroutine reports its beginning and its end.
type loner interface {
	CoroutineBegins()
	CoroutineEnds()
	Owned(what string) // panics on other goroutines; for calls that do not reach the Kernel
}

func (r *Reactor) owned(what string) {
	if r.lone != nil {
		r.lone.Owned(what)
	}
}

// main returns the function of the coroutine. A Task that panics or calls runtime.Goexit ends it.
// Each Task sleeps inside this function and run, so their frames are small. It is not a method,
// because a method value would have a second frame.
func (c *coroutine) main() iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		defer c.exit()
		r := c.t.r
		if r.lone != nil {
			r.lone.CoroutineBegins()
		}
		c.yield = yield
		for !c.ends {
			c.t.g = prefetch.Goroutine()
			t := c.t
			returned := t.run(r)
			c.t = nil
			if !returned || !r.keep(c) {
				break
			}
			for seat := r.ended(t); c.t == nil && !c.ends; seat = r.seat {
				c.seat = seat
				seat.change()
			}
		}
		r.coroutineEnds()
	}
}

// exit ends the coroutine if its Task has called runtime.Goexit. Goexit may continue after run has
// recovered a panic.
func (c *coroutine) exit() {
	if c.t != nil {
		c.t.leave()
	}
}

func (r *Reactor) coroutineEnds() {
	if r.lone != nil {
		r.lone.CoroutineEnds()
	}
}

// run runs the Task. It returns false if the Task has panicked, and does not return after
// runtime.Goexit. Package stacks finds the Task's stack by this frame: t and r are its arguments
// and stay alive in it.
//
//go:noinline
func (t *Task) run(r *Reactor) (returned bool) {
	defer func() {
		if returned {
			return
		}
		t.fell(recover())
	}()
	f := t.f
	t.f = nil // so that the garbage collector can free what f has captured and does not need any more
	f(t)
	runtime.KeepAlive(t)
	runtime.KeepAlive(r)
	return true
}
