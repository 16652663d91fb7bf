package poller

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/timeout"
)

// A kqueue is a Poller that uses kevent(2). It differs from an epoll:
//
//   - One descriptor has up to two filters. Wait merges their events if it returns both. If it
//     returns the second one in the next call, that becomes an Event of its own.
//   - The kernel accepts a second Add of a descriptor. So the table watched finds it, and Add
//     returns EEXIST.
//   - The kernel could watch regular files, directories and disks. Add refuses them as epoll does.
//   - On some systems Add of Out fails for a pipe without readers and for another kqueue.
//   - The kernel unregisters a closed descriptor by itself.
type kqueue struct {
	q       kevent.Queue
	errs    kevent.Errors
	woken   atomic.Bool // the kqueue has a wake-up that no Wait has received
	waiting atomic.Bool // guards against two goroutines in Wait

	mu      sync.Mutex       // guards the fields that Add, Mod and Del use
	watched []watched        // indexed by descriptor
	changes [4]kevent.Change // room for the changes of one call

	// at has, for each descriptor, the index of its last event in events. Old indices stay in at,
	// so an index is valid only if the event there is of this descriptor. Only Wait uses it.
	at []int32
}

// watched is one registration. want is 0 if the descriptor is not registered. filters is the part
// of want that the kernel has; it may have dropped a filter by itself.
type watched struct {
	gen           uint32
	want, filters Interest
}

// sleepMax is the longest sleep. Some kernels refuse or shorten a longer one. For a longer sleep
// Wait repeats the call.
const sleepMax = 24 * time.Hour

// The kqueues of package sim run the code that the BSDs and macOS run.
func init() { kevent.Pollers = pollers{} }

type pollers struct{}

func (pollers) New(q kevent.Queue) any { return newKqueue(q) }

func newKqueue(q kevent.Queue) *kqueue { return &kqueue{q: q, errs: q.Errors()} }

func (p *kqueue) FD() int { return p.q.FD() }

