package reactor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/zaplog"
)

// MaxLoops is the largest number of loops of a Group.
const MaxLoops = 1024

// A Group is several Reactors, which are called its loops. Each loop has a goroutine of its own.
// The loops can share the addresses that they listen on. A Conn, Timer or Task stays on one loop,
// and belongs to the goroutine of that loop, as with a single Reactor. If handlers of several loops
// share data, they need a lock or Post.
//
// Any goroutine may call the methods of a Group, also in a callback. Run and Shutdown are
// exceptions, because they wait.
type Group struct {
	k     Kernel
	log   *zaplog.Logger
	loops []*Reactor
	next  atomic.Uint32 // the loop that gets the next Post or Go

	mu       sync.Mutex // guards the fields below, and the loops until they run
	running  bool       // Run was called
	owned    bool       // Run or Shutdown was called: each loop belongs to its own goroutine
	closed   bool       // no more addresses are accepted
	acceptor int        // the next loop that will accept alone at an address
}

// NewGroup makes n loops, at most MaxLoops. If n is 0, it makes one for each processor that Go
// uses. The options apply to each loop, and all loops call the functions in them. Log lines have
// the number of their loop.
//
// If a loop fails, the other loops continue. If only the failed loop had a socket at an address,
// another loop takes over that socket. A panic without WithPanicHandler ends the process.
func NewGroup(n int, opts ...Option) (*Group, error) {
	if n < 0 || n > MaxLoops {
		return nil, fmt.Errorf("reactor: a group of %d loops: must be 0 (one for each processor) … %d", n, MaxLoops)
	}
	if n == 0 {
		n = min(runtime.GOMAXPROCS(0), MaxLoops)
	}
	g := &Group{}
	for i := range n {
		r, err := New(append(opts[:len(opts):len(opts)], inGroup(i))...)
		if err != nil {
			_ = g.Shutdown(context.Background()) // nothing is open on these loops
			return nil, err
		}
		g.loops = append(g.loops, r)
		if i == 0 {
			g.k, g.log = r.k, r.log
		}
		r.group, r.loop = g, i
	}
	return g, nil
}

// inGroup is the last option of each loop. It adds the loop's number to log lines.
func inGroup(i int) Option {
	return func(o *options) error {
		o.log = o.log.With(zaplog.Int("loop", i))
		return nil
	}
}

// Loops returns the Group's Reactors in order. Do not call their Run or Turn, because Run of the
// Group runs them. For their other methods, the rules of any Reactor hold.
func (g *Group) Loops() []*Reactor { return append([]*Reactor(nil), g.loops...) }

// Run runs every loop on a goroutine of its own. It returns when all loops have ended, which
// happens after Shutdown or Close. If ctx ends, Run aborts everything and returns. If a loop fails,
// Run logs that at once, and the other loops continue.
//
// The result is nil, an *UndeliveredError with the sums of all loops, the cause of ctx, or the
// errors of the loops that have failed. Run may be called once.
func (g *Group) Run(ctx context.Context) error {
	mustHave(ctx, "Run")
	g.mu.Lock()
	if g.running {
		g.mu.Unlock()
		panic("reactor: Run of a group that another goroutine runs, or that has ended")
	}
	g.running, g.owned = true, true
	g.mu.Unlock()
	if k, simulated := g.k.(parter); simulated && !k.InProgram() {
		panic("reactor: Run of a group on a simulated host outside of a program; call it in the function of Host.Boot")
	}
	err := g.each(func(r *Reactor) error { return r.Run(ctx) })
	g.refuse(false)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return cause
	}
	return err
}

// Shutdown calls Reactor.Shutdown for all loops at the same time. It returns the sum of the output
// that could not be delivered. It must not be called on a loop, because it waits. Call Close there.
func (g *Group) Shutdown(ctx context.Context) error {
	mustHave(ctx, "Shutdown")
	g.refuse(true)
	return g.each(func(r *Reactor) error { return r.Shutdown(ctx) })
}

// Close starts the same drain as Shutdown, and does not wait. A second call does nothing.
func (g *Group) Close() {
	g.refuse(false)
	for _, r := range g.loops {
		r.Close()
	}
}

