package sel

import (
	"iter"
	"math"
	"runtime"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// A Poll waits for the objects that are registered with it. Any goroutine may use a Poll of New. A
// change affects a poll in progress, at the latest when that poll wakes. A Poll of NewOn belongs to
// the loop of its reactor, like the sockets of that loop. Other goroutines may call only the
// functions that were passed to Notify (see Notifier).
//
// At most 500 Polls can wait for one descriptor at the same time. In this limit, a Poll with more
// than 16 descriptors counts from its first wait until it is closed. Above the limit, a wait fails
// with EINVAL.
//
// If a Poll has more descriptors than the process may open (RLIMIT_NOFILE), a poll fails with
// EINVAL, like poll(2).
//
// If a Poll is unreachable, the garbage collector closes it.
//
// A Poll can be registered with another Poll. The outer Poll reports POLLIN for the inner one while
// one of the inner Poll's descriptors is ready. Objects of the inner Poll, and its entries with
// POLLNVAL, do not count, because only a poll of the inner Poll finds them.
type Poll struct {
	// The set is a separate object. Objects, hooks and the loop refer to the set, and so do not
	// keep the Poll reachable.
	s       *set
	cleanup runtime.Cleanup
}

// New makes a Poll whose polls park the goroutine. It opens its descriptors at the first use. If no
// descriptor is free, the Poll works without them: each poll asks each descriptor, and while it
// waits, it asks again every millisecond.
func New() *Poll { return newPoll(kernel.Host, desc.Parked) }

// NewOn makes a Poll for the Tasks of a reactor. A poll suspends the Task that calls. In a callback
// there is no Task, so a poll that would have to wait fails with EDEADLK.
func NewOn(r *reactor.Reactor) *Poll { return newPoll(r.Kernel(), inside.Waiter(r)) }

func init() {
	inside.Poll = func(k kernel.Kernel, w desc.Waiter) any { return newPoll(k, w) }
}

func newPoll(k kernel.Kernel, w desc.Waiter) *Poll {
	p := &Poll{s: newSet(k, w)}
	if !k.Traits().KeepsUnreachable {
		p.cleanup = runtime.AddCleanup(p, (*set).closeUnreachable, p.s)
	}
	return p
}

// Register adds an object. If the object is registered already, Register replaces its mask. The
// default of MicroPython is POLLIN|POLLOUT. A closed socket can be registered, and Poll reports it
// as POLLNVAL.
func (p *Poll) Register(obj Pollable, mask Events) error {
	err := p.s.register(obj, mask)
	runtime.KeepAlive(p)
	return err
}

// Modify replaces the mask of a registered object. For another object it returns ENOENT.
func (p *Poll) Modify(obj Pollable, mask Events) error {
	err := p.s.modify(obj, mask)
	runtime.KeepAlive(p)
	return err
}

// Unregister removes an object. If the object is not registered, Unregister does nothing.
func (p *Poll) Unregister(obj Pollable) error {
	err := p.s.unregister(obj)
	runtime.KeepAlive(p)
	return err
}

// Poll waits until an object is ready, for at most ms milliseconds. With 0 it does not wait, and
// with a negative number it waits without limit. It returns all ready objects, in no particular
// order. If the time has passed, it returns none. If an Object returns an error, Poll returns that
// error unchanged. If the Poll is closed, even while it waits, it returns EBADF.
func (p *Poll) Poll(ms int) ([]Event, error) {
	events, err := p.s.poll("poll", millis(ms))
	runtime.KeepAlive(p)
	return events, err
}

// IPoll is Poll without allocations. It returns after the wait. Then the iterator yields the
// results that were found, except for objects that were unregistered meanwhile. A Poll has one
// iteration: a second range statement continues it, and the next IPoll replaces it. After an error
// of IPoll the iteration is empty.
//
// With flags 1 the mask of an object becomes 0 when the object is yielded. POLLERR, POLLHUP and
// POLLNVAL are still reported. Modify or Register sets a new mask.
//
// A range over the iterator allocates its loop body, because Go cannot inline a function that was
// returned together with an error. A loop over Next does not allocate.
func (p *Poll) IPoll(ms, flags int) (iter.Seq2[Pollable, Events], error) {
	err := p.s.ipoll(millis(ms), flags&1 != 0)
	runtime.KeepAlive(p)
	return p.s.seq, err
}

// Next returns the next result of the last IPoll. At the end ok is false.
func (p *Poll) Next() (obj Pollable, ev Events, ok bool) {
	next, ok := p.s.step()
	runtime.KeepAlive(p)
	return next.Obj, next.Events, ok
}

// Close closes the Poll's descriptors. Polls in progress and all later calls return EBADF. A second
// call does nothing.
func (p *Poll) Close() error {
	p.cleanup.Stop()
	err := fail("close", p.s.close())
	runtime.KeepAlive(p)
	return err
}

// desc returns the Poll's own Desc, for another Poll. If no descriptor was free, it returns nil.
func (p *Poll) desc() *desc.Desc {
	d := p.s.own()
	runtime.KeepAlive(p)
	return d
}

// millis converts milliseconds to a Timeout. A negative number becomes None.
func millis(ms int) timeout.Timeout {
	if ms < 0 || int64(ms) > math.MaxInt64/int64(time.Millisecond) {
		return timeout.None
	}
	return timeout.Timeout(ms) * timeout.Timeout(time.Millisecond)
}
