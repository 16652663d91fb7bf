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

// A kqueue is a Poller that uses kevent(2). A kqueue of the kernel differs from an epoll as
// follows:
//
//   - A descriptor has a filter for each direction. If one kevent call returns the events of both,
//     Wait merges them into one Event. If two calls return them, they are two Events.
//   - The kernel accepts a second Add of a descriptor. So the table watched detects the second Add,
//     which returns EEXIST.
//   - The kernel can watch regular files, directories and disks. Add refuses them, as epoll does.
//   - On some systems, Add with Out fails for another kqueue and for a pipe without readers.
//   - The kernel unregisters a closed descriptor by itself, even if a duplicate of it is open.
type kqueue struct {
	q       kevent.Queue
	errs    kevent.Errors
	woken   atomic.Bool // the kqueue has a wake-up that no Wait has received
	waiting atomic.Bool // guards against two goroutines in Wait

	mu      sync.Mutex       // guards the fields that Add, Mod and Del use
	watched []watched        // indexed by descriptor
	changes [4]kevent.Change // room for the changes of one call

	// at has, for each descriptor, an index in the slice events of Wait. Entries of earlier Waits stay
	// in at. So an index is valid only if the Event at that index is of the same descriptor. Only Wait
	// uses at.
	at []int32
}

// watched is one registration. If want is 0, the descriptor is not registered. filters is the part
// of want that the kernel still watches: the kernel may drop a filter by itself.
type watched struct {
	gen           uint32
	want, filters Interest
}

// sleepMax limits one call of kevent(2), because some kernels refuse or shorten longer sleeps. Wait
// repeats the call until its deadline.
const sleepMax = 24 * time.Hour

// Package sim gives its simulated kqueues to this code, which the BSDs and macOS use too.
func init() { kevent.Pollers = pollers{} }

type pollers struct{}

func (pollers) New(q kevent.Queue) any { return newKqueue(q) }

func newKqueue(q kevent.Queue) *kqueue { return &kqueue{q: q, errs: q.Errors()} }

func (p *kqueue) FD() int { return p.q.FD() }

func (p *kqueue) Add(fd int, gen uint32, want Interest) error {
	if fd < 0 || fd != int(int32(fd)) {
		// The kernel would truncate fd to the number of another descriptor.
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
	// The kernel accepts Enable only for a filter that it has. So Enable shows whether the old
	// registration still exists. On FreeBSD, Enable also makes the kernel report an edge again.
	if w := p.watched[fd]; w.filters != 0 && p.change(fd, w, kevent.Enable, watched{}) == nil {
		return os.NewSyscallError("kevent", p.errs.Exist)
	}
	err := p.put(fd, watched{}, watched{gen: gen, want: want})
	if errors.Is(err, p.errs.NoDev) { // FreeBSD returns ENODEV for a device that cannot be polled
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
	// Mod deletes the filters and adds them again, because the kernel reports existing readiness of an
	// added filter.
	old := p.watched[fd]
	err := p.put(fd, old, watched{gen: gen, want: want})
	if err == nil {
		return nil
	}
	// As on Linux, the old registration remains after an error. It lacks a filter if the kernel
	// refuses to add that filter again.
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

// put replaces the old registration by the new one. If put fails, fd is not registered.
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
		_ = p.apply(1) // ENOENT if the failed call has already deleted the filter, or has not added it
	}
	return err
}

// change makes one call. It applies the flags to the filters of the old registration, and adds the
// filters of the new one. The kernel stops at the first change that fails.
func (p *kqueue) change(fd int, old watched, flags int, new watched) error {
	n := p.list(0, fd, old, flags)
	n = p.list(n, fd, new, kqueueFlags(new.want))
	return p.apply(n)
}

// list stores a change for each filter of the registration behind the first n changes.
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
		// A signal, a shortened sleep or an early timer has ended the sleep: wait again until the
		// deadline.
	}
}

// take converts the events of the kernel, without the wake-up of the Poller itself. It merges the
// events of one registration.
func (p *kqueue) take(events []Event, got int) int {
	n := int32(0)
	for i := range got {
		k := p.q.Event(i)
		if k.Wake {
			p.q.Woken()
			p.woken.Store(false) // cleared before Wait returns: a Wake after the return triggers again
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

// dropped records that the kernel has deleted a filter when it reported the filter's event. FreeBSD
// deletes the write filter of a pipe that has no reader left. A later change or deletion of that
// filter would fail.
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