// refuse makes the Group accept no more addresses. `own` means that the loops run from now on.
func (g *Group) refuse(own bool) {
	g.mu.Lock()
	g.closed = true
	g.owned = g.owned || own
	g.mu.Unlock()
}

// each calls f for every loop at the same time, and joins the errors.
func (g *Group) each(f func(*Reactor) error) error {
	errs := make([]error, len(g.loops))
	var calls []func()
	for i, r := range g.loops {
		calls = append(calls, func() {
			returned := false
			defer func() {
				if !returned { // after runtime.Goexit in a callback, run has stored the error
					errs[i] = r.result
				}
			}()
			errs[i] = f(r)
			returned = true
		})
	}
	g.together(calls)
	var lost UndeliveredError
	var failed []error
	for i, err := range errs {
		u := (*UndeliveredError)(nil)
		switch {
		case errors.As(err, &u):
			lost.Conns += u.Conns
			lost.Bytes += u.Bytes
		case err != nil:
			failed = append(failed, fmt.Errorf("loop %d: %w", i, err))
		}
	}
	if lost.Conns > 0 {
		failed = append(failed, &lost)
	}
	if len(failed) == 1 && lost.Conns > 0 {
		return &lost
	}
	return errors.Join(failed...)
}

// A parter is a simulated Kernel, on which the parts of a program run in turn.
type parter interface {
	// InProgram returns whether the caller is a program of the Kernel. Only programs can have
	// parts.
	InProgram() bool
	// Together calls the functions. It returns when all have ended.
	Together(parts ...func())
}

// together calls the functions at the same time. It returns when all have ended.
func (g *Group) together(calls []func()) {
	if k, simulated := g.k.(parter); simulated {
		if k.InProgram() {
			k.Together(calls...)
			return
		}
		for _, f := range calls { // a Shutdown of loops that do not run
			f()
		}
		return
	}
	var all sync.WaitGroup
	for _, f := range calls {
		all.Go(f)
	}
	all.Wait()
}

// Post makes one of the loops call f in its next turn. Each Post goes to another loop, in turn. A
// loop that is full or has ended is skipped. The errors are those of Reactor.Post.
func (g *Group) Post(f func(*Reactor)) error {
	if f == nil {
		panic("reactor: Post of a nil function")
	}
	var err error
	for range g.loops {
		r := g.loops[int(g.next.Add(1)-1)%len(g.loops)]
		if err = r.Post(func() { f(r) }); err == nil {
			return nil
		}
	}
	return err
}

// PostAll makes each loop call f in its next turn. If a loop is full or has ended, no loop calls f,
// and PostAll returns ErrFull or ErrClosed.
func (g *Group) PostAll(f func(*Reactor)) error {
	if f == nil {
		panic("reactor: PostAll of a nil function")
	}
	// Only PostAll holds several of these locks, and always takes them in this order.
	for _, r := range g.loops {
		r.mu.Lock()
	}
	var err error
	for _, r := range g.loops {
		switch {
		case r.postsClosed:
			err = ErrClosed
		case r.posted.len() >= r.opt.postLimit && err == nil:
			err = ErrFull
		}
	}
	for _, r := range g.loops {
		if err == nil {
			r.add(post{f: func() { f(r) }, at: r.stamp()}, nil)
		}
		r.mu.Unlock()
	}
	if err == nil {
		for _, r := range g.loops {
			r.wake()
		}
	}
	return err
}

// Go starts a Task on the next loop in turn, which Task.Reactor returns. The errors are those of
// Post. If Go returns nil, the Task runs, unless its loop has begun to drain.
func (g *Group) Go(f func(t *Task)) error {
	if f == nil {
		panic("reactor: Go with a nil function")
	}
	return g.Post(func(r *Reactor) { r.Go(f) })
}

// Stats returns the sums over all loops. For one loop, call Stats of its Reactor: see Loops.
func (g *Group) Stats() (sum Stats) {
	for _, r := range g.loops {
		sum.add(r.Stats())
	}
	return sum
}