func (p *kqueue) Add(fd int, gen uint32, want Interest) error {
	if fd < 0 || fd != int(int32(fd)) {
		// The kernel would truncate it to the number of another descriptor.
		return os.NewSyscallError("kevent", p.errs.BadFD)
	}
	if err := p.q.Pollable(fd); err != nil {
		return os.NewSyscallError("kevent", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd >= len(p.watched) {
		p.watched = append(p.watched, watched{})
	}
	// To enable an enabled filter shows whether the kernel still has it. (FreeBSD also reports an
	// edge again.)
	if w := p.watched[fd]; w.filters != 0 && p.change(fd, w, kevent.Enable, watched{}) == nil {
		return os.NewSyscallError("kevent", p.errs.Exist)
	}
	err := p.put(fd, watched{}, watched{gen: gen, want: want})
	if errors.Is(err, p.errs.NoDev) { // a device that cannot be polled, on FreeBSD
		return os.NewSyscallError("kevent", p.errs.Perm)
	}
	return err
}

func (p *kqueue) Mod(fd int, gen uint32, want Interest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.watched) || p.watched[fd].want == 0 {
		return os.NewSyscallError("kevent", p.errs.NoEnt)
	}
	// The filters are deleted and added, because the kernel then reports readiness that exists
	// already.
	old := p.watched[fd]
	err := p.put(fd, old, watched{gen: gen, want: want})
	if err == nil {
		return nil
	}
	// As on Linux, the old registration remains, with those of its filters that the kernel accepts
	// again.
	_ = p.put(fd, watched{}, watched{gen: old.gen, want: old.filters | old.want&Edge})
	p.watched[fd].gen, p.watched[fd].want = old.gen, old.want
	return err
}

func (p *kqueue) Del(fd int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd < 0 || fd >= len(p.watched) || p.watched[fd].want == 0 {
		return os.NewSyscallError("kevent", p.errs.NoEnt)
	}
	return p.put(fd, p.watched[fd], watched{})
}

// put replaces one registration by another. If it fails, there is no registration.
func (p *kqueue) put(fd int, old, new watched) error {
	new.filters = new.want & (In | Out)
	p.watched[fd] = new
	err := p.change(fd, old, kevent.Delete, new)
	if err == nil {
		return nil
	}
	p.watched[fd] = watched{}
	for _, write := range []bool{false, true} {
		p.changes[0] = kevent.Change{FD: fd, Write: write, Flags: kevent.Delete}
		_ = p.apply(1) // ENOENT if the failed call has deleted the filter or not added it
	}
	return err
}

// change applies flags to the filters of the old registration and adds those of the new one, in one
// call. The kernel stops at the first change that fails.
func (p *kqueue) change(fd int, old watched, flags int, new watched) error {
	n := p.list(0, fd, old, flags)
	n = p.list(n, fd, new, kqueueFlags(new.want))
	return p.apply(n)
}

// list appends the filters of a registration to the first n changes.
func (p *kqueue) list(n, fd int, w watched, flags int) int {
	for _, filter := range [...]Interest{In, Out} {
		if w.filters&filter != 0 {
			p.changes[n] = kevent.Change{FD: fd, Write: filter == Out, Flags: flags, Gen: w.gen}
			n++
		}
	}
	return n
}

func (p *kqueue) apply(n int) error {
	if n == 0 {
		return nil
	}
	return os.NewSyscallError("kevent", p.q.Change(p.changes[:n]))
}

func (p *kqueue) Wait(events []Event, until timeout.Deadline) (int, error) {
	if !p.waiting.CompareAndSwap(false, true) {
		panic("poller: two goroutines in Wait; one of them must own the Poller")
	}
	defer p.waiting.Store(false)
	mustHaveRoom(events)
	for {
		left := time.Duration(-1)
		if until != timeout.Never {
			left = min(until.Left(p.q.Now()), sleepMax)
		}
		n, err := p.q.Wait(len(events), left)
		if err != nil {
			return 0, os.NewSyscallError("kevent", err)
		}
		if n > 0 {
			return p.take(events, n), nil
		}
		if until.Passed(p.q.Now()) {
			return 0, nil
		}
		// A signal, a shortened sleep, or an early timer: wait again until the same deadline.
	}
}

// take converts the kernel's events. It merges the two filters of one registration and drops the
// Poller's own wake-up.
func (p *kqueue) take(events []Event, got int) int {
	n := int32(0)
	for i := range got {
		k := p.q.Event(i)
		if k.Wake {
			p.q.Woken()
			p.woken.Store(false) // before Wait returns, so that a later Wake triggers again
			continue
		}
		if k.Flags&kevent.OneShot != 0 {
			p.dropped(&k)
		}
		ready := kqueueReady(k.Write, k.Flags, k.Fflags)
		for int(k.FD) >= len(p.at) {
			p.at = append(p.at, 0)
		}
		if at := p.at[k.FD]; at < n && events[at].FD == k.FD && events[at].Gen == k.Gen {
			events[at].Ready |= ready
			continue
		}
		p.at[k.FD] = n
		events[n] = Event{k.FD, k.Gen, ready}
		n++
	}
	for i := range events[:n] {
		events[i].Ready = kqueueDone(events[i].Ready)
	}
	return int(n)
}

// dropped records that the kernel has dropped a filter with its event. FreeBSD does so with the
// write filter of a pipe that has no reader left. A change of a dropped filter, or its deletion,
// would fail.
func (p *kqueue) dropped(k *kevent.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(k.FD) >= len(p.watched) || p.watched[k.FD].gen != k.Gen {
		return
	}
	filter := Interest(In)
	if k.Write {
		filter = Out
	}
	p.watched[k.FD].filters &^= filter
}

func (p *kqueue) Wake() error {
	if !p.woken.CompareAndSwap(false, true) {
		return nil
	}
	return p.q.Wake()
}

func (p *kqueue) Close() error { return os.NewSyscallError("close", p.q.Close()) }
