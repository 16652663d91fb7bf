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

// MaxLoops is the most loops that a Group has.
const MaxLoops = 1024

// A Group is several Reactors, which are called its loops. Each loop has a goroutine of its own.
// The loops share addresses to listen on. A Conn, a Timer or a Task stays on one loop, and belongs
// to the goroutine of that loop, as with a single Reactor. Data that handlers of different loops
// share needs a lock or a Post.
//
// The methods of a Group may be called by any goroutine, callbacks included, except Run and
// Shutdown, which wait.
type Group struct {
	k     Kernel
	log   *zaplog.Logger
	loops []*Reactor
	next  atomic.Uint32 // the loop for the next Post or Go

	mu       sync.Mutex // guards the fields below, and the loops before they run
	running  bool       // Run was called
	owned    bool       // Run or Shutdown was called: the loops have goroutines of their own
	closed   bool       // refuses further addresses
	acceptor int        // the loop that accepts for all at the next address that needs it
}

// NewGroup makes n loops, 1 … MaxLoops, or with 0 one for each processor that Go uses. The options
// apply to each loop, so functions among them are called on all loops. Log lines have the number of
// their loop.
//
// A loop that fails does not end the others. If the failed loop was the only one with a socket at
// an address, another loop takes over that socket. Only a panic without WithPanicHandler ends the
// process.
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
			_ = g.Shutdown(context.Background()) // nothing is open there
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

// inGroup is the last option of each loop.
func inGroup(i int) Option {
	return func(o *options) error {
		o.log = o.log.With(zaplog.Int("loop", i))
		return nil
	}
}

// Loops returns the Group's Reactors, in order. The Group's Run runs them, so do not call their Run
// or Turn. The rules for their other methods are those of any Reactor.
func (g *Group) Loops() []*Reactor { return append([]*Reactor(nil), g.loops...) }

// Run runs every loop on a goroutine of its own and returns when all have ended: after Shutdown or
// Close, or when ctx ends, which aborts everything. If a loop fails, Run logs that at once and the
// others continue. The error is nil, an *UndeliveredError with the sums, ctx's cause, or the errors
// of the loops that failed. A Group runs once.
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

// Shutdown is Reactor.Shutdown of all loops at the same time. It drains them, and returns the sum
// of the output that could not be delivered. It must not be called on a loop: call Close there.
func (g *Group) Shutdown(ctx context.Context) error {
	mustHave(ctx, "Shutdown")
	g.refuse(true)
	return g.each(func(r *Reactor) error { return r.Shutdown(ctx) })
}

// Close starts the drain that Shutdown waits for. A second call does nothing.
func (g *Group) Close() {
	g.refuse(false)
	for _, r := range g.loops {
		r.Close()
	}
}

// refuse makes the Group refuse further addresses. own is true if the loops are run from now on.
func (g *Group) refuse(own bool) {
	g.mu.Lock()
	g.closed = true
	g.owned = g.owned || own
	g.mu.Unlock()
}

// each calls f for every loop, on a goroutine each, and joins the errors.
func (g *Group) each(f func(*Reactor) error) error {
	errs := make([]error, len(g.loops))
	var calls []func()
	for i, r := range g.loops {
		calls = append(calls, func() {
			returned := false
			defer func() {
				if !returned { // runtime.Goexit in a callback: run has ended the loop and recorded the error
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

// A parter is a simulated Kernel, on which a program's parts take turns.
type parter interface {
	// InProgram returns whether a program of the Kernel calls it. Only programs have parts.
	InProgram() bool
	// Together calls the functions and returns when all have ended.
	Together(parts ...func())
}

// together calls the functions at the same time, and returns when all have ended.
func (g *Group) together(calls []func()) {
	if k, simulated := g.k.(parter); simulated {
		if k.InProgram() {
			k.Together(calls...)
			return
		}
		for _, f := range calls { // Shutdown of loops that do not run
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

// Post makes one of the loops call f in its next turn. The loops take turns. A loop that is full or
// has ended is skipped. The errors are those of Reactor.Post.
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
// and the error is ErrFull or ErrClosed.
func (g *Group) PostAll(f func(*Reactor)) error {
	if f == nil {
		panic("reactor: PostAll of a nil function")
	}
	for _, r := range g.loops { // only PostAll holds two of these locks, and always in this order
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

// Go starts a Task on the next loop in turn; Task.Reactor returns that loop. The errors are those
// of Post: nil means that the Task runs, or that its loop had begun to drain.
func (g *Group) Go(f func(t *Task)) error {
	if f == nil {
		panic("reactor: Go with a nil function")
	}
	return g.Post(func(r *Reactor) { r.Go(f) })
}

// Stats returns the sums over the loops. For a single loop call Stats of its Reactor: see Loops.
func (g *Group) Stats() (sum Stats) {
	for _, r := range g.loops {
		sum.add(r.Stats())
	}
	return sum
}
