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

// A Poll waits for any of the objects registered with it. Any goroutine may use a Poll of New. A
// change affects a poll in progress at once or, at the latest, when that poll wakes. A Poll of
// NewOn belongs to its reactor's loop, like the sockets of that loop. Other goroutines may call
// only the functions that were passed to Notify (see Notifier).
//
// At most 500 Polls can wait for one descriptor at the same time. A Poll with more than 16
// descriptors counts from its first wait until it is closed. The wait of one more Poll fails with
// EINVAL.
//
// A poll of more descriptors than the process may open (RLIMIT_NOFILE) fails with EINVAL, as
// poll(2) does.
//
// The garbage collector closes a Poll that is unreachable. A Poll can be registered with another
// Poll. The outer Poll reports POLLIN for the inner one while one of the inner Poll's descriptors
// is ready. Ready Objects and POLLNVAL entries of the inner Poll do not count, because only a poll
// of the inner Poll finds them.
type Poll struct {
	// The set is separate from the Poll, so that references from objects, hooks and the loop do not
	// keep the Poll reachable.
	s       *set
	cleanup runtime.Cleanup
}

// New makes a Poll whose polls park the goroutine. It opens its descriptors when it is first used.
// If the system has no descriptors left, the Poll works without them: each poll asks each
// descriptor, and repeats that every millisecond while it waits.
func New() *Poll { return newPoll(kernel.Host, desc.Parked) }

// NewOn makes a Poll for the Tasks of a reactor: its polls suspend the running Task. In a callback,
// where no Task runs, a poll that would have to wait fails with EDEADLK.
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

// Register adds an object, or replaces its mask. MicroPython's default is POLLIN|POLLOUT. A closed
// socket can be registered, and Poll reports it as POLLNVAL.
func (p *Poll) Register(obj Pollable, mask Events) error {
	err := p.s.register(obj, mask)
	runtime.KeepAlive(p)
	return err
}

// Modify replaces the mask of a registered object. It returns ENOENT for any other object.
func (p *Poll) Modify(obj Pollable, mask Events) error {
	err := p.s.modify(obj, mask)
	runtime.KeepAlive(p)
	return err
}

// Unregister removes an object. It does nothing if the object is not registered.
func (p *Poll) Unregister(obj Pollable) error {
	err := p.s.unregister(obj)
	runtime.KeepAlive(p)
	return err
}

// Poll waits until an object is ready, for at most ms milliseconds. 0 does not wait; a negative
// number means no limit. It returns all ready objects, in no particular order, or none if the time
// has passed. If an Object returns an error, Poll returns it unchanged. It returns EBADF once the
// Poll is closed, also while it waits.
func (p *Poll) Poll(ms int) ([]Event, error) {
	events, err := p.s.poll("poll", millis(ms))
	runtime.KeepAlive(p)
	return events, err
}

// IPoll is Poll that allocates nothing. It waits before it returns. The iterator then yields the
// results of that moment, except for objects that have been unregistered since. A Poll has one
// iteration: a second range statement continues it, and the next IPoll replaces it. After an error
// of IPoll the iteration is empty.
//
// With flags 1 the mask of an object becomes 0 when it is yielded. POLLERR, POLLHUP and POLLNVAL
// are still reported. Modify or Register sets a new mask.
//
// A range over the iterator allocates its loop body on the heap, because Go cannot inline a
// function that was returned with an error. A loop over Next does not allocate.
func (p *Poll) IPoll(ms, flags int) (iter.Seq2[Pollable, Events], error) {
	err := p.s.ipoll(millis(ms), flags&1 != 0)
	runtime.KeepAlive(p)
	return p.s.seq, err
}

// Next returns the next result of IPoll. ok is false at the end.
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

// desc returns the Poll's own descriptor, for another Poll, or nil while the system has none left.
func (p *Poll) desc() *desc.Desc {
	d := p.s.own()
	runtime.KeepAlive(p)
	return d
}

// millis converts milliseconds to a Timeout. A negative number is None.
func millis(ms int) timeout.Timeout {
	if ms < 0 || int64(ms) > math.MaxInt64/int64(time.Millisecond) {
		return timeout.None
	}
	return timeout.Timeout(ms) * timeout.Timeout(time.Millisecond)
}
