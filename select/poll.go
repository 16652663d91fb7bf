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

// A Poll waits for any of the objects registered with it. One of New may be used by any goroutines
// at once: a change takes effect for a poll in progress at once or, at the latest, when that wakes.
// One of NewOn belongs to its reactor's loop, and so do the sockets of that loop; only what Notify
// was given may be called from elsewhere.
//
// Polls can be in wait for one descriptor in 500 of them at once, where one with more than 16
// descriptors counts from its first wait to its Close; beyond that epoll refuses with EINVAL.
//
// More descriptors than the process may have (RLIMIT_NOFILE) are EINVAL, as with poll(2).
//
// A Poll that is unreachable is closed. It can be registered with another Poll, where it is POLLIN
// while a descriptor in it is ready (Objects and what is POLLNVAL do not count: they are known when
// they are asked).
type Poll struct {
	s       *set // apart, so that objects, hooks and the loop do not keep an unreachable Poll
	cleanup runtime.Cleanup
}

// New makes a Poll whose polls park the goroutine. It takes descriptors when it is first used.
// While the system has none left it works without: each poll asks each descriptor, and asks again
// every millisecond while it waits.
func New() *Poll { return newPoll(kernel.Host, desc.Parked) }

// NewOn makes a Poll for the Tasks of a reactor: its polls suspend the running Task. Where no Task
// runs, in a callback, polls that would have to wait are EDEADLK.
func NewOn(r *reactor.Reactor) *Poll { return newPoll(r.Kernel(), inside.Waiter(r)) }

func newPoll(k kernel.Kernel, w desc.Waiter) *Poll {
	p := &Poll{s: newSet(k, w)}
	p.cleanup = runtime.AddCleanup(p, (*set).closeUnreachable, p.s)
	return p
}

// Register adds an object, or replaces its mask. MicroPython's default is POLLIN|POLLOUT. A closed
// socket can be registered, and is POLLNVAL.
func (p *Poll) Register(obj Pollable, mask Events) error {
	err := p.s.register(obj, mask)
	runtime.KeepAlive(p)
	return err
}

// Modify replaces the mask of a registered object. ENOENT for any other.
func (p *Poll) Modify(obj Pollable, mask Events) error {
	err := p.s.modify(obj, mask)
	runtime.KeepAlive(p)
	return err
}

// Unregister takes an object out. One that is not in is no error.
func (p *Poll) Unregister(obj Pollable) error {
	err := p.s.unregister(obj)
	runtime.KeepAlive(p)
	return err
}

// Poll waits until an object is ready, for ms milliseconds at most: 0 only looks, a negative number
// is for ever. All that are ready are in the result, in no particular order, and nothing if the
// time is over. An Object's error comes back as it is. EBADF when the Poll is closed, also
// meanwhile.
func (p *Poll) Poll(ms int) ([]Event, error) {
	events, err := p.s.poll("poll", millis(ms))
	runtime.KeepAlive(p)
	return events, err
}

// IPoll is Poll that allocates nothing: the wait happens in the call, and the iterator walks the
// results of that moment, without what has been unregistered since. There is one walk: breaking off
// and going on continues it, and the next IPoll starts another in its place. After an error it is
// empty.
//
// With flags 1 the mask of an object becomes 0 when it is yielded (POLLERR, POLLHUP and POLLNVAL
// still come); Modify or Register rearm it.
//
// A range over the iterator puts its loop's body on the heap, since Go does not see through a
// function that comes with an error. A loop over Next does not.
func (p *Poll) IPoll(ms, flags int) (iter.Seq2[Pollable, Events], error) {
	err := p.s.ipoll(millis(ms), flags&1 != 0)
	runtime.KeepAlive(p)
	return p.s.seq, err
}

// Next is the next step of IPoll's walk; false at its end.
func (p *Poll) Next() (obj Pollable, ev Events, ok bool) {
	next, ok := p.s.step()
	runtime.KeepAlive(p)
	return next.Obj, next.Events, ok
}

// Close gives back the descriptors; polls in progress and all calls afterwards are EBADF. Again is
// nothing.
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

// millis is the Timeout of a number of milliseconds; negative is for ever.
func millis(ms int) timeout.Timeout {
	if ms < 0 || int64(ms) > math.MaxInt64/int64(time.Millisecond) {
		return timeout.None
	}
	return timeout.Timeout(ms) * timeout.Timeout(time.Millisecond)
}
